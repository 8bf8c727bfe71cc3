// When and where does it start listening? The gates of every layer and head, and their way there.
window.Gatelight = window.Gatelight || {};

(() => {
  const { max, abs } = Math;
  const mean = (values) => values.reduce((sum, value) => sum + abs(value), 0) / values.length;
  const largest = (grid) => max(...grid.map((row) => max(...row.map(abs))));
  const minus = (a, b) => a.map((row, r) => row.map((value, c) => value - b[r][c]));
  const alike = (a, b) => a.gate.length === b.gate.length && a.gate[0].length === b.gate[0].length;

  /** One map with its name above. */
  const map = (ctx, host, current) => {
    const title = Gatelight.el("p", { class: "gl-map-title" });
    const place = Gatelight.el("div", { class: "gl-map" }, title);
    host.append(place);
    const draw = Gatelight.heat(place, {
      label: ctx.say("label"),
      hover: (row, head) => ctx.set({ hover: row === null ? null : { layer: current().layers[row], head } }),
      pick: (row, head) => ctx.set({ layer: current().layers[row], head }),
    });
    return { place, title, draw };
  };

  const lines = (tape) => {
    const frames = tape.all("gates");
    const [first] = frames;
    return first.gate.flatMap((row, r) => row.map((_, c) => frames.map((frame) => frame.gate[r][c])));
  };

  const mount = (ctx) => {
    const { say, body } = ctx;
    let frame = null;
    let zoom = false;
    let grey = { key: "", lines: [] };
    const legend = Gatelight.el("span");
    const toggle = Gatelight.button(say("zoom"), () => {
      zoom = !zoom;
      toggle.setAttribute("aria-pressed", String(zoom));
      ctx.redraw();
    }, { "aria-pressed": "false", title: say("zoom.title"), class: "gl-button gl-small" });
    ctx.tools.append(legend, toggle);
    const row = Gatelight.el("div", { class: "gl-maps" });
    body.append(row);
    const maps = ["this", "other", "difference"].map(() => map(ctx, row, () => frame));
    const readout = Gatelight.el("p", { class: "gl-readout", "aria-live": "polite" });
    body.append(readout, Gatelight.el("p", { class: "gl-map-title", text: say("strip") }));
    const strip = Gatelight.strip(body, say("strip"), ctx.goTo);

    const tell = (at, row, beside) => {
      if (row < 0 || at.head === null) return say("mean", { value: Gatelight.figure(mean(frame.gate.flat())), step: frame.step });
      const head = frame.shared ? 0 : at.head;
      const values = { layer: at.layer, head, value: Gatelight.figure(frame.gate[row][head]) };
      values.grad = Gatelight.figure(frame.grad[row][head]);
      const text = say(frame.shared ? "cell.shared" : "cell", values);
      return beside ? `${text}  ·  ${say("cell.other", { value: Gatelight.figure(beside.gate[row][head]) })}` : text;
    };

    return (view) => {
      const { tape, other, step } = view;
      frame = tape.at("gates", step);
      if (!frame) return;
      const palette = Gatelight.palette(body);
      const at = Gatelight.cursor(view);
      const found = other?.at("gates", step);
      const beside = found && alike(found, frame) ? found : null;
      const most = zoom ? largest(frame.gate) || 1 : 1;
      const cell = (layer, head) => {
        const index = frame.layers.indexOf(layer);
        if (index < 0 || head >= frame.gate[0].length) return null;
        return [index, frame.shared ? (head === null ? null : 0) : head];
      };
      const base = {
        rows: frame.gate.length,
        columns: frame.gate[0].length,
        widest: frame.shared ? Infinity : 160,
        edged: true,
        rowNames: frame.layers.map((layer) => (beside ? String(layer) : ctx.common("layer", { layer }))),
        columnNames: frame.shared ? [say("all_heads")] : frame.gate[0].map((_, head) => ctx.common("head", { head })),
        shortNames: frame.shared ? ["g"] : frame.gate[0].map((_, head) => String(head)),
        picked: cell(view.layer, view.head),
        hovered: view.hover ? cell(at.layer, at.head) : null,
        colour: (value) => palette.gate(value, most),
      };
      const grids = [frame.gate, beside?.gate, beside && minus(frame.gate, beside.gate)];
      const titles = [tape.name, other?.name, say("difference")];
      row.dataset.maps = beside ? 3 : 1;
      maps.forEach(({ place, title, draw }, i) => {
        place.hidden = !grids[i];
        title.hidden = !beside;
        if (!grids[i]) return;
        title.textContent = title.title = titles[i];
        const bars = beside ? null : { values: grids[i].map(mean), most, name: say("bars") };
        draw({ ...base, bars, value: (r, c) => grids[i][r][c] });
      });
      const scale = [-1, -0.5, 0, 0.5, 1].map((value) => palette.gate(value));
      const edge = Gatelight.figure(most, most === 1 ? 1 : 2);
      legend.replaceChildren(Gatelight.legend(scale, `−${edge}`, edge));
      readout.textContent = tell(at, frame.layers.indexOf(at.layer), beside);
      const { key } = tape;
      if (grey.key !== key) {
        grey = { key, lines: lines(tape) };
        grey.most = largest(grey.lines);
      }
      const chosen = cell(at.layer, at.head);
      const picked = chosen && chosen[1] !== null ? chosen[0] * frame.gate[0].length + chosen[1] : null;
      const reach = zoom ? grey.most || 1 : 1;
      const { steps } = tape.kinds.gates;
      strip({ key, steps, lines: grey.lines, picked, step, most: reach, last: tape.end });
    };
  };

  (Gatelight.panels ??= []).push({ name: "gates", order: 1, side: "left", needs: "gates", mount });
})();
