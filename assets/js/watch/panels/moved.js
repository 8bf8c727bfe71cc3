// What moved in this step? Gradient and update of each group of parameters.
window.Gatelight = window.Gatelight || {};

(() => {
  const mount = (ctx) => {
    const { say, body } = ctx;
    const table = Gatelight.el("table", { class: "gl-moved" });
    const note = Gatelight.el("p", { class: "gl-remark" });
    const readout = Gatelight.el("p", { class: "gl-readout" });
    body.append(readout, table, note);

    const head = () =>
      Gatelight.barHead([say("group")], [say("gradient"), say("gradient.title")], [say("update"), say("update.title")]);
    const remark = (event, method) => {
      const still = event.groups.filter((_, i) => event.grad_norms[i] === 0);
      if (!still.length) return "";
      const why = method === "llama_adapter" && still.includes("prompts") ? "gate" : method === "lora" ? "lora" : "zero";
      return say(`still.${why}`, { groups: still.map((group) => say(`group.${group}`)).join(", ") });
    };

    return (view) => {
      const event = view.tape.at("moved", view.step);
      table.hidden = !event;
      readout.textContent = event ? say("at", { step: event.step }) : say("nothing");
      note.textContent = event ? remark(event, view.tape.config.method) : "";
      note.hidden = !note.textContent;
      if (!event) return;
      const strides = event.groups.map((_, i) => (event.norms[i] ? event.update_norms[i] / event.norms[i] : 0));
      const steepest = Math.max(...event.grad_norms) || 1;
      const longest = Math.max(...strides) || 1;
      const rows = event.groups.map((group, i) =>
        Gatelight.barRow(
          say(`group.${group}`),
          { share: event.grad_norms[i] / steepest, text: Gatelight.figure(event.grad_norms[i]) },
          { share: strides[i] / longest, text: `${Gatelight.figure(100 * strides[i], 2)} %` },
        ),
      );
      table.replaceChildren(head(), ...rows);
    };
  };

  (Gatelight.panels ??= []).push({ name: "moved", order: 5, side: "right", needs: null, mount });
})();
