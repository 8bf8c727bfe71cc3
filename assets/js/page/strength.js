// Moves the mark on the strength curve while the slider is pulled.
window.Gatelight = window.Gatelight || {};

/** Put the mark of the strength curve at a strength between 0 and 2. */
Gatelight.strength = (strength) => {
  const svg = document.querySelector("#gl-curve svg");
  if (!svg) return;
  const width = svg.viewBox.baseVal.width;
  const mark = svg.querySelector(".mark");
  const edge = 6;
  const x = edge + ((width - 2 * edge) * strength) / 2;
  mark.setAttribute("x1", x);
  mark.setAttribute("x2", x);
};
