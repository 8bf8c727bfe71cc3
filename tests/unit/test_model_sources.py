"""Where models come from: what is listed, and every reason for which one is refused, with its next step."""

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
import torch
from huggingface_hub import constants
from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from transformers import LlamaConfig
from transformers.initialization import no_init_weights, no_tie_weights

from engine.cli import catalogue as commands
from engine.config.run import RunConfig
from engine.core.errors import ModelError
from engine.models import loading, resolve
from engine.models.base import Base, hash_weights
from engine.models.discover import cached_models
from engine.models.fitting import precision_as_stored, stored_precision
from engine.models.load_errors import loading_error
from engine.models.loading import load_base, load_config, shape_from_config
from engine.models.resolve import SHIPPED, hub_token
from engine.service import catalogue
from engine.training.launch import base_for
from tests.tiny import EOS, V, plain_model, save_tiny, tiny_base

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "hf_" + "secretsecret" * 3


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty hub cache."""
    folder = tmp_path / "hub"
    folder.mkdir()
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(folder))
    return folder


def put(cache: Path, name: str, family: str = "llama") -> Path:
    """A tiny model in a hub cache, in the layout that the hub's client makes; returns its snapshot."""
    repo, commit = cache / f"models--{name.replace('/', '--')}", "0123456789abcdef0123456789abcdef01234567"
    snapshot = repo / "snapshots" / commit
    made = save_tiny(cache.parent / "made" / name, family)
    (repo / "blobs").mkdir(parents=True)
    (repo / "refs").mkdir()
    (repo / "refs" / "main").write_text(commit)
    snapshot.mkdir(parents=True)
    for number, file in enumerate(sorted(made.iterdir())):
        blob = repo / "blobs" / f"blob{number}"
        shutil.copy(file, blob)
        (snapshot / file.name).symlink_to(os.path.relpath(blob, snapshot))
    return snapshot


def edit(folder: Path, **changes: object) -> Path:
    """Change entries of a model's config.json."""
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    return folder


def refused(name: str | Path, load=load_base) -> ModelError:
    """The refusal: one sentence, with the model's name in it."""
    with pytest.raises(ModelError) as caught:
        load(str(name))
    assert "\n" not in str(caught.value)
    assert str(name) in str(caught.value)
    return caught.value


def test_cache_is_listed_with_size_and_family(cache):
    """What the hub's client fetched earlier is a model beside the shipped one, with family, size and parameters."""
    snapshot = put(cache, "someone/tiny")
    shipped, model = catalogue.models()
    assert (shipped.name, shipped.source, shipped.parameters) == ("town", "shipped", 2_853_312)
    assert (model.name, model.source, model.family) == ("someone/tiny", "cache", "llama")
    tensors = load_file(snapshot / "model.safetensors").values()
    assert model.parameters == sum(tensor.numel() for tensor in tensors)
    assert model.size_mb == pytest.approx((snapshot / "model.safetensors").stat().st_size / 1e6, abs=0.06)


def test_folders_are_listed(cache, tmp_path):
    """A folder below the one for own models is listed by its name and used by its path."""
    save_tiny(tmp_path / "own" / "mine", "gpt2")
    (tmp_path / "own" / "notes").mkdir()
    _, model = catalogue.models(tmp_path / "own")
    assert (model.source, model.family, model.name) == ("folder", "gpt2", str(tmp_path / "own" / "mine"))
    assert model.title.startswith("mine (")
    assert shape_from_config(model.name).model_type == "gpt2"


def test_unusable_models_are_told_apart(cache):
    """Other families, pickles and damaged files are found but not offered; a lone config is no model."""
    edit(put(cache, "a/falcon"), model_type="falcon")
    (put(cache, "a/pickled") / "model.safetensors").rename(cache / "aside")
    (cache / "models--a--pickled/snapshots").glob("*").__next__().joinpath("pytorch_model.bin").write_bytes(b"x")
    damaged = put(cache, "a/damaged") / "model.safetensors"
    damaged.write_bytes(damaged.read_bytes()[:2000])
    (put(cache, "a/config-only") / "model.safetensors").unlink()
    problems = {listed.name: listed.problem for listed in cached_models()}
    assert problems == {"a/falcon": "unknown_family", "a/pickled": "model_pickled", "a/damaged": "model_corrupt"}
    assert [info.name for info in catalogue.models()] == ["town"]


