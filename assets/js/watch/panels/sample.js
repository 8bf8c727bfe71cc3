// What does it answer now? The same question, asked again as training goes on.
window.Gatelight = window.Gatelight || {};

(() => {
  const mount = (ctx) => {
    const { say, body } = ctx;
    const row = (key, name) => {
      const text = Gatelight.el("dd", { class: `gl-said gl-said-${key}` });
      const list = Gatelight.el("div", { class: "gl-said-row" }, Gatelight.el("dt", { text: name }), text);
      return { list, text };
    };
    const asked = row("question", say("question"));
    let picture = null;
    const first = row("base", say("now", { step: 0 }));
    const now = row("tuned", "");
    const wanted = row("reference", say("reference"));
    body.append(Gatelight.el("dl", { class: "gl-saying" }, asked.list, first.list, now.list, wanted.list));

    return (view) => {
      const event = view.tape.at("sample", view.step);
      const start = view.tape.at("sample", 0);
      body.hidden = !event;
      if (!event) return;
      asked.text.textContent = event.prompt;
      const source = event.picture?.startsWith("data:image/") ? event.picture : "";
      if (source !== (picture?.src ?? "")) {
        picture?.remove();
        picture = source ? Gatelight.el("img", { class: "gl-said-picture", alt: "", src: source }) : null;
        if (picture) asked.text.before(picture);
      }
      first.list.hidden = !start || event.step === 0;
      first.text.textContent = start?.answer.trim() || say("silence");
      now.list.firstChild.textContent = say("now", { step: event.step });
      now.text.textContent = event.answer.trim() || say("silence");
      wanted.text.textContent = event.reference;
    };
  };

  (Gatelight.panels ??= []).push({ name: "sample", order: 4, side: "right", needs: null, mount });
})();
