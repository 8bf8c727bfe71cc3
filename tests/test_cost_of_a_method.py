"""Another method costs its folder, a row, its words and its tests: everything else follows from its description."""

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import nn

from app.tabs.method_picker import grouped
from app.words import LANGUAGES, MAIN, Say
from engine.__main__ import main
from engine.config.run import RunConfig
from engine.core.settings import Settings, setting
from engine.exchange.native import load_adapter
from engine.methods import METHODS
from engine.methods.base import Method
from engine.methods.spec import MethodSpec, Paper
from engine.service import catalogue
from tests.tiny import logits
from tests.unit.making import Maker, finish

ROOT = Path(__file__).resolve().parents[1]
ROW = "engine/methods/__init__.py"
WORDS = {f"app/words/{language}/methods.py" for language in LANGUAGES}
PEFT = "engine/exchange/peft"

FORMATS = {
    "llama_adapter": {
        "engine/exchange/archive.py",
        "engine/exchange/forms.py",
        "engine/exchange/checkpoints.py",
        "engine/exchange/official.py",
        "engine/exchange/official_v2.py",
        f"{PEFT}/adaption_prompt.py",
        "engine/models/families.py",
        "engine/models/family.py",
        *(f"app/words/{language}/runs.py" for language in LANGUAGES),
    },
    "lora": {f"{PEFT}/__init__.py", f"{PEFT}/lora.py", f"{PEFT}/lora_patterns.py"},
    "vera": {f"{PEFT}/vera.py"},
    "adalora": {f"{PEFT}/__init__.py", f"{PEFT}/adalora.py"},
    **{name: {f"{PEFT}/__init__.py", f"{PEFT}/{name}.py"} for name in ("miss", "shira", "oft")},
    "ia3": {f"{PEFT}/__init__.py", f"{PEFT}/ia3.py", f"{PEFT}/heads.py"},
    "p_tuning": {f"{PEFT}/__init__.py", f"{PEFT}/p_tuning.py"},
    "prefix": {f"{PEFT}/prefix_tuning.py"},
    "prompt": {f"{PEFT}/prompt_tuning.py"},
}
"""Who names a method because HF peft or its authors have a format of it: the format, its row, its name for people, who
can hold it, and which formats carry a task head."""

BUILT_ON = {
    "prefix": {"engine/methods/p_tuning_v2/method.py", "engine/methods/p_tuning_v2/spec.py"},
    "lora": {
        "engine/methods/adamix/method.py",
        "engine/methods/adamix/spec.py",
        *(f"app/words/{language}/settings.py" for language in LANGUAGES),
    },
}
"""Who names a method because another one is built on it, or offers it as a choice."""

EXAMPLES = {
    "llama_adapter": {
        "engine/config/run.py",
        "engine/service/notebook.py",
        "engine/cli/settings.py",
        "app/tabs/pickers.py",
        "assets/js/watch/stage.js",
        "tools/demo_model/card.py",
        "tools/demo_model/record.py",
        "tools/town_pictures/dataset.py",
    },
    "lora": {"engine/__init__.py", "tools/demo_model/card.py", "tools/demo_model/record.py"},
}
"""Who names a method as the default, in an example, or among the recorded runs; any other one would do there."""

EXPLAINED = {
    "llama_adapter": {"assets/js/watch/panels/moved.js"},
    "lora": {"assets/js/watch/panels/moved.js", *(f"app/words/{language}/watch.py" for language in LANGUAGES)},
    "adamix": {
        "engine/analysis/ablation.py",
        "engine/cli/queries.py",
        *(f"app/words/{language}/errors.py" for language in LANGUAGES),
    },
    "ia3": {"assets/js/watch/panels/updates.js"},
}
"""Who names a method because something is said or asked of it alone: why its first gradients are zero, what a run loses
without AdaMix's experts, and that (IA)3's map is of activations."""

SPEAKING = {"vera", "bias", "bottleneck", "prefix", "prompt", "mask", "side", "ladder"}
"""Names that are words for other things too: a file names the method where it names its module, class or settings."""


