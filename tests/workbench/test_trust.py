"""Whose code runs: only that of a model which a person ticked, at this page, in this session."""

import threading
import time

import pytest

from app.launch import confinement, parser
from app.tabs.filling import read_config
from engine.config.run import RunConfig
from engine.core.confine import Confinement
from engine.core.errors import WorkbenchError
from engine.core.sampling import Sampling
from engine.data.settings import DataSettings
from engine.inference.messages import ChatRequest, ChatSide
from engine.runs.facts import BaseFacts, RunFacts
from engine.runs.folder import RunFolder
from engine.service.permission import SESSIONS_KEPT, Permission
from engine.service.workbench import Workbench
from tests.attack import attack_model
from tests.tiny import save_tiny

TRUSTED = {"trust_remote_code": True, "steps": 2}


@pytest.fixture
def mark(tmp_path):
    """What the attack makes when its code runs."""
    return tmp_path / "ran"


@pytest.fixture
def model(tmp_path, mark):
    """The attack, as a folder's path."""
    return str(attack_model(tmp_path / "models" / "attack", mark))


@pytest.fixture
def workbench(tmp_path):
    """One on this machine alone."""
    made = Workbench(tmp_path / "home")
    yield made
    made.close()


def old_run(workbench, model):
    """A run folder that says it was trained with trust, as anybody can write one."""
    config = RunConfig(model=model, method="lora", training=TRUSTED)
    facts = RunFacts(name="old", base=BaseFacts(name=model, fingerprint="x", parameters=1), steps=2, status="stopped")
    folder = RunFolder.create(workbench.runs.root / "old", config, facts)
    for file in ("method.safetensors", "optimiser.safetensors", "trainer.json"):
        (folder.path / "checkpoint" / file).parent.mkdir(exist_ok=True)
        (folder.path / "checkpoint" / file).write_bytes(b"{}")
    return folder


def refused(act):
    """The key of the sentence that an act is refused with."""
    with pytest.raises(WorkbenchError) as caught:
        act()
    return caught.value.key


def acts(workbench):
    """Everything that a page can do with a config, and that reads its model."""
    preflight = workbench.preflight
    return preflight.count, preflight.usual_rate, preflight.memory, preflight.preview_data, workbench.start


@pytest.mark.fault("code", "A run file switches a model's own code on: it is left out, and the page says so.")
def test_no_file_gives_trust(workbench, model, mark, tmp_path):
    file = tmp_path / "run.yaml"
    file.write_text(RunConfig(model=model, training={**TRUSTED, "pickled_weights": "yes"}).to_yaml())
    config, left_out = read_config(str(file))
    assert left_out == ("trust_remote_code", "pickled_weights")
    assert config.training == {"steps": 2}
    for act in acts(workbench):
        assert refused(lambda act=act: act(config, session="page")) == "model_code"
    assert not mark.exists()


@pytest.mark.fault("code", "A form claims trust that nobody ticked in its session: refused unread.")
def test_a_form_that_claims_trust(workbench, model, mark, tmp_path):
    config = RunConfig(model=model, method="lora", training=TRUSTED)
    other = str(save_tiny(tmp_path / "models" / "other"))
    workbench.permission.trust("page", other, ["trust_remote_code"])
    workbench.permission.trust("neighbour", model, ["pickled_weights"])
    for session in ("", "page", "neighbour", "unheard of"):
        for act in acts(workbench):
            assert refused(lambda act=act, session=session: act(config, session=session)) == "trust_not_given"
    assert not mark.exists()


@pytest.mark.fault("code", "An old run was made with trust: to resume it or to ask it, the person ticks again.")
def test_an_old_run_asks_again(workbench, model, mark):
    folder = old_run(workbench, model)
    assert folder.trust_asked == ("trust_remote_code",)
    assert folder.config.training == {"steps": 2}
    assert refused(lambda: workbench.resume("old", session="page")) == "run_needs_trust"
    request = ChatRequest(prompt="Hello", sides=(ChatSide(run="old"),), sampling=Sampling(max_new_tokens=2))
    for act in (
        lambda: workbench.ask("strength", "old"),
        lambda: workbench.export("old", "gatelight"),
        lambda: list(workbench.predictions("old")),
        lambda: list(workbench.chat(request, threading.Event())),
    ):
        assert refused(act) == "model_code"
    assert not mark.exists()
    assert workbench.live().run is None


