"""What will be trained on: rows token by token, what is wrong with some of them, and how long they are."""

from app import gallery
from app.markup import safe, term
from app.words import Say
from engine.data.preview_values import DataPreview, DataReport, PictureReport, PreviewRow, TokenCounts

LONGEST_ROW = 400  # tokens of a row that are shown
BEHIND = 40  # tokens that are shown behind an answer in a long text
TALL, WIDE = 64, 400  # units of the histogram
TOKENS = ("truncated", "overlong", "unknown", "spelled", "special")
TEXTS = ("empty", "duplicates", "leaking")


def sample_rows(say: Say, rows: list[PreviewRow]) -> str:
    """Training rows as the model sees them: what carries a label, and what is only read; or pictures; or both."""
    if rows and rows[0].picture and not rows[0].tokens:
        return gallery.sample_pictures(rows)
    beside = any(row.picture for row in rows)
    shown = "".join(
        f'<div class="gl-sample">{_beside(say, row) if beside else _tokens(say, row)}</div>' for row in rows
    )
    legend = (
        f'<p class="gl-fact"><span class="gl-token label">{term(say, "label")}</span> '
        f'<span class="gl-token">{term(say, "masked")}</span></p>'
    )
    return f'<div class="gl-samples">{legend}{shown}</div>'


def _beside(say: Say, row: PreviewRow) -> str:
    """A row with its picture: what is asked about it, what is to be answered, and the tokens."""
    image = gallery.image(row.picture, say("data.beside.alt")) if row.picture else ""
    bare = "" if image else f'<span class="gl-gone">{safe(say("data.beside.none"))}</span>'
    return (
        f'<div class="gl-sample-beside">{image}{bare}<div><p class="gl-asked"><b>{safe(row.prompt)}</b> → '
        f"{safe(row.response)}</p>{_tokens(say, row)}</div></div>"
    )


def _tokens(say: Say, row: PreviewRow) -> str:
    tokens = _up_to_answer(row.tokens)
    earlier = len(tokens) - LONGEST_ROW
    cut = f"<p class='gl-fact'>{say('data.earlier', n=f'{earlier:,}')}</p>" if earlier > 0 else ""
    return cut + "".join(
        f'<span class="gl-token{" label" if labelled else ""}">{safe(text)}</span>'
        for text, labelled in tokens[-LONGEST_ROW:]
    )


def _up_to_answer(tokens: list[tuple[str, bool]]) -> list[tuple[str, bool]]:
    """All tokens; of more than are shown, those up to a little behind an answer that is marked among them."""
    labelled = [at for at, (_, label) in enumerate(tokens) if label]
    return tokens[: max(LONGEST_ROW, labelled[-1] + BEHIND)] if labelled else tokens


def report(say: Say, data: DataPreview) -> str:
    """Counts over all rows, what is wrong with some of them, and the histogram of their lengths."""
    counts = data.report
    if isinstance(counts, PictureReport):
        return gallery.report(say, counts)
    tokens, measured = counts.tokens, counts.tokens.measured
    lines = [say("data.rows", **{split: f"{rows:,}" for split, rows in counts.rows.items()}), _learned(say, tokens)]
    if counts.pictures is not None:
        lines.append(say("data.beside.rows", n=f"{counts.pictures:,}"))
    if measured < counts.rows["train"]:
        lines.append(say("data.measured", n=f"{measured:,}"))
    wrong = _remarks(say, counts, data.limit)
    fine = f'<p class="gl-fine"><span aria-hidden="true">✓</span> {say("data.fine")}</p>'
    notes = f'<ul class="gl-remarks">{wrong}</ul>' if wrong else fine
    return (
        f'<div class="gl-report"><div><p class="gl-fact">{" · ".join(map(safe, lines))}</p>{notes}</div>'
        f"{_histogram(say, tokens, data.limit)}</div>"
    )


def _learned(say: Say, tokens: TokenCounts) -> str:
    labelled, masked = tokens.labelled, tokens.masked
    if tokens.windows:
        return say("data.windows", masked=f"{masked:,}", n=f"{tokens.windows:,}", measured=f"{tokens.measured:,}")
    if not labelled:
        return say("data.head_tokens", masked=f"{masked:,}")
    share = f"{100 * labelled / (labelled + masked):.0f}"
    return say("data.tokens", labelled=f"{labelled:,}", masked=f"{masked:,}", share=share)


def _remarks(say: Say, counted: DataReport, limit: int) -> str:
    counts = {name: getattr(counted.tokens, name) for name in TOKENS}
    counts |= {name: getattr(counted.texts, name) for name in TEXTS}
    counts |= {"dropped": counted.dropped, "repeated": counted.repeated, "several": counted.several}
    lines = [
        (name, say(f"data.check.{name}", **_values(name, count, limit))) for name, count in counts.items() if count
    ]
    if counted.cut:
        lines.append(("cut", say("data.check.cut")))
    if counted.unread:
        names = ", ".join(f"{name} ({count:,})" for name, count in counted.unread.items())
        lines.append(("unread", say("data.check.unread", names=names)))
    if counted.doubt:
        lines.append(("doubt", say(f"data.check.doubt.{counted.doubt}")))
    if counted.encoding_guessed:
        lines.append(("encoding", say("data.check.encoding", encoding=counted.encoding)))
    return "".join(f'<li data-check="{name}">{safe(line)}</li>' for name, line in lines)


def _values(name: str, count: int, limit: int) -> dict[str, str]:
    values = {"n": f"{count:,}"}
    return values | {"limit": f"{limit:,}"} if name in ("truncated", "overlong") else values


def _histogram(say: Say, tokens: TokenCounts, limit: int) -> str:
    """Bars of row lengths; those that reach over the limit are hatched, and the limit is a line."""
    bars, most = tokens.lengths, max(rows for _, rows in tokens.lengths)
    end, width = bars[-1][0], WIDE / len(bars)
    drawn = ""
    for index, (top, rows) in enumerate(bars):
        height = max(1.0, TALL * rows / most) if rows else 0.0
        label = safe(say("data.lengths.bar", top=f"{top:,}", n=f"{rows:,}"))
        kind = ' class="over"' if top > limit else ""
        drawn += (
            f'<rect x="{index * width + 1:.1f}" y="{TALL - height:.1f}" width="{width - 2:.1f}" '
            f'height="{height:.1f}"{kind}><title>{label}</title></rect>'
        )
    line, said = "", {"median": f"{tokens.median:,}", "longest": f"{tokens.longest:,}"}
    if limit < end:
        at = WIDE * limit / end
        line = f'<line x1="{at:.1f}" x2="{at:.1f}" y1="0" y2="{TALL}"/>'
    summary = say("data.lengths.said", limit=f"{limit:,}", **said)
    return (
        f'<figure class="gl-lengths"><figcaption>{say("data.lengths")}</figcaption>'
        f'<svg viewBox="0 0 {WIDE} {TALL}" preserveAspectRatio="none" role="img" aria-label="{safe(summary)}">'
        f'{drawn}{line}</svg><p class="gl-axis"><span>0</span><span>{end:,}</span></p>'
        f'<p class="gl-fact">{safe(summary)}</p></figure>'
    )
