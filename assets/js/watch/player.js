// Moves the cursor along the frames of a run: playing once, one frame on or back, keys.
window.Gatelight = window.Gatelight || {};

(() => {
  const ONCE_MS = 8000;

  /** A player of a view.
   *
   * @param stage {view, set(change), element, one_step()}
   */
  Gatelight.player = (stage) => {
    const { view, set } = stage;
    let began = 0;
    let from = 0;

    const go = (position) => {
      const { positions } = view.tape;
      const at = Math.min(positions.length - 1, Math.max(0, position));
      if (positions.length) set({ step: positions[at], following: false });
    };

    const advance = (now) => {
      if (!view.playing) return;
      const ends = view.tape.positions.length - 1;
      began ||= now;
      const at = Math.min(ends, from + Math.floor(((now - began) / ONCE_MS) * (ends + 1)));
      set({ step: view.tape.positions[at], playing: at < ends });
      if (at < ends) requestAnimationFrame(advance);
    };

    const play = (start) => {
      const ends = view.tape.positions.length - 1;
      from = start ?? view.tape.position(view.step);
      if (from >= ends) from = 0;
      began = 0;
      set({ playing: true, following: false });
      requestAnimationFrame(advance);
    };

    const player = {
      go: (position) => {
        set({ playing: false });
        go(position);
      },
      move: (by) => player.go(view.tape.position(view.step) + by),
      toggle: () => (view.playing ? set({ playing: false }) : play()),
      once: () => play(0),
    };

    const keys = {
      " ": () => player.toggle(),
      ArrowLeft: () => player.move(-1),
      ArrowRight: () => player.move(1),
      Home: () => player.go(0),
      End: () => player.go(view.tape.positions.length - 1),
      ".": () => view.tape.active && stage.one_step(),
      Escape: () => set({ hover: null, ...Gatelight.nothingPicked }),
    };
    const listen = (event) => {
      if (!stage.element.isConnected) return document.removeEventListener("keydown", listen);
      const busy = event.target.closest("input[type=text], textarea, select, [contenteditable]");
      const pressing = event.key === " " && event.target.closest("button, a, [role=tab]");
      const elsewhere = event.target !== document.body && !stage.element.contains(event.target);
      if (!stage.element.offsetParent || event.ctrlKey || event.metaKey || event.altKey) return;
      if ((busy && event.key !== "Escape") || pressing || elsewhere || !view.tape || !keys[event.key]) return;
      event.preventDefault();
      keys[event.key]();
    };
    document.addEventListener("keydown", listen);
    return player;
  };
})();
