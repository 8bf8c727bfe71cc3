"""What a picture beside a question changes, as Watch shows it: against the model itself, on a tiny one."""

import base64
import tempfile
from pathlib import Path

import pytest
import torch

from engine.analysis import beside_probe, handed_picture
from engine.analysis.beside_probe import probe_beside
from engine.analysis.probe import probe
from engine.core.errors import DataError, SettingError
from engine.core.sampling import Sampling
from engine.data.dataset import load_dataset
from engine.data.pixels import thumbnail
from engine.data.settings import DataSettings
from engine.evaluation.withheld import with_other_pictures
from engine.inference.chat import ChatColumn, stream_answers
from tests.encoders import save_encoder
from tests.tiny import built, randomise, tiny_base
from tests.unit.illustrated import draw_rows

K = {"prompt_len": 3, "layers": 2}
OWN = {"template": "own", "own_template": "Q: {prompt}\nA: "}


@pytest.fixture(autouse=True)
def brief(monkeypatch):
    """Answers of three tokens."""
    monkeypatch.setattr(beside_probe, "LONGEST_ANSWER", 3)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Questions about pictures, and some about none."""
    file = draw_rows(tmp_path_factory.mktemp("rows"), 12)
    return load_dataset(str(file), DataSettings(picture="image", responses="free", **OWN))


@pytest.fixture(scope="module")
def seeing(tmp_path_factory):
    """A llama and a method that sees pictures, drawn at random."""
    return drawn_for("llama", save_encoder(tmp_path_factory.mktemp("encoder")))


def drawn_for(family, encoder, **settings):
    """A base of a family and a method that sees pictures, drawn at random."""
    base = tiny_base(family)
    method = built("llama_adapter", base, {**K, "vision": str(encoder), "vision_depths": 2, **settings})
    return base, randomise(method, std=0.3)


def test_lowest_layer_asks_the_same_whatever_the_picture(seeing, dataset):
    """What a picture adds to all prompts cancels out of their softmax; what they add is another, in every layer."""
    base, method = seeing
    first = probe_beside(base, method, dataset, row="0")
    without = probe(base, method, dataset.fill(first.question))
    assert first.tokens == without.tokens
    seen, blind = (torch.tensor(report.weights) for report in (first, without))
    assert torch.allclose(seen[0], blind[0], atol=2e-4)
    assert (seen[1] - blind[1]).abs().max() > 1e-3
    assert torch.allclose(torch.tensor(first.withheld), torch.tensor(without.contribution).mean(-1), atol=2e-4)
    changes = (torch.tensor(first.loudness) - torch.tensor(first.withheld)).abs()
    assert (changes.amax(-1) > 1e-3).all()
    assert torch.allclose(seen.sum(-1), torch.ones(()), atol=1e-3)


def test_answers_are_those_of_the_chat(seeing, dataset):
    """With the row's picture, without, and with one of a row that has the same question and another answer."""
    base, method = seeing
    report = probe_beside(base, method, dataset, row="1")
    pictured = [row for row in dataset.rows("validation") if row.picture is not None]
    row = pictured[1]
    assert (report.question, report.reference, report.row) == (row.prompt, row.response, 1)
    assert report.rows == [each.prompt for each in pictured]
    other = with_other_pictures(pictured)[1].picture
    assert {each.response for each in pictured if each.picture == other} != {row.response}
    for sight, picture in (("seen", row.picture), ("withheld", None), ("other", other)):
        column = ChatColumn(row.prompt, method, template=dataset.template, picture=picture)
        *_, last = stream_answers(base, [column], Sampling(max_new_tokens=3))
        assert report.answers[sight] == last.texts[0].strip()
    assert report.other.startswith("data:image/jpeg")
    assert report.picture.startswith("data:image/png")
    assert (report.side, report.depths, len(report.looks[0])) == (4, [2, 4], 16)


def test_beside_another_method(tmp_path, dataset):
    """Trained together with LoRA, the prompts still tell what the picture changes."""
    base = tiny_base("llama")
    prompts = {**K, "vision": str(save_encoder(tmp_path)), "vision_depths": 2}
    settings = {f"llama_adapter_{name}": value for name, value in prompts.items()}
    method = randomise(built("llama_adapter+lora", base, settings), std=0.3)
    assert method.sees_pictures
    report = probe_beside(base, method, dataset, row="0")
    assert (torch.tensor(report.loudness) - torch.tensor(report.withheld)).abs().max() > 1e-3


