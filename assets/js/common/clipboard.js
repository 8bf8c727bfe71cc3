// Puts a text where it can be pasted from.
// @ts-check

/**
 * Copy a text; over plain http browsers have no clipboard of their own.
 *
 * @param {string} text
 */
export const copyText = async (text) => {
  if (navigator.clipboard && window.isSecureContext) {
    await navigator.clipboard.writeText(text);
    return;
  }
  const field = Object.assign(document.createElement("textarea"), { value: text });
  document.body.append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
};
