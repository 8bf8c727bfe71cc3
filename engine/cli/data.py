"""Output of `python -m engine datasets PATH` for a file, a hub dataset, or a folder of texts."""

import argparse
import dataclasses
from typing import Any

from engine.cli.output import result, table
from engine.cli.pictures import result_pictures
from engine.cli.settings import data_settings
from engine.config.training import TrainingSettings
from engine.data.dataset import Dataset
from engine.data.preview_values import DataReport, PictureReport, PreviewRow
from engine.data.settings import DataSettings
from engine.preflight.prepare import prepare_data

BAR = 40
"""Characters of the longest bar of the histogram."""


def describe(args: argparse.Namespace) -> None:
    """Print the description of one dataset."""
    settings = DataSettings.from_dict(data_settings(args.data))
    training = TrainingSettings.from_dict({"head": args.head, "max_seq_len": args.max_seq_len})
    prepared = prepare_data(args.model, args.name, settings, training)
    facts, report = about(prepared.dataset), prepared.report()
    if isinstance(report, PictureReport):
        result_pictures(prepared.dataset, facts, report, as_json=args.json)
        return
    preview = prepared.first_rows(args.rows)
    result(
        {**facts, "report": report.to_dict(), "preview": [dataclasses.asdict(row) for row in preview]},
        as_json=args.json,
        text="\n\n".join([_facts(facts), _report(report), *(_tokens(row) for row in preview)]),
    )


def about(dataset: Dataset) -> dict[str, Any]:
    """Columns of a dataset, their detected roles, and its task."""
    source = dataset.source
    return {
        "name": dataset.name,
        "columns": source.tables["train"].columns if source else ["prompt", "response"],
        "taken_for": dataclasses.asdict(source.columns) if source else None,
        "template": dataset.template,
        "labels": dataset.labels,
        "task": dataset.task,
    }


def _facts(facts: dict[str, Any]) -> str:
    lines = [f"Columns : {', '.join(facts['columns'])}"]
    if roles := facts["taken_for"]:
        used = {name: value for name, value in roles.items() if value and name not in ("kind", "sure")}
        mapping = ", ".join(f"{name}={' + '.join(v) if isinstance(v, tuple) else v}" for name, v in used.items())
        doubt = "" if roles["sure"] else " (only a guess: check it, and say --data prompt=… --data response=…)"
        lines.append(f"Taken for {roles['kind']}: {mapping}{doubt}")
    if facts["labels"]:
        lines.append(f"Labels  : {', '.join(facts['labels'])}")
    if facts["task"]:
        lines.append(f"Task    : {facts['task']}")
    return "\n".join([*lines, f"Template: {facts['template']!r}"])


def _report(report: DataReport) -> str:
    texts, tokens = report.texts, report.tokens
    rows = ", ".join(f"{split} {count:,}" for split, count in report.rows.items())
    more = " (the file has more: raise --data row_limit)" if report.cut else ""
    counts = [
        {"what": "left out, nothing to learn", "rows": report.dropped},
        {"what": "left out, asked in validation or scoring", "rows": report.repeated},
        {"what": "empty question or answer", "rows": texts.empty},
        {"what": "the same as an earlier row", "rows": texts.duplicates},
        {"what": "asked in training, kept for validation or scoring", "rows": texts.leaking},
        {"what": f"longer than the limit, of {tokens.measured:,}", "rows": tokens.truncated},
        {"what": "whose answer alone is longer", "rows": tokens.overlong},
        {"what": "with signs unknown to the tokenizer", "rows": tokens.unknown},
        {"what": "that spell a special token", "rows": tokens.special},
        *(
            {"what": f"times that {name!r} of a conversation is not read", "rows": n}
            for name, n in report.unread.items()
        ),
    ]
    if report.pictures is not None:
        counts.append({"what": "trained on that are about a picture", "rows": report.pictures})
        counts.append({"what": "whose file holds several pictures, the first is read", "rows": report.several})
    largest = max(count for _, count in tokens.lengths)
    bars = [f"{end:>7} {'█' * round(BAR * count / largest)} {count:,}" for end, count in tokens.lengths]
    share = f"{tokens.labelled:,} tokens carry a label, {tokens.masked:,} do not"
    encoding = f"\nEncoding: {report.encoding}" if report.encoding else ""
    if report.encoding_guessed:
        encoding += " (only a guess: if the rows below read wrongly, say --data encoding=…)"
    if report.doubt:
        encoding += (
            f"\nDoubt   : the answers are whole numbers; say --data responses={report.doubt} if they are {report.doubt}"
        )
    return (
        f"Rows    : {rows}{more}{encoding}\nTokens  : {share}; median row {tokens.median:,}, longest {tokens.longest:,}"
        f"\n{table(counts)}\nRows by length in tokens:\n" + "\n".join(bars)
    )


def _tokens(row: PreviewRow) -> str:
    return "".join(f"[{text}]" if labelled else text for text, labelled in row.tokens)
