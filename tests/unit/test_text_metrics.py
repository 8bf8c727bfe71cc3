"""Scores of free text: by hand where that can be done, with one and with many references."""

import math

import pytest

from engine.evaluation.facts import facts_of, facts_said
from engine.evaluation.lines import first_lines
from engine.evaluation.text import perplexity
from engine.evaluation.text_metrics import text_metrics

CAT = "the cat sat on the mat"


def test_perfect_and_hopeless_answers():
    """What was wanted scores 100 everywhere; nothing in common, 0 or next to it."""
    perfect = text_metrics(["q"], [CAT], [CAT])
    assert (perfect.bleu, perfect.chrf, perfect.rouge1, perfect.rouge_l) == (100, 100, 100, 100)
    hopeless = text_metrics(["q"], [CAT], ["zzz"])
    assert (hopeless.bleu, hopeless.chrf, hopeless.rouge1, hopeless.rouge_l) == (0, 0, 0, 0)
    assert text_metrics(["q"], [CAT], [""]).bleu == 0


def test_bleu_and_rouge_by_hand():
    """Precisions 5/6, 3/5, 1/4 and 1/6 (smoothed), no brevity penalty; ROUGE-1 shares five of six words."""
    metrics = text_metrics(["q"], [CAT], ["the cat sat on a mat"])
    assert metrics.bleu == pytest.approx(100 * (5 / 6 * 3 / 5 * 2 / 4 * 1 / 3) ** 0.25, abs=0.01)
    assert metrics.rouge1 == pytest.approx(100 * 5 / 6, abs=0.01)
    assert metrics.rouge_l == pytest.approx(100 * 5 / 6, abs=0.01)
    assert "tok:13a" in metrics.signature


def test_rows_that_ask_the_same_are_one_question():
    """The best reference counts; a question with fewer references than another is compared with those that it has."""
    asked, wanted = ["a", "a", "b"], ["one two three four five", CAT, "un deux trois quatre cinq"]
    metrics = text_metrics(asked, wanted, [CAT, CAT, "un deux trois quatre cinq"])
    assert metrics.questions == 2
    assert (metrics.bleu, metrics.rouge1) == (100, 100)
    alone = text_metrics(asked[:1] + asked[2:], wanted[:1] + wanted[2:], [CAT, "un deux trois quatre cinq"])
    assert alone.bleu < 60
    assert alone.rouge1 == 50


@pytest.mark.parametrize(
    ("question", "facts"),
    [
        ("name: Oak Hall | type: pub | food: pasta", ["Oak Hall", "pub", "pasta"]),
        ("name[Blue Spice], eatType[coffee shop], area[city centre]", ["Blue Spice", "coffee shop", "city centre"]),
        ("name : Aromi | family friendly : yes | price : £20-25", ["Aromi", "£20-25"]),
        ("名称: 橡树厅 | 食物: 汤", ["橡树厅", "汤"]),
        ("Where is it: here?", []),
        ("see [1], [2]", []),
        ("name: Oak Hall | and then", []),
        ("a | b", []),
        ("name[Aromi]", []),
        ("", []),
    ],
)
def test_facts_that_a_question_lists(question, facts):
    """Keys with values, in two notations; nothing else is taken for a list of facts."""
    assert facts_of(question) == facts


@pytest.mark.parametrize(
    ("answer", "share"),
    [
        ("Oak Hall is a pub that serves pasta for £20-25.", 100),
        ("At OAK HALL, a pub, one eats soup.", 50),
        ("Oak Halls publish pastas at £20-250.", 0),
        ("", 0),
    ],
)
def test_facts_that_are_said(answer, share):
    """In whole words, whatever their case."""
    assert facts_said(["name: Oak Hall | type: pub | food: pasta | price: £20-25"], [answer]) == share


def test_facts_are_said_by_script_and_only_where_all_questions_list_some():
    """Chinese has no spaces between words; the mean is over the facts, not over the questions."""
    assert facts_said(["名称: 橡树厅 | 食物: 汤"], ["橡树厅供应汤。"]) == 100
    questions = ["a: one | b: two | c: three", "a: one | b: nine"]
    assert facts_said(questions, ["one two three", "one"]) == 80
    assert facts_said([*questions, "How many?"], ["one two three", "one", "nine"]) is None
    assert facts_said([], []) is None
    assert text_metrics(["a: one | b: two\0picture"], ["one two"], ["one"]).facts == 50
    assert text_metrics(["How many?"], ["one two"], ["one"]).facts is None


def test_scripts_without_spaces():
    """chrF tells near from far where words are not separated; ROUGE has nothing to say there."""
    near, far = (text_metrics(["q"], ["伊万住在河边"], [said]) for said in ("伊万住在山边", "她喜欢汤"))
    assert near.chrf > 30 > far.chrf
    assert near.rouge1 == 0


def test_first_lines_and_perplexity():
    """Empty lines are no lines; a perplexity can always be written down."""
    assert first_lines("\n a \n\n b\r\nc", 2) == "a\nb"
    assert perplexity(math.log(8)) == 8
    assert math.isfinite(perplexity(1e9))
