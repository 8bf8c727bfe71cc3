"""The chat that a browser keeps comes back as it was, and whatever else comes is refused."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kept_talk import Talk, as_text, from_text
from app.turns import Heading, Turn
from app.words import LANGUAGES, Say
from engine.core.sampling import Sampling
from engine.inference.messages import ChatSide
from engine.service.reference import Reference

TURN = Turn(
    "<b>你好</b> {x}",
    [Heading(), Heading("Run", 30, 0.5)],
    ["a", None],
    done=True,
    difference=0.25,
    blind=(1,),
    passage="A cat.",
    marks=((2, 5), None),
    heads=(1,),
    sides=(ChatSide(), ChatSide(run="run", step=30, strength=0.5)),
    forgotten=(0, 2),
    templates=("{prompt}", None),
)
TALK = Talk(
    turns=[TURN],
    columns=(("base", -1), ("run", 30), ("base", -1)),
    third=True,
    strength=0.5,
    alone=False,
    alone_chosen=True,
    system="Brief.",
    around="bare",
    sampling=Sampling(seed=3).to_dict(),
    passage="A cat. 你好",
)
PICTURE = "data:image/jpeg;base64,AAAA"


def test_it_comes_back_as_it_was():
    """Also what is optional; without the server's paths, and without what it can look up again."""
    assert from_text(as_text(TALK)) == TALK
    known = replace(TURN, picture=PICTURE, picture_path="/srv/cat.png", reference=Reference(("a",), exact=True))
    text = as_text(replace(TALK, turns=[known]))
    assert "/srv" not in text
    (turn,) = from_text(text).turns
    assert turn == replace(TURN, picture=PICTURE)
    assert turn.lost_picture
    assert from_text(json.dumps({key: value for key, value in json.loads(text).items() if key != "passage"})).turns


@pytest.mark.parametrize(
    "change",
    [
        {"turns": None},
        {"turns": [{}]},
        {"columns": [["base", -1]]},
        {"columns": [["base", "x"]] * 3},
        {"strength": "much"},
        {"turns": [{"answers": ["one"]}]},
        {"turns": [{"done": False}]},
        {"turns": [{"picture": 'data:image/png;base64,AA" onerror="x'}]},
        {"turns": [{"picture": "https://example.org/x.png"}]},
        {"turns": [{"columns": [["base", False]] * 2}]},
    ],
)
def test_what_is_none_is_refused(change):
    """A page of another version, or somebody, may have written anything."""
    whole = json.loads(as_text(TALK))
    turns = change.get("turns")
    if turns and turns[0]:
        change = {"turns": [whole["turns"][0] | turns[0]]}
    with pytest.raises(ValueError, match=r"\S"):
        from_text(json.dumps(whole | change))


@given(st.text() | st.binary().map(str))
def test_no_text_is_a_traceback(text):
    """Other than the one error that the page awaits."""
    with pytest.raises(ValueError, match=r"\S"):
        from_text(text)


def test_a_picture_cannot_be_smuggled_in():
    """What a browser says of the server's files is not believed."""
    whole = json.loads(as_text(TALK))
    whole["turns"][0] |= {"picture": PICTURE, "picture_path": "/etc/passwd"}
    assert from_text(json.dumps(whole)).turns[0].picture_path == ""


@pytest.mark.parametrize("language", LANGUAGES)
def test_headings_are_in_the_language_of_the_page(language):
    """Also after a change of language: they are values."""
    say = Say(language)
    assert Heading().text(say) == say("common.base")
    assert Heading("Run", 30, 0.5).text(say).split(" · ") == [
        "Run",
        say("common.step", step=30),
        say("chat.at_strength", s="0.5"),
    ]
