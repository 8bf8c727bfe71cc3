"""P-tuning against HF peft's encoders with their weights copied across, and its adapters carried there and back."""

import json

import pytest
import torch
from peft import PeftModel, PromptEncoderConfig, get_peft_model
from safetensors.torch import load_file
from torch.testing import assert_close
from transformers import AutoModelForCausalLM, LlamaConfig

from engine.core.errors import ExchangeError, SettingError
from engine.exchange.native import load_adapter, save_adapter
from engine.exchange.peft import export_peft, import_peft
from engine.methods.p_tuning.method import PTuning
from engine.methods.p_tuning.spec import PTuningSettings
from engine.models.shape import shape_of
from tests.parity.test_peft import CLOSE, peft_logits, trainables
from tests.tiny import Case, copies, logits, loss_of, plain_model, randomise, tiny_base, viewed, words

pytestmark = pytest.mark.filterwarnings("ignore")
ENCODERS = [("lstm", 5), ("mlp", 6), ("lstm", None), ("mlp", None)]
every_encoder = pytest.mark.parametrize(("encoder", "width"), ENCODERS, ids=str)
every_family = pytest.mark.parametrize("family", ["llama", "qwen3", "gpt_neox", "gpt2"])


def case_of(family, encoder, width):
    """Our method with peft's positions."""
    example = {"prompt_len": 3, "encoder": encoder, "encoder_width": width, "shift_positions": True}
    return Case("p_tuning", example, family)


