// A heat map on a canvas: hovering previews a cell, clicking picks it, arrow keys move the pick.
window.Gatelight = window.Gatelight || {};

(() => {
  const LABEL = 11;
  const GAP = 2;
  const ARROWS = { ArrowUp: [1, 0], ArrowDown: [-1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

  /** A canvas that fits its place sharply; returns its context in CSS pixels. */
  Gatelight.fit = (canvas, width, height) => {
    const ratio = window.devicePixelRatio || 1;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
      canvas.style.height = `${height}px`;
    }
    const context = canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    return context;
  };

  const clip = (context, text, room) => {
    if (context.measureText(text).width <= room) return text;
    let length = text.length;
    while (length > 1 && context.measureText(`${text.slice(0, length)}…`).width > room) length -= 1;
    return `${text.slice(0, length)}…`;
  };

  /** Where the cells lie: gutters for names on the left and below, bars on the right. */
  const layout = (context, chart, width) => {
    const widest = Math.max(...chart.rowNames.map((name) => context.measureText(name).width), 8);
    const left = Math.min(widest, 110) + 8;
    const right = chart.bars ? 56 : 2;
    const cellWidth = Math.min((width - left - right) / chart.columns, chart.widest ?? 160);
    const room = (all) => Math.max(...all.map((name) => context.measureText(name).width), 8);
    const short = chart.shortNames && room(chart.columnNames) > cellWidth - 4;
    const columnNames = short ? chart.shortNames : chart.columnNames;
    const longest = room(columnNames);
    const slanted = longest > cellWidth - 4;
    const cellHeight = Math.max(chart.lowest ?? 12, Math.min(chart.tallest ?? 34, 230 / chart.rows));
    const below = slanted ? Math.min(longest, 76) + 10 : 18;
    return { left, cellWidth, cellHeight, columnNames, slanted, below, height: chart.rows * cellHeight + below };
  };

  const outline = (context, chart, g, [row, column]) => {
    const x = g.left + (column ?? 0) * g.cellWidth;
    const y = (row === null ? 0 : chart.rows - 1 - row) * g.cellHeight;
    const w = column === null ? g.cellWidth * chart.columns : g.cellWidth;
    const h = row === null ? g.cellHeight * chart.rows : g.cellHeight;
    context.strokeRect(x, y, w - GAP + 1, h - GAP + 1);
  };

  const names = (context, chart, g) => {
    context.textBaseline = "middle";
    context.textAlign = "right";
    chart.rowNames.forEach((name, row) => {
      context.fillText(clip(context, name, g.left - 8), g.left - 6, (chart.rows - row - 0.5) * g.cellHeight - GAP / 2);
    });
    const y = chart.rows * g.cellHeight;
    g.columnNames.forEach((name, column) => {
      context.save();
      context.translate(g.left + (column + 0.5) * g.cellWidth - GAP / 2, y + (g.slanted ? 4 : 9));
      if (g.slanted) context.rotate(-Math.PI / 2);
      context.textAlign = g.slanted ? "right" : "center";
      context.fillText(clip(context, name, g.slanted ? 76 : g.cellWidth), 0, 0);
      context.restore();
    });
  };

  const bars = (context, chart, g, palette) => {
    const x = g.left + chart.columns * g.cellWidth + 6;
    chart.bars.values.forEach((value, row) => {
      const y = (chart.rows - 1 - row) * g.cellHeight + g.cellHeight / 2 - GAP / 2;
      context.fillStyle = palette.line;
      context.fillRect(x, y - 3, 46, 6);
      context.fillStyle = palette.muted;
      context.fillRect(x, y - 3, 46 * Math.min(1, value / chart.bars.most), 6);
    });
    context.textAlign = "left";
    context.fillText(chart.bars.name, x, chart.rows * g.cellHeight + 9);
  };

  /** A heat map in a place.
   *
   * @param host where it goes
   * @param on {label, hover(row, column) with nulls when the pointer leaves, pick(row, column)}
   * @returns draw({rows, columns, value, colour, rowNames, columnNames, shortNames, picked, hovered, bars});
   *   row 0 is the lowest; shortNames stand in where columnNames have no room
   */
  Gatelight.heat = (host, on) => {
    const canvas = Gatelight.el("canvas", { class: "gl-heat", tabindex: "0", role: "img", "aria-label": on.label });
    host.append(canvas);
    let chart = null;
    let g = null;

    const cell = (event) => {
      if (!g) return null;
      const box = canvas.getBoundingClientRect();
      const column = Math.floor((event.clientX - box.left - g.left) / g.cellWidth);
      const row = chart.rows - 1 - Math.floor((event.clientY - box.top) / g.cellHeight);
      return row >= 0 && row < chart.rows && column >= 0 && column < chart.columns ? [row, column] : null;
    };
    let over = "";
    const hover = (found) => {
      if (String(found) === over) return;
      over = String(found);
      on.hover?.(...(found ?? [null, null]));
    };
    canvas.addEventListener("pointermove", (event) => hover(cell(event)));
    canvas.addEventListener("pointerleave", () => hover(null));
    canvas.addEventListener("click", (event) => {
      const found = cell(event);
      if (found) on.pick?.(...found);
    });
    canvas.addEventListener("keydown", (event) => {
      const arrow = ARROWS[event.key];
      if (!arrow || !chart) return;
      event.preventDefault();
      event.stopPropagation();
      const [row, column] = chart.picked ?? [0, 0];
      const within = (value, size) => Math.min(size - 1, Math.max(0, value));
      on.pick?.(within((row ?? 0) + arrow[0], chart.rows), within((column ?? 0) + arrow[1], chart.columns));
    });

    return (next) => {
      const width = canvas.clientWidth;
      if (!width || !next.rows || !next.columns) return;
      const palette = Gatelight.palette(canvas);
      const font = `${LABEL}px ${palette.font}`;
      const measuring = canvas.getContext("2d");
      measuring.font = font;
      chart = next;
      g = layout(measuring, chart, width);
      const context = Gatelight.fit(canvas, width, g.height);
      context.font = font;
      for (let row = 0; row < chart.rows; row++) {
        for (let column = 0; column < chart.columns; column++) {
          context.fillStyle = chart.colour(chart.value(row, column));
          const [x, y] = [g.left + column * g.cellWidth, (chart.rows - 1 - row) * g.cellHeight];
          context.fillRect(x, y, g.cellWidth - GAP, g.cellHeight - GAP);
          if (chart.edged) {
            context.strokeStyle = palette.line;
            context.lineWidth = 1;
            context.strokeRect(x + 0.5, y + 0.5, g.cellWidth - GAP - 1, g.cellHeight - GAP - 1);
          }
        }
      }
      context.fillStyle = palette.muted;
      names(context, chart, g);
      if (chart.bars) bars(context, chart, g, palette);
      context.strokeStyle = palette.ink;
      context.lineWidth = 2;
      if (chart.picked) outline(context, chart, g, chart.picked);
      context.lineWidth = 1;
      if (chart.hovered) outline(context, chart, g, chart.hovered);
    };
  };
})();
