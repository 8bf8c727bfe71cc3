// Saves a text as a file on the person's machine.
// @ts-check

/**
 * Offer a text as a download.
 *
 * @param {string} name of the file
 * @param {string} text nothing happens when it is empty
 */
export const saveText = (name, text) => {
  if (!text) return;
  const url = URL.createObjectURL(new Blob([text], { type: "application/yaml" }));
  const anchor = Object.assign(document.createElement("a"), { href: url, download: name });
  anchor.click();
  URL.revokeObjectURL(url);
};
