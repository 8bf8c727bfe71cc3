"""Official LLaMA-Adapter V2 checkpoints with pictures: there and back, their names and layouts, and what is refused."""

import pytest
import torch
from torch.testing import assert_close
from transformers import CLIPConfig

from engine.core.errors import ExchangeError
from engine.exchange.checkpoints import export_checkpoint, import_checkpoint
from tests.contract.test_pictures_beside import beside
from tests.encoders import save_encoder
from tests.tiny import built, logits, randomise, tiny_base
from tests.unit.drawing import LABELS, drawn

import numpy as np  # isort: skip

V2 = {"prompt_len": 3, "layers": 2, "vision_form": "queries", "vision_blocks": 2, "bias": True, "norms": True}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A tiny CLIP, and a picture."""
    home = tmp_path_factory.mktemp("home")
    save_encoder(home / "clip", "clip")
    save_encoder(home / "vit")
    drawn(next(iter(LABELS)), np.random.default_rng(0)).save(home / "0.png")
    return home


def random_method(home, **settings):
    """A base and an adapter with all parameters random."""
    base = tiny_base("llama")
    method = built("llama_adapter", base, {**V2, "vision": str(home / "clip"), **settings})
    return base, randomise(method, std=0.3)


@pytest.mark.parametrize("options", [{}, {"bias": False, "norms": False}], ids=["tuned", "prompts"])
def test_there_and_back(home, tmp_path, options):
    """The adapter answers the same, with a picture and without; K, layers and blocks follow from the file."""
    base, method = random_method(home, **options)
    export_checkpoint(method, base, tmp_path / "a.pth")
    again = import_checkpoint(tmp_path / "a.pth", base, vision=str(home / "clip"))
    assert again.settings == method.settings
    tokens = beside(home / "0.png", None)
    assert_close(logits(base, again, tokens), logits(base, method, tokens), rtol=1e-4, atol=1e-4)


def test_names_and_layouts(home, tmp_path):
    """As the authors' code names them; norms whole, wq's bias in Meta's order of pairs, qkv in timm's."""
    base, method = random_method(home)
    export_checkpoint(method, base, tmp_path / "a.pth")
    held = torch.load(tmp_path / "a.pth", weights_only=True)
    assert held["config"] == {"w_bias": True, "w_lora": False}
    tensors = held["model"]
    width, d, heads = CLIPConfig(projection_dim=8).projection_dim, base.shape.d, base.shape.h
    assert tensors["visual_query.weight"].shape == (3, width)
    assert tensors["adapter_query.weight"].shape == (6, d)
    assert tensors["visual_blocks.1.attn.qkv.weight"].shape == (3 * width, width)
    assert tensors["visual_blocks.0.mlp.fc1.weight"].shape == (4 * width, width)
    assert tensors["clip_proj.weight"].shape == (width, width)
    assert tensors["visual_proj.weight"].shape == (d, width)
    assert not tensors["llama.layers.0.attention.gate"].any()
    assert tensors["llama.layers.2.attention.gate"].shape == (1, heads, 1, 1)
    gain = base.model.model.layers[1].input_layernorm.weight + method.norms.gamma[list(base.shape.norms).index(
        "model.layers.1.input_layernorm"
    )]  # fmt: skip
    assert_close(tensors["llama.layers.1.attention_norm.weight"], gain.detach())
    bias = method.bias["1_q"].detach().view(heads, 2, -1)  # transformers: first halves, then second halves
    pairs = torch.stack([bias[:, 0], bias[:, 1]], -1).flatten()
    assert torch.equal(tensors["llama.layers.1.attention.wq.bias"], pairs)
    assert torch.equal(tensors["llama.layers.1.feed_forward.w2.bias"], method.bias["1_down"].detach())


@pytest.mark.fault(
    "paths",
    "A V2 checkpoint of a LoRA variant, for another encoder or with a tensor missing: one sentence each.",
)
def test_what_does_not_fit_is_refused(home, tmp_path):
    base, method = random_method(home)
    path, clip = tmp_path / "a.pth", str(home / "clip")
    export_checkpoint(method, base, path)
    with pytest.raises(ExchangeError, match="through a whole CLIP; name that one with --vision"):
        import_checkpoint(path, base)
    with pytest.raises(ExchangeError, match="through a whole CLIP; name that one with --vision"):
        import_checkpoint(path, base, vision=str(home / "vit"))
    tensors = torch.load(path, weights_only=True)["model"]
    for change, reason in (
        ({"llama.layers.0.attention.lora_wq_l1.weight": torch.zeros(2)}, "one of the LoRA variants"),
        ({"clip_proj.weight": torch.zeros(8, 9)}, r"clip_proj.weight' has shape \(8, 9\), not \(8, 8\)"),
        ({"visual_query.weight": torch.zeros(5, 8)}, "6 rows for 5 queries"),
        ({"llama.layers.1.attention.wq.bias": torch.zeros(7)}, r"wq.bias' has shape \(7,\)"),
        ({"visual_proj.bias": None}, "'visual_proj.bias' is missing"),
    ):
        changed = {name: tensor for name, tensor in {**tensors, **change}.items() if tensor is not None}
        torch.save({"model": changed}, tmp_path / "b.pth")
        with pytest.raises(ExchangeError, match=reason):
            import_checkpoint(tmp_path / "b.pth", base, vision=clip)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [({"vision_form": "early"}, "in the same layers"), ({"scale": True}, "no scales"), ({"vision": "vit"}, "a whole")],
)
def test_what_has_no_place_is_not_written(home, tmp_path, settings, reason):
    settings = {name: str(home / value) if name == "vision" else value for name, value in settings.items()}
    base, method = random_method(home, **settings)
    with pytest.raises(ExchangeError, match=reason):
        export_checkpoint(method, base, tmp_path / "a.pth")
    assert not list(tmp_path.iterdir())
