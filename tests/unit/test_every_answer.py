"""Conversations in which every answer is learned: in each template, token by token, the answers and their ends."""

import json

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from engine.data.batching import collate
from engine.data.dataset import load_dataset
from engine.data.encode import encode_for
from engine.data.jinja_chat import renderer
from engine.data.preview import preview_rows
from engine.data.report import count_tokens
from engine.data.settings import DataSettings
from engine.data.tokenise import IGNORE
from tests.tiny import tokenizer

CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
LLAMA3 = (
    "{{ bos_token }}{% for m in messages %}<|start|>{{ m.role }}<|head|>\n\n{{ m.content | trim }}<|eot|>{% endfor %}"
    "{% if add_generation_prompt %}<|start|>assistant<|head|>\n\n{% endif %}"
)
GEMMA = (
    "{{ bos_token }}{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    "{% for m in messages %}<start_of_turn>{{ 'model' if m.role == 'assistant' else m.role }}\n"
    "{{ m.content | trim }}<end_of_turn>\n{% endfor %}"
    "{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"
)
MISTRAL = (
    "{{ bos_token }}{% for m in messages %}{% if m.role == 'user' %}[INST] {{ m.content }} [/INST]"
    "{% else %} {{ m.content }}{{ eos_token }}{% endif %}{% endfor %}"
)
THINKING = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n"
    "{% if m.role == 'assistant' and loop.last %}<think>\n\n</think>\n\n{% endif %}{{ m.content }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
MARKED = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{% if m.role == 'assistant' %}"
    "{% generation %}{{ m.content }}<|im_end|>{% endgeneration %}\n{% else %}{{ m.content }}<|im_end|>\n{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
TEMPLATES = {
    "ChatML": (CHATML, "<|im_end|>", ""),
    "Llama 3": (LLAMA3, "<|eot|>", ""),
    "Gemma": (GEMMA, "<end_of_turn>", ""),
    "Mistral": (MISTRAL, "<eos>", " "),
    "thinking": (THINKING, "<|im_end|>", ""),
    "marked": (MARKED, "<|im_end|>", ""),
}
"""Each with what ends an answer, and what stands before one."""
SPECIAL = ["<|im_start|>", "<|im_end|>", "<|start|>", "<|head|>", "<|eot|>", "<start_of_turn>", "<end_of_turn>"]


def reader(chat=""):
    made = tokenizer()
    made.add_special_tokens({"additional_special_tokens": SPECIAL})
    made.add_tokens(["\n"])
    made.chat_template = chat or None
    return made


def talk(*texts, system=""):
    said = [{"role": ("user", "assistant")[at % 2], "content": text} for at, text in enumerate(texts)]
    return [{"role": "system", "content": system}, *said] if system else said


def opened(folder, talks, tokens, **data):
    path = folder / "rows.jsonl"
    path.write_text("\n".join(json.dumps({"messages": each}) for each in talks))
    dataset = load_dataset(str(path), DataSettings(**{"validation_rows": 1, "test_rows": 1, "turns": "every", **data}))
    return dataset.in_chat_template(tokens)


def numbered(*texts, **more):
    """Twelve conversations that differ in their first question."""
    return [talk(f"{number:02} {texts[0]}", *texts[1:], **more) for number in range(12)]


def runs(tokens, example):
    """The text, and the parts of it that are learned, in a row each."""
    parts, last = [], False
    for index, learned in zip(example.ids, example.labelled, strict=True):
        if learned and not last:
            parts.append([])
        if learned:
            parts[-1].append(index)
        last = learned
    return tokens.decode(example.ids), [tokens.decode(part) for part in parts]


@pytest.mark.parametrize("name", TEMPLATES)
def test_templates(tmp_path, name):
    """What is read is the whole conversation as the template writes it; learned is each answer with its end."""
    template, end, before = TEMPLATES[name]
    tokens = reader(template)
    dataset = opened(tmp_path, numbered("Why?", "Because.", "And?", "So.", "Well?", "Yes."), tokens)
    row = dataset.rows("train")[0]
    (example,) = encode_for(tokens, dataset, [row], 1000, None)
    text, learned = runs(tokens, example)
    said = talk(text[text.index(" Why?") - 2 :][:7], "Because.", "And?", "So.", "Well?", "Yes.")
    told = tokens.apply_chat_template(said, tokenize=False)
    assert text.removeprefix("<bos>").startswith(told.removeprefix("<bos>").rstrip().removesuffix(end))
    thoughts = "<think>\n\n</think>\n\n" if name == "thinking" else ""
    assert learned[:2] == [f"{before}Because.{end}", f"{before}So.{end}"]
    assert learned[2].removesuffix("<eos>").removesuffix(end) == f"{before}{thoughts}Yes."
    assert learned[2].endswith("<eos>")
    assert dataset.source.unread == {}


def test_marks_are_those_of_transformers(tmp_path):
    """Where a template marks what the assistant says, the same tokens are learned that transformers' mask has."""
    tokens = reader(MARKED)
    said = talk("Why?", "Because.", "And?", "So.")
    dataset = opened(tmp_path, [*numbered("Why?", "Because."), said], tokens, validation_rows=1)
    rows = [row for split in ("train", "validation", "test") for row in dataset.rows(split)]
    row = next((row for row in rows if row.asides), None)
    assert row is not None, "the long one became the test row: change the seed"
    (example,) = encode_for(tokens, dataset, [row], 1000, None)
    theirs = tokens.apply_chat_template(said, return_dict=True, return_assistant_tokens_mask=True)
    ids, mask = theirs["input_ids"], theirs["assistant_masks"]
    wanted = tokens.decode([index for index, one in zip(ids, mask, strict=True) if one])
    ours = [index for index, one in zip(example.ids, example.labelled, strict=True) if one]
    assert tokens.decode(ours).replace("<eos>", "<|im_end|>") == wanted


