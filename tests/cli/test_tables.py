"""Tables of the command line."""

from engine.cli.output import WIDEST, table


def test_columns_are_aligned_numbers_on_the_right():
    """Text stays what it is, also where it looks like a number; nothing stands where there is nothing."""
    rows = [
        {"name": "007", "loss": 0.25, "steps": 80, "note": None},
        {"name": "a longer name", "loss": None, "steps": 3, "note": "yes"},
    ]
    head, first, second = table(rows).splitlines()
    assert [line.split() for line in (head, first)] == [["name", "loss", "steps", "note"], ["007", "0.25", "80"]]
    assert second.split() == ["a", "longer", "name", "3", "yes"]
    assert head.index("steps") + len("steps") == first.index("80") + len("80") == second.index("3") + 1
    assert head.index("loss") + len("loss") == first.index("0.25") + len("0.25")
    assert head.index("note") == second.index("yes")


def test_a_long_cell_is_cut():
    """With a sign that it is."""
    (_, line) = table([{"name": "x" * (WIDEST + 1)}]).splitlines()
    assert line == "x" * (WIDEST - 1) + "…"


def test_no_rows():
    """There is nothing to align."""
    assert table([]) == "(nothing yet)"
