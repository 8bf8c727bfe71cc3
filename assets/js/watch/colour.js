// Colours from the page's CSS variables, and the two scales: gates (diverging, fixed) and sizes (one ramp).
window.Gatelight = window.Gatelight || {};

(() => {
  const NAMES = ["panel", "ink", "muted", "line", "accent", "tuned", "base", "validation", "gate-neg", "gate-zero", "gate-pos"];
  const STEPS = 64;
  let cached = null;

  const mixes = (from, to) =>
    Array.from({ length: STEPS + 1 }, (_, i) => `color-mix(in oklab, ${to} ${(100 * i) / STEPS}%, ${from})`);

  const pick = (scale, share) => scale[Math.round(Math.min(1, Math.max(0, share)) * STEPS)];

  /** The colours of the present theme; `gate(v, most)` and `ramp(share)` give fills. */
  Gatelight.palette = (element) => {
    const style = getComputedStyle(element);
    const key = style.getPropertyValue("--gl-panel") + style.getPropertyValue("--gl-gate-zero");
    if (cached?.key === key) return cached;
    const palette = { key, font: style.getPropertyValue("--gl-font") };
    for (const name of NAMES) palette[name] = style.getPropertyValue(`--gl-${name}`).trim();
    const negative = mixes(palette["gate-zero"], palette["gate-neg"]);
    const positive = mixes(palette["gate-zero"], palette["gate-pos"]);
    const sizes = mixes(palette.panel, palette.tuned);
    palette.gate = (value, most = 1) => pick(value < 0 ? negative : positive, Math.abs(value) / most);
    palette.ramp = (share) => pick(sizes, share);
    cached = palette;
    return palette;
  };

  /** A legend: a bar of colours with its two or three numbers. */
  Gatelight.legend = (gradient, ...labels) => {
    const bar = Gatelight.el("span", { class: "gl-legend-bar" });
    bar.style.background = `linear-gradient(90deg, ${gradient.join(", ")})`;
    const [low, ...rest] = labels;
    return Gatelight.el("span", { class: "gl-legend" }, low, bar, ...rest);
  };
})();
