// Where do the experts disagree? How different two random routes predict, token by token.
window.Gatelight = window.Gatelight || {};

(() => {
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

  const mount = (ctx) => {
    const { say, body } = ctx;
    let frame = null;
    const legend = Gatelight.el("span");
    ctx.tools.append(legend);
    const place = Gatelight.el("div");
    const readout = Gatelight.el("p", { class: "gl-readout", "aria-live": "polite" });
    body.append(place, readout, Gatelight.el("p", { class: "gl-map-title", text: say("strip") }));
    const heat = Gatelight.heat(place, {
      label: say("label"),
      hover: (row, token) => ctx.set({ hover: row === null ? null : { token } }),
      pick: (_, token) => ctx.set({ token }),
    });
    const lines = Gatelight.lines(body, say("strip"), ctx.goTo);

    return (view) => {
      const { tape, step } = view;
      frame = tape.at("agreement", step);
      if (!frame) return;
      const palette = Gatelight.palette(body);
      const grid = [frame.from_average, frame.between];
      const all = tape.all("agreement");
      const most = Math.max(1e-3, ...all.flatMap((one) => [...one.between, ...one.from_average]));
      const { token } = Gatelight.cursor(view);
      const known = token !== null && token < frame.tokens.length;
      heat({
        rows: 2,
        columns: frame.tokens.length,
        widest: 64,
        tallest: 26,
        edged: true,
        value: (row, column) => grid[row][column],
        colour: (value) => palette.ramp(value / most),
        rowNames: [say("from_average"), say("between")],
        columnNames: frame.tokens.map(Gatelight.tokenName),
        picked: known ? [null, token] : null,
        hovered: null,
      });
      const top = say("nats", { value: Gatelight.figure(most, 2) });
      legend.replaceChildren(Gatelight.legend([0, 0.5, 1].map(palette.ramp), "0", top));
      const pick = (values) => Gatelight.figure(known ? values[token] : mean(values));
      const values = { step: frame.step, between: pick(frame.between), average: pick(frame.from_average) };
      readout.textContent = known
        ? say("cell", { ...values, token: Gatelight.tokenName(frame.tokens[token]) })
        : say("mean", values);
      const ways = [
        tape.way("agreement", (one) => mean(one.from_average)),
        tape.way("agreement", (one) => mean(one.between), { colour: "tuned", wide: true }),
      ];
      lines({ key: tape.key, lines: ways, step, last: tape.end, high: Math.max(1e-3, ...ways.flatMap((way) => way.values)) });
    };
  };

  (Gatelight.panels ??= []).push({ name: "agreement", order: 2, side: "left", needs: "agreement", mount });
})();
