// Whom does it ask? A sentence, and how each of its tokens uses what was trained.
window.Gatelight = window.Gatelight || {};

(() => {
  const mount = (ctx) => {
    const { say, body } = ctx;
    let seen = null;
    let run = "";
    const named = { "aria-label": say("sentence"), placeholder: say("sentence"), dir: "auto" };
    const input = Gatelight.el("input", { type: "text", class: "gl-input", maxlength: 400, ...named });
    const state = Gatelight.el("p", { class: "gl-readout", role: "status" });
    const tops = [Gatelight.el("p", { class: "gl-map-title" }), Gatelight.el("p", { class: "gl-map-title" })];
    const hosts = [Gatelight.el("div"), Gatelight.el("div")];
    body.append(input, state, tops[0], hosts[0], tops[1], hosts[1]);
    const layerOf = (row) => seen.layers?.[row] ?? null;
    const upper = Gatelight.heat(hosts[0], {
      label: say("share.label"),
      hover: (row, token) => ctx.set({ hover: row === null ? null : { layer: layerOf(row), token } }),
      pick: (row, token) => ctx.set({ layer: layerOf(row), token }),
    });
    const lower = Gatelight.heat(hosts[1], {
      label: say("spread.label"),
      hover: (row, token) => ctx.set({ hover: row === null ? null : { token, prompt: row } }),
      pick: (_, token) => ctx.set({ token }),
    });
    const table = Gatelight.el("table", { class: "gl-next" });
    body.append(Gatelight.el("div", { class: "gl-scroll-x" }, table));
    const ask = Gatelight.asker(ctx, state, (answer) => {
      seen = answer;
      ctx.redraw();
    });
    input.addEventListener("input", ctx.redraw);

    const paint = (draw, found, at, view, palette) => {
      const layers = found.layers ?? [];
      const place = (layer, token) => {
        const row = layers.indexOf(layer);
        const column = token === null || token >= seen.tokens.length ? null : token;
        return row < 0 && column === null ? null : [row < 0 ? null : row, column];
      };
      draw({
        rows: found.grid.length,
        columns: seen.tokens.length,
        widest: 64,
        tallest: 22,
        lowest: 9,
        edged: true,
        value: (row, column) => found.grid[row][column],
        colour: (value) => palette.ramp(value / (found.most ?? 1)),
        rowNames: found.names,
        columnNames: seen.tokens.map(Gatelight.tokenName),
        picked: place(view.layer, view.token),
        hovered: view.hover ? place(at.layer, at.token) : null,
      });
    };
    const tell = (at, look, above, below, step) => {
      if (at.token === null || at.token >= seen.tokens.length) return say("at", { step });
      const token = Gatelight.tokenName(seen.tokens[at.token]);
      if (at.prompt !== undefined && below?.prompts) {
        const value = Gatelight.figure(below.grid[at.prompt][at.token], 2);
        return say("ask", { token, prompt: below.prompts[at.prompt] + 1, value });
      }
      const row = above.layers ? above.layers.indexOf(at.layer) : 0;
      if (row < 0) return say("at", { step });
      const value = Gatelight.figure(above.grid[row][at.token], 2);
      return say(`told.${seen.kind}`, { token, layer: at.layer, value, ...look.values?.(seen, at.token) });
    };

    return (view) => {
      const { tape, step } = view;
      if (run !== tape.run) {
        run = tape.run;
        seen = null;
        input.value = tape.at("sample", 0)?.prompt ?? input.value;
      }
      if (!input.value && tape.all("sample").length) input.value = tape.all("sample")[0].prompt;
      const last = step >= tape.last;
      if (input.value.trim()) ask({ run, step, last, sentence: input.value }, view.playing || view.following);
      hosts.forEach((host) => (host.hidden = !seen));
      tops.forEach((top) => (top.hidden = !seen));
      if (!seen) {
        if (!state.dataset.kind) state.textContent = say("waiting");
        return;
      }
      const palette = Gatelight.palette(body);
      const at = Gatelight.cursor(view);
      const look = Gatelight.looks[seen.kind];
      const [above, below] = [look.upper(seen, at, ctx), look.lower?.(seen, at, ctx) ?? null];
      const head = at.head === null ? say("mean_heads") : say("one_head", { head: at.head });
      const said = { head, target: above.target ?? "", method: ctx.common(`method.${tape.config.method}`) };
      ctx.caption.textContent = say(`caption.${seen.kind}`);
      ctx.title.textContent = say(look.title ?? "title");
      tops[0].textContent = say(`share.${seen.kind}`, said);
      paint(upper, above, at, view, palette);
      hosts[1].hidden = tops[1].hidden = !below;
      if (below) {
        const values = { head, layer: below.layer, most: Gatelight.figure(below.most, 2) };
        tops[1].textContent = say(`spread.${seen.kind}`, values);
        paint(lower, below, at, view, palette);
      }
      table.hidden = !look.words;
      if (look.words) Gatelight.nextWords(table, seen, at.token, ctx);
      state.dataset.kind = "";
      state.textContent = tell(at, look, above, below, seen.step ?? tape.last);
    };
  };

  (Gatelight.panels ??= []).push({ name: "asks", order: 3, side: "left", needs: null, fits: (tape) => !tape.pictures, mount });
})();
