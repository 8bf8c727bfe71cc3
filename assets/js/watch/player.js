// Moves the cursor along the frames of a run: playing once, one frame on or back, keys.
// @ts-check

import { clamp } from "../common/maths.js";
import { NOTHING_PICKED } from "./cursor.js";

/** @import { Player, PlayerHost } from "../types.js" */

const ONCE_MS = 8000;

/**
 * The keys of Watch; none of them acts while a person types, or on a button that the space bar presses.
 *
 * @param {PlayerHost} stage
 * @param {Record<string, () => void>} keys
 */
const listenToKeys = (stage, keys) => {
  /** @param {KeyboardEvent} event */
  const listen = (event) => {
    const { element } = stage;
    if (!element.isConnected) {
      document.removeEventListener("keydown", listen);
      return;
    }
    const target = /** @type {Element} */ (event.target);
    const typing = target.closest("input[type=text], textarea, select, [contenteditable]");
    const pressing = event.key === " " && target.closest("button, a, [role=tab]");
    const elsewhere = target !== document.body && !element.contains(target);
    if (!element.offsetParent || event.ctrlKey || event.metaKey || event.altKey) return;
    if ((typing && event.key !== "Escape") || pressing || elsewhere || !stage.view.tape || !keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  };
  document.addEventListener("keydown", listen);
};

/**
 * A player of a view.
 *
 * @param {PlayerHost} stage
 * @returns {Player}
 */
export const createPlayer = (stage) => {
  const { view, set } = stage;
  let began = 0;
  let from = 0;
  const positions = () => view.tape?.positions ?? [];
  const position = () => view.tape?.position(view.step) ?? 0;

  /** @param {number} now */
  const advance = (now) => {
    if (!view.playing) return;
    const ends = positions().length - 1;
    began ||= now;
    const at = Math.min(ends, from + Math.floor(((now - began) / ONCE_MS) * (ends + 1)));
    set({ step: positions()[at], playing: at < ends });
    if (at < ends) requestAnimationFrame(advance);
  };

  /** @param {number} start position of the first frame */
  const play = (start) => {
    from = start >= positions().length - 1 ? 0 : start;
    began = 0;
    set({ playing: true, following: false });
    requestAnimationFrame(advance);
  };

  /** @type {Player} */
  const player = {
    go: (to) => {
      set({ playing: false });
      const frames = positions();
      if (frames.length) set({ step: frames[clamp(to, 0, frames.length - 1)], following: false });
    },
    move: (by) => player.go(position() + by),
    toggle: () => (view.playing ? set({ playing: false }) : play(position())),
    once: () => play(0),
  };

  listenToKeys(stage, {
    " ": player.toggle,
    ArrowLeft: () => player.move(-1),
    ArrowRight: () => player.move(1),
    Home: () => player.go(0),
    End: () => player.go(Infinity),
    ".": () => {
      if (view.tape?.active) stage.oneStep();
    },
    Escape: () => set({ hover: null, ...NOTHING_PICKED }),
  });
  return player;
};
