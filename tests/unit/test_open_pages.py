"""How many pages are open, by those that ask."""

from app.open_pages import GONE_S, LONGEST_NAME, MOST_PAGES, OpenPages


def test_pages_are_counted_as_long_as_they_ask():
    """A page that asks again is one page; one that was silent for long is none."""
    now = 0.0
    pages = OpenPages(lambda: now)
    assert [pages.asking(name) for name in ("a", "b", "a")] == [1, 2, 2]
    now = GONE_S
    assert pages.asking("a") == 2
    now = GONE_S + 1
    assert pages.asking("a") == 1


def test_names_of_a_program_fill_no_memory():
    """Whatever is sent is a short name, of which few are kept."""
    pages = OpenPages(lambda: 0.0)
    counts = [pages.asking({"name": number}) for number in range(2 * MOST_PAGES)]
    assert max(counts) == MOST_PAGES
    assert pages.asking("x" * LONGEST_NAME + "1") == pages.asking("x" * LONGEST_NAME + "2")
