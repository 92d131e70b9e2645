"""What takes long to import is not imported before it is used."""

import subprocess
import sys

import pytest

from baselard.engine.host.lazily import Lazily

SLOW = {"httpx", "tenacity", "rich"}
SEEN = f"import sys, baselard.cli.session, baselard.engine.api.served; print(*({SLOW} & set(sys.modules)))"


def test_a_module_stands_in_for_itself() -> None:
    import math

    assert Lazily("math").sqrt is math.sqrt


def test_what_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nonsense"):
        _ = Lazily("math").nonsense


def test_a_session_starts_and_answers_without_the_libraries_for_registries() -> None:
    assert subprocess.run([sys.executable, "-c", SEEN], check=True, capture_output=True, text=True).stdout.strip() == ""