def test_command_line_lists_the_cache(tmp_path):
    """`models` reads the cache that the environment names, and says what it found but cannot use."""
    put(tmp_path, "someone/tiny")
    edit(put(tmp_path, "someone/falcon"), model_type="falcon")
    command = [sys.executable, "-m", "engine", "models"]
    out = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "HF_HUB_CACHE": str(tmp_path)}, capture_output=True, text=True, check=True
    )
    assert "someone/tiny" in out.stdout
    assert "someone/falcon (family not supported)" in out.stdout


def test_cached_model_loads_offline(cache, monkeypatch):
    """A model in the cache is used by its name without asking the hub."""
    put(cache, "someone/tiny")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr("transformers.utils.hub.constants.HF_HUB_CACHE", str(cache))
    assert load_base("someone/tiny").shape.model_type == "llama"


def test_offline_is_said(cache, monkeypatch):
    """Where the hub may not be asked, the sentence names the switch."""
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    error = refused("someone/unseen")
    assert error.key == "model_offline"
    assert "HF_HUB_OFFLINE" in str(error)


def test_unreachable_hub_is_said(cache, monkeypatch):
    """Where the hub does not answer, the sentence says so, and that a folder will do."""

    def nobody(*_args: object, **_kwargs: object) -> None:
        raise OSError("unreachable")

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(resolve, "getproxies", dict)
    monkeypatch.setattr(resolve.socket, "create_connection", nobody)
    error = refused("someone/unseen")
    assert error.key == "model_missing"
    assert "local folder" in str(error)


@pytest.mark.parametrize(
    ("kind", "key", "step"),
    [(GatedRepoError, "model_gated", "accept its terms"), (RepositoryNotFoundError, "model_unknown", "spelling")],
)
def test_hub_refusals(kind, key, step):
    """Gated and unknown models are told apart by what the hub's client raised, not by numbers in the text."""
    answer = httpx.Response(401, request=httpx.Request("GET", "https://hub"))
    outer = OSError(f"401 with {TOKEN}")
    outer.__cause__ = kind("refused", response=answer)
    error = loading_error("someone/model", outer)
    assert error.key == key
    assert step in str(error)
    assert "HF_TOKEN" in str(error)


@pytest.mark.parametrize("load", [load_base, shape_from_config, load_config])
def test_other_family(load, tmp_path):
    """A family without a row is named, also one that transformers itself does not know."""
    for name in ("falcon", "unheard_of"):
        folder = edit(save_tiny(tmp_path / name), model_type=name)
        with pytest.raises(ModelError, match=rf"{name}.*families") as caught:
            load(str(folder))
        assert caught.value.key == "unknown_family"


def test_truncated_weights(tmp_path):
    """A file that broke off names itself and asks to be fetched again."""
    file = save_tiny(tmp_path) / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    error = refused(tmp_path)
    assert error.key == "model_corrupt"
    assert "model.safetensors" in str(error)
    assert "fetch it again" in str(error)


