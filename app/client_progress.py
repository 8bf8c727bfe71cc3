"""How often Gradio's client tells the inputs of events how far those events are: once in a while, not at every stage.

Gradio 6.31 means to tell that to the inputs of streams only. But it ends every event with the stream state "closed", so
that the inputs of every event that was ever complete stay on its list (`LoadingStatus.current`), and each of them is
told its state again at every stage of every other event. Each time the whole tree of components is searched for it:
10,000 searches while this page opens, half of the browser's work.

They do not go altogether: telling a component also brings its value from what is shown into the tree, from which it is
shown again when a fold that was closed is opened.
"""

from pathlib import Path

import gradio

GRADIO = Path(gradio.__file__).resolve().parent / "templates" / "frontend" / "assets"
EVERY_MS = 1000
SCRIPT = """
import(new URL("assets/%s", document.baseURI)).then((parts) => {
  const { LoadingStatus } = Object.values(parts).find((part) => part?.LoadingStatus) ?? {};
  const update = LoadingStatus?.prototype.update;
  if (!update) return;
  LoadingStatus.prototype.update = function (status) {
    Object.assign(this.current, this.aside);
    this.aside = {};
    update.call(this, status);
    const now = performance.now();
    if (!(now - this.toldAt < %d)) {
      this.toldAt = now;
      return;
    }
    const shown = new Set(Object.values(this.fn_outputs).flat());
    for (const id of Object.keys(this.current)) {
      if (shown.has(Number(id))) continue;
      this.aside[id] = this.current[id];
      delete this.current[id];
    }
  };
});
"""


def status_module() -> Path | None:
    """The file of Gradio's client that keeps how far events are; None where another version has it elsewhere."""
    found = list(GRADIO.glob("statustracker-*.js"))
    return found[0] if len(found) == 1 else None


def progress_script() -> str:
    """For the page's head; empty with a version of Gradio that this does not know."""
    status = status_module()
    return SCRIPT % (status.name, EVERY_MS) if status else ""
