// Which heads listen to the prefix? The share of their attention that goes to it.
window.Gatelight = window.Gatelight || {};

(() => {
  const mount = (ctx) =>
    Gatelight.grid(ctx, {
      kind: "mass",
      top: 1,
      grid: (frame) => frame.mass,
      layers: (frame) => frame.mass.map((_, layer) => layer),
      columns: (frame) => frame.mass[0].map((_, head) => ctx.common("head", { head })),
      shortNames: (frame) => frame.mass[0].map((_, head) => String(head)),
      values: (frame) => ({ even: Gatelight.figure(frame.even, 2) }),
    });

  (Gatelight.panels ??= []).push({ name: "mass", order: 1, side: "left", needs: "mass", mount });
})();
