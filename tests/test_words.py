"""The words: every language complete, every setting and error said, nothing left over."""

import ast
import re
import string
from pathlib import Path

import pytest

from app.forms import choice, explained, word
from app.words import LANGUAGES, MAIN, PARTS, Say
from engine.config.training import TrainingSettings
from engine.core.sampling import Sampling
from engine.data.settings import DataSettings
from engine.methods import METHODS

ROOT = Path(__file__).resolve().parents[1]
DYNAMIC = ("error.", "setting.", "choice.", "preset.", "method.", "status.", "watch.")
EN = Say(MAIN)
every_language = pytest.mark.parametrize("say", [Say(language) for language in LANGUAGES], ids=list(LANGUAGES))
SETTINGS = [
    ("", TrainingSettings),
    ("", Sampling),
    ("data", DataSettings),
    *((name, METHODS[name].settings) for name in METHODS),
]


AVOIDED = (
    r"\bdice\b", r"\basleep\b", "mend it there", "^End it", "^Go on", "base ability", "^Seed", r"(?<!random )\bseed of",
    "奈特", "纳特", "词元", "调优后", "基座能力", "(?<!随机)种子",
)  # fmt: skip
"""Patterns of words that are not the field's, or are a second name for what has one."""
LOSSES = re.compile(r"(?:loss|losses|损失)[^.;；。]*\{(?:loss|whole|average)\}", re.IGNORECASE)


def names(text):
    """The placeholders of a text."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def is_help(key):
    """Whether a text explains a setting."""
    return key.startswith("setting.") and key.endswith(".help")


@every_language
def test_every_language_has_the_same_keys(say):
    """No text is missing in one of the languages. In the main one the engine explains the settings, not the page."""
    assert not any(is_help(key) for key in EN.words)
    assert set(EN.words) == {key for key in say.words if not is_help(key)}


@every_language
def test_texts_are_filled_alike(say):
    """Every language uses the same placeholders, and no text is empty."""
    assert [key for key, text in say.words.items() if not text.strip()] == []
    filled = {key: names(text) for key, text in say.words.items() if not is_help(key)}
    assert filled == {key: names(EN.words[key]) for key in filled}


@every_language
def test_the_words_of_the_field(say):
    """One word for one thing, and that of the field; what a placeholder is called does not count."""
    texts = {key: re.sub(r"\{.*?\}", "", text) for key, text in say.words.items()}
    found = [(key, word) for key, text in texts.items() for word in AVOIDED if re.search(word, text, re.IGNORECASE)]
    assert found == []
    assert len(re.findall("asleep", str(say.words))) == 2  # a placeholder alone


@every_language
def test_a_loss_has_its_unit(say):
    """Wherever its number is said."""
    assert [
        key for key, text in say.words.items() if LOSSES.search(text) and not re.search(r"nats|\{unit\}", text)
    ] == []


def test_no_key_is_said_twice():
    """A key lives in one file only; otherwise the last file would win silently."""
    from importlib import import_module

    for language in LANGUAGES:
        keys = [key for part in PARTS for key in import_module(f"app.words.{language}.{part}").WORDS]
        assert len(keys) == len(set(keys))


@every_language
@pytest.mark.parametrize(("scope", "settings"), SETTINGS, ids=lambda value: getattr(value, "__name__", value))
def test_every_setting_is_explained(say, scope, settings):
    """Each setting of each settings class has a label, a help text in the page's language and readable choices."""
    for field in settings.fields():
        assert word(say, field.name, scope)
        assert explained(say, field, scope)
        assert (explained(say, field, scope) == field.info.help) is (say.language == MAIN), field.name
        assert all(choice(say, value) for value in field.info.choices)


@every_language
def test_no_explanation_without_a_setting(say):
    """What a language explains is a setting."""
    fields = {(scope, field.name) for scope, settings in SETTINGS for field in settings.fields()}
    known = {f"setting.{name}.help" for _, name in fields}
    known |= {f"setting.{scope}.{name}.help" for scope, name in fields}
    assert {key for key in say.words if is_help(key)} <= known


@every_language
def test_every_method_and_preset_has_a_name(say):
    """Each method has a line and a title, each of its presets a name."""
    for name, spec in METHODS.items():
        assert f"train.method.{name}" in say
        assert f"method.{name}" in say
        assert all(f"preset.{preset}" in say for preset in spec.presets)


def raised():
    """(key, names of values) of every WorkbenchError that the engine and the page can raise."""
    for folder in ("engine", "app"):
        for file in sorted((ROOT / folder).rglob("*.py")):
            tree = ast.parse(file.read_text(encoding="utf-8"))
            constants = {
                node.targets[0].id: node.value.value
                for node in tree.body
                if isinstance(node, ast.Assign)
                and isinstance(node.targets[0], ast.Name)
                and isinstance(node.value, ast.Constant)
            }
            for node in ast.walk(tree):
                if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and len(node.args) == 2):
                    continue
                if re.fullmatch(r"(Workbench|Setting|Model|Data|Run|Exchange|NotWritten)Error", node.func.id):
                    key = node.args[0]
                    named = constants[key.id] if isinstance(key, ast.Name) else key.value
                    yield named, {keyword.arg for keyword in node.keywords}


@every_language
def test_every_error_has_a_sentence(say):
    """Each error key has a sentence that uses only values which the error carries."""
    errors = list(raised())
    assert len(errors) > 30
    for key, values in errors:
        assert f"error.{key}" in say, key
        assert names(say.words[f"error.{key}"]) <= values, key


def test_no_sentence_without_an_error():
    """Error sentences that nothing raises are dead."""
    of_the_page = {"unexpected", "field", "nothing"}
    keys = {key.removeprefix("error.") for key in EN.part("error") if not key.startswith("error.wanted.")}
    assert keys - of_the_page == {key for key, _ in raised()}


def test_no_unused_words():
    """Each key occurs in the page's source, literally or as one of a family that is looked up by name."""
    files = [file for file in (ROOT / "app").rglob("*.py") if "words" not in file.relative_to(ROOT).parts]
    source = "\n".join(file.read_text(encoding="utf-8") for file in [*files, *(ROOT / "assets" / "js").rglob("*.js")])
    families = set(re.findall(r"[`\"']([a-z_]+(?:\.[a-z_]+)*\.)[{$]", source))
    unused = [
        key
        for key in EN.words
        if not key.startswith(DYNAMIC)
        and key not in source
        and not any(key.startswith(family) for family in families)
        and not key.startswith("glossary.")
    ]
    assert unused == []
