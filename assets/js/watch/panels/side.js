// How much does the base still say? The blend of base and side network, and whose next word it is.
window.Gatelight = window.Gatelight || {};

(() => {
  const bold = { colour: "tuned", wide: true };
  const base = { colour: "base", wide: true };

  const mount = (ctx) => {
    const { say, body } = ctx;
    const share = Gatelight.lines(body, say("share"), ctx.goTo);
    body.prepend(Gatelight.el("p", { class: "gl-map-title", text: say("share") }));
    const readout = Gatelight.el("p", { class: "gl-readout", "aria-live": "polite" });
    const keys = ["base", "network"].map((name) => Gatelight.el("span", { class: `gl-key gl-key-${name}`, text: say(name) }));
    body.append(readout, Gatelight.el("p", { class: "gl-map-title", text: say("agree") }), Gatelight.el("div", { class: "gl-keys" }, ...keys));
    const agree = Gatelight.lines(body, say("agree"), ctx.goTo);
    const told = Gatelight.el("p", { class: "gl-readout" });
    body.append(told);

    return (view) => {
      const { tape, step } = view;
      const frame = tape.at("side", step);
      if (!frame) return;
      const rest = { key: tape.key, step, last: tape.end, high: 1, marks: [0, 0.5, 1] };
      share({ ...rest, lines: [tape.way("side", (one) => one.base_share, base)] });
      const percent = (value) => Gatelight.figure(100 * value, 3);
      readout.textContent = say("at", { step: frame.step, share: percent(frame.base_share), grad: Gatelight.figure(frame.grad) });
      agree({ ...rest, lines: [tape.way("blend", (one) => one.base, base), tape.way("blend", (one) => one.side, bold)] });
      const blend = tape.at("blend", step);
      const [ratio, cosine] = blend ? [Gatelight.figure(blend.ratio), Gatelight.figure(blend.cosine, 2)] : [];
      const heads = blend && { base: percent(blend.base), side: percent(blend.side) };
      told.textContent = blend ? say("blend", { step: blend.step, ratio, cosine, ...heads }) : "";
    };
  };

  (Gatelight.panels ??= []).push({ name: "side", order: 1, side: "left", needs: "side", mount });
})();
