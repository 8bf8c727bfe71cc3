// Is it learning, and what is it forgetting? Two kinds of loss on one axis, drawn by Plotly in a fixed place.
window.Gatelight = window.Gatelight || {};

(() => {
  const trace = (events, value, scale, look) => ({
    x: events.map((event) => scale.of(event.step)),
    y: events.map(value),
    customdata: events.map((event) => event.step),
    hoverinfo: "none",
    mode: "lines",
    ...look,
  });

  /** The first validation with the lowest loss; null without one. */
  const lowest = (tape) =>
    tape.all("eval").reduce((best, e) => (best && best.validation_loss <= e.validation_loss ? best : e), null);

  const traces = (tape, other, scale, palette, say) => {
    const thin = { width: 1.2, color: palette.tuned };
    const evals = tape.all("eval");
    const found = [
      trace(tape.all("loss"), (e) => e.loss, scale, { name: say("training"), line: thin, opacity: 0.7 }),
      trace(evals, (e) => e.validation_loss, scale, {
        name: say("validation"),
        mode: "lines+markers",
        line: { width: 2, color: palette.accent },
        marker: { size: 6, color: palette.accent },
      }),
      trace(evals, (e) => e.base_ability_loss, scale, {
        name: say("ability"),
        mode: "lines+markers",
        line: { width: 2, color: palette.base },
        marker: { size: 5, color: palette.base },
      }),
    ];
    const best = lowest(tape);
    if (best) {
      const ring = { symbol: "circle-open", size: 13, color: palette.accent, line: { width: 2 } };
      found.push(trace([best], (e) => e.validation_loss, scale, { name: "", mode: "markers", marker: ring }));
    }
    if (other) {
      const line = { width: 1, color: palette.ink, dash: "dot" };
      found.push(trace(other.all("loss"), (e) => e.loss, scale, { name: say("other", { name: "" }), line }));
    }
    return found;
  };

  const layout = (scale, end, palette, revision, say) => {
    const axis = { gridcolor: palette.line, zerolinecolor: palette.line, linecolor: palette.line, fixedrange: false };
    const ticks = scale.marks ? { tickvals: scale.marks.map(scale.of), ticktext: scale.marks.map(String) } : {};
    return {
      ...Gatelight.plotLook(palette),
      uirevision: revision,
      hovermode: "x",
      hoverdistance: -1,
      dragmode: "zoom",
      xaxis: { ...axis, ...ticks, range: [-0.03 * scale.of(end), 1.03 * scale.of(end)], zeroline: false, title: { text: say("axis"), standoff: 4 } },
      yaxis: { ...axis, rangemode: "tozero" },
    };
  };

  const mount = (ctx) => {
    const { say, body } = ctx;
    let logarithmic = true;
    let drawn = "";
    let hovered = null;
    let chart = null;
    const toggle = Gatelight.button(say("log"), () => {
      logarithmic = !logarithmic;
      toggle.setAttribute("aria-pressed", String(logarithmic));
      ctx.redraw();
    }, { "aria-pressed": "true", title: say("log.title"), class: "gl-button gl-small" });
    const key = (name) =>
      Gatelight.el("span", { class: `gl-key gl-key-${name}`, title: say(`${name}.title`), text: say(name) });
    const rival = Gatelight.el("span", { class: "gl-key gl-key-other" });
    const keys = Gatelight.el("div", { class: "gl-keys" }, key("training"), key("validation"), key("ability"), rival);
    const line = Gatelight.el("div", { class: "gl-cursor-line" });
    const place = Gatelight.el("div", { class: "gl-loss-plot" });
    const wrap = Gatelight.el("div", { class: "gl-loss-wrap", role: "img", "aria-label": say("title") }, place, line);
    const readout = Gatelight.el("p", { class: "gl-readout", "aria-live": "off" });
    ctx.tools.append(toggle);
    body.append(keys, wrap, readout);

    const put = (view) => {
      const axis = place._fullLayout?.xaxis;
      if (!axis?.l2p) return;
      const x = axis.l2p(Gatelight.stepScale(logarithmic, view.tape.last).of(view.step));
      line.hidden = !(x >= 0 && x <= axis._length);
      line.style.transform = `translateX(${axis._offset + x}px)`;
    };
    const tell = (view) => {
      const step = hovered ?? view.step;
      const at = (kind, name) => Gatelight.figure(view.tape.at(kind, step)?.[name]);
      const values = { step, training: at("loss", "loss"), validation: at("eval", "validation_loss") };
      const best = lowest(view.tape);
      const told = [say("readout", { ...values, ability: at("eval", "base_ability_loss") })];
      if (best) told.push(say("best", { step: best.step, value: Gatelight.figure(best.validation_loss) }));
      readout.textContent = told.join(" · ");
    };
    const listen = (view) => {
      place.on("plotly_hover", (event) => {
        hovered = event.points[0].customdata;
        tell(view);
      });
      place.on("plotly_unhover", () => {
        hovered = null;
        tell(view);
      });
      place.on("plotly_click", (event) => ctx.goTo(event.points[0].customdata));
      place.on("plotly_relayout", () => put(view));
    };

    return async (view) => {
      const { tape, other } = view;
      const palette = Gatelight.palette(body);
      const news = [tape.run, tape.epoch, tape.version, other?.run, other?.version, logarithmic, palette.key, body.clientWidth];
      rival.hidden = !other;
      rival.textContent = other ? say("other", { name: other.name }) : "";
      // In a hidden place there is no size to draw for: Plotly would take its own and keep it.
      if (place.clientWidth && news.join(" ") !== drawn) {
        drawn = news.join(" ");
        const Plotly = await Gatelight.plotly();
        // Meanwhile the person may have gone to another place, or come to another run.
        if (drawn !== news.join(" ")) return;
        if (!place.clientWidth) {
          drawn = "";
          return;
        }
        const end = Math.max(tape.end, other?.last ?? 0);
        const scale = Gatelight.stepScale(logarithmic, end);
        const data = traces(tape, other, scale, palette, say);
        await Plotly.react(place, data, {
          ...layout(scale, end, palette, `${tape.run} ${logarithmic}`, say),
          width: place.clientWidth,
          height: place.clientHeight,
        }, {
          displayModeBar: false,
          doubleClick: "reset",
        });
        if (!chart) listen(view);
        chart = place;
      }
      put(view);
      tell(view);
    };
  };

  (Gatelight.panels ??= []).push({ name: "loss", order: 2, side: "right", needs: null, mount });
})();
