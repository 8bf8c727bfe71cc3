"""Special tokens: neither doubled, nor lost, nor in the middle; what does not fit the positions is said or cut."""

import pytest
from tokenizers.processors import TemplateProcessing

from engine.core.errors import DataError, ExchangeError
from engine.core.sampling import Sampling
from engine.data.dataset import load_dataset
from engine.data.settings import DataSettings
from engine.data.splits import sample
from engine.data.tokenise import encode_plain, encode_prompt, encode_row, encode_rows
from engine.exchange.peft import export_peft, import_peft
from engine.inference.chat import ChatColumn, stream_answers
from engine.inference.generate import generate_answers
from tests.tiny import Case, randomise, tiny_base, tokenizer


def ending():
    """A tokenizer that ends every text."""
    reader = tokenizer()
    bos, eos = (reader.bos_token, reader.bos_token_id), (reader.eos_token, reader.eos_token_id)
    reader.backend_tokenizer.post_processor = TemplateProcessing(
        single=f"{bos[0]} $A {eos[0]}", special_tokens=[bos, eos]
    )
    return reader


def opened(folder, template="", prompt="ask {}"):
    """Rows of a file, in a template of one's own if one is given."""
    path = folder / "rows.csv"
    path.write_text("prompt,response\n" + "".join(f"{prompt.format(i)},a{i}\n" for i in range(20)))
    data = DataSettings(template="own", own_template=template) if template else DataSettings()
    return load_dataset(str(path), data)


def test_the_end_stands_behind_the_answer_only(tmp_path):
    """A tokenizer that ends every text does not end the prompt, nor a text twice."""
    reader, dataset = ending(), opened(tmp_path)
    for example in encode_rows(reader, dataset, dataset.rows("train"), 256):
        assert example.ids.count(reader.eos_token_id) == 1
        assert example.ids[-1] == reader.eos_token_id
    for template in ("{prompt}\n", "{p}{prompt}"):
        assert reader.eos_token_id not in encode_prompt(reader, template, "ask")
    (plain,) = encode_plain(reader, ["text"], 256)
    assert plain.ids.count(reader.eos_token_id) == 1


@pytest.mark.parametrize("template", ["<bos>[INST] {prompt} [/INST]", "<bos>{{ prompt }} [/INST]"])
def test_begin_of_text_stands_once(tmp_path, template):
    """A template that spells it does not get a second one."""
    reader, dataset = tokenizer(), opened(tmp_path, template)
    for example in encode_rows(reader, dataset, dataset.rows("train"), 256):
        assert example.ids.count(reader.bos_token_id) == 1
    assert encode_prompt(reader, "<bos>{p}{prompt}", "ask").count(reader.bos_token_id) == 1


def test_a_row_that_is_cut_keeps_its_beginning(tmp_path):
    """Words go first, begin-of-text last."""
    reader, dataset = tokenizer(), opened(tmp_path, prompt="why {} " + "why " * 20)
    for row in dataset.rows("train"):
        example = encode_row(reader, dataset, row, 32)
        assert example.ids[0] == reader.bos_token_id
        assert len(example.ids) == 32


def test_every_end_token_ends_an_answer(monkeypatch):
    """What the model's generation config names ends an answer as the tokenizer's own end does."""
    base = tiny_base("llama")
    controls = Sampling(max_new_tokens=8)
    (answer,) = generate_answers(base.view(), base.tokenizer, [[5, 9, 33]], controls)
    ids = base.tokenizer.encode(answer, add_special_tokens=False)
    monkeypatch.setattr(base.model.generation_config, "eos_token_id", [base.tokenizer.eos_token_id, ids[2]])
    (shorter,) = generate_answers(base.view(), base.tokenizer, [[5, 9, 33]], controls)
    assert base.tokenizer.encode(shorter, add_special_tokens=False) == ids[: ids.index(ids[2])]


@pytest.mark.fault("input", "A question longer than the model's positions: refused with both lengths, no empty answer.")
def test_a_question_that_does_not_fit():
    base = tiny_base("llama")
    limit = base.view().max_text_tokens
    with pytest.raises(DataError, match=f"at most {limit:,}"):
        list(stream_answers(base, [ChatColumn("x" * limit)], Sampling(max_new_tokens=2)))


def test_samples_have_their_share_of_every_label():
    """A sorted file is validated on both of its labels, on the same rows in every run."""
    rows = sample(200, 64, ["neg"] * 150 + ["pos"] * 50)
    assert rows == sample(200, 64, ["neg"] * 150 + ["pos"] * 50)
    assert len(set(rows)) == 64
    assert sum(row >= 150 for row in rows) == 16


@pytest.mark.fault("hand", "An adaption prompt of peft's for gpt2, where peft computes something else: refused.")
def test_an_adaption_prompt_that_peft_computes_otherwise(tmp_path):
    settings = {"prompt_len": 3, "layers": 2, "gate": "per_layer", "activation": "identity"}
    base, method = Case("llama_adapter", settings, "llama").build()
    export_peft(randomise(method), base, tmp_path)
    with pytest.raises(ExchangeError, match="gpt2 model computes something else"):
        import_peft(tmp_path, tiny_base("gpt2"))
