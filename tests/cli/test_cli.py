"""The command line as a user meets it: complete without the page, JSON for programs, one sentence for mistakes."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import load_file

from engine.cli.train import _stop_signals
from engine.config.run import RunConfig
from engine.core.signals import STOP_SIGNALS
from engine.data.shipped import DATASETS
from engine.methods import METHODS
from tests.attack import attack_model
from tests.large import BASES
from tests.tiny import save_tiny

ROOT = Path(__file__).resolve().parents[2]


def from_json(result):
    status, out, err = result
    assert status == 0, err
    return json.loads(out.splitlines()[-1])


COMMANDS = (
    "methods models datasets params memory runs stop adapters library train resume queue launch ladder eval chat "
    "export import ablate routes"
)


@pytest.mark.parametrize("command", ["", *COMMANDS.split()])
def test_every_command_explains_itself(engine, command):
    status, out, _ = engine(*command.split(), "--help")
    assert status == 0
    assert "usage: python -m engine" in out
    assert len(out) > 200


def test_lists(engine):
    assert [row["name"] for row in from_json(engine("methods", "--json"))] == list(METHODS)
    assert from_json(engine("models", "--json"))[0]["parameters"] == 2_853_312
    assert {row["name"] for row in from_json(engine("datasets", "--json"))} == {
        path.name for path in DATASETS.iterdir()
    }
    assert from_json(engine("params", "--json"))["trainable"] == 9630
    assert from_json(engine("runs", "--json")) == []


def test_several_processes(tmp_path):
    """The command becomes the launcher of several processes, which train one run."""
    words = ["--steps=1", "--batch-size=2", "--score-rows=0", "--quiet", "--json", f"--out={tmp_path / 'a'}"]
    command = [sys.executable, "-m", "engine", "train", "--processes=2", *words]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    done = from_json((ended.returncode, ended.stdout, ended.stderr))
    assert (done["status"], done["config"]["training"]["processes"]) == ("finished", 2)
    assert "2 processes train" in (tmp_path / "a" / "events.jsonl").read_text()


def test_an_accelerate_config(tmp_path):
    """The command becomes `accelerate launch` with the file; one that cannot be used makes nothing, and says so."""
    file, out = tmp_path / "two.yaml", tmp_path / "a"
    file.write_text("distributed_type: MULTI_CPU\nnum_processes: 2\nuse_cpu: true\n")
    words = ["--steps=1", "--batch-size=2", "--score-rows=0", "--quiet", "--json", f"--out={out}"]

    def train(config):
        command = [sys.executable, "-m", "engine", "train", f"--accelerate-config={config}", *words]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)

    refused = train(tmp_path / "nowhere.yaml")
    assert refused.returncode
    assert "no such file" in refused.stderr.splitlines()[-1]
    assert not out.exists()
    ended = train(file)
    done = from_json((ended.returncode, ended.stdout, ended.stderr))
    assert (done["status"], done["config"]["training"]["processes"]) == ("finished", 2)
    assert "2 processes train" in (out / "events.jsonl").read_text()


def test_train_eval_chat_export_import(engine, tmp_path):
    run = tmp_path / "a"
    done = from_json(
        engine("train", "--method", "llama_adapter", "--set", "prompt_len=4", "--set", "gate=per_layer",
               "--set", "activation=identity", "--steps", 3, *tiny(tmp_path), "--out", run, "--json")
    )  # fmt: skip
    assert done["status"] == "finished"
    assert done["step"] == 3
    assert from_json(engine("runs", "--root", tmp_path, "--json"))[0]["id"] == "a"
    scores = from_json(engine("eval", run, "--json"))
    assert {"exact_match", "base_exact_match", "base_ability_loss", "perplexity"} <= scores.keys()
    assert 0 <= scores["text"]["bleu"] <= 100
    assert scores["text"]["questions"] == scores["rows"]
    assert "text chrf" in engine("eval", run)[1]
    answer = from_json(engine("chat", run, "--prompt", "Where does Ivan Marsh live?", "--strength", 0, "--json"))
    assert answer["base"] == answer["tuned"] != ""
    assert from_json(engine("export", run, "--format", "peft", "--out", tmp_path / "peft", "--json"))["files"]
    back = ("--model", tmp_path / "tiny", "--out", tmp_path / "own", "--json")
    assert from_json(engine("import", tmp_path / "peft", *back))["parameters"]
    assert from_json(engine("chat", tmp_path / "own", "--prompt", "Hello", "--json"))["tuned"]
    assert engine("export", run, "--format", "peft", "--out", tmp_path / "peft")[0] == 2


def test_base_is_loaded_as_the_run_had_it_or_as_flags_want_it(engine, tmp_path):
    """Precision is the run's own, and flags override it; trust is the person's alone, and needs its flag each time."""
    folder = save_tiny(tmp_path / "pickled")
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    engine("train", "--model", folder, "--method", "lora", "--steps", 1, "--dataset", few_rows(tmp_path),
           "--pickled-weights", "true", "--precision", "bf16", "--out", tmp_path / "a", "--quiet")  # fmt: skip
    ask = ("--prompt", "Hello", "--json")
    run, alone = tmp_path / "a", tmp_path / "a" / "adapter"
    trust = ("--pickled-weights", "true")
    answer = from_json(engine("chat", run, *trust, *ask))
    kernel = ("--attention", "math", "--device", "cpu")
    assert from_json(engine("chat", run, *trust, *kernel, *ask)).keys() == answer.keys()
    status, _, err = engine("chat", run, "--precision", "fp32", *trust, *ask)
    assert status == 2
    assert "in bf16" in err
    for without in ((), ("--pickled-weights", "false")):
        status, _, err = engine("chat", run, *without, *ask)
        assert status == 2
        assert "safetensors" in err
    assert engine("chat", alone, *ask)[0] == 2
    assert from_json(engine("chat", alone, "--pickled-weights", "true", *ask)) == answer
    out = ("--format", "peft", "--out", tmp_path / "peft", "--json")
    assert from_json(engine("export", tmp_path / "a", *trust, *out))["files"]
    status, _, err = engine("chat", tmp_path / "a", "--precision", "fp8", *ask)
    assert status == 2
    assert "fp8" in err


@pytest.mark.fault("code", "Another's run file or run folder in the terminal: without a flag no code of theirs runs.")
def test_no_file_gives_trust(engine, tmp_path):
    mark = tmp_path / "ran"
    model = attack_model(tmp_path / "attack", mark)
    file = tmp_path / "run.yaml"
    training = {"trust_remote_code": True, "steps": 3, "save_every": 1, "batch_size": 2}
    file.write_text(RunConfig(model=str(model), method="lora", training=training).to_yaml())
    status, _, err = engine("train", file, "--out", tmp_path / "a", "--quiet")
    assert status == 2
    assert "asks for trust_remote_code" in err
    assert "trust its authors" in err
    assert not mark.exists()
    model = attack_model(tmp_path / "llama", mark, "llama")
    words = ("--trust-remote-code", "true", "--model", model, "--dataset", few_rows(tmp_path))
    assert engine("train", file, *words, "--out", tmp_path / "a", "--quiet")[0] == 0
    assert mark.exists()
    mark.unlink()
    for command in ("ablate", "eval", "resume"):
        engine(command, tmp_path / "a")
        assert not mark.exists()
    assert engine("ablate", tmp_path / "a", *words[:2])[0] == 0
    assert mark.exists()


def test_yaml_reproduces_the_run(engine, tmp_path):
    engine("train", *tiny(tmp_path), "--method", "lora", "--steps", 3, "--set", "rank=2", "--out", tmp_path / "a",
           "--quiet")  # fmt: skip
    engine("train", tmp_path / "a" / "run.yaml", "--out", tmp_path / "b", "--quiet")
    assert losses(tmp_path / "a") == losses(tmp_path / "b") != []
    values = yaml.safe_load((tmp_path / "a" / "run.yaml").read_text("utf-8"))
    assert values["method_settings"] == {"rank": 2}


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["train", "--steps", "abc"], ["steps", "'abc'", "whole number"]),
        (["train", "--steps", "-1"], ["steps", "-1", "between 1 and"]),
        (["train", "--learning-rate", "nan"], ["learning_rate", "nan", "finite"]),
        (["train", "--set", "prompt_len=0"], ["prompt_len", "0", "between 1 and 512"]),
        (["train", "--set", "prompt_len"], ["prompt_len", "NAME=VALUE"]),
        (["train", "--set", "layers=7"], ["layers", "7", "6"]),
        (["train", "--set", "wrong=1"], ["wrong", "prompt_len"]),
        (["train", "--method", "magic"], ["magic", "llama_adapter"]),
        (["train", "--dataset", "nowhere"], ["nowhere", "town-qa"]),
        (["train", "--model", "./nowhere"], ["./nowhere"]),
        (["train", "nothing.yaml"], ["nothing.yaml"]),
        (["resume", "nowhere"], ["nowhere"]),
        (["eval", "nowhere"], ["nowhere"]),
        (["chat", "nowhere", "--prompt", "x"], ["nowhere"]),
    ],
)
def test_mistakes_get_one_sentence(engine, words, parts, tmp_path):
    status, out, err = engine(*words, *(["--out", tmp_path / "x"] if words[0] == "train" else []))
    assert status == 2
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert all(part in err for part in parts), err
    assert not (tmp_path / "x").exists()


@pytest.mark.fault("killed", "A run is killed in mid-step: resume gives the losses of a run that was not.")
@pytest.mark.slow
def test_a_killed_run_resumes_with_the_same_losses(engine, tmp_path):
    flags = ["--steps", "120", "--save-every", "7", "--method", "lora", "--set", "dropout=0.1", "--quiet"]
    flags += ["--max-seq-len", "32", "--eval-every", "200", *tiny(tmp_path)]
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    process = subprocess.Popen(command("train", *flags, "--out", killed), cwd=ROOT, env=quiet())
    while len(losses(killed)) < 9:
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert from_json(engine("runs", "--root", tmp_path, "--json"))[0]["status"] == "interrupted"
    assert engine("resume", killed, "--quiet")[0] == 0
    assert engine("train", *flags, "--out", whole)[0] == 0
    assert losses(killed) == losses(whole)
    assert len(losses(whole)) == 120


@pytest.mark.slow
def test_ctrl_c_keeps_the_work(tmp_path):
    words = ("--steps", "5000", *tiny(tmp_path), "--out", tmp_path / "a")
    process = subprocess.Popen(command("train", *words), cwd=ROOT, env=quiet())
    while len(losses(tmp_path / "a")) < 3:
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    assert process.wait() == 0
    facts = json.loads((tmp_path / "a" / "run.json").read_text("utf-8"))
    assert facts["status"] == "stopped"
    assert facts["step"] == len(losses(tmp_path / "a")) >= 3


@pytest.mark.fault(
    "killed", "The terminal is closed: the run is stopped and kept, or goes on if it was started with nohup."
)
@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_signals_that_stop(number):
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # whatever the tests themselves were started with
    try:
        with _stop_signals() as stopped:
            os.kill(os.getpid(), number)
            assert stopped.wait(5)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        with _stop_signals() as stopped:
            os.kill(os.getpid(), signal.SIGHUP)
            assert not stopped.wait(0.2)
    finally:
        signal.signal(signal.SIGHUP, before)


def few_rows(folder, name="town-qa", rows=8):
    """A shipped dataset with few rows to validate and to test."""
    target = shutil.copytree(ROOT / "assets" / "datasets" / name, folder / "few")
    for split in ("validation", "test"):
        lines = (target / f"{split}.jsonl").read_text("utf-8").splitlines(keepends=True)
        (target / f"{split}.jsonl").write_text("".join(lines[:rows]), "utf-8")
    return target


def tiny(folder):
    """Flags of a tiny model on few rows."""
    return ("--model", save_tiny(folder / "tiny"), "--dataset", few_rows(folder))


def losses(run):
    try:
        lines = (run / "events.jsonl").read_text("utf-8").splitlines()
    except FileNotFoundError:
        return []
    events = [json.loads(line) for line in lines if line.startswith('{"kind": "loss"') and line.endswith("}")]
    return [(event["step"], event["loss"], event["lr"], event["grad_norm"]) for event in events]


def quiet():
    return {**os.environ, "OMP_NUM_THREADS": "1"}


def command(*words):
    return [sys.executable, "-m", "engine", *map(str, words)]


def test_the_terminal_says_which_settings_fit_a_large_model(engine, tmp_path):
    """Neither file nor flag says them; what a flag says stays."""
    BASES["SmolLM2-135M"].save_pretrained(tmp_path / "large")
    file = tmp_path / "run.yaml"
    file.write_text(f"model: {tmp_path / 'large'}\nmethod: bottleneck\n", encoding="utf-8")
    counts = from_json(engine("params", file, "--json"))
    assert counts["smaller"] == {"reduction": [32, 12]}
    assert counts["trainable"] <= counts["total"] / 100
    assert from_json(engine("params", file, "--set", "reduction=12", "--json"))["smaller"] == {}
    assert "reduction is 32 (default: 12)" in engine("params", file)[1]