@pytest.mark.parametrize("content", [b"", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n"])
def test_weights_that_are_none(content, tmp_path):
    """So does an empty file, and the pointer that git leaves in the place of a large one."""
    (save_tiny(tmp_path) / "model.safetensors").write_bytes(content)
    assert refused(tmp_path).key == "model_corrupt"


def test_missing_part(tmp_path):
    """One of several weight files that is not there is named."""
    folder = save_tiny(tmp_path)
    index = {"metadata": {}, "weight_map": {"a": "model-00001-of-00002.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    error = refused(folder)
    assert error.key == "model_corrupt"
    assert "00001-of-00002" in str(error)


@pytest.mark.parametrize(
    ("kind", "lacking"), [("llama", "lm_head.weight"), ("llama", "model.layers.1."), ("bert", "bert.encoder.layer.1.")]
)
def test_a_model_without_some_of_its_weights(kind, lacking, tmp_path):
    """Weights that a file does not have would be random: the model is refused, and one of them is named."""
    file = save_tiny(tmp_path / kind, kind) / "model.safetensors"
    weights = load_file(file)
    save_file({k: v for k, v in weights.items() if not k.startswith(lacking)}, file, {"format": "pt"})
    error = refused(file.parent)
    assert error.key == "model_incomplete"
    assert lacking in str(error)


def pickled(folder: Path, weights: object) -> str:
    """A model folder whose weights lie there as a pickle alone."""
    save_tiny(folder)
    (folder / "model.safetensors").unlink()
    torch.save(weights, folder / "pytorch_model.bin")
    return str(folder)


def test_pickles_are_read_where_the_user_says_so(tmp_path):
    """They give the same base, to the bit; by itself nothing reads them."""
    model = plain_model("llama")
    folder = pickled(tmp_path, model.state_dict())
    assert refused(folder).key == "model_pickled"
    assert hash_weights(load_base(folder, pickled_weights=True).model) == hash_weights(tiny_base("llama").model)


def test_what_hides_in_a_pickle_does_not_run(tmp_path):
    """Even then only tensors are taken out: anything else is refused with a sentence, and nothing of it happens."""

    class Trap:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "sprung",))

    folder = pickled(tmp_path / "model", {**plain_model("llama").state_dict(), "extra": Trap()})
    with pytest.raises(ModelError) as error:
        load_base(folder, pickled_weights=True)
    assert error.value.key == "model_folder"
    assert not (tmp_path / "sprung").exists()


def test_pickles_are_not_read(tmp_path):
    """Weights that are there only as a pickle are refused unread, with the way out."""
    folder = save_tiny(tmp_path)
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(b"cos\nsystem\n(S'touch owned'\ntR.")
    error = refused(folder)
    assert error.key == "model_pickled"
    assert "pickled_weights" in str(error)


@pytest.mark.parametrize("text", ["{", "[]", '{"hidden_size": 3}'])
def test_bad_config(text, tmp_path):
    """A config.json that is none gives a sentence, too."""
    (save_tiny(tmp_path) / "config.json").write_text(text)
    assert refused(tmp_path).key == "model_folder"


def test_no_tokenizer(tmp_path):
    """A folder without a tokenizer says what it lacks."""
    folder = save_tiny(tmp_path)
    for file in folder.glob("token*"):
        file.unlink()
    assert refused(folder).key == "model_folder"


CODE = """
from pathlib import Path
from transformers import LlamaConfig
Path(__file__).with_name("ran").touch()
class OwnConfig(LlamaConfig):
    model_type = "own"
"""


def test_own_code_does_not_run_unasked(tmp_path):
    """A model with code of its own is refused with a warning, and the code has not run."""
    folder = edit(save_tiny(tmp_path), model_type="own", auto_map={"AutoConfig": "own.OwnConfig"})
    (folder / "own.py").write_text(CODE)
    error = refused(folder)
    assert error.key == "model_code"
    assert "only if you trust its authors" in str(error)
    assert not (folder / "ran").exists()


def test_own_code_is_asked_for_in_the_run():
    """Only a run's own config hands on the trust; off is the default."""
    asked: list[dict] = []

    def load(*_args: object, **options: object) -> Base:
        asked.append(options)
        return tiny_base()

    config = RunConfig(training={"trust_remote_code": True})
    for each in (RunConfig(), config):
        base_for(each, load)
    assert asked == [{}, {"trust_remote_code": True}]
    assert "--trust-remote-code true" in config.command()


def test_too_large(tmp_path, monkeypatch):
    """A model for which there is no memory says so, and offers smaller number formats."""

    def full(*_args: object, **_kwargs: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(loading, "auto_class", lambda _family: type("Auto", (), {"from_pretrained": full}))
    error = refused(save_tiny(tmp_path))
    assert error.key == "model_too_large"
    assert "nf4" in str(error)


def test_token_comes_from_the_environment_only(tmp_path, monkeypatch):
    """One on the disk is not used; the one in the environment is, and no error text holds it."""
    stored = tmp_path / "token"
    stored.write_text(TOKEN)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(stored))
    for name in resolve.TOKEN_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    assert hub_token() is False
    monkeypatch.setenv("HF_TOKEN", "my-own-secret")
    assert hub_token() == "my-own-secret"
    for secret in ("my-own-secret", TOKEN):
        error = loading_error(str(tmp_path), OSError(f"cannot read https://user:{secret}@hub/x"))
        assert secret not in str(error) + json.dumps(error.to_dict())
        assert "***" in str(error)


def test_list_shows_no_paths_to_tokens(capsys, cache, monkeypatch):
    """The list of models holds no token of the environment either."""
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    put(cache, "someone/tiny")
    commands.models(argparse.Namespace(json=False))
    assert TOKEN not in capsys.readouterr().out


def test_shape_while_another_model_is_read():
    """As long as transformers reads weights it ties none for anybody: shared embeddings still count once."""
    with no_init_weights(), no_tie_weights():
        assert shape_from_config("town").parameters == 2_853_312


@pytest.mark.fault("damaged", "A tokenizer names no end token: the config's stands in, or a sentence says so.")
def test_a_tokenizer_without_an_end(tmp_path):
    folder = save_tiny(tmp_path / "m", "gpt2")
    tell(folder / "tokenizer_config.json", eos_token=None)
    assert load_base(str(folder)).tokenizer.eos_token == "<eos>"
    edit(folder, eos_token_id=None)
    assert refused(folder).key == "no_end_token"
    tell(folder / "tokenizer_config.json", sep_token="<eos>")
    assert load_base(str(folder)).tokenizer.eos_token_id == EOS


@pytest.mark.fault("damaged", "A tokenizer has a token that the embedding lacks: a sentence names it.")
def test_a_token_beyond_the_embedding(tmp_path):
    folder = save_tiny(tmp_path / "m", "llama")
    path = folder / "tokenizer.json"
    added = {"id": V, "content": "[PAD]", "single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
    tokens = json.loads(path.read_text())["added_tokens"]
    tell(path, added_tokens=[*tokens, {**added, "special": True}])
    assert (refused(folder).key, refused(folder).values["number"]) == ("token_beyond", V)
    tell(folder / "tokenizer_config.json", pad_token="[PAD]")
    assert load_base(str(folder)).tokenizer.pad_token_id == EOS


@pytest.mark.fault("damaged", "Config and weights of a model disagree in a size: both are named, and where.")
@pytest.mark.parametrize(("name", "value"), [("vocab_size", V + 1), ("intermediate_size", 49), ("hidden_size", 36)])
def test_sizes_that_disagree(tmp_path, name, value):
    folder = edit(save_tiny(tmp_path / "m", "llama"), **{name: value})
    error = refused(folder)
    assert error.key == "model_sizes"
    assert str(value) in str(error)


@pytest.mark.parametrize("name", ["hidden_size", "vocab_size", "intermediate_size", "num_attention_heads"])
def test_a_size_of_zero(tmp_path, name):
    folder = tmp_path / "m"
    folder.mkdir()
    facts = json.loads((SHIPPED["town"] / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**facts, name: 0}))
    with pytest.raises(ModelError, match=f"{name} is 0|ZeroDivision|zero"):
        shape_from_config(str(folder))


@given(data=st.data())
@settings(max_examples=20)
@pytest.mark.fault("damaged", "Any value of a model's config is odd: its shape, or one sentence.")
def test_odd_values_in_a_config(tmp_path_factory, data):
    facts = json.loads((SHIPPED["town"] / "config.json").read_text())
    odd = st.sampled_from([None, "512", "nope", -1, 0, 1.5, [], {}, {"rope_type": "nope"}, {"rope_type": "dynamic"}])
    changes = data.draw(st.dictionaries(st.sampled_from(sorted(facts)), odd, min_size=1, max_size=2))
    folder = tmp_path_factory.mktemp("odd")
    (folder / "config.json").write_text(json.dumps({**facts, **changes}))
    with contextlib.suppress(ModelError):
        assert shape_from_config(str(folder)).l >= 0


@pytest.mark.fault("damaged", "An image processor makes pictures of another size than the model reads: both are named.")
def test_a_processor_of_another_size(tmp_path):
    folder = save_tiny(tmp_path / "m", "vit")
    tell(folder / "preprocessor_config.json", size={"height": 32, "width": 32})
    error = refused(folder)
    assert (error.key, error.values["made"], error.values["wanted"]) == ("processor_size", "32 x 32", "16 x 16")


NF4 = {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4", "quant_method": "bitsandbytes"}


@pytest.mark.fault("memory", "A checkpoint is quantised already: it is called what it is, and not quantised once more.")
@pytest.mark.parametrize(
    ("said", "wanted", "told"),
    [
        (None, "fp32", "fp32"),
        (NF4, "fp32", "nf4"),
        (NF4, "auto", "nf4"),
        (NF4, "nf4", "nf4"),
        (NF4, "int8", "quantised_already"),
        ({"load_in_8bit": True}, "fp32", "int8"),
        ({"load_in_8bit": True}, "bf16", "quantised_already"),
        ({**NF4, "bnb_4bit_quant_type": "fp4"}, "fp32", "other_quantisation"),
        ({"quant_method": "gptq", "bits": 4}, "fp32", "other_quantisation"),
    ],
)
def test_checkpoints_that_are_quantised(said, wanted, told):
    config = LlamaConfig()
    if said is not None:
        config.quantization_config = said
    try:
        found = precision_as_stored("m", stored_precision("m", config), wanted)
    except ModelError as error:
        found = error.key
    assert found == told


def tell(path: Path, **changes: object) -> None:
    """Change entries of a JSON file; None takes one out."""
    facts = {**json.loads(path.read_text()), **changes}
    path.write_text(json.dumps({name: value for name, value in facts.items() if value is not None}))
