"""What will be trained on where rows are pictures: which files are left out, which are the same, how large they are."""

from collections import Counter

from engine.data.dataset import Dataset
from engine.data.preview_values import PictureReport
from engine.data.source import Source
from engine.data.splits import SPLITS

NAMED = 12
"""Files that are named of those left out."""


def report_on_pictures(dataset: Dataset) -> PictureReport:
    """Count over a dataset of pictures; nothing is unpacked again."""
    source = dataset.source
    assert source is not None, "pictures come from a folder"
    tables = source.tables
    left_out = _left_out(source)
    contents = {split: tables[split].data.column("content").to_pylist() for split in SPLITS}
    trained = set(contents["train"])
    sizes = [tuple(map(int, size.split("x"))) for size in tables["train"].data.column("size").to_pylist()]
    ordered = sorted(((w, h) for w, h in sizes), key=lambda size: size[0] * size[1])
    counts = Counter(text.strip() for text in tables["train"].data.column("label").to_pylist())
    return PictureReport(
        rows={split: len(tables[split]) for split in SPLITS},
        labels={name: counts[label] for label, name in source.labels.items()},
        unreadable=dict(Counter(left_out.values())),
        left_out=list(left_out.items())[:NAMED],
        dropped=sum(source.dropped.values()),
        repeated=source.repeated,
        duplicates=len(contents["train"]) - len(trained),
        leaking=sum(content in trained for split in SPLITS[1:] for content in contents[split]),
        several=sum(map(bool, tables["train"].data.column("several").to_pylist())),
        cut=tables["train"].cut,
        smallest=ordered[0],
        median=ordered[len(ordered) // 2],
        largest=ordered[-1],
    )


def _left_out(source: Source) -> dict[str, str]:
    """Files of all splits that are in no row, and why."""
    galleries = (table.gallery for table in source.tables.values())
    return {name: why for gallery in galleries if gallery is not None for name, why in gallery.unreadable.items()}
