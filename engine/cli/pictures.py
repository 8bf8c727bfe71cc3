"""Output of `python -m engine datasets FOLDER` for a folder of pictures."""

from typing import Any

from engine.cli.output import result, table
from engine.data.dataset import Dataset
from engine.data.preview_values import PictureReport

REASONS = {
    "no_picture": "no picture",
    "broken": "damaged, or its end is missing",
    "huge": "more pixels than are unpacked",
    "missing": "not there, or not to be opened",
    "outside": "leads out of the folder",
}


def result_pictures(dataset: Dataset, facts: dict[str, Any], report: PictureReport, *, as_json: bool) -> None:
    """Print the description of a folder of pictures."""
    result({**facts, "report": report.to_dict()}, as_json=as_json, text=_report(dataset, report))


def _report(dataset: Dataset, report: PictureReport) -> str:
    rows = ", ".join(f"{split} {count:,}" for split, count in report.rows.items())
    more = " (the folder has more: raise --data row_limit)" if report.cut else ""
    counts = [
        {"what": "left out, no label", "pictures": report.dropped},
        {"what": "left out, kept for validation or scoring", "pictures": report.repeated},
        {"what": "the same file as an earlier one", "pictures": report.duplicates},
        {"what": "trained on, also in validation or scoring", "pictures": report.leaking},
        {"what": "whose file holds several, the first is read", "pictures": report.several},
        *({"what": f"left out, {REASONS[reason]}", "pictures": count} for reason, count in report.unreadable.items()),
    ]
    labels = [{"label": label, "training pictures": count} for label, count in report.labels.items()]
    sizes = ", ".join(
        f"{name} {width} x {height}"
        for name, (width, height) in (
            ("smallest", report.smallest),
            ("median", report.median),
            ("largest", report.largest),
        )
    )
    lines = [f"Pictures: {rows}{more}", f"Sizes   : {sizes}", table(counts)]
    lines += [table(labels)] if labels else [f"Task    : {dataset.task}"]
    lines += [f"{name}: {REASONS[reason]}" for name, reason in report.left_out]
    return "\n".join(lines)
