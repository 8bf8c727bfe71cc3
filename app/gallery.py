"""Pictures on the page: small copies in a grid, and what is known of a folder of them."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from app.markup import safe
from app.words import Say
from engine.data.pixels import thumbnail
from engine.data.preview_values import PictureReport, PreviewRow

MOST = 24
"""Pictures of a grid."""

LABELS = 30
"""Labels whose counts are shown as bars."""

WHYS = ("no_picture", "broken", "huge", "missing", "outside")
COUNTS = ("duplicates", "leaking", "dropped", "repeated", "several")


def figure(path: str | Path, name: str, label: str, mark: str = "") -> str:
    """A small picture with its label under it; one that is gone leaves its name."""
    small = thumbnail(Path(path))
    alt = safe(f"{name}: {label}")
    image = f'<img src="{small}" alt="{alt}" title="{safe(name)}">' if small else f'<span class="gl-gone">{alt}</span>'
    return f'<figure class="gl-picture"{mark}>{image}<figcaption>{safe(label)}</figcaption></figure>'


def image(path: str | Path, alt: str) -> str:
    """A small picture; one that is gone leaves what it shows in words, and nothing is said of where it lies."""
    small = thumbnail(Path(path))
    return f'<img src="{small}" alt="{safe(alt)}">' if small else f'<span class="gl-gone">{safe(alt)}</span>'


def sample_pictures(rows: list[PreviewRow]) -> str:
    """Training pictures with their labels."""
    return grid(figure(row.picture, row.prompt, row.response) for row in rows[:MOST])


def grid(figures: Iterable[str]) -> str:
    """Figures side by side."""
    return f'<div class="gl-pictures">{"".join(figures)}</div>'


def worst(say: Say, rows: list[dict[str, Any]], pictures: dict[str, Path]) -> str:
    """Test pictures with what was said of them, in the order given; nothing where a run has none."""
    shown = [row for row in rows if row["prompt"] in pictures][:MOST]
    if not shown:
        return ""
    drawn = []
    for row in shown:
        said = "right" if row["right"] else "wrong" if row["right"] is False else "number"
        words = say(f"runs.pictures.{said}", tuned=row["tuned"], reference=row["reference"])
        drawn.append(figure(pictures[row["prompt"]], row["prompt"], words, f' data-said="{said}"'))
    more = f'<p class="gl-fact">{safe(say("runs.pictures.more", n=len(shown)))}</p>' if len(rows) > len(shown) else ""
    return grid(drawn) + more


def report(say: Say, told: PictureReport) -> str:
    """Counts over all pictures, what is wrong with some files, how large they are, and how many have each label."""
    rows = say("data.pictures.rows", **{split: f"{count:,}" for split, count in told.rows.items()})
    sizes = {
        name: f"{width}\u2009×\u2009{height}"
        for name, (width, height) in (("smallest", told.smallest), ("median", told.median), ("largest", told.largest))
    }
    wrong = _remarks(say, told)
    fine = f'<p class="gl-fine"><span aria-hidden="true">✓</span> {safe(say("data.pictures.fine"))}</p>'
    notes = f'<ul class="gl-remarks">{wrong}</ul>' if wrong else fine
    return (
        f'<div class="gl-report"><div><p class="gl-fact">{safe(rows)} · {safe(say("data.pictures.sizes", **sizes))}</p>'
        f"{notes}</div>{_bars(say, told.labels)}</div>"
    )


def _remarks(say: Say, told: PictureReport) -> str:
    lines = []
    for why in WHYS:
        if count := told.unreadable.get(why):
            names = ", ".join(name for name, reason in told.left_out if reason == why)
            lines.append((why, say(f"data.pictures.check.{why}", n=f"{count:,}", names=names or "…")))
    for name in COUNTS:
        if count := getattr(told, name):
            lines.append((name, say(f"data.pictures.check.{name}", n=f"{count:,}")))
    if told.cut:
        lines.append(("cut", say("data.pictures.check.cut")))
    return "".join(f'<li data-check="{name}">{safe(line)}</li>' for name, line in lines)


def _bars(say: Say, labels: dict[str, int]) -> str:
    """Training pictures of each label, to scale."""
    if not labels:
        return ""
    most = max(1, *labels.values())
    bars = "".join(
        f'<li><span>{safe(label)}</span><i style="width:{100 * count / most:.1f}%"></i><b>{count:,}</b></li>'
        for label, count in list(labels.items())[:LABELS]
    )
    rest = len(labels) - LABELS
    more = f'<p class="gl-fact">{safe(say("data.pictures.more_labels", n=rest))}</p>' if rest > 0 else ""
    return f'<div class="gl-labels"><p>{safe(say("data.pictures.labels"))}</p><ul>{bars}</ul>{more}</div>'