def test_labels_of_a_batch(tmp_path):
    """What others say between two answers carries no label in a batch, nor in counts and in the preview."""
    tokens = reader(CHATML)
    dataset = opened(tmp_path, numbered("Why?", "Because.", "And?", "So."), tokens)
    rows = dataset.rows("train")[:2]
    examples = encode_for(tokens, dataset, rows, 1000, None)
    labels = collate(examples, 0).labels[0].tolist()
    assert tokens.decode([index for index in labels if index != IGNORE]) == "Because.<|im_end|>So.<eos>"
    counted = count_tokens(tokens, dataset, rows, 1000, None)
    assert counted.labelled == 2 * sum(label != IGNORE for label in labels)
    shown = preview_rows(tokens, dataset, rows[:1], writes=True)[0]
    assert "".join(text for text, learned in shown.tokens if learned) == "Because.<|im_end|>So.<eos>"


def test_without_a_chat_template(tmp_path):
    """As plain text, each answer is ended by the model's own token, and questions are read only."""
    tokens = reader()
    talks = numbered("Why?", "Because.", "And?", "So.", system="Be short.")
    dataset = opened(tmp_path, talks, tokens, template="plain")
    (example,) = encode_for(tokens, dataset, dataset.rows("train")[:1], 1000, None)
    text, learned = runs(tokens, example)
    assert learned == ["Because.<eos>", "So.<eos>"]
    assert "Be short." in text
    assert text.count("And?") == 1


def test_the_last_answer_is_scored(tmp_path):
    """A test row asks with all that led to the last answer, and that is compared."""
    dataset = opened(tmp_path, numbered("Why?", "Because.", "And?", "So."), reader(CHATML))
    (row,) = dataset.rows("test")
    assert (row.response, row.asides) == ("So.", ())
    assert "Because." in row.prompt


def test_system_that_a_template_refuses(tmp_path):
    """It stands in the first question, and the answers are learned as ever."""
    tokens = reader(GEMMA)
    dataset = opened(tmp_path, numbered("Why?", "Because.", "And?", "So.", system="Be short."), tokens)
    (example,) = encode_for(tokens, dataset, dataset.rows("train")[:1], 1000, None)
    text, learned = runs(tokens, example)
    assert text.startswith("<bos><start_of_turn>user\nBe short.\n\n")
    assert learned[0] == "Because.<end_of_turn>"


@pytest.mark.fault("input", "A conversation is longer than a row: the first answers are learned, the last are cut off.")
def test_cut(tmp_path):
    tokens = reader(CHATML)
    dataset = opened(tmp_path, numbered("Why?", "Because.", "And?", "So.", "Well?", "Yes."), tokens)
    row = dataset.rows("train")[0]
    (whole,) = encode_for(tokens, dataset, [row], 1000, None)
    for length in range(10, len(whole.ids)):
        (cut,) = encode_for(tokens, dataset, [row], length, None)
        assert len(cut.ids) == length
        _, learned = runs(tokens, cut)
        assert "Because.".startswith(learned[0].removesuffix("<eos>").removesuffix("<|im_end|>"))
        assert not any("?" in part for part in learned)


def test_an_answer_that_is_written_otherwise_later(tmp_path):
    """A template that asks for thoughts writes earlier answers without: they are counted, the last one is learned."""
    opens = CHATML.replace("assistant\n{% endif %}", "assistant\n<think>\n{% endif %}")
    dataset = opened(tmp_path, numbered("Why?", "Because.", "And?", "So."), reader(opens))
    row = dataset.rows("train")[0]
    assert (row.response, row.asides) == ("So.", ())
    assert dataset.source.unread == {"assistant": 11}


TEXTS = st.text("abc {}<>?", min_size=1, max_size=8).map(lambda text: f"x{text}x")
TALKS = st.lists(TEXTS, min_size=2, max_size=8).filter(lambda texts: len(texts) % 2 == 0)


@settings(max_examples=3, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(st.lists(TALKS, min_size=12, max_size=16), st.sampled_from(sorted(TEMPLATES)))
def test_random_conversations(tmp_path_factory, talks, name):
    """Whatever is said, in whatever template: learned are the answers that the file holds, and nothing else."""
    template, end, _ = TEMPLATES[name]
    tokens = reader(template)
    said = [talk(f"{number} {texts[0]}", *texts[1:]) for number, texts in enumerate(talks)]
    dataset = opened(tmp_path_factory.mktemp("talks"), said, tokens)
    render = renderer(template)
    wanted = {
        render({"messages": each, "bos_token": "", "eos_token": "<eos>"}): [m["content"] for m in each[1::2]]
        for each in said
    }
    for row in (*dataset.rows("train"), *dataset.rows("validation")):
        (example,) = encode_for(tokens, dataset, [row], 10_000, None)
        text, learned = runs(tokens, example)
        text = text.removeprefix("<bos>").removesuffix("<eos>").removesuffix(end)
        answers = next(held for whole, held in wanted.items() if whole.rstrip().removesuffix(end) == text)
        parts = [part.removesuffix("<eos>").removesuffix(end).rpartition("</think>")[2].strip() for part in learned]
        assert parts == [answer.strip() for answer in answers]
