"""Properties of what others may hand to the workbench: event logs, run files, forms, addresses, adapters."""

import json
from contextlib import suppress
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

import jaxtyping
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from app.access.guard import Guard
from app.access.policy import LOOPBACK, Policy
from app.tabs.form_values import FormValues, run_config
from app.user_data import CHOICE, UserDataValues, dataset_name, parts_of
from engine.config.run import RunConfig
from engine.core.errors import WorkbenchError
from engine.data.settings import DataSettings
from engine.exchange.native import load_adapter, save_adapter
from engine.exchange.peft import export_peft, import_peft
from engine.methods import METHODS
from engine.runs.log import LogWriter, all_events, cut_back
from engine.telemetry.events import StatusEvent
from tests.tiny import built, tiny_base

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
TRAINING = RunConfig().of_training().to_dict()
QUIET = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
FEW = settings(QUIET, max_examples=10)
TOKEN = "a-token-of-this-test"


@pytest.fixture(autouse=True)
def unchecked():
    """As where people use it: only tests check the types of arguments before the workbench looks at them."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("properties")


MESSAGES = st.lists(st.tuples(st.integers(0, 9), st.text(max_size=12)), max_size=8)


@QUIET
@given(messages=MESSAGES, torn=st.binary(max_size=12), step=st.integers(-1, 10))
def test_a_log_gives_back_what_was_published(folder, messages, torn, step):
    """In order, whatever a crash left behind it; cut back, it holds all up to a step from before that was passed."""
    path = folder / "events.jsonl"
    path.unlink(missing_ok=True)
    log = LogWriter(path)
    for number, text in messages:
        log.publish(StatusEvent(step=number, status="running", message=text))
    log.close()
    with path.open("ab") as file:
        file.write(torn.replace(b"\n", b"") or b"{")
    written = [(number, text.encode("utf-8", "replace").decode()) for number, text in messages]
    assert [(event["step"], event["message"]) for event in all_events(path)] == written
    cut_back(path, step)
    kept = [event["step"] for event in all_events(path)]
    assert all(number <= step for number in kept)
    LogWriter(path).close()
    assert [event["step"] for event in all_events(path)] == kept


@pytest.mark.fault(
    "damaged", "Random bytes and random JSON as an event log: what is an event is read, the rest passed over."
)
@QUIET
@given(data=st.binary(max_size=200), lines=st.lists(ANY_JSON, max_size=4))
def test_a_log_of_anything_is_read(folder, data, lines):
    path = folder / "any.jsonl"
    path.write_bytes("\n".join(map(json.dumps, lines)).encode() + b"\n" + data)
    assert all(isinstance(event, dict) for event in all_events(path))
    cut_back(path, 3)
    list(all_events(path))


@pytest.mark.fault(
    "input", "Random JSON at random entries of a run file: a run that is written and read again, or a sentence."
)
@QUIET
@given(
    name=st.sampled_from(sorted(TRAINING)),
    value=ANY_JSON,
    top=st.dictionaries(st.text(max_size=8), ANY_JSON, max_size=2),
)
def test_a_run_file_of_anything_is_a_run_or_a_sentence(name, value, top):
    """What is read is written and read again as the same."""
    plain = RunConfig(training={"steps": 9}).to_dict()
    plain["training"] = plain["training"] | {name: value}
    with suppress(WorkbenchError):
        config = RunConfig.from_yaml(json.dumps(plain | top)).checked()
        assert RunConfig.from_yaml(config.to_yaml()).checked() == config


@QUIET
@given(text=st.text(max_size=60) | ANY_JSON.map(lambda value: yaml.safe_dump(value, allow_unicode=True)))
def test_a_text_that_is_no_run_file_is_a_sentence(text):
    with suppress(WorkbenchError):
        RunConfig.from_yaml(text).checked()


@pytest.mark.fault("input", "Random values in any field of the form: a run, or a sentence.")
@QUIET
@given(
    method=st.sampled_from(sorted(METHODS)),
    name=st.sampled_from(sorted(TRAINING)),
    value=ANY_JSON,
    data=st.dictionaries(st.sampled_from(sorted(DataSettings().to_dict())), ANY_JSON, max_size=2),
    texts=st.tuples(*[st.text(max_size=20)] * 4),
)
def test_a_form_of_anything_is_a_run_or_a_sentence(method, name, value, data, texts):
    """The run that it describes is one that its own run file describes, too."""
    model, *hub = texts
    own = UserDataValues(
        name=hub[0], config=hub[1], split=hub[2], settings=DataSettings().to_dict() | data, last_read={}
    )
    form = FormValues(
        model=model, method=method, method_settings=METHODS[method].settings().to_dict(), dataset=CHOICE,
        user_data=own, training=TRAINING | {name: value}, last_presets={},
    )  # fmt: skip
    with suppress(WorkbenchError):
        config = run_config(form).checked()
        assert RunConfig.from_yaml(config.to_yaml()).checked() == config
    with suppress(WorkbenchError):
        dataset = dataset_name(*hub)
        assert dataset_name(*parts_of(dataset)) == dataset


@pytest.fixture(scope="module")
def server():
    """What is behind the guard, which lets nobody in without the token."""

    async def inside(_request):
        return PlainTextResponse("inside")

    site = Starlette(routes=[Route("/{rest:path}", inside, methods=["GET", "POST"])])
    policy = Policy(hosts=LOOPBACK, token=TOKEN)
    return TestClient(Guard(site, policy), base_url="http://127.0.0.1:7860", follow_redirects=False)


PAIRS = st.lists(st.tuples(st.text(min_size=1, max_size=8), st.text(max_size=8)), max_size=3).map(
    lambda pairs: [pair for pair in pairs if pair[0] != "token"]
)


@pytest.mark.fault(
    "hand", "Random paths and queries with other tokens: none leads in, and the right one leads nowhere else."
)
@QUIET
@given(
    path=st.text("abz./%?#\\:@é中", max_size=12),
    pairs=PAIRS,
    wrong=st.text(max_size=20).filter(lambda text: text != TOKEN),
)
def test_no_address_but_the_one_with_the_token_leads_in(server, path, pairs, wrong):
    """And that one leads to an address of this server, with all of the page's state and without the token."""
    server.cookies.clear()
    where = "http://127.0.0.1:7860/" + path.replace("?", "").replace("#", "")
    for query in (pairs, [*pairs, ("token", wrong)]):
        answer = server.get(f"{where}?{urlencode(query)}")
        assert "inside" not in answer.text
    answer = server.get(f"{where}?{urlencode([*pairs, ('token', TOKEN)])}")
    assert answer.status_code == 303
    target = answer.headers["location"]
    assert TOKEN not in target
    assert target.startswith("./")
    assert urlsplit(target).netloc == ""
    assert parse_qsl(urlsplit(target).query, keep_blank_values=True) == parse_qsl(
        urlencode(pairs), keep_blank_values=True
    )
    server.cookies.clear()


@pytest.fixture(scope="module")
def adapters(folder):
    """An adapter of our own format and of peft's, and the base."""
    base = tiny_base("llama")
    method = built("lora", base)
    method.fold()
    save_adapter(method, base, folder / "own")
    export_peft(method, base, folder / "peft")
    files = {"own": folder / "own" / "adapter.json", "peft": folder / "peft" / "adapter_config.json"}
    return base, {kind: (file, json.loads(file.read_text())) for kind, file in files.items()}


@pytest.mark.fault("damaged", "Random JSON at random entries of an adapter's description, ours or peft's: a sentence.")
@FEW
@given(kind=st.sampled_from(["own", "peft"]), draw=st.data(), value=ANY_JSON)
def test_an_adapter_with_anything_in_its_description_is_one_or_a_sentence(adapters, kind, draw, value):
    base, files = adapters
    file, facts = files[kind]
    name = draw.draw(st.sampled_from(sorted(facts)))
    file.write_text(json.dumps(facts | {name: value}))
    with suppress(WorkbenchError):
        (load_adapter if kind == "own" else import_peft)(Path(file).parent, base)
