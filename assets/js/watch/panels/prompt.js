// What do the virtual tokens say? Their size, their way from the start, and the nearest words of the vocabulary.
window.Gatelight = window.Gatelight || {};

(() => {
  const mount = (ctx) => {
    const { say, body } = ctx;
    const readout = Gatelight.el("p", { class: "gl-readout" });
    const rows = Gatelight.el("tbody");
    const columns = ["token", "norm", "drift", "words"].map((name) => [say(name), say(`${name}.title`)]);
    const head = Gatelight.el("thead", {}, Gatelight.barHead(...columns));
    body.append(readout, Gatelight.el("div", { class: "gl-scroll" }, Gatelight.el("table", { class: "gl-prompt" }, head, rows)));

    const title = Gatelight.el("p", { class: "gl-map-title", text: say("strides") });
    body.append(title);
    const strides = Gatelight.lines(body, say("strides"), ctx.goTo);
    const chart = body.lastChild;

    const near = (words, cosines) =>
      Gatelight.el(
        "td",
        { class: "gl-near" },
        ...words.map((word, i) =>
          Gatelight.el(
            "span",
            { class: "gl-word", dir: "auto" },
            Gatelight.tokenName(word),
            Gatelight.el("small", { text: Gatelight.figure(cosines[i], 2) }),
          ),
        ),
      );

    return (view) => {
      const frame = view.tape.at("prompt", view.step);
      if (!frame) return;
      const end = view.tape.at("prompt", view.tape.last);
      const most = Math.max(...end.norms, ...end.drift, ...frame.norms, frame.usual_norm) * 1.05;
      const [usualNorm, usualCosine] = [Gatelight.figure(frame.usual_norm), Gatelight.figure(frame.usual_cosine, 2)];
      readout.textContent = say("at", { norm: usualNorm, cosine: usualCosine, step: frame.step });
      const drawn = frame.norms.map((norm, i) => {
        const mark = { mark: frame.usual_norm / most, title: say("usual", { value: usualNorm }) };
        const row = Gatelight.barRow(
          String(i + 1),
          { share: norm / most, text: Gatelight.figure(norm, 2), ...mark },
          { share: frame.drift[i] / most, text: Gatelight.figure(frame.drift[i], 2) },
        );
        row.append(near(frame.words[i], frame.cosines[i]));
        return row;
      });
      rows.replaceChildren(...drawn);
      title.hidden = chart.hidden = frame.stride === null || frame.stride === undefined;
      if (title.hidden) return;
      const way = view.tape.way("prompt", (one) => one.stride ?? 0, { colour: "tuned", wide: true });
      const high = Math.max(1e-9, ...way.values);
      strides({ key: view.tape.key, lines: [way], step: view.step, last: view.tape.end, high });
    };
  };

  (Gatelight.panels ??= []).push({ name: "prompt", order: 1, side: "left", needs: "prompt", mount });
})();
