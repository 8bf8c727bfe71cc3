// How far does the prefix travel, and in what strides? The numbers that the model sees, with an MLP or without.
window.Gatelight = window.Gatelight || {};

(() => {
  const per = (frames) =>
    frames.map((frame, i) => frame.stride / Math.max(1, frame.step - (frames[i - 1]?.step ?? frame.step - 1)));
  const most = (lines) => Math.max(1e-9, ...lines.flatMap((line) => line.values));

  const mount = (ctx) => {
    const { say, body } = ctx;
    const key = (name) => Gatelight.el("span", { class: `gl-key gl-key-${name}`, text: say(name) });
    const rival = Gatelight.el("span", { class: "gl-key gl-key-other" });
    body.append(Gatelight.el("div", { class: "gl-keys" }, key("moved"), key("norm"), rival));
    const way = Gatelight.lines(body, say("way"), ctx.goTo);
    body.append(Gatelight.el("p", { class: "gl-map-title", text: say("strides") }));
    const strides = Gatelight.lines(body, say("strides"), ctx.goTo);
    const readout = Gatelight.el("p", { class: "gl-readout", "aria-live": "polite" });
    const table = Gatelight.el("table", { class: "gl-moved" });
    body.append(readout, table);

    return (view) => {
      const { tape, other, step } = view;
      const frame = tape.at("prefix", step);
      if (!frame) return;
      const beside = other?.all("prefix").length ? other : null;
      rival.hidden = !beside;
      rival.textContent = beside ? say("other", { name: other.name }) : "";
      const rest = { key: `${tape.key} ${beside?.key}`, step, last: Math.max(tape.end, beside?.end ?? 0) };
      const thin = { colour: "ink", dotted: true };
      const bold = { colour: "tuned", wide: true };
      const moved = [tape.way("prefix", (one) => one.norm), tape.way("prefix", (one) => one.moved, bold)];
      const taken = [{ ...tape.way("prefix", () => 0, bold), values: per(tape.all("prefix")) }];
      if (beside) {
        moved.push(beside.way("prefix", (one) => one.moved, thin));
        taken.push({ ...beside.way("prefix", () => 0, thin), values: per(beside.all("prefix")) });
      }
      way({ ...rest, lines: moved, high: most(moved) });
      strides({ ...rest, lines: taken, high: most(taken) });
      const at = tape.all("prefix").indexOf(frame);
      const [stride, far, norm] = [taken[0].values[at], frame.moved, frame.norm].map((value) => Gatelight.figure(value));
      readout.textContent = say("at", { step: frame.step, stride, moved: far, norm });
      const longest = Math.max(...frame.keys, ...frame.values) || 1;
      const bar = (value) => ({ share: value / longest, text: Gatelight.figure(value) });
      const rows = frame.keys.map((size, layer) =>
        Gatelight.barRow(ctx.common("layer", { layer }), bar(size), bar(frame.values[layer])),
      );
      const head = Gatelight.barHead([""], [say("keys"), say("keys.title")], [say("values"), say("values.title")]);
      table.replaceChildren(head, ...rows.reverse());
    };
  };

  (Gatelight.panels ??= []).push({ name: "prefix", order: 3, side: "right", needs: "prefix", mount });
})();
