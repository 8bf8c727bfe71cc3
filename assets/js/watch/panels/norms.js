// How far did the norms drift? The change of each norm's gain and bias.
window.Gatelight = window.Gatelight || {};

(() => {
  const short = (path) => path.replace(/^(model|transformer|gpt_neox|bert|roberta|distilbert)\./, "");

  const mount = (ctx) => {
    const { say, body } = ctx;
    const readout = Gatelight.el("p", { class: "gl-readout" });
    const table = Gatelight.el("table", { class: "gl-moved gl-norms" });
    const strip = Gatelight.strip(body, say("strip"), ctx.goTo, 0);
    body.prepend(Gatelight.el("p", { class: "gl-map-title", text: say("strip") }));
    body.append(readout, Gatelight.el("div", { class: "gl-scroll" }, table));
    let known = { key: "" };

    return (view) => {
      const { tape, step } = view;
      const frame = tape.at("norms", step);
      if (!frame) return;
      if (known.key !== tape.key) {
        const frames = tape.all("norms");
        const lines = frame.norms.map((_, i) => frames.map((one) => one.gamma[i]));
        const all = frames.flatMap((one) => [...one.gamma, ...one.beta]);
        known = { key: tape.key, lines, biased: frames.some((one) => one.beta.some(Boolean)), most: Math.max(1e-9, ...all) };
      }
      const { key, lines, most, biased } = known;
      strip({ key, steps: tape.kinds.norms.steps, lines, picked: null, step, most, last: tape.end });
      readout.textContent = say("at", { step: frame.step, value: Gatelight.figure(Math.max(...frame.gamma)) });
      const bar = (value) => ({ share: value / most, text: Gatelight.figure(value, 2) });
      const fields = biased ? ["gamma", "beta"] : ["gamma"];
      const rows = frame.norms.map((path, i) => Gatelight.barRow(short(path), ...fields.map((name) => bar(frame[name][i]))));
      const heads = fields.map((name) => [say(name), say(`${name}.title`)]);
      table.replaceChildren(Gatelight.barHead([say("norm")], ...heads), ...rows.reverse());
    };
  };

  (Gatelight.panels ??= []).push({ name: "norms", order: 6, side: "right", needs: "norms", mount });
})();
