"""Random tables: the tokens that are trained on, rendered, say what the file says.

Which columns there are, in what order, what they hold, how the file is written and which template stands around a
prompt are all drawn at random.
"""

import csv
import functools
import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from engine.data.dataset import load_dataset
from engine.data.settings import DataSettings
from engine.data.tokenise import encode_rows

SPLITS = ("train", "validation", "test")
ROWS = 8
LETTERS = "abcé你🙂\r\x0b\u2028\n\t ,;|\"'<>{}[]()\\/%$#@!?=+-_0189"
TEXT = st.text(LETTERS, min_size=1, max_size=12).map(lambda text: f"x{text}x")
"""What may stand in a cell: all that has a meaning in some form of file, within letters that nobody takes away."""
CELLS = {
    "text": TEXT,
    "whole": st.integers(-999, 10**6),
    "broken": st.sampled_from([0.5, 1.25, -3.75, 1e-3]),
    "truth": st.booleans(),
    "empty": st.none(),
}
NAMES = st.lists(st.from_regex(r"[a-z]{3}_[a-z0-9]{1,4}", fullmatch=True), min_size=2, max_size=5, unique=True)
TEMPLATES = ("plain", "alpaca", "own")
OWN = "Q: {prompt} | A:"
SEPARATORS = {"csv": ",", "tsv": "\t"}
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16")


@st.composite
def tables(draw):
    """Names of the columns, where prompt and response stand among them, and rows in which these two are texts."""
    names = draw(NAMES)
    asked, told = draw(st.permutations(range(len(names))))[:2]
    kinds = [draw(st.sampled_from(sorted(CELLS))) for _ in names]
    kinds[asked] = kinds[told] = "text"
    rows = draw(
        st.lists(
            st.tuples(*(CELLS[kind] for kind in kinds)),
            min_size=ROWS,
            max_size=2 * ROWS,
            unique_by=lambda row: row[asked],
        )
    )
    return names, names[asked], names[told], rows


def written(path, names, rows, encoding):
    """The table as a file of the form that its name ends in; returns the path as text."""
    held = [dict(zip(names, row, strict=True)) for row in rows]
    match path.suffix[1:]:
        case "parquet":
            pq.write_table(pa.Table.from_pylist(held), path)
        case "json":
            path.write_text(json.dumps(held), encoding)
        case "jsonl":
            path.write_text("\n".join(map(json.dumps, held)), encoding)
        case form:
            text = io.StringIO()
            csv.writer(text, delimiter=SEPARATORS[form], lineterminator="\r\n").writerows([names, *rows])
            path.write_text(text.getvalue(), encoding, newline="")
    return str(path)


@functools.cache
def tokenizer():
    """One token per byte, so that no text is out of its reach; texts begin with <bos>."""
    letters = ["<bos>", "<eos>", *sorted(pre_tokenizers.ByteLevel.alphabet())]
    inner = Tokenizer(models.BPE({letter: number for number, letter in enumerate(letters)}, []))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    inner.decoder = decoders.ByteLevel()
    inner.post_processor = processors.TemplateProcessing(single="<bos> $A", special_tokens=[("<bos>", 0)])
    return PreTrainedTokenizerFast(tokenizer_object=inner, bos_token="<bos>", eos_token="<eos>")


def rendered(dataset):
    """What the model reads of every row before and from the first token that carries a label, without its end."""
    ours = tokenizer()
    rows = [row for split in SPLITS for row in dataset.rows(split)]
    shown = []
    for example in encode_rows(ours, dataset, rows, 1024):
        learned = [index for index, labelled in zip(example.ids, example.labelled, strict=True) if labelled]
        assert learned[-1] == ours.eos_token_id
        assert example.ids[0] == ours.bos_token_id
        shown.append((ours.decode(example.ids[1 : example.answer_at]), ours.decode(learned[:-1])))
    return sorted(shown)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    table=tables(),
    form=st.sampled_from(["csv", "tsv", "json", "jsonl", "parquet"]),
    encoding=st.sampled_from(ENCODINGS),
    template=st.sampled_from(TEMPLATES),
)
def test_what_is_trained_on_is_what_the_file_says(tmp_path_factory, table, form, encoding, template):
    """Prompt and response letter by letter, whatever stands beside them; no row is lost, doubled or mixed up."""
    names, asked, told, rows = table
    path = written(tmp_path_factory.mktemp("tables") / f"a.{form}", names, rows, encoding)
    said = DataSettings(
        prompt=asked,
        response=told,
        responses="free",
        template=template,
        own_template=OWN if template == "own" else "",
    )
    dataset = load_dataset(path, said)
    before, after = dataset.template.split("{prompt}")
    at, to = names.index(asked), names.index(told)
    assert rendered(dataset) == sorted((f"{before}{row[at]}{after}", row[to]) for row in rows)
