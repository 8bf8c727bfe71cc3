// How one sentence uses a method, by kind of report: the maps of tokens that are drawn of it.
window.Gatelight = window.Gatelight || {};

(() => {
  const range = (n) => Array.from({ length: n }, (_, i) => i);
  const average = (lists) => lists[0].map((_, i) => lists.reduce((sum, list) => sum + list[i], 0) / lists.length);
  const named = (layers, ctx) => layers.map((layer) => ctx.common("layer", { layer }));

  /** Layers by tokens from values per layer, head and token: one head's, or the mean of all. */
  const heads = (values, seen, at, ctx) => ({
    grid: values.map((all) => (at.head === null ? average(all) : (all[at.head] ?? average(all)))),
    layers: seen.layers,
    names: named(seen.layers, ctx),
  });

  /** Prompts by tokens: whom each token asks in one layer; the first prompt is on top. */
  const asked = (seen, at) => {
    if (!seen.weights) return null;
    const index = seen.layers.indexOf(at.layer);
    const all = seen.weights[index < 0 ? seen.layers.length - 1 : index];
    const tokens = seen.tokens.map((_, t) => all[at.head]?.[t] ?? average(all.map((head) => head[t])));
    const prompts = range(tokens[0].length).reverse();
    const grid = prompts.map((k) => tokens.map((row) => row[k]));
    const layer = seen.layers[index < 0 ? seen.layers.length - 1 : index];
    return { layer, prompts, grid, names: prompts.map((k) => String(k + 1)), most: Math.max(...grid.flat()) };
  };

  /** By kind: `upper` and `lower` are maps {grid, names of rows, layers, most: top of the scale if not 1}. */
  Gatelight.looks = {
    prompts: { upper: (seen, at, ctx) => heads(seen.contribution, seen, at, ctx), lower: asked },
    soft: { upper: (seen, at, ctx) => heads(seen.mass, seen, at, ctx), lower: asked },
    updates: {
      title: "title.updates",
      upper: (seen, at, ctx) => {
        const target = Math.min(at.head ?? 0, seen.targets.length - 1);
        const grid = seen.contribution.map((row) => row[target]);
        return { grid, target: seen.targets[target], layers: seen.layers, names: named(seen.layers, ctx) };
      },
    },
    rungs: {
      title: "title.updates",
      upper: (seen, _, ctx) => ({ grid: seen.fresh, layers: seen.layers, names: named(seen.layers, ctx) }),
      lower: (seen, _, ctx) => ({ grid: [seen.added], names: [ctx.common("asks.added")], most: Math.max(1e-6, ...seen.added) }),
      values: (seen, token) => ({ added: Gatelight.figure(seen.added[token], 2) }),
    },
    blend: {
      title: "title.blend",
      words: true,
      upper: (seen, _, ctx) => ({ grid: [seen.ratio], names: [ctx.common("asks.ratio")] }),
      values: (seen, token) => ({
        cosine: Gatelight.figure(seen.cosine[token], 2),
        ...Object.fromEntries(Object.entries(seen.next).map(([who, words]) => [who, Gatelight.tokenName(words[token])])),
      }),
    },
  };

  /** A table of what base, side network and their blend would say after each token. */
  Gatelight.nextWords = (table, seen, token, ctx) => {
    const { el, tokenName } = Gatelight;
    const row = (name, words, mark) =>
      el(
        "tr",
        {},
        el("th", { scope: "row", text: name }),
        ...words.map((word, i) =>
          el("td", { class: i === token ? "gl-here" : mark?.(i) ? "gl-changed" : null, dir: "auto", text: tokenName(word) }),
        ),
      );
    const { base, side, blend } = seen.next;
    table.replaceChildren(
      row(ctx.common("asks.next.after"), seen.tokens),
      row(ctx.common("asks.next.base"), base),
      row(ctx.common("asks.next.side"), side),
      row(ctx.common("asks.next.blend"), blend, (i) => blend[i] !== base[i]),
    );
  };
})();
