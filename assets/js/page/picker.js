// The menu of methods: a button, and a list in families that opens below it. Mouse and keyboard alike.
window.Gatelight = window.Gatelight || {};

(() => {
  const STEPS = { ArrowDown: 1, ArrowUp: -1 };

  const option = (method) => {
    const made = document.createElement("div");
    const title = document.createElement("strong");
    const line = document.createElement("span");
    title.textContent = method.title;
    line.textContent = method.line;
    made.append(title, line);
    made.className = "gl-method-option";
    made.id = `gl-method-option-${method.name}`;
    made.setAttribute("role", "option");
    made.dataset.method = method.name;
    return made;
  };

  const group = (family) => {
    const made = document.createElement("div");
    const head = document.createElement("p");
    head.textContent = family.title;
    made.append(head, ...family.methods.map(option));
    made.className = "gl-method-family";
    made.setAttribute("role", "group");
    made.setAttribute("aria-label", family.title);
    return made;
  };

  /** Bring the menu to life.
   *
   * @param value {value(): what is chosen; pick(name); watch(tell): calls back when the page changes the value}
   */
  Gatelight.picker = async (element, server, value) => {
    const button = element.querySelector(".gl-picker-button");
    const list = element.querySelector(".gl-picker-list");
    let options = [];
    let active = null;

    const show = () => {
      const chosen = options.find((one) => one.dataset.method === value.value());
      if (chosen) button.textContent = chosen.firstChild.textContent;
      options.forEach((one) => one.setAttribute("aria-selected", String(one === chosen)));
    };
    const point = (one) => {
      active?.classList.remove("active");
      active = one;
      active?.classList.add("active");
      active?.scrollIntoView({ block: "nearest" });
      if (active) list.setAttribute("aria-activedescendant", active.id);
    };
    const close = (back) => {
      list.hidden = true;
      button.setAttribute("aria-expanded", "false");
      if (back) button.focus();
    };
    const open = () => {
      if (!options.length) return;
      list.hidden = false;
      button.setAttribute("aria-expanded", "true");
      point(options.find((one) => one.getAttribute("aria-selected") === "true") ?? options[0]);
      list.focus();
    };
    const pick = (one) => {
      close(true);
      if (!one || one.dataset.method === value.value()) return;
      value.pick(one.dataset.method);
      show();
    };

    button.addEventListener("click", () => (list.hidden ? open() : close(true)));
    button.addEventListener("keydown", (event) => {
      if (!(event.key in STEPS)) return;
      event.preventDefault();
      open();
    });
    list.addEventListener("click", (event) => pick(event.target.closest(".gl-method-option")));
    list.addEventListener("pointermove", (event) => point(event.target.closest(".gl-method-option") ?? active));
    list.addEventListener("keydown", (event) => {
      const at = options.indexOf(active);
      const typed = event.key.length === 1 && event.key !== " " ? event.key.toLowerCase() : "";
      if (event.key in STEPS) point(options[Math.min(options.length - 1, Math.max(0, at + STEPS[event.key]))]);
      else if (event.key === "Home") point(options[0]);
      else if (event.key === "End") point(options.at(-1));
      else if (event.key === "Enter" || event.key === " ") pick(active);
      else if (event.key === "Escape" || event.key === "Tab") close(true);
      else if (typed) {
        const begins = (one) => one.textContent.toLowerCase().startsWith(typed);
        point([...options.slice(at + 1), ...options].find(begins) ?? active);
      } else return;
      event.preventDefault();
    });
    list.addEventListener("focusout", (event) => !element.contains(event.relatedTarget) && close(false));

    const families = (await server.families(null).catch(() => undefined)) ?? [];
    list.replaceChildren(...families.map(group));
    options = [...list.querySelectorAll(".gl-method-option")];
    show();
    value.watch(show);
  };
})();
