// What was on the page before it was loaded anew: kept in this tab of the browser, and nowhere else.
// @ts-check

/**
 * A text that survives a reload and a change of language.
 *
 * @param {string} name
 */
const keptAs = (name) => {
  const read = () => {
    try {
      return sessionStorage.getItem(name) ?? "";
    } catch {
      return ""; // a browser that keeps nothing
    }
  };
  const before = read();
  let restored = !before;
  return {
    /** What this tab had before, as the server wrote it; empty without one. */
    former: () => before,

    /** From now on what is on the page is what to keep. */
    restored: () => {
      restored = true;
    },

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
