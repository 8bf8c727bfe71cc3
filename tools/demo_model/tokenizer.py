"""The town's own tokenizer: byte-level BPE, so that any text, Chinese and emoji included, can be written."""

from collections.abc import Iterable
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

from tools.demo_model.corpus import documents

VOCABULARY = 1024
SAMPLE_DOCUMENTS = 12_000
BOS, EOS, PAD = "<s>", "</s>", "<pad>"

TEMPLATE_WORDS = ["### Instruction:\n", "### Response:\n", "Tweet text : Label : complaint no complaint"]
"""Shown to the tokenizer alone, so that the tuning templates are a few tokens long; the model never reads them."""


def train_tokenizer() -> Tokenizer:
    """Train on a sample of the corpus. Deterministic: the same corpus gives the same file to the byte."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[PAD, BOS, EOS],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_sample(), trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{BOS} $A", pair=f"{BOS} $A $B", special_tokens=[(BOS, tokenizer.token_to_id(BOS))]
    )
    return tokenizer


def save_tokenizer(folder: Path) -> None:
    """Write the tokenizer so that `AutoTokenizer.from_pretrained(folder)` loads it."""
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=train_tokenizer(),
        bos_token=BOS,
        eos_token=EOS,
        pad_token=PAD,
        clean_up_tokenization_spaces=False,
        model_max_length=512,
    )
    wrapped.save_pretrained(folder)


def _sample() -> Iterable[str]:
    yield from documents(SAMPLE_DOCUMENTS)
    yield from TEMPLATE_WORDS * 200
