"""How the page words what came of a search."""

import pytest

from app.tabs.search import drawn
from app.words import Say
from engine.tuning.plan import OBJECTIVES

POINT = {
    "number": 0, "method": "lora", "settings": {"rank": 2, "layers": "0 2-4"}, "forgetting": 0.12345, "seconds": None,
}  # fmt: skip


@pytest.mark.parametrize(("language", "forgotten"), [("en", "forgetting 0.123"), ("zh", "遗忘 0.123")])
def test_what_a_run_came_to_is_told(language, forgotten):
    """Beside its settings, what the search asks for and what was measured; bits of layers have their numbers."""
    say = Say(language)
    view = {"points": [dict(POINT)], "plan": {"objectives": list(OBJECTIVES)}, "importance": {"lora.layer_3": 0.5}}
    seen = drawn(say, view)
    told = seen["points"][0]["told"].split(", ")
    assert told[-1] == forgotten
    assert told[1].endswith("0 2-4")
    assert seen["importance"][0]["name"].endswith(say("search.layer", n="3"))
    view = {"points": [dict(POINT)], "plan": {"objectives": list(OBJECTIVES[:2])}, "importance": {}}
    assert forgotten not in drawn(say, view)["points"][0]["told"]
