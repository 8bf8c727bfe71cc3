// The axis of steps: logarithmic by default, for most happens early; and the strip of lines drawn on it.
window.Gatelight = window.Gatelight || {};

(() => {
  const MARKS = [0, 1, 3, 10, 30, 100, 300, 1000, 3000, 10000, 30000, 100000, 300000, 1000000];
  const HEIGHT = 118;
  const MARGIN = { left: 44, right: 14, top: 6, bottom: 20 };

  /** Places steps on an axis; `of` and `back` are inverse, `marks` are the steps that get a label. */
  Gatelight.stepScale = (logarithmic, last) => ({
    of: logarithmic ? (step) => Math.log10(1 + step) : (step) => step,
    back: logarithmic ? (place) => Math.max(0, Math.round(10 ** place - 1)) : (place) => Math.max(0, Math.round(place)),
    marks: logarithmic ? MARKS.filter((mark) => mark <= last) : null,
  });

  const polyline = (context, points) => {
    context.beginPath();
    points.forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)));
    context.stroke();
  };

  const frame = (context, palette, g, marks) => {
    context.font = `11px ${palette.font}`;
    context.strokeStyle = palette.line;
    context.fillStyle = palette.muted;
    context.lineWidth = 1;
    context.textBaseline = "middle";
    context.textAlign = "right";
    for (const value of marks) {
      polyline(context, [[MARGIN.left, g.y(value)], [g.width - MARGIN.right, g.y(value)]]);
      context.fillText(Gatelight.figure(value, 2), MARGIN.left - 5, g.y(value));
    }
    context.textAlign = "center";
    for (const mark of g.scale.marks) context.fillText(String(mark), g.x(mark), HEIGHT - 8);
  };

  const stroke = (context, palette, g, line) => {
    context.strokeStyle = palette[line.colour ?? "base"];
    context.globalAlpha = line.faint ? 0.45 : 1;
    context.lineWidth = line.wide ? 2 : 1;
    context.setLineDash(line.dotted ? [2, 3] : []);
    polyline(context, line.values.map((value, i) => [g.x(line.steps[i]), g.y(value)]));
    context.setLineDash([]);
    context.globalAlpha = 1;
  };

  /** A canvas with lines over steps.
   *
   * @param pick(step) is called when a step is clicked
   * @returns draw({key, lines, bold, step, last, low, high, marks}); a line is {steps, values, colour: name of the
   *   palette, faint, wide, dotted}. `lines` are kept as a picture until `key` changes; `bold` are drawn anew each time
   */
  Gatelight.lines = (host, label, pick) => {
    const canvas = Gatelight.el("canvas", { class: "gl-strip", role: "img", "aria-label": label });
    host.append(canvas);
    const still = document.createElement("canvas");
    const g = { width: 0, x: null, y: null, scale: Gatelight.stepScale(true, 1), span: 1 };
    let kept = "";
    const inner = () => g.width - MARGIN.left - MARGIN.right;
    g.x = (step) => MARGIN.left + (g.scale.of(step) / g.span) * inner();

    canvas.addEventListener("click", (event) => {
      const share = (event.clientX - canvas.getBoundingClientRect().left - MARGIN.left) / inner();
      pick(g.scale.back(Math.min(1, Math.max(0, share)) * g.span));
    });

    return (chart) => {
      g.width = canvas.clientWidth;
      if (!g.width) return;
      const { low = 0, high, last } = chart;
      const palette = Gatelight.palette(canvas);
      const share = (value) => Math.min(1, Math.max(0, (value - low) / (high - low || 1)));
      g.y = (value) => MARGIN.top + (HEIGHT - MARGIN.top - MARGIN.bottom) * (1 - share(value));
      g.scale = Gatelight.stepScale(true, last);
      g.span = g.scale.of(Math.max(1, last));
      const key = `${chart.key} ${g.width} ${low} ${high} ${last} ${palette.key}`;
      if (key !== kept) {
        const paper = Gatelight.fit(still, g.width, HEIGHT);
        frame(paper, palette, g, chart.marks ?? [low, high]);
        for (const line of chart.lines) stroke(paper, palette, g, line);
        kept = key;
      }
      const context = Gatelight.fit(canvas, g.width, HEIGHT);
      context.drawImage(still, 0, 0, g.width, HEIGHT);
      for (const line of chart.bold ?? []) stroke(context, palette, g, line);
      context.strokeStyle = palette.accent;
      context.lineWidth = 1.5;
      polyline(context, [[g.x(chart.step), MARGIN.top - 4], [g.x(chart.step), HEIGHT - MARGIN.bottom + 2]]);
    };
  };

  /** Many thin lines of one kind, of which one may be picked.
   *
   * @param lowest -1 for values of both signs, 0 for sizes
   * @returns draw({key, steps, lines: one list of values each, picked: index or null, step, most, last})
   */
  Gatelight.strip = (host, label, pick, lowest = -1) => {
    const draw = Gatelight.lines(host, label, pick);
    return ({ key, steps, lines, picked, step, most, last }) => {
      const bold = picked === null ? [] : [{ steps, values: lines[picked], colour: "ink", wide: true }];
      const thin = lines.map((values) => ({ steps, values, faint: true }));
      const marks = lowest ? [-most, 0, most] : [0, most];
      draw({ key, lines: thin, bold, step, last, low: lowest * most, high: most, marks });
    };
  };
})();
