"""Chat with runs that mark answers: a box for the text, the answer where it stands, and nothing for other runs."""

import pytest

from app.chat_view import AROUND, conversation
from app.turns import Heading, Turn
from app.words import Say

COLUMNS = [Heading(), Heading("tuned")]


def drawn(text, marks, answers=(None, "cat  90.0 %")):
    """A turn as the page shows it."""
    turn = Turn("Who sat?", COLUMNS, list(answers), done=True, passage=text, marks=marks)
    return conversation(Say("en"), [turn])


def test_the_answer_stands_marked_in_its_text():
    """In the column that marked it, with what is around it; whatever the text holds is only text."""
    shown = drawn("<b>A</b> cat & a dog.", (None, (9, 12)))
    assert '&lt;b&gt;A&lt;/b&gt; <mark class="gl-found">cat</mark> &amp; a dog.' in shown
    assert shown.count("<mark") == 1


def test_long_texts_are_cut_around_the_answer():
    """So many characters before and behind it, and a sign that there is more."""
    shown = drawn("x" * 1000 + "cat" + "y" * 1000, (None, (1000, 1003)))
    assert f"… {'x' * AROUND}<mark" in shown
    assert f"</mark>{'y' * AROUND} …" in shown


@pytest.mark.parametrize("marks", [(), (None, None)])
def test_nothing_is_marked(marks):
    """Where no column marks answers, and where the text does not say."""
    assert "<mark" not in drawn("A cat.", marks)
