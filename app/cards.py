"""What stands under and beside the three choices of Train: cards, the diagram, the sample rows, the count."""

from app.markup import link, safe, term
from app.words import Say
from engine.contract import Counts, DatasetInfo, MethodInfo, ModelInfo, PreviewRow

BAR_LEAST = 0.4  # percent: a thinner bar could not be seen
LONGEST_ROW = 160  # tokens of a sample row that are shown


def model_card(say: Say, info: ModelInfo) -> str:
    """One line about a model."""
    known = f"train.model.{info.name}"
    line = say(known) if known in say else info.title
    facts = say("train.model_facts", millions=f"{info.parameters / 1e6:,.1f}", size=f"{info.size_mb:,.0f}")
    return f'<div class="gl-card"><p>{safe(line)}</p><p class="gl-fact">{safe(facts)} · {safe(info.family)}</p></div>'


def method_card(say: Say, info: MethodInfo) -> str:
    """One line, the equation and the paper of a method."""
    known = f"train.method.{info.name}"
    line = f"<p>{safe(say(known))}</p>" if known in say else ""
    return (
        f'<div class="gl-card">{line}<p class="gl-equation">{safe(info.equation)}</p>'
        f'<p class="gl-fact">{link(info.url, info.paper)}</p></div>'
    )


def data_card(say: Say, info: DatasetInfo) -> str:
    """One line about a dataset and the sizes of its splits."""
    sizes = " · ".join(
        say(f"train.split.{name}", n=f"{rows:,}") if f"train.split.{name}" in say else f"{safe(name)} {rows:,}"
        for name, rows in info.splits.items()
    )
    summary = info.summary.get(say.language) or info.summary.get("en", "")
    return f'<div class="gl-card"><p>{safe(summary)}</p><p class="gl-fact">{sizes}{_labels(say, info)}</p></div>'


def _labels(say: Say, info: DatasetInfo) -> str:
    """What a task head could say here."""
    if info.labels is None:
        return ""
    return f" · {safe(say('train.labels', labels=', '.join(info.labels)) if info.labels else say('train.numbers'))}"


def sample_rows(say: Say, rows: list[PreviewRow]) -> str:
    """Training rows as the model sees them: what carries a label, and what is only read."""
    shown = "".join(f'<div class="gl-sample">{_tokens(row)}</div>' for row in rows)
    legend = (
        f'<p class="gl-fact"><span class="gl-token label">{term(say, "label")}</span> '
        f'<span class="gl-token">{term(say, "masked")}</span></p>'
    )
    return f'<div class="gl-samples">{legend}{shown}</div>'


def _tokens(row: PreviewRow) -> str:
    return "".join(
        f'<span class="gl-token{" label" if labelled else ""}">{safe(text)}</span>'
        for text, labelled in row.tokens[-LONGEST_ROW:]
    )


def count_bar(say: Say, counts: Counts) -> str:
    """How much trains, in numbers and to scale."""
    share = 100 * counts.trainable / max(1, counts.total)
    groups = " · ".join(f"{safe(_group(say, name))} {size:,}" for name, size in counts.groups.items())
    line = say(
        "train.count",
        trains=term(say, "trains"),
        n=f"<strong>{counts.trainable:,}</strong>",
        total=f"{counts.total:,}",
        share=f"{share:.2f}",
    )
    return (
        f'<div class="gl-count"><p>{line}</p><div class="gl-scale" role="img" aria-label="{share:.2f} %">'
        f'<i style="width:{max(BAR_LEAST, min(100, share)):.2f}%"></i></div><p class="gl-fact">{groups}</p></div>'
    )


def _group(say: Say, name: str) -> str:
    known = f"watch.moved.group.{name}"
    return say(known) if known in say else name
