// Where does it act in this picture? A held-out picture, and how each of its patches uses what was trained.
window.Gatelight = window.Gatelight || {};

(() => {
  const TILE = 92;
  const MOST_PLACES = 24;
  const VEIL = 0.9;
  const CLASS_TOKEN = 0;

  /** A small map of patches over the picture, with its name. */
  const tile = (name, on) => {
    const canvas = Gatelight.el("canvas", { width: TILE, height: TILE });
    const button = Gatelight.el("button", { type: "button", class: "gl-patches-tile", title: name }, canvas, Gatelight.el("span", { text: name }));
    canvas.addEventListener("pointermove", (event) => on.hover?.(event.offsetX / canvas.clientWidth, event.offsetY / canvas.clientHeight));
    canvas.addEventListener("pointerleave", () => on.hover?.(null));
    button.addEventListener("click", (event) =>
      on.pick?.(...(event.target === canvas ? [event.offsetX / canvas.clientWidth, event.offsetY / canvas.clientHeight] : [null])),
    );
    return { button, canvas };
  };

  const paint = (canvas, picture, side, values, [least, most], picked, palette) => {
    const context = Gatelight.fit(canvas, TILE, TILE);
    context.imageSmoothingEnabled = picture.naturalWidth > TILE;
    context.filter = values ? "grayscale(1)" : "none";
    context.drawImage(picture, 0, 0, TILE, TILE);
    context.filter = "none";
    if (!values) return;
    const edge = (index) => Math.round((TILE * index) / side);
    values.forEach((value, token) => {
      if (token === CLASS_TOKEN) return;
      const [row, column] = [Math.floor((token - 1) / side), (token - 1) % side];
      const [x, y, wide, high] = [edge(column), edge(row), edge(column + 1) - edge(column), edge(row + 1) - edge(row)];
      context.globalAlpha = VEIL * ((value - least) / Math.max(1e-9, most - least));
      context.fillStyle = palette.tuned;
      context.fillRect(x, y, wide, high);
      context.globalAlpha = 1;
      if (token !== picked) return;
      context.strokeStyle = palette.ink;
      context.lineWidth = 2;
      context.strokeRect(x + 1, y + 1, wide - 2, high - 2);
    });
  };

  const mount = (ctx) => {
    const { say, body } = ctx;
    const { el } = Gatelight;
    let seen = null;
    let run = "";
    let wanted = "";
    const picture = new Image();
    const choice = el("select", { class: "gl-select", "aria-label": say("picture") });
    const state = el("p", { class: "gl-readout", role: "status" });
    const places = ["upper", "lower"].map(() => ({ title: el("p", { class: "gl-map-title" }), host: el("div", { class: "gl-patches" }), drawn: "" }));
    body.append(choice, state, ...places.flatMap((place) => [place.title, place.host]));
    const ask = Gatelight.asker(ctx, state, (answer) => {
      seen = answer;
      picture.src = answer.picture;
      ctx.redraw();
    });
    picture.addEventListener("load", () => ctx.redraw());
    choice.addEventListener("change", () => {
      wanted = choice.value;
      ctx.redraw();
    });

    const token = (x, y) => {
      const at = (share) => Math.min(seen.side - 1, Math.max(0, Math.floor(share * seen.side)));
      return x === null ? null : 1 + at(y) * seen.side + at(x);
    };

    /** Tiles for the rows of a map, after one named `first` that shows the picture alone; made anew when names change.
     * Returns the ends of their scale. The class token does not count, which often stands out.
     */
    const show = (place, found, first, at, palette) => {
      const names = [...(first ? [first] : []), ...found.names];
      if (place.drawn !== names.join()) {
        place.drawn = names.join();
        place.tiles = names.map((name, index) =>
          tile(name, {
            hover: (x, y) => ctx.set({ hover: x === null ? null : { ...place.layerOf(index), token: token(x, y) } }),
            pick: (x, y) => ctx.set({ ...place.layerOf(index), ...(x === null ? {} : { token: token(x, y) }) }),
          }),
        );
        place.host.replaceChildren(...place.tiles.map((one) => one.button));
      }
      place.layerOf = (index) => (found.layers ? { layer: found.layers[index - (first ? 1 : 0)] ?? null } : {});
      const patches = found.grid.flatMap((row) => row.slice(CLASS_TOKEN + 1));
      const ends = [Math.min(...patches), Math.max(...patches)];
      place.tiles.forEach(({ button, canvas }, index) => {
        const row = index - (first ? 1 : 0);
        paint(canvas, picture, seen.side, found.grid[row], ends, at.token, palette);
        const name = found.layers?.[row];
        button.setAttribute("aria-pressed", String(name !== undefined && name === at.layer));
      });
      return { least: Gatelight.figure(ends[0], 2), most: Gatelight.figure(ends[1], 2) };
    };

    const named = (index) => (index === CLASS_TOKEN ? say("class_token") : say("patch", { row: Math.floor((index - 1) / seen.side) + 1, column: ((index - 1) % seen.side) + 1 }));
    const tell = (at, above, step) => {
      const verdict = seen.verdict?.length ? say("sees", { label: seen.verdict[0][0], share: Gatelight.figure(100 * seen.verdict[0][1], 3) }) : "";
      const row = above.layers ? Math.max(0, above.layers.indexOf(at.layer)) : 0;
      const index = at.token !== null && at.token < seen.tokens.length ? at.token : CLASS_TOKEN;
      const value = Gatelight.figure(above.grid[row][index], 2);
      const where = above.layers ? say("in_layer", { layer: above.layers[row] }) : "";
      return [say("at", { step }), verdict, say("told", { place: named(index), where, value })].filter(Boolean).join(" ");
    };

    return (view) => {
      const { tape, step } = view;
      if (run !== tape.run) {
        run = tape.run;
        seen = null;
        wanted = tape.at("sample", 0)?.prompt ?? "";
      }
      const last = step >= tape.last;
      ask({ run, step, last, sentence: wanted }, view.playing || view.following);
      const ready = Boolean(seen) && picture.complete && picture.naturalWidth > 0;
      for (const place of places) place.host.hidden = place.title.hidden = !ready;
      choice.hidden = !ready;
      if (!ready) {
        if (!state.dataset.kind) state.textContent = ctx.common("asks.waiting");
        return;
      }
      if (choice.dataset.names !== seen.names.join()) {
        choice.dataset.names = seen.names.join();
        choice.replaceChildren(...seen.names.map((name) => el("option", { value: name, text: name })));
      }
      choice.value = seen.name;
      const palette = Gatelight.palette(body);
      const at = Gatelight.cursor(view);
      const look = Gatelight.looks[seen.kind];
      const [above, below] = [look.upper(seen, at, ctx), look.lower?.(seen, at, ctx) ?? null];
      const head = at.head === null ? ctx.common("asks.mean_heads") : ctx.common("asks.one_head", { head: at.head });
      const said = { head, target: above.target ?? "", method: ctx.common(`method.${tape.config.method}`) };
      const ends = show(places[0], above, say("bare"), at, palette);
      places[0].title.textContent = say("scale", { what: ctx.common(`asks.share.${seen.kind}`, said), ...ends });
      places[1].host.hidden = places[1].title.hidden = !below;
      if (below) {
        const many = below.grid.length > MOST_PLACES;
        const rows = below.prompts ? [...below.grid].reverse().slice(0, MOST_PLACES) : below.grid;
        const names = below.prompts ? rows.map((_, k) => say("place", { number: k + 1 })) : below.names;
        const values = { layer: below.layer, head, ...show(places[1], { grid: rows, names }, "", at, palette) };
        places[1].title.textContent = say(`spread.${seen.kind}`, values) + (many ? ` ${say("first_places", { n: MOST_PLACES })}` : "");
      }
      state.dataset.kind = "";
      state.textContent = tell(at, above, seen.step ?? tape.last);
    };
  };

  (Gatelight.panels ??= []).push({ name: "patches", order: 3, side: "left", needs: null, fits: (tape) => tape.pictures, mount });
})();
