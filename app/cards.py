"""What stands under and beside the three choices of Train: cards, the diagram, the count."""

import re

from app.forms import word
from app.markup import link, safe, size, term
from app.method_names import method_title
from app.words import Say
from engine.data.info import DatasetInfo
from engine.data.preview_values import DataPreview, PictureReport
from engine.methods import part_names, part_settings
from engine.methods.sizing import MOST
from engine.methods.spec import MethodSpec
from engine.models.info import Counts, ModelInfo

BAR_LEAST = 0.4  # percent: a thinner bar could not be seen
LABELS_SHOWN = 8


def model_card(say: Say, info: ModelInfo, about: str = "") -> str:
    """One line about a model; `about` says what it is for, where that is known."""
    known = f"train.model.{info.name}"
    line = say(known) if known in say else about or info.title
    facts = say("train.model_facts", millions=f"{info.parameters / 1e6:,.1f}", size=f"{info.size_mb:,.0f}")
    return f'<div class="gl-card"><p>{safe(line)}</p><p class="gl-fact">{safe(facts)} · {safe(info.family)}</p></div>'


def other_model_card(say: Say, name: str) -> str:
    """What is known of a model that is not listed: how it will be found."""
    return f'<div class="gl-card"><p>{safe(say("train.model.other", name=name))}</p></div>'


def models_table(say: Say, models: list[ModelInfo]) -> str:
    """The models of this machine with family and size."""
    head = "".join(f"<th>{safe(say(f'train.models.{name}'))}</th>" for name in ("name", "family", "size", "source"))
    rows = "".join(
        f"<tr><td>{safe(info.title)}</td><td>{safe(info.family)}</td><td>{size(info.size_mb * 1e6)}</td>"
        f"<td>{safe(say(f'train.source.{info.source}'))}</td></tr>"
        for info in models
    )
    return (
        f'<p class="gl-note">{safe(say("train.model.how"))}</p><div class="gl-table-frame"><table class="gl-table">'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def method_card(say: Say, spec: MethodSpec) -> str:
    """One line, the equation and the paper of a method; what is learned has the colour of the lit places."""
    paper = f"{spec.paper.title}. {spec.paper.authors}, {spec.paper.year}."
    known = f"train.method.{spec.name}"
    line = f"<p>{safe(say(known))}</p>" if known in say else ""
    return (
        f'<div class="gl-card">{line}<p class="gl-equation">{equation(spec)}</p>'
        f'<p class="gl-fact">{link(spec.paper.url, paper)}</p></div>'
    )


def equation(spec: MethodSpec) -> str:
    """The equation of a method, its learned symbols marked; a superscript may stand behind a symbol."""
    symbols = "|".join(map(re.escape, sorted(spec.learned, key=len, reverse=True)))
    parts = re.split(rf"(?<!\w)({symbols})(?![^\Wᵀ])", spec.equation)
    return "".join(f"<b>{safe(part)}</b>" if at % 2 else safe(part) for at, part in enumerate(parts))


def data_card(say: Say, info: DatasetInfo) -> str:
    """One line about a dataset and the sizes of its splits."""
    return _data_card(say, say.of(info.summary), info.splits, info.labels)


def user_data_card(say: Say, data: DataPreview) -> str:
    """The same about one's own data."""
    summary = say.of(data.summary)
    if not summary:
        pictures = ".pictures" if isinstance(data.report, PictureReport) else ""
        asked = ", ".join(data.asked) or say("data.summary.nothing")
        summary = say(f"data.summary{pictures}", name=data.name, asked=asked, answered=data.answered)
    return _data_card(say, summary, data.report.rows, data.labels, marked=data.marked)


def _data_card(
    say: Say, summary: str, splits: dict[str, int], labels: tuple[str, ...] | None, *, marked: bool = False
) -> str:
    sizes = " · ".join(
        say(f"train.split.{name}", n=f"{rows:,}") if f"train.split.{name}" in say else f"{safe(name)} {rows:,}"
        for name, rows in splits.items()
    )
    told = f" · {safe(say('train.marked'))}" if marked else _labels(say, labels)
    return f'<div class="gl-card"><p>{safe(summary)}</p><p class="gl-fact">{sizes}{told}</p></div>'


def _labels(say: Say, labels: tuple[str, ...] | None) -> str:
    """What a task head could say here."""
    if labels is None:
        return ""
    named = ", ".join(labels[:LABELS_SHOWN]) + (" …" if len(labels) > LABELS_SHOWN else "")
    return f" · {safe(say('train.labels', labels=named) if labels else say('train.numbers'))}"


def count_bar(say: Say, counts: Counts, method: str) -> str:
    """How much trains, in numbers and to scale, and which settings are smaller for that."""
    share = 100 * counts.trainable / max(1, counts.total)
    groups = " · ".join(f"{safe(_group(say, name))} {held:,}" for name, held in counts.groups.items())
    line = say(
        "train.count",
        trains=term(say, "trains"),
        n=f"<strong>{counts.trainable:,}</strong>",
        total=f"{counts.total:,}",
        share=f"{share:.2f}",
    )
    return (
        f'<div class="gl-count"><p>{line}</p><div class="gl-scale" role="img" aria-label="{share:.2f} %">'
        f'<i style="width:{max(BAR_LEAST, min(100, share)):.2f}%"></i></div><p class="gl-fact">{groups}</p>'
        f"{_made_smaller(say, counts, method)}</div>"
    )


def _made_smaller(say: Say, counts: Counts, method: str) -> str:
    """The settings that are as they suit the size of the model, beside the defaults; empty where none are."""
    if not counts.smaller:
        return ""
    settings = [
        _now_and_otherwise(say, word(say, name, part) or name, value, usual)
        for part in part_names(method)
        for name, (value, usual) in part_settings(method, part, counts.smaller).items()
    ]
    line = say("train.count.smaller", settings=say("train.count.and").join(settings), most=f"{100 * MOST:g}")
    return f'<p class="gl-fact">{safe(line)}</p>'


def _now_and_otherwise(say: Say, name: str, value: object, usual: object) -> str:
    """A setting with its value, and with the one that it has on other models, where that is a value."""
    said = say("train.count.setting", name=name, value=value)
    return said if usual is None else say("train.count.otherwise", setting=said, usual=usual)


def _group(say: Say, name: str) -> str:
    known = f"watch.moved.group.{name}"
    return say(known) if known in say else method_title(say, name)
