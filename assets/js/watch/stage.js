// Watch: one cursor (run, step, layer, head, token) for all panels. Hover previews, click locks, Esc releases.
window.Gatelight = window.Gatelight || {};

(() => {
  const FAST_MS = 500;
  const SLOW_MS = 4000;
  const LIST_MS = 5000;
  const FIRST_RUN = "llama_adapter";
  const KEPT = "gatelight.watch";
  const NOTHING = { layer: null, head: null, token: null, row: null };

  Gatelight.nothingPicked = NOTHING;

  const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

  /** Build the panels that registered themselves in `Gatelight.panels`.
   *
   * A panel is {name, order, side: "left" or "right", needs: kind of event or null, fits(tape) where that is not enough,
   * mount(ctx) → draw(view)}; ctx is the stage with the panel's own say (`common` says what all panels share), title,
   * tools (beside the title), body and caption.
   */
  const mountPanels = (stage) => {
    const side = () => Gatelight.el("div", { class: "gl-watch-side" });
    const sides = { left: side(), right: side() };
    stage.element.append(Gatelight.el("div", { class: "gl-panels" }, sides.left, sides.right));
    return [...Gatelight.panels].sort((a, b) => a.order - b.order).map((panel) => {
      const say = (key, values) => stage.say(`${panel.name}.${key}`, values);
      const title = Gatelight.el("h3", { text: say("title") });
      const tools = Gatelight.el("div", { class: "gl-tools" });
      const body = Gatelight.el("div", { class: "gl-panel-body" });
      const caption = Gatelight.el("p", { class: "gl-caption", text: say("caption") });
      const head = Gatelight.el("header", { class: "gl-panel-head" }, title, tools);
      const place = Gatelight.el("section", { class: "gl-panel", "data-panel": panel.name }, head, body, caption);
      place.style.order = panel.order;
      sides[panel.side].append(place);
      const draw = panel.mount({ ...stage, say, common: stage.say, title, body, tools, caption });
      return { place, draw, needs: panel.needs, fits: panel.fits ?? (() => true) };
    });
  };

  /** Bring Watch to life in an element. `server` has since, runs, live, probe and one_step. */
  Gatelight.watch = async (element, server, words) => {
    const view = { tape: null, other: null, runs: [], step: 0, hover: null, ...NOTHING };
    Object.assign(view, { following: false, playing: false, gone: false });
    const number = new Intl.NumberFormat(words["watch.language"]);
    let waiting = false;
    let panels = [];
    let bar = () => {};

    const draw = () => {
      waiting = false;
      bar();
      for (const panel of panels) {
        const told = Boolean(view.tape?.positions.length) && (!panel.needs || view.tape.emits.includes(panel.needs));
        const shown = told && panel.fits(view.tape);
        panel.place.hidden = !shown;
        if (shown && panel.place.offsetParent) panel.draw(view);
      }
    };
    const redraw = () => {
      if (!waiting) requestAnimationFrame(draw);
      waiting = true;
    };
    const set = (change) => {
      Object.assign(view, change);
      redraw();
    };

    const news = (tape) => {
      if (tape === view.tape && (view.following || view.step > tape.last)) view.step = tape.last;
      redraw();
    };
    const pull = async (tape) => {
      if (tape.pulling) return;
      tape.pulling = true;
      const answered = await Gatelight.pull(server, tape);
      tape.pulling = false;
      tape.asked = performance.now();
      if (tape === view.tape) view.gone = !answered;
      news(tape);
    };
    const list = async () => {
      const runs = await server.runs({}).catch(() => undefined);
      if (runs && !runs.error) set({ runs });
    };

    const stage = { element, view, set, server, number: (n) => number.format(n), redraw };
    stage.say = (key, values = {}) => Gatelight.fill(words[`watch.${key}`] ?? words[key] ?? key.split(".").pop(), values);
    stage.goTo = (step) => stage.player.go(view.tape.position(step));
    stage.show = async (run, follow = true) => {
      const tape = new Gatelight.Tape(run);
      set({ tape, playing: false, following: false, hover: null, step: 0, ...NOTHING });
      if (view.other?.run === run) set({ other: null });
      sessionStorage.setItem(KEPT, run);
      await pull(tape);
      if (view.tape !== tape) return;
      set({ step: tape.last, following: follow && tape.active });
      if (!view.runs.some((known) => known.id === run)) list();
    };
    stage.compare = async (run) => {
      set({ other: run ? new Gatelight.Tape(run) : null });
      if (view.other) await pull(view.other);
    };
    stage.follow = async () => {
      const live = await server.live({}).catch(() => undefined);
      if (!live?.run) return;
      if (view.tape?.run === live.run && !view.tape.error) set({ following: true, playing: false, step: view.tape.last });
      else await stage.show(live.run);
    };
    stage.one_step = async () => {
      set({ following: true, playing: false });
      const answer = await server.one_step({}).catch(() => undefined);
      if (answer?.error) view.tape.error = answer.error;
      await pull(view.tape);
    };
    stage.player = Gatelight.player(stage);
    bar = Gatelight.watchBar(stage);
    panels = mountPanels(stage);
    Object.assign(Gatelight, { show: stage.show, follow: stage.follow });
    new ResizeObserver(redraw).observe(element);
    new MutationObserver(redraw).observe(document.body, { attributeFilter: ["class"] });

    let listed = 0;
    const tick = async () => {
      if (!element.isConnected) return;
      if (document.visibilityState === "visible" && element.offsetParent) {
        const now = performance.now();
        for (const tape of [view.tape, view.other]) {
          if (tape && now - (tape.asked ?? 0) > (tape.active || view.gone ? FAST_MS : SLOW_MS) - 20) pull(tape);
        }
        if (now - listed > LIST_MS) {
          listed = now;
          list();
        }
      }
      setTimeout(tick, FAST_MS);
    };

    redraw();
    await list();
    const live = await server.live({}).catch(() => undefined);
    const kept = sessionStorage.getItem(KEPT);
    if (live?.run) await stage.show(live.run);
    else if (kept && view.runs.some((run) => run.id === kept)) await stage.show(kept);
    else {
      const first = view.runs.find((run) => run.recording && run.id === FIRST_RUN) ?? view.runs[0];
      if (first) await stage.show(first.id);
      if (first && !calm()) stage.player.once();
    }
    tick();
  };
})();
