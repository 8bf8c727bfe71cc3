// The method zoo: every method as a dot, what it trains against what it reaches; the dot's size is what it costs.
window.Gatelight = window.Gatelight || {};

(() => {
  const SYMBOLS = { prompts: "circle", adapters: "square", weights: "diamond", beside: "triangle-up" };
  const MARKS = { prompts: "●", adapters: "■", weights: "◆", beside: "▲" };
  const TALLEST = 34;
  const SMALLEST = 9;
  const ROOMY = 560; // below this width the names stand only in the legend

  const colour = (element, family) => getComputedStyle(element).getPropertyValue(`--gl-family-${family}`).trim();

  const axis = (palette, title, more) => ({
    title: { text: title, standoff: 8 },
    gridcolor: palette.line,
    linecolor: palette.line,
    zeroline: false,
    fixedrange: true,
    ...more,
  });

  /** Room for the names above the dots. */
  const range = (values, share) => {
    const [low, high] = share ? [0, 1] : [Math.min(...values), Math.max(...values)];
    const span = high - low || 1;
    return [low - 0.06 * span, high + 0.4 * span];
  };

  /** Fill the zoo and keep it drawn.
   *
   * @param server {zoo(): {methods, base...} or {}; card(name): markup of one method}
   */
  Gatelight.zoo = async (element, words, server) => {
    const say = (key, values = {}) => Gatelight.fill(words[`runs.zoo.${key}`], values);
    const place = element.querySelector(".gl-zoo-plot");
    const legend = element.querySelector(".gl-zoo-names");
    const card = element.querySelector(".gl-zoo-card");
    const readout = element.querySelector(".gl-zoo-readout");
    const switches = [...element.querySelectorAll("[data-measure]")];
    let measure = "exact_match";
    let picked = null;
    let drawn = "";

    const found = await server.zoo(null).catch(() => undefined);
    if (!found?.methods?.length) {
      element.querySelector(".gl-zoo").hidden = true;
      return;
    }
    const { methods } = found;
    const value = (method) => method[measure];
    const percent = (share) => `${(100 * share).toFixed(1)} %`;
    const slowest = Math.max(...methods.map((method) => method.seconds));

    const tell = (method) => {
      readout.textContent = method
        ? say("told", {
            title: method.title,
            n: method.trainable.toLocaleString("en"),
            score: percent(method.exact_match),
            ability: method.base_ability.toFixed(3),
            before: method.base_ability_before.toFixed(3),
            seconds: Math.round(method.seconds),
            speed: method.tokens_per_s.toLocaleString("en"),
            size: Math.round(method.file_bytes / 1000).toLocaleString("en"),
          })
        : say("hint");
    };
    const pick = async (method) => {
      picked = method;
      tell(method);
      mark();
      card.innerHTML = (await server.card(method.name).catch(() => "")) ?? "";
    };
    const mark = () =>
      [...legend.children].forEach((button, i) => button.setAttribute("aria-pressed", String(methods[i] === picked)));

    legend.replaceChildren(
      ...methods.map((method) => {
        const button = document.createElement("button");
        button.type = "button";
        button.className = "gl-zoo-name";
        button.textContent = `${MARKS[method.family]} ${method.title}`;
        button.style.setProperty("--gl-mine", `var(--gl-family-${method.family})`);
        button.addEventListener("click", () => pick(method));
        button.addEventListener("pointerenter", () => tell(method));
        button.addEventListener("pointerleave", () => tell(picked));
        return button;
      }),
    );
    tell(null);

    const draw = async () => {
      const palette = Gatelight.palette(element);
      const key = `${measure} ${place.clientWidth} ${palette.key}`;
      if (!place.clientWidth || key === drawn) return;
      drawn = key;
      const Plotly = await Gatelight.plotly();
      if (key !== drawn) return;
      if (!place.clientWidth) {
        drawn = "";
        return;
      }
      const share = measure === "exact_match";
      const sizes = methods.map((one) => Math.max(SMALLEST, TALLEST * Math.sqrt(one.seconds / slowest)));
      const dots = {
        x: methods.map((one) => one.trainable),
        y: methods.map(value),
        mode: "markers",
        hoverinfo: "none",
        marker: {
          size: sizes,
          symbol: methods.map((one) => SYMBOLS[one.family]),
          color: methods.map((one) => colour(element, one.family)),
          opacity: 0.85,
          line: { width: 1, color: palette.panel },
        },
      };
      const untuned = share ? methods[0].base_exact_match : methods[0].base_ability_before;
      const line = { type: "line", xref: "paper", x0: 0, x1: 1, y0: untuned, y1: untuned, line: { color: palette.base, dash: "dot", width: 1 } };
      const roomy = place.clientWidth >= ROOMY;
      const names = !roomy ? [] : methods.map((one, i) => ({
        x: Math.log10(one.trainable),
        y: value(one),
        text: one.title,
        showarrow: false,
        textangle: -40,
        xanchor: "left",
        yanchor: "bottom",
        xshift: 2,
        yshift: sizes[i] / 2 - 2,
        captureevents: false,
      }));
      const base = { xref: "paper", x: 1, y: untuned, xanchor: "right", yanchor: "bottom", showarrow: false, text: say("untuned") };
      const places = methods.map((one) => Math.log10(one.trainable));
      const decades = [Math.min(...places) - 0.2, Math.max(...places) + 0.25];
      await Plotly.react(
        place,
        [dots],
        {
          ...Gatelight.plotLook(palette),
          margin: { l: 56, r: roomy ? 70 : 16, t: 8, b: 44 },
          hovermode: "closest",
          width: place.clientWidth,
          height: place.clientHeight,
          shapes: [line],
          annotations: [...names, base],
          xaxis: axis(palette, say("x"), { type: "log", dtick: 1, range: decades }),
          yaxis: axis(palette, say(`y.${measure}`), {
            range: range([...methods.map(value), untuned], share),
            ...(share ? { tickformat: ".0%", tickvals: [0, 0.25, 0.5, 0.75, 1] } : {}),
          }),
        },
        { displayModeBar: false },
      );
      if (place.dataset.wired) return;
      place.dataset.wired = "yes";
      place.on("plotly_hover", (event) => tell(methods[event.points[0].pointNumber]));
      place.on("plotly_unhover", () => tell(picked));
      place.on("plotly_click", (event) => pick(methods[event.points[0].pointNumber]));
    };

    switches.forEach((button) =>
      button.addEventListener("click", () => {
        measure = button.dataset.measure;
        switches.forEach((one) => one.setAttribute("aria-pressed", String(one === button)));
        draw();
      }),
    );
    new ResizeObserver(draw).observe(place);
    new MutationObserver(draw).observe(document.body, { attributeFilter: ["class"] });
    draw();
  };
})();