def test_a_persons_tick_lets_it_run(workbench, tmp_path, mark):
    """With it the run is trained, and another session still cannot resume it without a tick of its own."""
    model = str(attack_model(tmp_path / "models" / "llama", mark, "llama"))
    workbench.permission.trust("page", model, ["trust_remote_code"])
    config = RunConfig(model=model, method="lora", training={**TRUSTED, "steps": 3, "batch_size": 2})
    run = workbench.start(config, session="page")
    assert mark.exists()
    workbench.stop()
    end = time.monotonic() + 60
    while workbench.live().run is not None:
        assert time.monotonic() < end
        time.sleep(0.05)
    assert refused(lambda: workbench.resume(run, session="another")) == "run_needs_trust"


@pytest.mark.fault("code", "A base that one session's tick has loaded is in memory: another session does not get it.")
def test_a_loaded_base_serves_whoever_trusts_it(workbench, tmp_path, mark):
    """Its own code serves the session that ticked; the other one gets what transformers makes of the same files."""
    model = str(attack_model(tmp_path / "models" / "llama", mark, "llama"))
    workbench.permission.trust("page", model, ["trust_remote_code"])

    def load(session):
        trust = workbench.permission.given(session, model)

        def loaded(worker):
            with worker.models.trusting(trust):
                return worker.models.base(model)

        return workbench._worker.call(loaded)

    base = load("page")
    assert load("page") is base
    assert (type(base.model).__name__, type(load("another").model).__name__) == ("OwnModel", "LlamaForCausalLM")
    assert load("page") is base
    assert workbench._worker.call(lambda worker: worker.models.base(model, trust_remote_code=True)) is base


@pytest.mark.fault("code", "A ticked model is exchanged behind a link, or unticked: no trust is left.")
def test_trust_is_bound_to_the_model(tmp_path):
    permission = Permission(Confinement())
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "one")
    permission.trust("page", str(link), ["trust_remote_code", "steps"])
    assert permission.given("page", str(tmp_path / "one")) == {"trust_remote_code": True}
    link.unlink()
    link.symlink_to(tmp_path / "two")
    assert permission.given("page", str(link)) == {}
    permission.trust("page", "owner/model", ["pickled_weights"])
    assert permission.given("page", str(tmp_path / "one")) == {}
    permission.trust("page", "owner/model", [])
    assert permission.given("page", "owner/model") == {}
    for number in range(SESSIONS_KEPT + 1):
        permission.trust(str(number), "owner/model", ["pickled_weights"])
    assert permission.given("0", "owner/model") == {}
    assert permission.given("1", "owner/model") == {"pickled_weights": True}


@pytest.mark.parametrize(
    ("host", "shared", "alone"),
    [
        ("127.0.0.1", False, True),
        ("localhost", False, True),
        ("::1", False, True),
        ("0.0.0.0", False, False),
        ("192.168.1.2", False, False),
        ("my-machine", False, False),
        ("127.0.0.1", True, False),
    ],
)
def test_who_can_reach_it_decides(host, shared, alone, tmp_path):
    """Only a workbench that nobody but its own user can reach reads all of the machine, and may run code."""
    made = confinement(host, parser().parse_args(["--home", str(tmp_path)]), shared=shared)
    assert made.may_trust is alone
    assert (made.models is None) is (made.data is None) is alone


@pytest.fixture
def server(tmp_path):
    """One that others can reach."""
    home = tmp_path / "home"
    made = Workbench(home, Confinement.of_server(home))
    yield made
    made.close()


@pytest.mark.fault("hand", "A stranger ticks trust, or claims it, on a workbench that others can reach: refused.")
def test_a_server_lets_no_code_run(server, tmp_path, mark):
    model = str(attack_model(tmp_path / "home" / "models" / "attack", mark))
    assert refused(lambda: server.permission.trust("page", model, ["trust_remote_code"])) == "no_trust_here"
    assert refused(lambda: server.permission.trust("page", model, ["pickled_weights"])) == "no_trust_here"
    config = RunConfig(model=model, method="lora", training=TRUSTED)
    assert refused(lambda: server.start(config, session="page")) == "no_trust_here"
    old_run(server, model)
    assert refused(lambda: server.resume("old", session="page")) == "no_trust_here"
    assert not mark.exists()


