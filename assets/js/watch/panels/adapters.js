// How much does each adapter change what passes through? The bottlenecks after attention and MLP.
window.Gatelight = window.Gatelight || {};

(() => {
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

  const mount = (ctx) =>
    Gatelight.grid(ctx, {
      kind: "adapters",
      grid: (frame) => frame.share,
      columns: (frame) => frame.parts.map((part) => ctx.say(`part.${part}`)),
      bars: (frame) => frame.asleep.map(mean),
      values: (frame, row, column) => {
        const share = row === null ? mean(frame.asleep.flat()) : frame.asleep[row][column];
        return { asleep: Gatelight.figure(100 * share, 2) };
      },
    });

  (Gatelight.panels ??= []).push({ name: "adapters", order: 1, side: "left", needs: "adapters", mount });
})();
