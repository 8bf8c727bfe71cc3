// Which weights are switched off? The share of each matrix, and how the scores stand around the threshold.
window.Gatelight = window.Gatelight || {};

(() => {
  const HEIGHT = 96;
  const EDGE = 8;

  /** How many scores lie where: bars on a canvas, what is off in slate and what is on in amber. */
  const histogram = (host, label) => {
    const canvas = Gatelight.el("canvas", { class: "gl-strip", role: "img", "aria-label": label });
    host.append(canvas);
    return (frame, most) => {
      const width = canvas.clientWidth;
      if (!width) return;
      const palette = Gatelight.palette(canvas);
      const context = Gatelight.fit(canvas, width, HEIGHT);
      const [low, high] = [frame.edges[0], frame.edges.at(-1)];
      const x = (score) => EDGE + ((width - 2 * EDGE) * (score - low)) / (high - low);
      const floor = HEIGHT - 18;
      frame.counts.forEach((count, bin) => {
        const [from, to] = [x(frame.edges[bin]), x(frame.edges[bin + 1])];
        const tall = (floor - 4) * Math.min(1, count / most);
        context.fillStyle = frame.edges[bin] >= frame.threshold ? palette.tuned : palette.base;
        context.fillRect(from, floor - tall, Math.max(1, to - from - 1), tall);
      });
      context.strokeStyle = palette.accent;
      context.lineWidth = 1.5;
      context.beginPath();
      context.moveTo(x(frame.threshold), 2);
      context.lineTo(x(frame.threshold), floor + 3);
      context.stroke();
      context.font = `11px ${palette.font}`;
      context.fillStyle = palette.muted;
      context.textBaseline = "middle";
      for (const [score, align] of [[low, "left"], [frame.threshold, "center"], [high, "right"]]) {
        context.textAlign = align;
        context.fillText(Gatelight.figure(score, 2), x(score), HEIGHT - 8);
      }
    };
  };

  const mount = (ctx) => {
    const { say, body } = ctx;
    let flipped = false;
    const toggle = Gatelight.button(say("flipped"), () => {
      flipped = !flipped;
      toggle.setAttribute("aria-pressed", String(flipped));
      ctx.redraw();
    }, { "aria-pressed": "false", title: say("flipped.title"), class: "gl-button gl-small" });
    const hosts = [Gatelight.el("div"), Gatelight.el("div")];
    body.append(...hosts);
    const tools = Gatelight.el("span");
    ctx.tools.append(tools, toggle);
    const columns = (frame) => frame.targets;
    const values = (frame, row, column) => {
      const mean = (grid) => grid.flat().reduce((sum, value) => sum + value, 0) / grid.flat().length;
      const pick = (grid) => Gatelight.figure(100 * (row === null ? mean(grid) : grid[row][column]), 2);
      return { off: pick(frame.off), changed: pick(frame.flipped) };
    };
    const spec = { kind: "masks", columns, values, tools };
    const draws = [
      Gatelight.grid(ctx, { ...spec, host: hosts[0], top: 1, grid: (frame) => frame.off }),
      Gatelight.grid(ctx, { ...spec, host: hosts[1], grid: (frame) => frame.flipped, tools: Gatelight.el("span") }),
    ];
    body.append(Gatelight.el("p", { class: "gl-map-title", text: say("scores") }));
    const scores = histogram(body, say("scores"));

    return (view) => {
      hosts.forEach((host, i) => (host.hidden = Boolean(i) !== flipped));
      tools.hidden = flipped;
      const frame = draws[Number(flipped)](view);
      if (!frame) return;
      const all = view.tape.all("masks");
      scores(frame, Math.max(1, ...all.at(-1).counts, ...frame.counts));
    };
  };

  (Gatelight.panels ??= []).push({ name: "masks", order: 1, side: "left", needs: "masks", mount });
})();
