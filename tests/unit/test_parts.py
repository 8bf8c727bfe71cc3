"""Figures of benchmarks: none is lost when one part fails, and what is kept is read again."""

import pytest

from benchmarks.parts import gather, kept
from benchmarks.search import area
from engine.core.atomic import write_json


def counted(part):
    """Rows of a part; the part called "bad" fails after its first."""
    yield {"part": part, "row": 0}
    if part == "bad":
        raise ValueError(part)
    yield {"part": part, "row": 1}


@pytest.mark.parametrize("jobs", [1, 2])
def test_rows_of_all_parts_come(jobs):
    """One after another they come in order; side by side in any."""
    rows = list(gather(counted, ["a", "b", "c"], jobs))
    if jobs > 1:
        rows.sort(key=lambda row: (row["part"], row["row"]))
    assert rows == [{"part": part, "row": row} for part in "abc" for row in (0, 1)]


def test_failing_part_loses_none_of_the_others():
    """Its error comes when the others have ended, and the rows that it made are there."""
    rows = []

    def gather_all():
        for row in gather(counted, ["bad", "a"], 2):
            rows.append(row)

    with pytest.raises(ValueError, match="bad"):
        gather_all()
    assert sorted((row["part"], row["row"]) for row in rows) == [("a", 0), ("a", 1), ("bad", 0)]


def test_what_is_kept_is_read_again(tmp_path):
    """A benchmark that begins has no figures; one that goes on has all."""
    file = tmp_path / "figures.json"
    assert kept(file) == []
    write_json(file, [{"row": 1}])
    assert kept(file) == [{"row": 1}]


def test_the_area_that_a_search_dominates():
    """By hand: below the highest loss and left of the largest size of a preset; what is dominated adds nothing."""
    presets = [(0.5, 1_000), (0.3, 100_000)]
    assert area([(0.5, 10)], presets) == 0
    assert area([(0.2, 100_000)], presets) == 0
    assert area([(0.4, 10_000)], presets) == pytest.approx(0.1 * 1)
    assert area([(0.1, 10_000), (0.4, 1_000), (0.45, 2_000)], presets) == pytest.approx(0.1 * 2 + 0.3 * 1)
