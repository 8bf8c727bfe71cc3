"""Templates that run for ever or fill the memory: a process of its own ends with them, and a sentence says why."""

import json

import pytest

from engine.core.errors import DataError
from engine.data import jinja_process, jinja_worker
from engine.data.dataset import load_dataset
from engine.data.settings import DataSettings
from tests.tiny import tokenizer

DOUBLING = "{% set s = namespace(x='ab') %}{% for i in range(60) %}{% set s.x = CHANGE %}{% endfor %}{{ question }}"
HOSTILE = {
    "silent loops": "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}{{ question }}",
    "a loop in a filter": "{% for i in range(99999) %}{{ (range(99999)|list)[:0] }}{% endfor %}{{ question }}",
    "~": DOUBLING.replace("CHANGE", "s.x ~ s.x"),
    "+": DOUBLING.replace("CHANGE", "s.x + s.x"),
    "lists": DOUBLING.replace("'ab'", "[1, 2]").replace("CHANGE", "s.x + s.x"),
    "replace": DOUBLING.replace("CHANGE", "s.x|replace('a', 'aa')|replace('a', 'aa')|replace('b', 'ab')"),
    "join": DOUBLING.replace("CHANGE", "[s.x, s.x]|join"),
    "a constant": "{{ 'a'" + "|replace('a', 'a' ~ 'a' ~ 'a')" * 40 + " }}{{ question }}",
    "set blocks": "{% set s = namespace(x='ab') %}{% for i in range(60) %}{% set s.x %}{{ s.x }}{{ s.x }}{% endset %}"
    "{% endfor %}{{ question }}",
    "macros": "{% macro m(n) %}{% if n %}{{ m(n - 1) ~ m(n - 1) }}{% endif %}{% endmacro %}{{ m(60) }}{{ question }}",
    "filter blocks": DOUBLING.replace("{% set s.x = CHANGE %}", "{% set s.x %}{% filter upper %}{{ s.x }}{{ s.x }}"
                                      "{% endfilter %}{% endset %}"),
    "%": "{{ '%999999999d' % 1 }}{{ question }}",
    "*": "{{ 'ab' * 999999999 }}{{ question }}",
    "nesting": "{{ " + "(" * 5000 + "question" + ")" * 5000 + " }}",
}  # fmt: skip
ENDLESS = {"silent loops", "a loop in a filter", "replace", "a constant", "macros"}
"""Those that only their time ends; the others fill the memory before."""
REASONS = {"jinja_slow", "jinja_memory", "jinja_failed", "bad_jinja"}


@pytest.fixture
def path(tmp_path):
    """Ten rows of question and answer."""
    file = tmp_path / "a.jsonl"
    file.write_text("\n".join(json.dumps({"question": f"q{i}", "answer": f"a{i}"}) for i in range(10)))
    return str(file)


@pytest.fixture
def little_time(request):
    """Half a second is enough to see that it never ends; to fill the memory takes somewhat longer."""
    endless = request.node.callspec.id in ENDLESS if hasattr(request.node, "callspec") else True
    jinja_process.BATCH_S = 0.4 if endless else 2
    yield
    jinja_process.BATCH_S = jinja_worker.BATCH_S


@pytest.mark.usefixtures("little_time")
@pytest.mark.parametrize("template", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.fault(
    "code", "A template of one's own loops for ever or doubles a text: its process is ended, a sentence says why."
)
def test_a_hostile_template_ends(path, template):
    """Whatever it does, it ends with a sentence, and leaves no process."""
    with pytest.raises(DataError) as caught:
        load_dataset(path, DataSettings(template="own", own_template=template))
    assert caught.value.key in REASONS


@pytest.mark.usefixtures("little_time")
@pytest.mark.parametrize("name", ["silent loops", "~", "macros", "replace", "%"])
@pytest.mark.fault("code", "A model's chat template loops for ever or doubles a text: its process is ended likewise.")
def test_a_hostile_chat_template_ends(path, name):
    """A model's files are somebody else's as well."""
    reader = tokenizer()
    reader.chat_template = HOSTILE[name].replace("{{ question }}", "{{ messages[0].content }}")
    with pytest.raises(DataError) as caught:
        load_dataset(path, DataSettings(template="chat")).in_chat_template(reader)
    assert caught.value.key in {*REASONS, "bad_chat_template"}


@pytest.mark.usefixtures("little_time")
@pytest.mark.fault("load", "A template is slow on one row of many: only that load ends, after seconds.")
def test_one_slow_row(path):
    """The limit holds for rows, not only for the first look at a template."""
    slow = "{% if question == 'q7' %}{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}"
    with pytest.raises(DataError) as caught:
        load_dataset(path, DataSettings(template="own", own_template=slow + "{% endif %}{{ question }}"))
    assert caught.value.key == "jinja_slow"


def test_secrets_stay_outside(monkeypatch):
    """The process of a template is given only those variables of the environment that Python needs."""
    monkeypatch.setenv("HF_TOKEN", "hf_planted0000")
    started = {}
    real = jinja_process.subprocess.Popen

    def start(*args, **kwargs):
        started.update(kwargs)
        return real(*args, **kwargs)

    monkeypatch.setattr(jinja_process.subprocess, "Popen", start)
    assert list(jinja_process.filled("<{{ a }}>", [{"a": "1"}], 1)) == ["<1>"]
    assert "HF_TOKEN" not in started["env"]
    assert "PATH" in started["env"]


def test_many_rows_come_back_in_order():
    """Rows travel in batches, signs of any script and half characters included."""
    assert jinja_process.BATCH_S == jinja_worker.BATCH_S, "another test has left its short limit"
    rows = [{"a": f"第{i}\n\u2028\ud83d"} for i in range(100)]
    assert list(jinja_process.filled("{{ a }}!", rows, 100)) == [f"{row['a']}!" for row in rows]


CHATS = {
    "blocks": "{% for m in messages %}\n  {% if m.role == 'user' %}\n<u>{{ m.content }}\n  {% continue %}{% endif %}\n"
    "{% generation %}{{ m['content'] | trim }}{{ eos_token }}{% endgeneration %}\n{% endfor %}{{ bos_token }}",
    "functions": "{% set ns = namespace(n=0) %}{% for m in messages %}{% set ns.n = ns.n + 1 %}{{ ns.n }}{{ m|tojson }}"
    "{% endfor %}{% if tools is none and not documents %}{{ dict(a=1)|tojson(indent=2) }}{% endif %}{{ nothing }}"
    "{{ strftime_now('%Y') }}{% if add_generation_prompt %}A:{% endif %}",
}


@pytest.mark.parametrize("template", CHATS.values(), ids=CHATS)
def test_chat_templates_as_transformers_fills_them(template):
    """Tags, filters, functions and spaces are those of transformers."""
    reader = tokenizer()
    messages = [{"role": "user", "content": "<q> é"}, {"role": "assistant", "content": " a "}]
    wanted = reader.apply_chat_template(messages, chat_template=template, tokenize=False, add_generation_prompt=True)
    values = {**reader.special_tokens_map, "messages": messages, "tools": None, "documents": None}
    given = json.dumps({**values, "add_generation_prompt": True})
    assert jinja_process.chats(template, (given,)) == (wanted,)
