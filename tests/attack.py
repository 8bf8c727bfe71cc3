"""A model folder whose Python files leave a mark when they run, for tests of who may let them."""

import json
from pathlib import Path

from tests.tiny import save_tiny

CODE = """
from pathlib import Path
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
Path({mark!r}).touch()
class OwnConfig(LlamaConfig):
    model_type = {model_type!r}
    def __init__(self, *args, **values):
        super().__init__(*args, **values)
        Path({mark!r}).touch()
class OwnModel(LlamaForCausalLM):
    config_class = OwnConfig
"""


def attack_model(folder: Path, mark: Path, model_type: str = "own") -> Path:
    """A tiny llama that brings its own config and model classes; whoever loads them with trust makes `mark`.

    Args:
        folder: Where it is made.
        mark: The file that its code makes.
        model_type: "llama" can be trained, with its code or without; any other cannot be loaded without.
    """
    save_tiny(folder)
    (folder / "own.py").write_text(CODE.format(mark=str(mark), model_type=model_type))
    file = folder / "config.json"
    auto = {"AutoConfig": "own.OwnConfig", "AutoModelForCausalLM": "own.OwnModel"}
    config = {**json.loads(file.read_text()), "model_type": model_type, "auto_map": auto, "architectures": ["OwnModel"]}
    file.write_text(json.dumps(config))
    return folder
