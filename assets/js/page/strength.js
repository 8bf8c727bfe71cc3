// Moves the mark on the strength curve while the slider is moved.
// @ts-check

const EDGE = 6;

/**
 * Put the mark of the strength curve at a strength.
 *
 * @param {number} strength 0 to 2
 */
export const moveStrengthMark = (strength) => {
  const svg = /** @type {SVGSVGElement | null} */ (document.querySelector("#gl-curve svg"));
  if (!svg) return;
  const x = EDGE + ((svg.viewBox.baseVal.width - 2 * EDGE) * strength) / 2;
  const mark = svg.querySelector(".mark");
  mark?.setAttribute("x1", String(x));
  mark?.setAttribute("x2", String(x));
};
