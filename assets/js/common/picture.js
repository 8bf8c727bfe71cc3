// Pictures from files: small copies that can be handed to the server with a question.
// @ts-check

const LONGEST_SIDE = 512;

/**
 * A copy of at most 512 pixels a side, upright and on white, as a data URL; null where the browser cannot read it.
 *
 * @param {Blob} file
 * @returns {Promise<string | null>}
 */
export const smallCopy = async (file) => {
  try {
    const image = await createImageBitmap(file);
    const scale = Math.min(1, LONGEST_SIDE / Math.max(image.width, image.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.round(image.width * scale));
    canvas.height = Math.max(1, Math.round(image.height * scale));
    const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    pen.fillStyle = "white";
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.imageSmoothingQuality = "high";
    pen.drawImage(image, 0, 0, canvas.width, canvas.height);
    image.close();
    return canvas.toDataURL("image/png");
  } catch {
    return null;
  }
};

/**
 * The first picture of what was dropped or pasted.
 *
 * @param {DataTransfer | null} held
 */
export const pictureOf = (held) => [...(held?.files ?? [])].find((file) => file.type.startsWith("image/"));
