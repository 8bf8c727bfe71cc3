// Who had a turn, and are they becoming one? How often each expert was drawn, and how alike they are.
window.Gatelight = window.Gatelight || {};

(() => {
  const POOLS = ["down", "up"];
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

  /** The map of one pool of experts: rows are layers (or linears of layers), columns experts. */
  const map = (ctx, pool) => {
    const { say } = ctx;
    const tools = Gatelight.el("div", { class: "gl-tools" });
    const name = Gatelight.el("p", { class: "gl-map-title", text: say(`pool.${pool}`) });
    const host = Gatelight.el("div", {}, Gatelight.el("div", { class: "gl-panel-head" }, name, tools));
    ctx.body.append(host);
    const of = (frame, what) => frame[what][frame.pools.indexOf(pool)];
    const numbers = (frame) => of(frame, "counts")[0].map((_, expert) => expert + 1);
    const several = (frame) => new Set(frame.targets).size > 1;
    const draw = Gatelight.grid(ctx, {
      kind: "experts",
      host,
      tools,
      grid: (frame) => of(frame, "counts"),
      rows: (frame) => frame.layers.map((layer, row) => (several(frame) ? `${layer} ${frame.targets[row]}` : String(layer))),
      columns: (frame) => numbers(frame).map((expert) => say("expert", { expert })),
      shortNames: (frame) => numbers(frame).map(String),
      bars: (frame) => of(frame, "cosine").map((value) => Math.max(0, value)),
      values: (frame, row) => {
        const pick = (values) => (row === null ? mean(values) : values[row]);
        return {
          target: row === null ? "" : frame.targets[row],
          chi: Gatelight.figure(pick(of(frame, "chi_square"))),
          usual: numbers(frame).length - 1,
          cosine: Gatelight.figure(pick(of(frame, "cosine")), 2),
        };
      },
    });
    return { pool, host, draw };
  };

  const mount = (ctx) => {
    const { say, body } = ctx;
    const maps = POOLS.map((pool) => map(ctx, pool));
    body.append(Gatelight.el("p", { class: "gl-map-title", text: say("cosines") }));
    const draw = Gatelight.lines(body, say("cosines"), ctx.goTo);

    return (view) => {
      const { tape, step } = view;
      const frame = tape.at("experts", step);
      if (!frame) return;
      for (const one of maps) {
        one.host.hidden = !frame.pools.includes(one.pool);
        if (!one.host.hidden) one.draw(view);
      }
      const look = { colour: "tuned", faint: true };
      const way = (pool, row) => tape.way("experts", (one) => one.cosine[pool][row], look);
      const lines = frame.cosine.flatMap((rows, pool) => rows.map((_, row) => way(pool, row)));
      draw({ key: tape.key, lines, step, last: tape.end, high: 1, marks: [0, 0.5, 1] });
    };
  };

  (Gatelight.panels ??= []).push({ name: "experts", order: 1, side: "left", needs: "experts", mount });
})();
