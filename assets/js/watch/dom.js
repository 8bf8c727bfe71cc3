// Small helpers: elements whose texts are always text, never markup; numbers and tokens as labels.
window.Gatelight = window.Gatelight || {};

(() => {
  /** An element with properties (class, text, data-*, aria-*, on*) and children. */
  Gatelight.el = (tag, properties = {}, ...children) => {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
      if (value === null || value === undefined || value === false) continue;
      if (name === "text") node.textContent = value;
      else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else node.setAttribute(name, value === true ? "" : value);
    }
    node.append(...children.filter((child) => child !== null && child !== undefined));
    return node;
  };

  const ICONS = {
    first: "M3 3h2v10H3zM13 3v10L6 8z",
    last: "M11 3h2v10h-2zM3 3v10l7-5z",
    play: "M4 2.5v11l9-5.5z",
    pause: "M4 3h3v10H4zM9 3h3v10H9z",
  };

  /** A small picture for a button: "first", "last", "play" or "pause". */
  Gatelight.icon = (name) => {
    const space = "http://www.w3.org/2000/svg";
    const picture = document.createElementNS(space, "svg");
    const path = document.createElementNS(space, "path");
    path.setAttribute("d", ICONS[name]);
    picture.setAttribute("viewBox", "0 0 16 16");
    picture.setAttribute("class", "gl-icon");
    picture.setAttribute("aria-hidden", "true");
    picture.append(path);
    return picture;
  };

  /** A button; the label is for screen readers and for hovering when the text is a symbol. */
  Gatelight.button = (text, onclick, properties = {}) =>
    Gatelight.el("button", { type: "button", class: "gl-button", text, onclick, ...properties });

  /** A number as a person reads it: three significant figures, 0 stays 0. */
  Gatelight.figure = (value, digits = 3) => {
    if (value === null || value === undefined || Number.isNaN(value)) return "–";
    if (value === 0) return "0";
    const size = Math.abs(value);
    if (size < 1e-3 || size >= 1e5) return value.toExponential(digits - 1).replace("-", "−").replace("e−", "e-");
    return value.toFixed(Math.max(0, digits - 1 - Math.floor(Math.log10(size)))).replace("-", "−");
  };

  /** A token as a label: what can be seen of it. */
  Gatelight.tokenName = (token) => token.trim().replace(/\n/g, "⏎") || (token.includes("\n") ? "⏎" : "␣");

  /** A row of a table with a bar behind each number: cells are {share: 0 to 1, text, mark: 0 to 1, title}. */
  Gatelight.barRow = (name, ...cells) => {
    const made = cells.map(({ share, text, mark, title }) => {
      const fill = Gatelight.el("i");
      fill.style.width = `${100 * Math.min(1, Math.max(0, share))}%`;
      const track = Gatelight.el("span", { class: "gl-bar-track" }, fill);
      if (mark !== undefined) {
        const line = Gatelight.el("b", { title });
        line.style.left = `${100 * mark}%`;
        track.append(line);
      }
      return Gatelight.el("td", {}, track, Gatelight.el("span", { class: "gl-bar-value", text }));
    });
    return Gatelight.el("tr", {}, Gatelight.el("th", { scope: "row", text: name }), ...made);
  };

  /** The heading of such a table: [text, title] each. */
  Gatelight.barHead = (...names) =>
    Gatelight.el("tr", {}, ...names.map(([text, title]) => Gatelight.el("th", { scope: "col", text, title })));

  /** What the panels point at: hovering goes before what is locked. */
  Gatelight.cursor = (view) => {
    const { layer, head, token, row } = view;
    return { layer, head, token, row, ...view.hover };
  };
})();
