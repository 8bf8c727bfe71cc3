"""The method zoo below the table of runs: what methods reach and cost, as measured here and as HF peft published it."""

import json
import statistics
from collections import Counter
from pathlib import Path
from typing import Any

import gradio as gr

from app import cards, expected
from app.expected import Measured
from app.markup import html, link, safe
from app.words import Say
from engine.methods import METHODS

PUBLISHED = Path(__file__).resolve().parents[2] / "assets" / "published.json"
"""The results of HF peft's comparison of methods, with their source."""
MEAN, PEFT = "mean", "peft"
"""The mean over all datasets that ship, and what HF peft published; every other source is a dataset."""
MEASURES = ("exact_match", "forgetting", "trainable", "seconds", "file_bytes", "memory_gb")
PERCENT = ("bleu", "chrf")
"""Metrics from 0 to 100."""
FIRST = {"x": "forgetting", "y": "exact_match"}
"""What either axis shows at first."""

_ON_LOAD = "Gatelight.ready.then(({ mountZoo }) => mountZoo(element, JSON.parse(props.words), server));"


def build(say: Say, titles: dict[str, str]) -> gr.HTML:
    """The picture; it hides itself where nothing was measured.

    Args:
        say: The page's words.
        titles: Titles of the datasets by their names.
    """

    def zoo(source: object) -> dict[str, Any]:
        return published() if source == PEFT else measured(say, str(source))

    def card(name: str) -> str:
        return cards.method_card(say, METHODS[name]) if name in METHODS else ""

    return html(
        html_template=_shell(say, titles),
        elem_id="gl-zoo",
        js_on_load=_ON_LOAD,
        server_functions=[zoo, card],
        words=json.dumps(say.part("runs"), ensure_ascii=False),
    )


def sources(say: Say, titles: dict[str, str]) -> dict[str, str]:
    """What the picture can show, in words: the mean, each dataset on which methods were measured, what was published.

    Args:
        say: The page's words.
        titles: Titles of the datasets by their names.
    """
    datasets = {row.dataset for row in _compared()}
    here = {name: say("runs.zoo.source.here", dataset=titles[name]) for name in titles if name in datasets}
    mean = {MEAN: say("runs.zoo.source.mean")} if len(here) > 1 else {}
    return {**mean, **here, PEFT: say("runs.zoo.source.peft")}


def measured(say: Say, source: str) -> dict[str, Any]:
    """What was measured on a dataset, or on the mean of all; in the mean are the methods that were measured on each."""
    rows: dict[str, list[Measured]] = {}
    for row in _compared():
        if source in (MEAN, row.dataset):
            rows.setdefault(row.method, []).append(row)
    wanted = len({row.dataset for some in rows.values() for row in some})
    whole = {name: some for name, some in rows.items() if len(some) == wanted}
    return {"methods": [_mark(say, name, whole[name]) for name in METHODS if name in whole]}


def _compared() -> list[Measured]:
    """What was measured whole, on datasets on which more than one method was: pictures are seen by one alone."""
    rows = [row for row in expected.measured(expected.ASSETS) if row.forgetting is not None]
    methods = Counter(row.dataset for row in rows)
    return [row for row in rows if methods[row.dataset] > 1]


def _mark(say: Say, name: str, rows: list[Measured]) -> dict[str, Any]:
    """One method: the means over its rows, and the span of its seeds."""
    key = f"method.{name}"
    parts = {row.dataset: _share(row, row.score.value) for row in rows}
    return {
        "name": name,
        "title": say(key) if key in say else METHODS[name].title,
        "family": METHODS[name].group,
        "exact_match": statistics.fmean(parts.values()),
        "lowest": statistics.fmean(_share(row, row.lowest) for row in rows),
        "highest": statistics.fmean(_share(row, row.highest) for row in rows),
        "seeds": min(row.seeds for row in rows),
        "parts": parts if len(parts) > 1 else {},
        "forgetting": statistics.fmean(row.forgetting for row in rows if row.forgetting is not None),
        "seconds": statistics.fmean(row.seconds for row in rows),
        "trainable": round(statistics.fmean(row.trainable for row in rows)),
        "file_bytes": round(statistics.fmean(row.file_bytes for row in rows)),
    }


def _share(row: Measured, value: float) -> float:
    """A score from 0 to 1, whatever its metric."""
    return value / 100 if row.score.name in PERCENT else value


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


def _shell(say: Say, titles: dict[str, str]) -> str:
    choices = "".join(_choice(say, axis, first) for axis, first in FIRST.items())
    options = "".join(
        f'<option value="{safe(name)}">{safe(text)}</option>' for name, text in sources(say, titles).items()
    )
    label = safe(say("runs.zoo.source"))
    choices = f'<label>{label} <select class="gl-zoo-axis" data-source>{options}</select></label>' + choices
    captions = "".join(
        f'<p class="gl-fact" data-caption="{name}">{safe(say(f"runs.zoo.caption.{name}"))}{_origin(name)}</p>'
        for name in ("here", PEFT)
    )
    return (
        f'<section class="gl-zoo"><header><div><h3 class="gl-h3">{safe(say("runs.zoo.title"))}</h3>'
        f'<p class="gl-fact">{safe(say("runs.zoo.term"))}</p></div>'
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
