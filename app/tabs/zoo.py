"""The method zoo below the table of runs: what methods reach and cost, as measured here and as HF peft published it."""

import json
from pathlib import Path
from typing import Any

import gradio as gr

from app import cards
from app.markup import html, link, safe
from app.words import Say
from engine.methods import METHODS

ZOO = Path(__file__).resolve().parents[2] / "assets" / "zoo.json"
"""Written by `python -m benchmarks.methods`."""
PUBLISHED = ZOO.with_name("published.json")
"""The results of HF peft's comparison of methods, with their source."""
SOURCES = ("here", "peft")
MEASURES = ("exact_match", "forgetting", "trainable", "seconds", "file_bytes", "memory_gb")
FIRST = {"x": "forgetting", "y": "exact_match"}
"""What either axis shows at first."""

_ON_LOAD = "Gatelight.ready.then(({ mountZoo }) => mountZoo(element, JSON.parse(props.words), server));"


def build(say: Say) -> gr.HTML:
    """The picture; it hides itself where nothing was measured."""

    def zoo(source: object) -> dict[str, Any]:
        return published() if source == "peft" else measured(say)

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


def published(path: Path = PUBLISHED) -> dict[str, Any]:
    """What HF peft published, in the layout of `measured`; `name` is empty where a method is none of those here."""
    rows = json.loads(path.read_text(encoding="utf-8"))["rows"]
    return {
        "methods": [
            {
                "name": row["method"],
                "title": row["experiment"],
                "family": METHODS[row["method"]].group if row["method"] else "other",
                "exact_match": row["accuracy"],
                "file_bytes": round(1e6 * row["file_mb"]),
                **{name: row[name] for name in ("forgetting", "trainable", "seconds", "memory_gb", "learning_rate")},
            }
            for row in rows
        ]
    }


def _shell(say: Say) -> str:
    choices = "".join(_choice(say, axis, first) for axis, first in FIRST.items())
    sources = "".join(f'<option value="{name}">{safe(say(f"runs.zoo.source.{name}"))}</option>' for name in SOURCES)
    label = safe(say("runs.zoo.source"))
    choices = f'<label>{label} <select class="gl-zoo-axis" data-source>{sources}</select></label>' + choices
    captions = "".join(
        f'<p class="gl-fact" data-caption="{name}">{safe(say(f"runs.zoo.caption.{name}"))}{_origin(name)}</p>'
        for name in SOURCES
    )
    return (
        f'<section class="gl-zoo"><header><h3 class="gl-h3">{safe(say("runs.zoo.title"))}</h3>'
        f'<div class="gl-zoo-axes">{choices}</div></header>'
        f'<div class="gl-zoo-plot" role="img" aria-label="{safe(say("runs.zoo.title"))}"></div>'
        '<p class="gl-zoo-readout" aria-live="polite"></p><div class="gl-zoo-names"></div>'
        f'<div class="gl-zoo-card"></div>{captions}</section>'
    )


def _origin(source: str) -> str:
    """The link to what is not measured here."""
    if source == "here":
        return ""
    facts = json.loads(PUBLISHED.read_text(encoding="utf-8"))
    return " " + link(facts["source"], facts["title"])


def _choice(say: Say, axis: str, first: str) -> str:
    """The menu of what an axis shows."""
    options = "".join(
        f'<option value="{name}"{" selected" if name == first else ""}>{safe(say(f"runs.zoo.of.{name}"))}</option>'
        for name in MEASURES
    )
    label = safe(say(f"runs.zoo.axis.{axis}"))
    return f'<label>{label} <select class="gl-zoo-axis" data-axis="{axis}">{options}</select></label>'
