// A map of layers by columns, with what it says below, and every cell's way over the steps. Panels only describe it.
window.Gatelight = window.Gatelight || {};

(() => {
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

  /** One list of values per cell, and the largest of all. */
  const ways = (frames, grid) => {
    const lines = grid(frames[0]).flatMap((row, r) => row.map((_, c) => frames.map((one) => grid(one)[r][c])));
    return { lines, most: Math.max(1e-9, ...lines.map((values) => Math.max(...values))) };
  };

  /** The cell at a cursor as [row, column], or null. Several rows may belong to one layer: `row` then tells which. */
  const cellAt = (at, layers, columns) => {
    const row = layers[at.row] === at.layer ? at.row : layers.indexOf(at.layer);
    return row < 0 || at.head === null || at.head >= columns ? null : [row, at.head];
  };

  /** A map in a panel.
   *
   * @param ctx the panel's; its words "label", "cell", "mean" and "strip" are said here
   * @param spec {kind: of event; grid(frame): rows of values; rows(frame), columns(frame): names; layers(frame): of each
   *   row; top: where the scale ends, or 0 for the run's largest value; bars(frame): values beside the rows, 0 to 1;
   *   host: where it goes; words: beginning of its words; values(frame, row, column): more for the words}
   * @returns draw(view), which returns the frame that it drew, or null
   */
  Gatelight.grid = (ctx, spec) => {
    const host = spec.host ?? ctx.body;
    const say = (key, values) => ctx.say(`${spec.words ?? ""}${key}`, values);
    let frame = null;
    let known = { key: "" };
    const legend = Gatelight.el("span");
    const place = Gatelight.el("div");
    const readout = Gatelight.el("p", { class: "gl-readout", "aria-live": "polite" });
    (spec.tools ?? ctx.tools).append(legend);
    host.append(place, readout, Gatelight.el("p", { class: "gl-map-title", text: say("strip") }));
    const layers = () => (spec.layers ? spec.layers(frame) : frame.layers);
    const heat = Gatelight.heat(place, {
      label: say("label"),
      hover: (row, head) => ctx.set({ hover: row === null ? null : { layer: layers()[row], head, row } }),
      pick: (row, head) => ctx.set({ layer: layers()[row], head, row }),
    });
    const strip = Gatelight.strip(host, say("strip"), ctx.goTo, 0);

    return (view) => {
      const { tape, step } = view;
      frame = tape.at(spec.kind, step);
      place.hidden = !frame;
      if (!frame) return null;
      if (known.key !== tape.key) known = { key: tape.key, ...ways(tape.all(spec.kind), spec.grid) };
      const most = spec.top || known.most;
      const palette = Gatelight.palette(host);
      const at = Gatelight.cursor(view);
      const grid = spec.grid(frame);
      const columns = spec.columns(frame);
      heat({
        rows: grid.length,
        columns: columns.length,
        edged: true,
        widest: 320,
        value: (row, column) => grid[row][column],
        colour: (value) => palette.ramp(value / most),
        rowNames: spec.rows ? spec.rows(frame) : layers().map((layer) => ctx.common("layer", { layer })),
        columnNames: columns,
        shortNames: spec.shortNames?.(frame),
        bars: spec.bars && { values: spec.bars(frame), most: 1, name: say("bars") },
        picked: cellAt(view, layers(), columns.length),
        hovered: view.hover ? cellAt(at, layers(), columns.length) : null,
      });
      legend.replaceChildren(Gatelight.legend([0, 0.5, 1].map(palette.ramp), "0", Gatelight.figure(most, 2)));
      const cell = cellAt(at, layers(), columns.length);
      const more = (row, column) => spec.values?.(frame, row, column) ?? {};
      readout.textContent = cell
        ? say("cell", {
            layer: layers()[cell[0]],
            column: columns[cell[1]],
            value: Gatelight.figure(grid[cell[0]][cell[1]]),
            ...more(...cell),
          })
        : say("mean", { value: Gatelight.figure(mean(grid.flat())), step: frame.step, ...more(null, null) });
      const picked = cell ? cell[0] * columns.length + cell[1] : null;
      const { steps } = tape.kinds[spec.kind];
      strip({ key: tape.key, steps, lines: known.lines, picked, step, most, last: tape.end });
      return frame;
    };
  };
})();