def url_of(file):
    """A picture as the page hands it over."""
    return f"data:image/png;base64,{base64.b64encode(file.read_bytes()).decode()}"


def test_own_picture_other_picture_and_own_question(seeing, dataset, files):
    """A handed picture is looked at as Chat would, has no reference answer, and does not stay on the disk."""
    base, method = seeing
    scratch = set(Path(tempfile.gettempdir()).glob("gatelight-*"))
    report = probe_beside(base, method, dataset, own=url_of(files[0]), other=url_of(files[1]), question="how? ")
    assert (report.question, report.reference) == ("how?", "")
    for sight, picture in (("seen", files[0]), ("withheld", None), ("other", files[1])):
        column = ChatColumn("how?", method, template=dataset.template, picture=picture)
        *_, last = stream_answers(base, [column], Sampling(max_new_tokens=3))
        assert report.answers[sight] == last.texts[0].strip()
    assert set(Path(tempfile.gettempdir()).glob("gatelight-*")) == scratch
    third = probe_beside(base, method, dataset, row="0", other="2")
    pictured = [row for row in dataset.rows("validation") if row.picture is not None]
    assert third.other == thumbnail(pictured[2].picture)
    assert third.reference == pictured[0].response


@pytest.mark.fault(
    "input", "What is handed to Watch as a picture is a text, cut off or too large: one sentence, nothing stays."
)
@pytest.mark.parametrize("where", ["own", "other"])
def test_what_is_no_picture(seeing, dataset, files, where, monkeypatch):
    base, method = seeing
    whole = url_of(files[0])
    for given in ("data:image/png;base64,AAAA", "data:image/png;base64,%%", "/etc/passwd", "data:text/html,x", "²"):
        with pytest.raises(DataError, match="is no picture that can be read"):
            probe_beside(base, method, dataset, **{where: given})
    monkeypatch.setattr(handed_picture, "MOST_CHARACTERS", 20)
    with pytest.raises(DataError, match="and at most 20 can be handed over: make it smaller"):
        probe_beside(base, method, dataset, **{where: whole})


def test_looking_gives_way(seeing, dataset):
    """Between with and without, and while answers are written, training and others have their turns."""
    base, method = seeing
    parts = probe_beside.parts(base, method, dataset)
    assert len(list(parts)) >= 2


def test_closed_gates_let_no_picture_in(seeing, dataset):
    """At step 0 nothing is added with any picture, and all answers are the base's."""
    base, _ = seeing
    encoder = seeing[1].settings.vision
    untrained = built("llama_adapter", base, {**K, "vision": encoder, "vision_depths": 2})
    report = probe_beside(base, untrained, dataset)
    assert not torch.tensor(report.loudness).any()
    assert len(set(report.answers.values())) == 1


@pytest.mark.parametrize(("family", "gates"), [("gpt2", "ungated"), ("qwen3", "zero")])
def test_other_families_and_no_gates(seeing, dataset, family, gates):
    """Everything is there, for prompts that share the text's softmax too."""
    report = probe_beside(*drawn_for(family, seeing[1].settings.vision, gate_init=gates), dataset)
    assert len(report.loudness) == len(report.withheld) == len(report.weights) == 2
    assert set(report.answers) == {"seen", "withheld", "other"}


@pytest.mark.fault(
    "input", "Watch is asked about a row that is not there, or a run without sight: the first, or a sentence."
)
def test_what_cannot_be_looked_at(seeing, dataset, tmp_path):
    """Any text may come as a row's number; a run without sight and data without pictures are one sentence each."""
    base, method = seeing
    for row in ("999", "²"):
        assert probe_beside(base, method, dataset, row=row).row == 0
    with pytest.raises(SettingError, match="sees no pictures"):
        probe_beside(base, built("llama_adapter", base, K), dataset)
    with pytest.raises(DataError, match="No validation row of 'town-qa' is about a picture"):
        probe_beside(base, method, load_dataset("town-qa"))
