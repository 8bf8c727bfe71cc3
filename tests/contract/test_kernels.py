"""Where a base lies and which attention kernel serves it: settings of a run that change nothing but rounding."""

from dataclasses import replace

import pytest
import torch
from torch.testing import assert_close

from engine.config.training import KERNELS as CHOICES
from engine.config.training import TrainingSettings
from engine.core.errors import ModelError
from engine.models.attention import KERNELS
from engine.models.inputs import Tokens
from engine.models.loading import load_base, resolve_device, resolve_precision
from engine.preflight.memory import estimate
from tests.contract.test_reading import TOLERANCE
from tests.tiny import Case, randomise, save_tiny, viewed, words
from tests.unit.test_memory import PLENTY, plan

METHODS = (("llama_adapter", {}), ("prefix", {}), ("lora", {"rank": 2}))


def test_every_choice_has_its_kernels():
    """The setting and the attention function know the same names."""
    assert ("auto", *KERNELS) == CHOICES


@pytest.mark.parametrize("kernel", list(KERNELS))
@pytest.mark.parametrize(("method", "settings"), METHODS)
def test_kernels_agree(kernel, method, settings, tmp_path):
    """The same logits and the same gradients as torch's own choice, in a padded batch and without padding."""
    folder = str(save_tiny(tmp_path))
    results = []
    for attention in ("auto", kernel):
        base = load_base(folder, attention=attention)
        _, made = Case(method, settings, "llama").build(base=base)
        view = viewed(base, randomise(made).to(base.device))
        padded, whole = words(3, 9), words(2, 6)
        padded.mask[1, 5:] = False
        out = [view.logits(Tokens(text.ids.to(base.device), text.mask.to(base.device))) for text in (padded, whole)]
        sum(x.square().mean() for x in out).backward()
        grads = {name: p.grad for name, p in made.named_parameters() if p.grad is not None}
        assert grads
        results.append(([x.detach() for x in out], grads))
    (plain, before), (chosen, after) = results
    for one, other in zip(plain, chosen, strict=True):
        assert_close(one, other, **TOLERANCE)
    assert_close(before, after, **TOLERANCE)


def test_chosen_kernel_is_the_one_that_runs(tmp_path, monkeypatch):
    """Plain arithmetic switches the fused kernels off for the call, and nothing afterwards."""
    seen = []
    plain = torch.nn.functional.scaled_dot_product_attention

    def spy(*args, **kwargs):
        seen.append((torch.backends.cuda.flash_sdp_enabled(), torch.backends.cuda.math_sdp_enabled()))
        return plain(*args, **kwargs)

    monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", spy)
    folder = str(save_tiny(tmp_path))
    for attention in ("auto", "math"):
        load_base(folder, attention=attention, device="cpu").view().logits(words(1, 4))
    layers = len(seen) // 2
    assert layers > 0
    assert seen == [(True, True)] * layers + [(False, True)] * layers
    assert torch.backends.cuda.flash_sdp_enabled()


def test_estimate_knows_that_plain_arithmetic_keeps_all_scores():
    """On a CPU and for a GPU, without one being there."""
    for device in ("cpu", "cuda"):
        asked = [plan("lora", "opt", rows=4, length=60, attention=name) for name in ("auto", "math")]
        fused, plain = (estimate(replace(one, device=device), PLENTY).activations for one in asked)
        assert plain > 1.2 * fused


def test_families_with_their_own_attention_say_so(tmp_path):
    """Nothing is left out silently."""
    folder = str(save_tiny(tmp_path, "bloom"))
    assert load_base(folder).shape.model_type == "bloom"
    with pytest.raises(ModelError, match="attention is 'flash', but models of type 'bloom'"):
        load_base(folder, attention="flash")


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a GPU")
def test_a_gpu_that_is_not_there(tmp_path):
    """A sentence instead of a traceback; auto and cpu do."""
    assert resolve_device("auto") == resolve_device("cpu") == "cpu"
    with pytest.raises(ModelError, match="device is 'cuda', but PyTorch sees no GPU"):
        load_base(str(save_tiny(tmp_path)), device="cuda")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_cpu_on_a_machine_with_a_gpu(tmp_path):
    """The setting is obeyed."""
    assert load_base(str(save_tiny(tmp_path)), device="cpu").device.type == "cpu"
    assert load_base(str(tmp_path)).device.type == "cuda"


def test_automatic_number_format(tmp_path, monkeypatch):
    """fp32 on a CPU; on a GPU bf16, or fp16 where it has no bf16. What is named stays as it is."""
    assert load_base(str(save_tiny(tmp_path)), "auto", device="cpu").precision == "fp32"
    for able, wanted in ((True, "bf16"), (False, "fp16")):
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda able=able: able)
        assert resolve_precision("auto", "cuda") == wanted
        assert resolve_precision("int8", "cuda") == "int8"
    auto, plain = (estimate(plan("lora", precision=name), PLENTY) for name in ("auto", "fp32"))
    assert auto == plain


def test_only_what_differs_is_handed_on():
    """A run as usual asks for nothing."""
    assert TrainingSettings().loading == {}
    assert TrainingSettings(device="cpu", attention="math").loading == {"device": "cpu", "attention": "math"}
