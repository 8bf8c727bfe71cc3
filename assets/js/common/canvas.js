// Canvases that stay sharp on any screen.
// @ts-check

/**
 * The drawing context of a canvas.
 *
 * @param {HTMLCanvasElement} canvas
 */
export const contextOf = (canvas) => {
  const context = canvas.getContext("2d");
  if (!context) throw new Error("this browser cannot draw on a canvas");
  return context;
};

/** How much larger than usual the page is shown: see `--gl-scale` in the style sheet. */
export const pageScale = () => Number(getComputedStyle(document.documentElement).getPropertyValue("--gl-scale")) || 1;

/**
 * Where on a canvas a pointer is, in the canvas's own unit: a page that is enlarged has larger pixels than it.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {MouseEvent} event
 */
export const pointOn = (canvas, { clientX, clientY }) => {
  const box = canvas.getBoundingClientRect();
  const share = canvas.clientWidth / (box.width || 1);
  return { x: (clientX - box.left) * share, y: (clientY - box.top) * share };
};

/**
 * Fit a canvas to a size in CSS pixels and clear it; returns its context, whose unit is the CSS pixel.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {number} width
 * @param {number} height
 */
export const fitCanvas = (canvas, width, height) => {
  const ratio = (window.devicePixelRatio || 1) * pageScale();
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.height = `${height}px`;
  }
  const context = contextOf(canvas);
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
};
