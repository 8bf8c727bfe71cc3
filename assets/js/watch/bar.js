// The top bar of Watch: which run, which step, what to compare with, and one line on how the run is.
window.Gatelight = window.Gatelight || {};

(() => {
  const options = (select, runs, chosen, first, say) => {
    const texts = runs.map((run) => [run.id, caption(run, say)]);
    if (first) texts.unshift(["", first]);
    const key = JSON.stringify(texts);
    if (select.dataset.key !== key) {
      select.dataset.key = key;
      select.replaceChildren(...texts.map(([value, text]) => Gatelight.el("option", { value, text })));
    }
    select.value = chosen;
  };

  const caption = (run, say) => {
    const mark = run.recording ? say("recording") : say(`status.${run.status}`);
    return `${run.name}  ·  ${mark}`;
  };

  /** How a run ended: at its last step or before, and with which state. */
  const ended = (tape, say) => {
    const older = tape.kept !== null && tape.kept !== tape.last;
    const key = `finished${tape.early ? ".early" : ""}${older ? ".kept" : ""}`;
    return say(key, { step: tape.last, kept: tape.kept });
  };

  /** How the run is: kind of line, its text, and the place to go on. */
  const line = (view, say) => {
    const { tape } = view;
    if (view.gone) return ["gone", say("gone")];
    if (!tape) return ["wait", say("loading")];
    if (tape.error) return ["error", tape.error];
    if (tape.status === "loading") return ["wait", say("setting_up")];
    if (!tape.loaded && !tape.positions.length) return ["wait", say("loading")];
    if (tape.status === "finished" && !tape.recording) return ["note", ended(tape, say), "chat"];
    if (tape.status === "failed") return ["error", tape.message || say("failed")];
    if (tape.status === "interrupted") return ["note", say("interrupted"), "runs"];
    if (tape.status === "stopped") return ["note", say("stopped"), "runs"];
    if (tape.status === "paused") return ["note", say("paused"), "train"];
    return ["", ""];
  };

  /** Build the top bar; returns its draw function.
   *
   * @param stage {element, view, set, say, player, show, compare, follow, one_step, number}
   */
  Gatelight.watchBar = (stage) => {
    const { el, button } = Gatelight;
    const { view, say, player } = stage;
    const runs = el("select", { class: "gl-select", "aria-label": say("run"), onchange: () => stage.show(runs.value) });
    const jump = (name, position) => {
      const found = button("", () => player.go(position), { "aria-label": say(name), title: say(name) });
      found.append(Gatelight.icon(name));
      return found;
    };
    const live = el("span", { class: "gl-badge gl-live-badge", text: say("live") });
    const recorded = el("span", { class: "gl-badge gl-recorded", text: say("recording") });
    const toggle = button("", player.toggle, { class: "gl-button gl-play" });
    const scrub = el("input", { type: "range", min: 0, max: 0, value: 0, class: "gl-scrub", "aria-label": say("scrub") });
    const step = el("output", { class: "gl-step" });
    const follow = button(say("follow"), () => stage.follow(), { class: "gl-button gl-follow", title: say("follow.title") });
    const one = button(say("one_step"), stage.one_step, { class: "gl-button gl-one", title: say("one_step.title") });
    const other = el("select", { class: "gl-select", "aria-label": say("compare"), onchange: () => stage.compare(other.value) });
    const words = el("span");
    const next = button("", () => Gatelight.goto && Gatelight.goto(next.dataset.to));
    const state = el("p", { class: "gl-state", role: "status" }, words, next);
    const intro = el(
      "p",
      { class: "gl-intro" },
      el("span"),
      button(say("intro.button"), () => Gatelight.goto && Gatelight.goto("train"), { class: "gl-button gl-primary" }),
    );
    scrub.addEventListener("input", () => player.go(Number(scrub.value)));
    stage.element.append(
      intro,
      el(
        "div",
        { class: "gl-bar-row" },
        runs,
        live,
        recorded,
        jump("first", 0),
        toggle,
        jump("last", Infinity),
        scrub,
        step,
        follow,
        one,
        other,
      ),
      state,
    );

    return () => {
      const { tape } = view;
      options(runs, view.runs, tape?.run ?? "", "", say);
      options(other, view.runs.filter((run) => run.id !== tape?.run), view.other?.run ?? "", say("compare.none"), say);
      const [kind, text, to] = line(view, say);
      state.dataset.kind = kind;
      if (words.textContent !== text) words.textContent = text;
      next.hidden = !to;
      if (to && next.dataset.to !== to) {
        next.dataset.to = to;
        next.textContent = say(`next.${to}`);
      }
      state.hidden = !text;
      const active = Boolean(tape?.active);
      live.hidden = !active;
      recorded.hidden = !tape?.recording;
      follow.hidden = !active;
      follow.setAttribute("aria-pressed", String(view.following));
      one.hidden = !active || tape.status === "stopping";
      const started = tape?.all("started")[0];
      intro.hidden = !(tape?.recording && started);
      if (started) intro.firstChild.textContent = say(tape.emits.includes("gates") ? "intro" : "intro.other", { n: stage.number(started.trainable) });
      const deed = view.playing ? "pause" : "play";
      if (toggle.title !== say(deed)) {
        toggle.replaceChildren(Gatelight.icon(deed));
        toggle.setAttribute("aria-label", say(deed));
        toggle.title = say(deed);
      }
      if (!tape) return;
      scrub.max = Math.max(0, tape.positions.length - 1);
      scrub.value = tape.position(view.step);
      scrub.setAttribute("aria-valuetext", say("step", { step: view.step }));
      step.textContent = say(tape.steps ? "step_of" : "step", { step: view.step, steps: tape.steps });
    };
  };
})();
