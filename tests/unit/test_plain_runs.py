"""A run of the tests leaves the user's own alone, and a plain user's is done in those halves that have tests."""

import os
from pathlib import Path

import pytest

from tests import halves

TESTS = Path(halves.__file__).parent


@pytest.fixture(scope="module")
def seen_by_a_shared_fixture() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith("BASELARD_")}


def test_what_tests_share_is_made_without_the_users_places(
    seen_by_a_shared_fixture: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A fixture of a module is made before one of a test: judged by what such a fixture saw."""
    base = tmp_path_factory.getbasetemp()
    assert seen_by_a_shared_fixture["BASELARD_NO_DAEMON"] == "1"
    for name in ("BASELARD_STORE", "BASELARD_CACHE"):
        assert Path(seen_by_a_shared_fixture[name]).is_relative_to(base)


@pytest.mark.parametrize(
    ("chosen", "by_commands"),
    [
        (["tests/e2e/cli", "tests/e2e/sdk/test_sdks.py::test_x[a::b]"], True),
        (["tests"], False),
        (["tests/e2e", "tests/unit"], False),
        (["tests/e2e/../unit"], False),
    ],
)
def test_tests_by_commands_alone_are_told_by_their_paths(
    chosen: list[str], by_commands: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(TESTS.parent)
    assert halves._by_commands(chosen) is by_commands