def naming(name):
    """Every file of the program, the tools and the page that names a method."""
    spec = METHODS[name]
    anywhere = [rf"methods[./]{name}\b", rf"\bmethod\.{name}\b", rf"METHODS\[.{name}.\]"]
    anywhere += [] if name in SPEAKING else [rf"\b{name}\b"]
    in_python = [rf"\b{spec.implementation().__name__}\b", rf"\b{spec.settings.__name__}\b"]
    words = {".js": re.compile("|".join(anywhere)), ".py": re.compile("|".join(anywhere + in_python))}
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py", "*.js"]
    listed = subprocess.run(listing, cwd=ROOT, check=True, capture_output=True, text=True)
    for path in listed.stdout.split():
        if path.startswith(("tests/", "benchmarks/")):
            continue
        if words[Path(path).suffix].search((ROOT / path).read_text("utf-8")):
            yield path


@pytest.mark.parametrize("name", METHODS)
def test_few_files_name_a_method(name):
    """Its folder, its row and its words do, and whoever has one of four reasons to: nothing else in the house."""
    reasons = (FORMATS, BUILT_ON, EXAMPLES, EXPLAINED)
    in_its_folder = {path for path in naming(name) if path.startswith(f"engine/methods/{name}/")}
    assert {f"engine/methods/{name}/spec.py", f"engine/methods/{name}/method.py"} <= in_its_folder
    assert set(naming(name)) - in_its_folder == {ROW} | WORDS.union(*(reason.get(name, set()) for reason in reasons))


@dataclass(frozen=True, kw_only=True)
class ToySettings(Settings):
    """One number."""

    scale: float = setting(1.0, "Multiplies the vector.", low=0.0, high=10.0)


TOY = MethodSpec(
    name="toy",
    title="Toy",
    paper=Paper(title="None", authors="Nobody", year=2026, url="https://example.org"),
    equation="h' = h + v",
    learned=("v",),
    group="adapters",
    acts_on=("residual",),
    settings=ToySettings,
    presets={"default": {}},
    learning_rate=1e-2,
    implementation=lambda: Toy,
)


class Toy(Method[ToySettings]):
    """A learned vector behind every MLP."""

    spec = TOY

    def __init__(self, settings, shape):
        super().__init__(settings, shape)
        self.vectors = nn.Parameter(torch.zeros(shape.l, shape.d))

    @classmethod
    def build(cls, settings, shape, start):
        return cls(settings, shape)

    @classmethod
    def count(cls, settings, shape):
        return {"vectors": shape.l * shape.d}

    @property
    def starts_at_base(self):
        return True

    def attach(self, sites):
        for layer in range(self.shape.l):
            sites.add_sublayer(layer, "mlp", partial(self.add, layer))

    def add(self, layer, _x, h):
        return None if self.is_off(layer) else (self.control.strength * self.vectors[layer]).expand_as(h)

    def probe(self, view, probe_input):
        raise AssertionError("no panel is asked for")


def test_everything_follows_from_the_row(monkeypatch, tmp_path, capsys):
    """With a row more there are a menu entry, flags, counts, a run, and an adapter that comes back."""
    monkeypatch.setitem(METHODS, "toy", TOY)
    assert [[entry["name"] for entry in group["methods"]] for group in grouped(Say(MAIN))][1][-1] == "toy"
    monkeypatch.setattr(sys, "argv", ["engine", "methods", "--json"])
    assert main() == 0
    assert json.loads(capsys.readouterr().out)[-1]["settings"] == {"scale": 1.0}
    assert catalogue.count(RunConfig(method="toy")).groups.keys() == {"vectors"}
    trainer = finish(Maker(tmp_path).start("a", "toy", {"scale": 2.0}))
    assert float(trainer.method.vectors.detach().abs().max()) > 0
    loaded = load_adapter(trainer.folder.adapter_path, trainer.base)
    assert loaded.settings == ToySettings(scale=2.0)
    assert torch.equal(logits(trainer.base, loaded), logits(trainer.base, trainer.method))
