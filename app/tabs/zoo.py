"""The method zoo below the table of runs: what every method trains against what it reaches, measured in one run."""

import json
from pathlib import Path
from typing import Any

import gradio as gr

from app import cards
from app.markup import html, safe
from app.words import Say
from engine.methods import METHODS

ZOO = Path(__file__).resolve().parents[2] / "assets" / "zoo.json"
"""Written by `python -m benchmarks.methods`."""
MEASURES = ("exact_match", "forgetting")

_ON_LOAD = "Gatelight.ready.then(({ mountZoo }) => mountZoo(element, JSON.parse(props.words), server));"


def build(say: Say) -> gr.HTML:
    """The picture; it hides itself where nothing was measured."""

    def zoo(_: object) -> dict[str, Any]:
        return measured(say)

    def card(name: str) -> str:
        return cards.method_card(say, METHODS[name]) if name in METHODS else ""

    return html(
        html_template=_shell(say),
        elem_id="gl-zoo",
        js_on_load=_ON_LOAD,
        server_functions=[zoo, card],
        words=json.dumps(say.part("runs"), ensure_ascii=False),
    )


def measured(say: Say, path: Path | None = None) -> dict[str, Any]:
    """What was measured, with each method's family and its name in the page's language; nothing if there is no file."""
    path = path or ZOO
    if not path.exists():
        return {}
    measurements: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    for row in measurements["methods"]:
        key = f"method.{row['name']}"
        row["forgetting"] = row["base_ability"] - row["base_ability_before"]
        row["family"] = METHODS[row["name"]].group
        row["title"] = say(key) if key in say else row["title"]
    return measurements


def _shell(say: Say) -> str:
    switches = "".join(
        f'<button type="button" class="gl-zoo-switch" data-measure="{name}" aria-pressed="{str(not n).lower()}">'
        f"{safe(say(f'runs.zoo.y.{name}'))}</button>"
        for n, name in enumerate(MEASURES)
    )
    return (
        f'<section class="gl-zoo"><header><h3 class="gl-h3">{safe(say("runs.zoo.title"))}</h3>'
        f"<div>{switches}</div></header>"
        f'<div class="gl-zoo-plot" role="img" aria-label="{safe(say("runs.zoo.title"))}"></div>'
        '<p class="gl-zoo-readout" aria-live="polite"></p><div class="gl-zoo-names"></div>'
        f'<div class="gl-zoo-card"></div><p class="gl-fact">{safe(say("runs.zoo.caption"))}</p></section>'
    )
