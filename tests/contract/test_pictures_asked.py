"""Pictures beside what is asked: the columns of a chat that see them and those that do not, and what the page says."""

from types import SimpleNamespace

import pytest

from app.chat_view import conversation
from app.tabs.asking import held
from app.tabs.questions import without_sight
from app.turns import Heading, Turn
from app.words import LANGUAGES, Say
from engine.config.run import RunConfig
from engine.core.errors import DataError
from engine.core.sampling import Sampling
from engine.inference.messages import ChatRequest, ChatSide
from engine.runs.facts import RunFacts
from engine.runs.folder import RunFolder
from engine.service.chat import chat
from tests.encoders import save_encoder
from tests.tiny import built, randomise, tiny_base
from tests.unit.making import load
from tests.unit.test_pixels import animate

K = {"prompt_len": 3, "layers": 2}
SAYS = [Say(language) for language in LANGUAGES]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two runs on one base by name, one of which sees pictures, and their methods."""
    home = tmp_path_factory.mktemp("runs")
    encoder = save_encoder(home / "encoder")
    settings = {"seeing": {**K, "vision_depths": 2, "vision": str(encoder)}, "blind": K}
    folders = {
        name: RunFolder.create(
            home / name,
            RunConfig(model="llama", method_settings=chosen, training={"precision": "fp32"}),
            RunFacts(template="Q: {prompt}\nA: "),
        )
        for name, chosen in settings.items()
    }
    methods = {name: randomise(built("llama_adapter", tiny_base("llama"), chosen)) for name, chosen in settings.items()}
    return folders, methods


def asked(runs, picture, *names, strength=1.0):
    """What the columns answer."""
    folders, methods = runs
    chosen = [folders.get(name) for name in names]
    sides = tuple(ChatSide(run=name, strength=strength) for name in names)
    request = ChatRequest(
        prompt="what?", sides=sides, sampling=Sampling(max_new_tokens=6, temperature=0.0), picture=str(picture or "")
    )
    *_, last = chat(request, chosen, load, lambda folder, _: methods[folder.id], lambda: False)
    return last.texts


def test_one_picture_for_all_columns(runs, files):
    """The column that sees it answers otherwise; the base and a blind adapter as if there were none."""
    names = (None, "seeing", "blind")
    without, one, other = (asked(runs, picture, *names) for picture in (None, *files))
    assert without[0] == one[0] == other[0]
    assert without[2] == one[2] == other[2]
    assert len({without[1], one[1], other[1]}) == 3


def test_strength_turns_a_picture_down(runs, files):
    """At strength 0 the picture is nothing to the answer, as the whole adapter is nothing."""
    base, tuned = asked(runs, files[0], None, "seeing", strength=0.0)
    assert base == tuned


@pytest.mark.fault("input", "A picture is asked about and no column of the chat sees pictures: one sentence.")
def test_a_picture_that_no_column_sees(runs, files):
    """It names the picture and the model, and says which run to choose, in every language."""
    with pytest.raises(DataError, match=r"'0.png' is a picture.*choose a run that was trained with pictures") as caught:
        asked(runs, files[0], None, "blind")
    for say in SAYS:
        assert "0.png" in say(f"error.{caught.value.key}", **caught.value.values)


@pytest.mark.fault(
    "input", "A file that is no picture, broken or gone, is asked about in Chat: one sentence, no answer."
)
@pytest.mark.parametrize("octets", [b"hello", b"", b"\x89PNG\r\n\x1a\n broken", None])
def test_files_that_are_no_pictures(runs, tmp_path, octets):
    """The field of the chat says it as soon as the file is there, and so does asking."""
    file = tmp_path / "bad.png"
    if octets is not None:
        file.write_bytes(octets)
    with pytest.raises(DataError, match=r"bad.png is no picture that can be read: give") as caught:
        asked(runs, file, None, "seeing")
    for say in SAYS:
        assert say(f"error.{caught.value.key}", **caught.value.values) in held(say, str(file))


def test_the_field_shows_what_it_holds(files, tmp_path):
    """A small copy; of an animation, that only its first picture is seen; nothing without a picture."""
    moving = animate(tmp_path / "moving.gif")
    for say in SAYS:
        assert held(say, None) == held(say, "") == ""
        assert "data:image/jpeg" in held(say, str(files[0]))
        assert say("chat.beside.several") not in held(say, str(files[0]))
        assert say("chat.beside.several") in held(say, str(moving))


def test_columns_without_sight_say_so():
    """One sentence under the answer of each of them, and none under the others."""
    summaries = [SimpleNamespace(id="a", sees_pictures=True), SimpleNamespace(id="b", sees_pictures=False)]
    workbench = SimpleNamespace(runs=SimpleNamespace(summaries=lambda: summaries))
    sides = tuple(ChatSide(run=name) for name in (None, "a", "b", "gone"))
    blind = without_sight(workbench, ChatRequest(prompt="?", sides=sides, sampling=Sampling()))
    assert blind == (0, 2, 3)
    for say in SAYS:
        columns = [Heading(str(number)) for number in range(4)]
        turn = Turn("?", columns, answers=["x"] * 4, done=True, blind=blind)
        assert conversation(say, [turn]).count(say("chat.blind")) == 3
        turn.blind = ()
        assert say("chat.blind") not in conversation(say, [turn])


@pytest.mark.parametrize(
    ("settings", "sees"), [({"vision": "town-vit"}, True), ({"vision": ""}, False), ({}, False), (None, False)]
)
def test_runs_tell_whether_they_see(settings, sees):
    """By their settings, also of before there was the option."""
    config = {"model": "town", "dataset": "town-qa", "method": "llama_adapter"}
    config |= {} if settings is None else {"method_settings": settings}
    assert RunFacts(config=config).sees_pictures is sees
