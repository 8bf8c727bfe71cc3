// The progress line of Train, fed by the header's poll.
window.Gatelight = window.Gatelight || {};

(() => {
  /** Show how far the active run is. `go` words lead on: to Watch while it runs, to Chat when it is over. */
  Gatelight.progress = (element, words) => {
    const bar = element.querySelector(".gl-track i");
    const line = element.querySelector(".gl-track-text");
    const next = element.querySelector(".gl-track-next");
    let ran = false;
    next.addEventListener("click", () => {
      Gatelight.goto(next.dataset.to);
      if (next.dataset.to === "watch") Gatelight.follow?.();
    });

    const say = (key, live) =>
      Gatelight.fill(words[`train.progress.${key}`], {
        step: live.step,
        steps: live.steps,
        speed: live.steps_per_s.toFixed(1),
        left: live.eta_s === null ? "…" : Gatelight.clock(live.eta_s),
        share: Math.round(100 * (live.warming ?? 0)),
      });

    const show = (text, to, invitation) => {
      line.textContent = text;
      next.hidden = !to;
      next.dataset.to = to ?? "";
      next.textContent = invitation ?? "";
    };

    const draw = (live) => {
      const active = live.status !== "idle";
      element.querySelector(".gl-progress").dataset.state = live.status;
      const done = live.warming ?? (live.steps ? live.step / live.steps : 0);
      bar.style.width = `${active ? 100 * done : 0}%`;
      if (active) {
        ran = true;
        const working = live.warming === null ? "line" : "warming";
        const key = live.status === "running" ? working : live.status;
        show(say(key, live), "watch", words["train.progress.watch"]);
      } else if (live.message) {
        show(live.message);
      } else if (ran) {
        show("", "chat", words["train.progress.done"]);
      } else {
        show(words["train.progress.idle"]);
      }
    };

    const listen = (event) => {
      if (element.isConnected) draw(event.detail);
      else document.removeEventListener("gatelight:live", listen);
    };
    document.addEventListener("gatelight:live", listen);
    if (Gatelight.live) draw(Gatelight.live);
  };

  /** Hand a text to the person as a file. */
  Gatelight.save = (name, text) => {
    const url = URL.createObjectURL(new Blob([text], { type: "application/yaml" }));
    const anchor = Object.assign(document.createElement("a"), { href: url, download: name });
    anchor.click();
    URL.revokeObjectURL(url);
  };
})();
