// What was on the page before it was loaded anew: kept in this tab of the browser, and nowhere else.
// @ts-check

const LONGEST_MS = 20_000; // that anything waits for a form that is to be brought back

/**
 * A text that survives a reload and a change of language.
 *
 * @param {string} name
 */
export const keptAs = (name) => {
  const read = () => {
    try {
      return sessionStorage.getItem(name) ?? "";
    } catch {
      return ""; // a browser that keeps nothing
    }
  };
  const before = read();
  let restored = !before;
  let settle = () => {};
  const settled = new Promise((/** @type {(value?: unknown) => void} */ resolve) => {
    const late = setTimeout(resolve, restored ? 0 : LONGEST_MS);
    settle = () => {
      clearTimeout(late);
      resolve();
    };
  });
  return {
    /** What this tab had before, as the server wrote it; empty without one. */
    former: () => before,

    /** From now on what is on the page is what to keep. */
    restored: () => {
      restored = true;
      settle();
    },

    /** Resolves when what was kept is back on the page, at once where nothing was; later than that, nobody waits. */
    settled: () => settled,

    /**
     * Keep a text. One that is to be brought back first stays until it is; one that is too long is not kept at all.
     *
     * @param {string} text nothing happens when it is empty
     */
    keep: (text) => {
      if (!text || !restored) return;
      try {
        sessionStorage.removeItem(name);
        sessionStorage.setItem(name, text);
      } catch {
        // a browser that keeps nothing, or not as much
      }
    },
  };
};

/** What is typed to the chat and not sent yet; once it is sent, nothing. */
const draftAs = (/** @type {string} */ name) => {
  const before = keptAs(name).former();
  return {
    /**
     * What was typed before the page was loaded anew, unless something is typed already.
     *
     * @param {string} present
     */
    former: (present) => present || before,

    /** @param {string} text */
    keep: (text) => {
      try {
        sessionStorage.setItem(name, text);
      } catch {
        // a browser that keeps nothing, or not as much
      }
    },
  };
};

export const keptDraft = draftAs("gatelight.draft");
export const keptForm = keptAs("gatelight.form");
export const keptTalk = keptAs("gatelight.talk");

/**
 * Nobody fills in a form that a kept one is about to replace: what was typed would be lost.
 *
 * @param {HTMLElement} form
 */
export const holdForm = (form) => {
  form.inert = Boolean(keptForm.former());
  keptForm.settled().then(() => {
    form.inert = false;
  });
};
