// Which layers can it do without? The loss with the method switched off in layers i to j, asked for by a button.
window.Gatelight = window.Gatelight || {};

(() => {
  const KEPT = 20;

  const mount = (ctx) => {
    const { say, body } = ctx;
    const known = new Map();
    let waiting = "";
    let problem = "";
    let at = null;
    const legend = Gatelight.el("span");
    const compute = Gatelight.button(say("compute"), () => ask(), { class: "gl-button gl-small" });
    ctx.tools.append(legend, compute);
    const place = Gatelight.el("div");
    const readout = Gatelight.el("p", { class: "gl-readout", role: "status" });
    body.append(place, readout);
    const point = (row, column) => {
      at = row === null ? null : [row, column];
      ctx.redraw();
    };
    const heat = Gatelight.heat(place, { label: say("label"), hover: point, pick: point });
    const name = (view) => `${view.tape.run} ${view.step >= view.tape.last ? "last" : view.step}`;

    const ask = async () => {
      const { tape, step } = ctx.view;
      const key = name(ctx.view);
      if (waiting) return;
      waiting = key;
      problem = "";
      ctx.redraw();
      const answer = await ctx.server.ablation({ run: tape.run, step, last: step >= tape.last }).catch(() => undefined);
      waiting = "";
      if (known.size > KEPT) known.clear();
      if (answer && !answer.error) known.set(key, answer);
      else problem = answer?.error ?? ctx.common("gone");
      ctx.redraw();
    };

    return (view) => {
      const seen = known.get(name(view));
      compute.disabled = Boolean(waiting);
      place.hidden = legend.hidden = !seen;
      readout.dataset.kind = problem ? "error" : "";
      if (waiting) readout.textContent = say("waiting");
      else if (problem) readout.textContent = problem;
      else if (!seen) readout.textContent = say("invite", { step: view.step });
      if (!seen) return;
      const { spans, whole } = seen;
      const palette = Gatelight.palette(body);
      const worst = Math.max(...spans.flat().filter((loss) => loss !== null));
      const share = (loss) => (loss - whole) / Math.max(1e-6, worst - whole);
      const layers = spans.map((_, layer) => String(layer));
      heat({
        rows: spans.length,
        columns: spans.length,
        widest: 64,
        tallest: 30,
        value: (row, column) => spans[row][column],
        colour: (loss) => (loss === null ? "transparent" : palette.ramp(share(loss))),
        edged: true,
        rowNames: layers.map((layer) => say("from", { layer })),
        columnNames: layers.map((layer) => say("to", { layer })),
        shortNames: layers,
        picked: at,
        hovered: null,
      });
      legend.replaceChildren(
        Gatelight.legend([0, 0.5, 1].map(palette.ramp), Gatelight.figure(whole), Gatelight.figure(worst)),
      );
      const loss = at && spans[at[0]][at[1]];
      const values = { step: seen.step ?? view.tape.last, whole: Gatelight.figure(whole) };
      readout.textContent = loss
        ? say(at[0] === at[1] ? "one" : "cell", { ...values, from: at[0], to: at[1], loss: Gatelight.figure(loss) })
        : say("all", values);
    };
  };

  (Gatelight.panels ??= []).push({ name: "ablation", order: 8, side: "right", needs: null, fits: (tape) => tape.layered, mount });
})();
