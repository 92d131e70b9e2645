"""The compatibility page against what is served."""

from baselard.engine.api import compatibility
from baselard.engine.api.objects.serving import Served


def test_the_page_is_what_is_served() -> None:
    assert compatibility.PAGE.read_text() == compatibility.page(), "run python -m baselard.engine.api.compatibility"


def test_states() -> None:
    def resolve() -> None: ...

    assert compatibility._row("f", "T.f", Served(resolve)).state == "served"
    partly = compatibility._row("f", "T.f", Served(resolve, "colours", ("size",)))
    assert (partly.state, partly.note) == ("partly", "the argument `size`; colours")
    missing = compatibility._row("f", "LLM.f", None)
    assert missing.state == "not served"
    assert "Dagger engine" in missing.note
