// Plotly, loaded once from this machine and not before a picture needs it.
window.Gatelight = window.Gatelight || {};

(() => {
  let loading = null;

  /** Resolves to Plotly. */
  Gatelight.plotly = () => {
    loading ??= new Promise((resolve, reject) => {
      const script = Object.assign(document.createElement("script"), { src: Gatelight.plotlyAddress });
      script.onload = () => resolve(window.Plotly);
      script.onerror = () => reject(new Error("plotly.min.js did not load"));
      document.head.append(script);
    });
    return loading;
  };

  /** What all our plots share: no frame, the page's font and colours. */
  Gatelight.plotLook = (palette) => ({
    margin: { l: 38, r: 10, t: 6, b: 34 },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: palette.font, size: 11, color: palette.muted },
    showlegend: false,
  });
})();
