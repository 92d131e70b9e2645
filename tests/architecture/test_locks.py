"""The locks hold what pyproject.toml declares, with hashes and without any index."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = PYPROJECT["project"]
_HOOK = PYPROJECT["tool"]["hatch"]["metadata"]["hooks"]["custom"]
PLAIN = _HOOK["module"] + _HOOK["engine"]
LOCKED = {
    "engine.txt": PLAIN,
    "dev.txt": PLAIN + PROJECT["optional-dependencies"]["dev"],
    "docs.txt": PYPROJECT["dependency-groups"]["docs"],
}


def _pins(name: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", (ROOT / "locks" / name).read_text(), re.MULTILINE))


def _name(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found
    return re.sub(r"[-_.]+", "-", found[0]).lower()


@pytest.mark.parametrize("name", LOCKED)
def test_everything_declared_is_locked(name: str) -> None:
    assert {_name(requirement) for requirement in LOCKED[name]} <= set(_pins(name))


@pytest.mark.parametrize("name", LOCKED)
def test_every_pin_has_a_hash_and_none_an_address(name: str) -> None:
    text = (ROOT / "locks" / name).read_text()
    assert "://" not in text
    entries = re.split(r"^(?=[a-z])", text, flags=re.MULTILINE)
    assert not [entry for entry in entries if "==" in entry and "--hash=sha256:" not in entry]


def test_what_tests_add_changes_nothing_of_what_runs() -> None:
    dev = _pins("dev.txt")
    assert {name: dev[name] for name in _pins("engine.txt")} == _pins("engine.txt")
