// The header: which tab is open, what the server is doing, and a poll that tells the rest of the page of changes.
// @ts-check

import { find, findAll } from "../common/dom.js";
import { latestLive, paced, publishLive } from "../common/live.js";
import { askedTab, markOpenedTab, openedTab, openTab } from "../common/navigation.js";
import { soonOf } from "../common/server.js";
import { clock, fill, lastPart } from "../common/text.js";
import { follow } from "../watch/current.js";
import { mountHelp } from "./help.js";
import { mountUploads } from "./uploads.js";

/** @import { HeaderServer, Live, Words } from "../types.js" */

const POLL_MS = 700;
const TRIES = 200;
const TRY_MS = 150;
const BAR_ROWS_GAP_PX = 7;
const KEPT_TAB = "gatelight.tab";

/**
 * @param {Live} live
 * @param {Words} words
 */
const sentence = (live, words) => {
  const share = Math.round(100 * (live.warming ?? 0));
  const values = { step: live.step, steps: live.steps, left: clock(live.eta_s ?? 0), share };
  const unknown = live.warming === null ? "running_unknown" : "warming";
  const running = live.scoring ? "scoring" : live.eta_s === null ? unknown : "running";
  const key = live.status === "running" ? running : live.status;
  return fill(words[`frame.${key}`] ?? words["frame.idle"], values);
};

/** @param {Live} live */
const modelLabel = (live) =>
  live.model ? [lastPart(live.model), live.precision, `${live.size_mb.toFixed(0)} MB`].filter(Boolean).join(" · ") : "";

/**
 * Opens tabs. Gradio ignores clicks on its tabs until it has mounted them all, so this asks again for a while,
 * unless another part of the page has opened another tab meanwhile.
 *
 * @returns {{open: (name: string | null | undefined) => void, wanted: () => string | null | undefined}}
 */
const tabOpener = () => {
  /** @type {string | null | undefined} */
  let wanted = null;
  /** @param {number} tries */
  const settle = (tries) => {
    if (openedTab() === wanted || !tries || (tries < TRIES && askedTab() !== wanted)) wanted = null;
    if (!wanted) return;
    openTab(wanted);
    setTimeout(() => settle(tries - 1), TRY_MS);
  };
  return {
    wanted: () => wanted,
    open: (name) => {
      wanted = name;
      settle(TRIES);
    },
  };
};

/**
 * The switch of the large mode, which the browser keeps. What was drawn on canvases is drawn anew, by the change of width.
 *
 * @param {HTMLElement} made
 */
const mountLarge = (made) => {
  const { dataset } = document.documentElement;
  const show = () => made.setAttribute("aria-pressed", String(dataset.large !== undefined));
  made.addEventListener("click", () => {
    if (dataset.large === undefined) dataset.large = "";
    else delete dataset.large;
    localStorage.setItem("gatelight.large", dataset.large === undefined ? "" : "1");
    show();
  });
  show();
};

/**
 * What sticks besides the header: how much of Watch's bar stands above its slider, whose line alone sticks on a narrow
 * screen, and how tall the bar with Start is.
 */
const measureBars = () => {
  const { style } = document.documentElement;
  const slider = /** @type {HTMLElement | null} */ (document.querySelector(".gl-bar-row .gl-scrub"));
  const drive = document.getElementById("gl-drive");
  if (slider?.offsetParent) style.setProperty("--gl-bar-above", `${slider.offsetTop - BAR_ROWS_GAP_PX}px`);
  if (drive?.offsetParent) style.setProperty("--gl-drive-height", `${drive.offsetHeight}px`);
};

/**
 * Mount the header.
 *
 * @param {HTMLElement} element
 * @param {Words} words
 * @param {HeaderServer} server
 * @param {(event: "load" | "change") => void} trigger called with `load` when the kind of work, the run and the model
 *   are known, and with `change` whenever one of them changes
 */
export const mountHeader = (element, words, server, trigger) => {
  const header = find(element, ".gl-header");
  const chip = find(header, ".gl-chip");
  const text = find(header, ".gl-chip-text");
  const model = find(header, ".gl-model");
  const tabs = tabOpener();
  /** @type {string | null} */
  let state = null;
  /** @type {string | null} */
  let instance = null;
  document.documentElement.lang = header.lang;
  // What sticks to the top of a tab stands below the header, however many lines that takes.
  const measure = () => document.documentElement.style.setProperty("--gl-header-height", `${header.offsetHeight}px`);
  new ResizeObserver(measure).observe(header);
  new ResizeObserver(measureBars).observe(document.body);

  for (const tab of findAll(header, ".gl-tab-link")) tab.addEventListener("click", () => tabs.open(tab.dataset.tab));
  mountLarge(find(header, ".gl-large-switch"));
  mountHelp(words["frame.help"] ?? "");
  mountUploads(words);
  chip.addEventListener("click", () => {
    tabs.open("watch");
    if (latestLive()?.run) follow();
  });
  // Whoever loads the page again (a person, a change of language, Gradio after a lost connection) keeps the tab.
  window.addEventListener("pagehide", () => sessionStorage.setItem(KEPT_TAB, tabs.wanted() ?? openedTab() ?? ""));

  /** @param {Live} live */
  const show = (live) => {
    chip.dataset.state = live.status;
    text.textContent = sentence(live, words);
    model.textContent = modelLabel(live);
    markOpenedTab();
    publishLive(live);
    const now = `${live.turn} ${live.run} ${live.model} ${live.message}`;
    if (now !== state) trigger(state === null ? "load" : "change");
    state = now;
  };

  const page = Math.random().toString(36).slice(2);
  const poll = async () => {
    if (!element.isConnected) return;
    if (document.visibilityState === "visible") {
      const live = await soonOf(server.live(page));
      instance ??= live?.server ?? null;
      if (live && instance !== live.server) {
        location.reload();
        return;
      }
      if (live) show(live);
      else {
        chip.dataset.state = "gone";
        text.textContent = words["frame.gone"];
      }
    }
    setTimeout(poll, paced(POLL_MS));
  };

  const arrive = () => {
    if (!openedTab()) {
      setTimeout(arrive, 50);
      return;
    }
    markOpenedTab();
    tabs.open(tabs.wanted() ?? sessionStorage.getItem(KEPT_TAB));
  };
  arrive();
  poll();
};
