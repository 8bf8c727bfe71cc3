// Where does the ladder take hold? How much each rung keeps of its own, and how much it takes from the base.
window.Gatelight = window.Gatelight || {};

(() => {
  const column = (values) => values.map((value) => [value]);

  const mount = (ctx) => {
    const { say, body } = ctx;
    const hosts = ["kept", "fresh"].map((name) =>
      Gatelight.el("div", {}, Gatelight.el("p", { class: "gl-map-title", text: say(name) })),
    );
    body.append(Gatelight.el("div", { class: "gl-maps gl-pair" }, ...hosts));
    const spec = (i, words) => ({ host: hosts[i], words, top: 1, tools: i ? Gatelight.el("span") : ctx.tools });
    const kept = Gatelight.grid(ctx, {
      ...spec(0, "kept."),
      kind: "ladder",
      grid: (frame) => column(frame.kept),
      columns: () => [say("gate")],
      values: (frame, row) => (row === null ? {} : { grad: Gatelight.figure(frame.grad[row]) }),
    });
    const fresh = Gatelight.grid(ctx, {
      ...spec(1, "fresh."),
      kind: "rungs",
      grid: (frame) => column(frame.fresh),
      columns: () => [say("share")],
      values: (frame) => ({ added: Gatelight.figure(frame.added) }),
    });
    return (view) => {
      kept(view);
      fresh(view);
    };
  };

  (Gatelight.panels ??= []).push({ name: "ladder", order: 1, side: "left", needs: "ladder", mount });
})();