def peft_model(family, encoder, width):
    """A peft model on the same weights, every parameter of its encoder random."""
    d = tiny_base(family).shape.d
    config = PromptEncoderConfig(
        task_type="CAUSAL_LM",
        num_virtual_tokens=3,
        encoder_reparameterization_type=encoder.upper(),
        encoder_hidden_size=width or (d // 2 if encoder == "lstm" else d),
    )
    model = get_peft_model(plain_model(family), config)
    randomise(trainables(model))
    return model.eval()


def theirs_by_our_name(model):
    """Peft's encoder under our names."""
    parts = {"embedding.weight": "encoder.seeds", "lstm_head": "encoder.lstm", "mlp_head": "encoder.mlp"}
    for name, parameter in model.prompt_encoder["default"].named_parameters():
        stem = next(stem for stem in parts if name.startswith(stem))
        yield parts[stem] + name.removeprefix(stem), parameter


@every_family
@every_encoder
def test_encoder_equals_peft(family, encoder, width):
    """With peft's weights: its virtual tokens, its logits, and its gradient for every weight of the encoder."""
    model = peft_model(family, encoder, width)
    base, method = case_of(family, encoder, width).build()
    theirs, ours = dict(theirs_by_our_name(model)), dict(method.named_parameters())
    assert theirs.keys() == ours.keys()
    with torch.no_grad():
        for name, parameter in ours.items():
            parameter.copy_(theirs[name])
    view, tokens = viewed(base, method), words()
    actual, expected = view.logits(tokens), peft_logits(model, tokens)
    assert_close(actual, expected, **CLOSE)
    assert float((expected - base.view().logits(tokens)).abs().max()) > 0.1
    loss_of(view, tokens).backward()
    weights = torch.linspace(-1, 1, expected.numel()).view_as(expected)
    (expected.log_softmax(-1) * weights.exp()).mean().backward()
    for name, parameter in ours.items():
        assert float(theirs[name].grad.norm()) > 0
        assert_close(parameter.grad, theirs[name].grad, rtol=1e-3, atol=1e-6)


@every_family
@every_encoder
def test_peft_adapter_comes_in(family, encoder, width, tmp_path):
    """peft keeps what its encoder computed: here it reads with equal logits, as a flat prompt that trains on."""
    model, base = peft_model(family, encoder, width), tiny_base(family)
    model.save_pretrained(tmp_path)
    method = import_peft(tmp_path, base)
    assert method.settings == case_of(family, encoder, width).build()[1].settings
    with torch.no_grad():
        assert_close(viewed(base, method).logits(words()), peft_logits(model, words()), **CLOSE)
    assert list(copies(method)) == ["prompts"]
    loss_of(viewed(base, method), words()).backward()
    assert float(method.prompts.grad.norm(dim=-1).min()) > 0


@every_family
@pytest.mark.parametrize("encoder", ["lstm", "mlp", "none"])
def test_our_adapter_goes_out_and_back(family, encoder, tmp_path):
    """What we export loads with `PeftModel.from_pretrained` on untouched weights, with equal logits, and comes back."""
    base, method = case_of(family, encoder, None).build()
    export_peft(randomise(method), base, tmp_path)
    assert load_file(tmp_path / "adapter_model.safetensors").keys() == {"prompt_embeddings"}
    model = PeftModel.from_pretrained(plain_model(family), tmp_path).eval()
    expected = logits(base, method)
    with torch.no_grad():
        assert_close(peft_logits(model, words()), expected, **CLOSE)
    again = import_peft(tmp_path, base)
    assert_close(logits(base, again), expected, **CLOSE)
    assert torch.equal(again.prompts, method.virtual_tokens())


def test_folded_file_reads_trains_and_exports(tmp_path):
    """A loaded file has only the virtual tokens; it trains on, is saved and exported again like any other."""
    base, method = case_of("llama", "lstm", 4).build()
    save_adapter(randomise(method), base, tmp_path / "own")
    assert {name: t.shape for name, t in load_file(tmp_path / "own" / "adapter.safetensors").items()} == {
        "prompts": (3, base.shape.d)
    }
    loaded = load_adapter(tmp_path / "own", base)
    assert_close(logits(base, loaded), logits(base, method), **CLOSE)
    loss_of(viewed(base, loaded), words()).backward()
    with torch.no_grad():
        loaded.prompts -= 0.1 * loaded.prompts.grad
    save_adapter(loaded, base, tmp_path / "again")
    assert torch.equal(load_adapter(tmp_path / "again", base).prompts, loaded.prompts)
    export_peft(loaded, base, tmp_path / "peft")
    assert torch.equal(import_peft(tmp_path / "peft", base).prompts, loaded.prompts)
    (frame,) = load_adapter(tmp_path / "again", base).parameter_events(0)
    assert frame.drift == [0.0] * 3
    assert frame.stride == 0


def test_template_with_holes_is_refused(tmp_path):
    """peft knows only the place in front of the text."""
    base, method = Case("p_tuning", {"template": "{p}{prompt}{p}"}, "llama").build()
    with pytest.raises(ExchangeError, match="inside"):
        export_peft(method, base, tmp_path)


@pytest.mark.parametrize(("family", "reason"), [("gpt2", "shift_positions=true"), ("bert", "masked language models")])
def test_positions_that_peft_lacks_are_refused(family, reason, tmp_path):
    """Where positions are learned, a prompt that did not push the text back would read otherwise in peft."""
    base, method = Case("p_tuning", {"prompt_len": 3}, family).build()
    with pytest.raises(ExchangeError, match=reason):
        export_peft(method, base, tmp_path)


def test_unknown_encoder_is_refused(tmp_path):
    """A config of another peft that names an encoder we do not know."""
    base, method = case_of("llama", "lstm", 4).build()
    export_peft(method, base, tmp_path)
    path = tmp_path / "adapter_config.json"
    config = {**json.loads(path.read_text()), "encoder_reparameterization_type": "GRU"}
    path.write_text(json.dumps(config))
    with pytest.raises(ExchangeError, match="gru"):
        import_peft(tmp_path, base)


def test_paper_count_at_width_1024():
    """With d = 1,024 the LSTM has 12.6 M weights and the MLP 2.1 M, for nine tokens of which 9,216 numbers are kept."""
    with torch.device("meta"):
        config = LlamaConfig(hidden_size=1024, intermediate_size=64, num_hidden_layers=1, num_attention_heads=16)
        shape = shape_of(AutoModelForCausalLM.from_config(config))
    lstm, mlp, kept = 12_599_296, 2_099_200, 9 * 1024
    settings = PTuningSettings(template="{p}{p}{p}{prompt}{p}{p}{p} is {p}{p}{p}")
    assert PTuning.count(settings, shape) == {"encoder": lstm + mlp + kept}
    assert PTuning.count(PTuningSettings(prompt_len=9, encoder="none"), shape) == {"prompts": kept}


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("{p}{p}", "prompt"),
        ("{p}{prompt}{prompt}", "exactly once"),
        ("Q: {prompt} A:", "{p}"),
        ("{p} x", "exactly once"),
    ],
)
def test_templates_are_checked(template, problem):
    """A template needs a place for the prompt and some for virtual tokens; the sentence says which is missing."""
    with pytest.raises(SettingError) as caught:
        PTuningSettings(template=template)
    assert problem in str(caught.value)
    assert caught.value.values["field"] == "template"


def test_dropout_acts_in_training_only():
    """Training drops inside of the LSTM; reading, saving and telemetry do not."""
    base, method = Case("p_tuning", {"prompt_len": 3, "dropout": 0.5}, "llama").build()
    randomise(method)
    assert not torch.equal(logits(base, method), logits(base, method))
    result = method.virtual_tokens()
    assert torch.equal(method.virtual_tokens(), result)
    assert torch.equal(method.folded().prompts, result)
    assert method.encoder.lstm.training
    assert torch.equal(logits(base, method.eval()), logits(base, method))


def test_frame_tells_the_stride_of_the_encoder():
    """The stride is how far all virtual tokens went since the frame before, the drift how far since the start."""
    _, method = Case("p_tuning", {"prompt_len": 3, "encoder_width": 4}, "llama").build()
    frames = list(method.parameter_events(0))
    first = method.virtual_tokens()
    for step in (1, 2):
        before = method.virtual_tokens()
        with torch.no_grad():
            for parameter in method.encoder.parameters():
                parameter += 0.1 * step
        frames += method.parameter_events(step)
        assert frames[-1].stride == pytest.approx(float((method.virtual_tokens() - before).norm()), abs=1e-4)
        assert frames[-1].drift == pytest.approx((method.virtual_tokens() - first).norm(dim=-1).tolist(), abs=1e-3)
    assert frames[0].stride == 0
    assert len(frames) == 3
