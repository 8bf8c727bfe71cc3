"""The formats of an export: what is offered can be written, and what can be written is offered."""

import pytest

from engine.core.errors import ExchangeError
from engine.data.head_spec import HeadSpec
from engine.exchange.archive import WRITERS, write_adapter
from engine.exchange.forms import EXPORT_FORMATS
from engine.exchange.permitted import refusals
from engine.methods import METHODS, method_class
from tests.tiny import ALL_CASES, built, cases, randomise, tiny_base


def test_every_format_has_a_writer():
    """The menu and the flag, which must not load torch, list exactly what the writers write, in the same order."""
    assert tuple(WRITERS) == EXPORT_FORMATS


REFUSED = [case for family in ("llama", "gpt2", "bert") for case in cases((family,))]


@pytest.mark.parametrize("case", REFUSED[:: 1 if ALL_CASES else 3], ids=str)
def test_refusals_are_told_before_a_file_is_made(case, tmp_path):
    """From shapes alone, in the very words in which the export itself refuses; what it permits is not refused."""
    base, method = case.build()
    method = randomise(method, std=0.1)
    told = refusals(type(method), method.settings, None, base.shape)
    for form in set(EXPORT_FORMATS) - set(told):
        write_adapter(method, base, form, tmp_path / form)
    for form, error in told.items():
        with pytest.raises(ExchangeError) as caught:
            write_adapter(method, base, form, tmp_path / form)
        assert str(caught.value) == str(error)


def test_refusals_of_a_head_and_of_several_methods():
    base = tiny_base("llama")
    spec = HeadSpec(labels=("a", "b"), pooling="mean")
    told = refusals(method_class("lora"), METHODS["lora"].settings(), spec, base.shape)
    assert "reads the last token" in str(told["peft"])
    both = built("lora+prompt", base)
    assert set(refusals(type(both), both.settings, None, base.shape)) == {"peft", "llama_adapter", "text"}


def test_words_are_exported_as_text(tmp_path):
    """A searched trigger is one file of plain text; with a task head it is more than that, and refused."""
    base = tiny_base("llama")
    method = built("autoprompt", base, {"prompt_len": 4, "init": "text", "init_text": "a b"})
    write_adapter(method, base, "text", tmp_path)
    assert (tmp_path / "text.txt").read_text("utf-8") == "a ba"
    assert [path.name for path in tmp_path.iterdir()] == ["text.txt"]
    spec = HeadSpec(labels=("a", "b"), pooling="last")
    assert "task head" in str(refusals(type(method), method.settings, spec, base.shape)["text"])
    assert "text" not in refusals(type(method), method.settings, None, base.shape)