@pytest.mark.fault(
    "paths", "A model outside of the server's model folders, or an upload: refused, by a link or `..` too."
)
def test_a_server_reads_models_of_its_folders_only(server, tmp_path):
    models, data = tmp_path / "home" / "models", tmp_path / "home" / "data"
    outside, upload = save_tiny(tmp_path / "outside"), save_tiny(data / "0123" / "upload")
    own = save_tiny(models / "own")
    (models / "link").symlink_to(outside)
    server.preflight.count(RunConfig(model=str(own), method="lora"))
    server.preflight.count(RunConfig(method="lora"))
    for path in (outside, upload, models / "link", models / ".." / "data" / "0123" / "upload"):
        config = RunConfig(model=str(path), method="lora")
        assert refused(lambda config=config: server.preflight.count(config)) == "model_of_server"
    old_run(server, str(outside))
    assert refused(lambda: server.ask("strength", "old")) == "model_of_server"
    assert refused(lambda: server.resume("old")) == "model_of_server"


@pytest.mark.fault(
    "paths", "Data outside of the server's folders: refused, by `..`, links, other splits, hub names too."
)
def test_a_server_reads_data_of_its_folders_only(server, tmp_path):
    data = tmp_path / "home" / "data" / "0123"
    data.mkdir(parents=True)
    secret = tmp_path / "secret.csv"
    for file in (secret, data / "mine.csv"):
        file.write_text("prompt,response\n" + "\n".join(f"say {n},word {n}" for n in range(20)))
    (data / "link.csv").symlink_to(secret)
    folder = data / "folder"
    (folder / "inner").mkdir(parents=True)
    (folder / "dataset.json").write_text('{"template": "{prompt}"}')
    (folder / "inner" / "train.jsonl").symlink_to(secret)
    mine = str(data / "mine.csv")
    for file in (data / "mine.csv", data / "link.csv", folder):
        server.permission.uploaded("page", file)
    assert server.preflight.inspect_data(mine, DataSettings(), session="page").rows == 20
    tries = [
        (str(secret), {}),
        (str(data / ".." / ".." / ".." / "secret.csv"), {}),
        (str(data / "link.csv"), {}),
        (str(folder), {}),
        ("hub:./secret", {}),
        ("hub:assets", {}),
        (mine, {"validation": str(secret)}),
        ("hub:owner/name", {"test": str(secret)}),
        ("assets/datasets", {}),
    ]
    for dataset, others in tries:
        assert (
            refused(lambda d=dataset, o=others: server.preflight.inspect_data(d, DataSettings(**o), session="page"))
            == "file_of_server"
        )
        config = RunConfig(dataset=dataset, data=others, method="lora")
        assert refused(lambda config=config: server.preflight.count(config, session="page")) == "file_of_server"
        assert refused(lambda config=config: server.start(config, session="page")) == "file_of_server"
    server.permission.check_data("town-qa")
    server.permission.check_data("hub:owner/name", ("validation",))


@pytest.mark.fault("hand", "An upload of another session is named as one's own data: refused, whoever knows its path.")
def test_uploads_belong_to_their_session(server, workbench, tmp_path):
    upload = tmp_path / "home" / "data" / "0123" / "rows.csv"
    upload.parent.mkdir(parents=True)
    upload.write_text("prompt,response\n" + "\n".join(f"say {n},word {n}" for n in range(20)))
    server.permission.uploaded("page", upload)
    assert server.preflight.inspect_data(str(upload), DataSettings(), session="page").rows == 20
    config = RunConfig(dataset=str(upload), method="lora")
    for session in ("", "another"):
        assert (
            refused(lambda s=session: server.preflight.inspect_data(str(upload), DataSettings(), session=s))
            == "file_of_server"
        )
        assert refused(lambda s=session: server.preflight.preview_data(config, session=s)) == "file_of_server"
        assert refused(lambda s=session: server.start(config, session=s)) == "file_of_server"
        assert refused(lambda s=session: server.preflight.inspect_data(str(upload.parent), DataSettings(), session=s))
    assert workbench.preflight.inspect_data(str(upload), DataSettings()).rows == 20
