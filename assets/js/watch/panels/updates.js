// Where does it change the weights? The size of each update beside the weight that it changes.
window.Gatelight = window.Gatelight || {};

(() => {
  const mount = (ctx) =>
    Gatelight.grid(ctx, { kind: "updates", grid: (frame) => frame.ratio, columns: (frame) => frame.targets });

  (Gatelight.panels ??= []).push({ name: "updates", order: 1, side: "left", needs: "updates", mount });
})();
