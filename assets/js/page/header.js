// The header: shows where one is and what is going on, and tells the rest of the page when that changes.
window.Gatelight = window.Gatelight || {};

(() => {
  const POLL_MS = 700;
  const TRIES = 200;

  const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);

  const clock = (seconds) => {
    const s = Math.max(0, Math.round(seconds));
    const pad = (n) => String(n).padStart(2, "0");
    return s < 3600 ? `${Math.floor(s / 60)}:${pad(s % 60)}` : `${Math.floor(s / 3600)}:${pad(Math.floor((s % 3600) / 60))}:${pad(s % 60)}`;
  };

  const sentence = (live, words) => {
    const values = { step: live.step, steps: live.steps, left: clock(live.eta_s ?? 0) };
    const key = live.status === "running" && live.eta_s === null ? "running_unknown" : live.status;
    return fill(words[`frame.${key}`] ?? words["frame.idle"], values);
  };

  const place = () => document.querySelector("#gl-places [role=tab][aria-selected=true]")?.id.replace(/^gl-tab-|-button$/g, "");

  const mark = (header) => {
    const here = place();
    header.querySelectorAll(".gl-place").forEach((button) => {
      if (button.dataset.place === here) button.setAttribute("aria-current", "page");
      else button.removeAttribute("aria-current");
    });
  };

  /** Turn to a place: "train", "watch", "chat" or "runs". */
  Gatelight.goto = (name) => {
    document.getElementById(`gl-tab-${name}-button`)?.click();
    requestAnimationFrame(() => document.querySelectorAll(".gl-header").forEach(mark));
    window.scrollTo({ top: 0 });
  };

  Gatelight.clock = clock;
  Gatelight.fill = fill;

  /** Bring the header to life. `turn` is called when the kind of work, or the run, changes. */
  Gatelight.header = (element, words, server, turn) => {
    const header = element.querySelector(".gl-header");
    const chip = header.querySelector(".gl-chip");
    const text = header.querySelector(".gl-chip-text");
    const model = header.querySelector(".gl-model");
    let state = null;
    let instance = null;
    let wanted = null;
    document.documentElement.lang = header.lang;

    // Gradio ignores clicks on its tabs until it has mounted them all, so this asks again for a while.
    const settle = (tries) => {
      if (place() === wanted || !tries) wanted = null;
      if (!wanted) return;
      Gatelight.goto(wanted);
      setTimeout(() => settle(tries - 1), 150);
    };
    const want = (to) => {
      wanted = to;
      settle(TRIES);
    };
    header.querySelectorAll(".gl-place").forEach((b) => b.addEventListener("click", () => want(b.dataset.place)));
    chip.addEventListener("click", () => {
      want("watch");
      if (Gatelight.live?.run) Gatelight.follow?.();
    });
    // Whoever loads the page anew (a person, a language, Gradio after a lost connection) stays where one was.
    window.addEventListener("pagehide", () => sessionStorage.setItem("gatelight.place", wanted ?? place() ?? ""));

    const draw = (live) => {
      chip.dataset.state = live.status;
      text.textContent = sentence(live, words);
      model.textContent = live.model ? [live.model.split(/[\\/]/).pop(), live.precision, `${live.size_mb.toFixed(0)} MB`].filter(Boolean).join(" · ") : "";
    };

    const poll = async () => {
      if (!element.isConnected) return;
      if (document.visibilityState === "visible") {
        const live = await server.live(null).catch(() => undefined);
        if (live && (instance ??= live.server) !== live.server) {
          location.reload();
          return;
        }
        if (live) {
          Gatelight.live = live;
          draw(live);
          mark(header);
          document.dispatchEvent(new CustomEvent("gatelight:live", { detail: live }));
          const now = `${live.status} ${live.run} ${live.model}`;
          if (state !== null && now !== state) turn();
          state = now;
        } else {
          chip.dataset.state = "gone";
          text.textContent = words["frame.gone"];
        }
      }
      setTimeout(poll, POLL_MS);
    };

    const arrive = () => {
      if (!place()) return setTimeout(arrive, 50);
      mark(header);
      want(wanted ?? sessionStorage.getItem("gatelight.place"));
    };
    arrive();
    poll();
  };
})();
