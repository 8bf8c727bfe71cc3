"""Exact match, F1 and the no-answer threshold, against what SQuAD's official script gives for the same answers."""

import pytest

from engine.evaluation.span_metrics import best_threshold, exact, f1, normalised, span_metrics


@pytest.mark.parametrize(
    ("answer", "bare"),
    [
        ("The  Sun!", "sun"),
        ("a cat, an owl and the dog", "cat owl and dog"),
        ("U.S.", "us"),
        ("another theatre", "another theatre"),
        ("the", ""),
        ("don't", "dont"),
    ],
)
def test_normalised(answer, bare):
    """Small letters, no punctuation, no articles, single spaces."""
    assert normalised(answer) == bare


def test_the_best_reference_counts():
    """Each answer is compared with every reference; the official script's figures for these."""
    assert exact("the Denver Broncos", ["Broncos", "Denver Broncos"])
    assert not exact("Denver", ["Broncos", "Denver Broncos"])
    assert f1("the Denver Broncos won", ["Broncos", "Denver Broncos"]) == pytest.approx(0.8)
    assert f1("red red cat", ["red cat cat"]) == pytest.approx(2 / 3)
    assert f1("cat", ["dog"]) == 0


def test_no_answer_is_compared_as_the_empty_one():
    """Without references only the empty answer is right; a reference that is all articles is none."""
    assert exact("", [])
    assert f1("", []) == 1
    assert not exact("cat", [])
    assert f1("cat", []) == 0
    assert exact("", ["the"])
    assert f1("", ["cat"]) == 0


def test_means():
    """Shares of all questions; None without any."""
    told = span_metrics(["the cat", "dog", ""], [["cat"], ["big dog"], []])
    assert (told.exact_match, told.f1, told.rows) == (round(2 / 3, 4), round((1 + 2 / 3 + 1) / 3, 4), 3)
    assert span_metrics([], []) is None


def test_best_threshold():
    """As the official script finds it: questions are answered in the order of their doubt, as long as that pays."""
    doubts, scores, answerable = [-4.0, 3.0, -2.0, 1.0], [1.0, 1.0, 0.0, 0.0], [True, True, False, False]
    best = best_threshold(doubts, scores, answerable)
    assert best.score == 0.75  # the first is answered, both without an answer are not, the last is lost
    assert -4 < best.doubt < -2
    assert best_threshold([1.0, 2.0], [0.5, 0.5], [True, True]).score == 0.5
    assert best_threshold([1.0, 2.0], [0.5, 0.5], [True, True]).doubt > 2
    assert best_threshold([5.0], [0.0], [False]).doubt < 5
    assert best_threshold([], [], []).score == 0
