"""Models in one GGUF file: found, named, loaded as what they are, and refused in a sentence where they are damaged."""

from dataclasses import replace
from pathlib import Path

import gguf
import numpy as np
import pytest
import torch
from tokenizers import pre_tokenizers

from benchmarks.smollm2 import smollm2
from engine.core.errors import ModelError
from engine.core.sampling import Sampling
from engine.data.templates import chat
from engine.inference.chat import ChatColumn, stream_answers
from engine.inference.messages import Exchange
from engine.models.chat_template import has_chat_template
from engine.models.discover import models_in_folder
from engine.models.loading import load_base, load_config, shape_from_config
from engine.service.catalogue import model_info

D, HEADS, LAYERS, INNER = 32, 4, 2, 64
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def write_gguf(path: Path, architecture: str = "llama", merges: str = "a b") -> Path:
    """A tiny random model with a tokenizer of bytes, its matrices in 8 bits."""
    words = [*SPECIAL, "ab", *sorted(pre_tokenizers.ByteLevel.alphabet())]
    words += [f"<pad{number}>" for number in range(-len(words) % 32)]
    rng = np.random.default_rng(0)
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    writer.add_context_length(128)
    writer.add_embedding_length(D)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10_000.0)
    writer.add_vocab_size(len(words))
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(words)
    writer.add_token_types([3 if word in SPECIAL else 1 for word in words])
    writer.add_token_merges([merges])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_pad_token_id(0)
    writer.add_chat_template(CHATML)

    def add(name: str, *shape: int) -> None:
        values = rng.normal(0, 0.2, shape).astype(np.float32)
        kind = gguf.GGMLQuantizationType.Q8_0
        writer.add_tensor(name, gguf.quants.quantize(values, kind), raw_dtype=kind)

    def add_norm(name: str) -> None:
        writer.add_tensor(name, np.ones(D, np.float32))

    add("token_embd.weight", len(words), D)
    add("output.weight", len(words), D)
    add_norm("output_norm.weight")
    for layer in range(LAYERS):
        at = f"blk.{layer}."
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            add(f"{at}{name}.weight", D, D)
        for name, shape in (("ffn_gate", (INNER, D)), ("ffn_up", (INNER, D)), ("ffn_down", (D, INNER))):
            add(f"{at}{name}.weight", *shape)
        for name in ("attn_norm", "ffn_norm"):
            add_norm(f"{at}{name}.weight")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return write_gguf(tmp_path_factory.mktemp("models") / "tiny.Q8_0.gguf")


def test_it_is_found_and_named(file):
    """Below the folder of models: family, size and how its weights are stored, which the page's list says."""
    (model,) = models_in_folder(file.parent)
    assert (model.family, model.quantisation, model.problem) == ("llama", "Q8_0", "")
    assert model.parameters == sum(parameter.numel() for parameter in load_base(str(file)).model.parameters())
    assert model.size_bytes == file.stat().st_size
    assert model_info(model).title.startswith("tiny.Q8_0.gguf (0.")
    assert model_info(model).title.endswith(" M, Q8_0)")
    assert str(file) in [found.name for found in models_in_folder(file.parent.parent)]


def test_it_is_loaded(file):
    """Its weights, dequantised, in the precision that was asked for; its tokenizer and chat template with them."""
    base = load_base(str(file))
    assert base.shape.family.causal
    assert base.model.dtype == torch.float32
    assert base.missing == ()
    reader = gguf.GGUFReader(file)
    (stored,) = [tensor for tensor in reader.tensors if tensor.name == "blk.1.ffn_up.weight"]
    expected = torch.from_numpy(gguf.quants.dequantize(stored.data, stored.tensor_type))
    assert torch.equal(base.model.model.layers[1].mlp.up_proj.weight, expected)
    assert base.tokenizer.decode(base.tokenizer.encode("Two words.")) == "Two words."
    assert chat(base.tokenizer).around == "<|im_start|>user\n{prompt}<|im_end|>\n<|im_start|>assistant\n"
    assert has_chat_template(str(file))
    assert load_base(str(file), "bf16").model.dtype == torch.bfloat16
    assert shape_from_config(str(file)).d == D


def test_what_is_read_once_is_not_shared(file):
    """Whoever changes a config changes no other's."""
    load_config(str(file)).hidden_size = 1
    assert load_config(str(file)).hidden_size == D


@pytest.mark.fault("input", "A GGUF file is to be quantised a second time: refused.")
@pytest.mark.parametrize("precision", ["int8", "nf4"])
def test_it_is_not_quantised_twice(file, precision):
    with pytest.raises(ModelError, match="stored as Q8_0") as caught:
        load_base(str(file), precision)
    assert caught.value.key == "gguf_precision"


@pytest.mark.fault("damaged", "A GGUF file is cut off, empty, or something else: one sentence names it, no traceback.")
@pytest.mark.parametrize("change", ["half", "header", "empty", "text"])
def test_a_damaged_file(file, tmp_path, change):
    octets = file.read_bytes()
    broken = {"half": octets[: len(octets) // 2], "header": octets[:40], "empty": b"", "text": b"no model " * 99}
    path = tmp_path / "broken.gguf"
    path.write_bytes(broken[change])
    with pytest.raises(ModelError, match=r"broken\.gguf") as caught:
        load_base(str(path))
    assert caught.value.key == "bad_gguf"
    (found,) = models_in_folder(tmp_path)
    assert found.problem == "bad_gguf"
    assert not has_chat_template(str(path))


@pytest.mark.fault("damaged", "A GGUF file merges words that its vocabulary lacks: one sentence, no traceback.")
def test_a_damaged_vocabulary(tmp_path):
    with pytest.raises(ModelError, match="out of vocabulary"):
        load_base(str(write_gguf(tmp_path / "broken.gguf", merges="a c")))


@pytest.mark.fault("input", "A GGUF file of an architecture that is not supported: refused by its name.")
def test_another_architecture(tmp_path):
    path = write_gguf(tmp_path / "strange.gguf", "strange")
    with pytest.raises(ModelError, match="strange"):
        load_base(str(path))
    (found,) = models_in_folder(tmp_path)
    assert found.problem == "unknown_family"
    with pytest.raises(ModelError, match="not on this machine"):
        load_base(str(tmp_path / "nowhere.gguf"))


@pytest.mark.slow
def test_a_real_one_converses():
    """SmolLM2-135M-Instruct, where it was fetched: the second question is understood from the first."""
    path = smollm2()
    if path is None:
        pytest.skip("not here: python -m benchmarks.smollm2")
    base = load_base(str(path))
    around = chat(base.tokenizer).around
    asked = ChatColumn("What is the capital of France?", template=around, in_chat_template=True, alone=False)
    *_, first = stream_answers(base, [asked], Sampling(max_new_tokens=24))
    assert "Paris" in first.texts[0]
    again = replace(asked, prompt="And in which country is it?", history=(Exchange(asked.prompt, first.texts[0]),))
    *_, second = stream_answers(base, [again], Sampling(max_new_tokens=24))
    assert "France" in second.texts[0]
