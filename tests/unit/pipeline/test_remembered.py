"""An engine remembers what a function returned, for a week unless told otherwise. Judge: what the SDK registers."""

from typing import Any

import pytest

from pipeline.main import Baselard

MODULE: Any = vars(Baselard)["__dagger_module__"]
POLICIES = {name: function.cache_policy for name, function in MODULE.get_object("Baselard").functions.items()}


@pytest.mark.parametrize("name", ["tags", "plan", "examples"])
def test_what_is_of_today_is_remembered_for_a_minute(name: str) -> None:
    """Tags may hold the date, a quarantine ends on one; they run nothing, and their repository is in the call."""
    assert POLICIES[name] == "1m"


@pytest.mark.parametrize("name", ["lint", "outdated", "publish", "test_base", "test_examples", "verify"])
def test_what_looks_or_tests_does_so_each_time(name: str) -> None:
    assert POLICIES[name] == "never"
