// The table of runs: sorts, filters, and tells which rows are picked.
window.Gatelight = window.Gatelight || {};

(() => {
  const POLL_MS = 2000;
  const COLUMNS = ["name", "status", "method", "dataset", "model", "step", "best_validation", "trainable", "size_bytes", "created"];
  const NUMBERS = new Set(["step", "best_validation", "trainable", "size_bytes", "created"]);

  const bytes = (n) => (n < 1e6 ? `${(n / 1e3).toFixed(n < 1e4 ? 1 : 0)} kB` : `${(n / 1e6).toFixed(1)} MB`);

  const when = (seconds) =>
    new Date(seconds * 1000).toLocaleString(document.documentElement.lang || undefined, {
      month: "short", day: "numeric", hour: "2-digit", minute: "2-digit",
    });

  const keptOlder = (run) => run.status === "finished" && run.kept_step !== null && run.kept_step !== run.step;

  const shown = (run, column, words) => {
    switch (column) {
      case "status": return words[`status.${run.recording ? "recording" : run.status}`] ?? run.status;
      case "method": return words[`method.${run.method}`] ?? run.method;
      case "model":
      case "dataset": return run[column].startsWith("hub:") ? run[column] : run[column].split(/[\\/]/).pop();
      case "step": return `${run.step}/${run.steps}${keptOlder(run) ? ` (${words["runs.kept"].replace("{step}", run.kept_step)})` : ""}`;
      case "best_validation": return run.best_validation === null ? "–" : run.best_validation.toFixed(3);
      case "trainable": return run.trainable.toLocaleString("en");
      case "size_bytes": return run.size_bytes ? bytes(run.size_bytes) : "–";
      case "created": return run.recording ? "–" : when(run.created);
      default: return run[column];
    }
  };

  const cell = (tag, text, className) => {
    const made = document.createElement(tag);
    made.textContent = text;
    if (className) made.className = className;
    return made;
  };

  /** Fill the table and keep it true. `pick` is called with the ids of the picked runs. */
  Gatelight.table = (element, words, server, pick) => {
    const table = element.querySelector("table");
    const filter = element.querySelector(".gl-filter");
    const count = element.querySelector(".gl-table-count");
    const picked = new Set();
    let runs = [];
    let sort = { column: null, down: true };
    let drawn = "";

    const matches = (run) => {
      const wanted = filter.value.trim().toLowerCase();
      return !wanted || COLUMNS.some((c) => String(shown(run, c, words)).toLowerCase().includes(wanted)) || run.notes.toLowerCase().includes(wanted);
    };

    const ordered = (list) => {
      if (!sort.column) return list;
      const key = (run) => (NUMBERS.has(sort.column) ? (run[sort.column] ?? Infinity) : String(shown(run, sort.column, words)));
      const compare = (a, b) => (typeof a === "number" ? a - b : a.localeCompare(b));
      return [...list].sort((a, b) => (sort.down ? -1 : 1) * compare(key(a), key(b)));
    };

    const tell = () => pick([...picked]);

    const toggle = (id, alone) => {
      const was = picked.has(id);
      if (alone) picked.clear();
      if (was && !(alone && picked.size)) picked.delete(id);
      if (!was) picked.add(id);
      draw(true);
      tell();
    };

    const heading = () => {
      const row = document.createElement("tr");
      row.append(cell("th", ""));
      COLUMNS.forEach((column) => {
        const head = cell("th", "", NUMBERS.has(column) ? "number" : "");
        const button = cell("button", words[`runs.column.${column}`]);
        button.type = "button";
        button.dataset.column = column;
        const here = sort.column === column;
        head.setAttribute("aria-sort", here ? (sort.down ? "descending" : "ascending") : "none");
        button.addEventListener("click", () => {
          sort = here ? { column, down: !sort.down } : { column, down: NUMBERS.has(column) };
          draw(true);
        });
        head.append(button);
        row.append(head);
      });
      return row;
    };

    const line = (run) => {
      const row = document.createElement("tr");
      row.dataset.run = run.id;
      row.className = picked.has(run.id) ? "picked" : "";
      const box = Object.assign(document.createElement("input"), { type: "checkbox", checked: picked.has(run.id) });
      box.setAttribute("aria-label", run.name);
      box.addEventListener("click", (event) => { event.stopPropagation(); toggle(run.id, false); });
      const first = cell("td", "");
      first.append(box);
      row.append(first);
      COLUMNS.forEach((column) => {
        const made = cell("td", shown(run, column, words), NUMBERS.has(column) ? "number" : "");
        if (column === "status") made.dataset.state = run.recording ? "recording" : run.status;
        if (column === "name" && run.notes) made.title = run.notes;
        row.append(made);
      });
      row.addEventListener("click", () => toggle(run.id, true));
      return row;
    };

    const draw = (force) => {
      const state = JSON.stringify(runs);
      if (!force && state === drawn) return;
      drawn = state;
      const list = ordered(runs.filter(matches));
      table.replaceChildren(heading(), ...list.map(line));
      const own = runs.filter((run) => !run.recording).length;
      count.textContent = own ? words["runs.hint"] : words["runs.empty"];
    };

    const refresh = async () => {
      const news = await server.listed(null).catch(() => undefined);
      if (!news) return;
      runs = news;
      const known = new Set(runs.map((run) => run.id));
      const gone = [...picked].filter((id) => !known.has(id));
      gone.forEach((id) => picked.delete(id));
      draw(false);
      if (gone.length) tell();
    };

    const poll = async () => {
      if (!element.isConnected) return;
      if (document.visibilityState === "visible" && (element.offsetParent || !drawn)) await refresh();
      setTimeout(poll, POLL_MS);
    };

    Gatelight.refreshRuns = refresh;
    filter.addEventListener("input", () => draw(true));
    poll();
  };
})();
