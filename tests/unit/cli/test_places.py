"""Where the store and the cache are: by the variable, for root, for a user."""

import os
from pathlib import Path

import pytest

from baselard.cli import places
from baselard.engine.host import privilege, rootless


@pytest.fixture
def user(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Somebody at home in /home/me who may mount, with nothing said."""
    for name in ("BASELARD_STORE", "BASELARD_CACHE", "XDG_DATA_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(privilege, "may_mount", lambda: True)
    return monkeypatch


def test_root_keeps_it_where_the_system_keeps_state(user: pytest.MonkeyPatch) -> None:
    user.setattr(os, "geteuid", lambda: 0)
    assert places.store_root() == Path("/var/lib/baselard")


def test_a_user_whom_sudo_makes_root_looks_at_roots_store(user: pytest.MonkeyPatch) -> None:
    user.setattr(privilege, "may_mount", lambda: False)
    user.setattr(rootless, "chosen", lambda _: None)
    assert places.store_root() == Path("/var/lib/baselard")


def test_a_user_who_is_root_of_a_namespace_keeps_it_at_home(user: pytest.MonkeyPatch) -> None:
    user.setattr(privilege, "may_mount", lambda: False)
    user.setattr(rootless, "chosen", lambda _: rootless.Offer())
    assert places.store_root() == Path("/home/me/.local/share/baselard")


@pytest.mark.parametrize(
    ("given", "base"),
    [("/data", "/data"), ("", "/home/me/.local/share"), ("relative", "/home/me/.local/share")],
)
def test_a_user_keeps_it_at_home(user: pytest.MonkeyPatch, given: str, base: str) -> None:
    user.setenv("XDG_DATA_HOME", given)
    assert places.store_root() == Path(base) / "baselard"


def test_the_cache_is_at_home_for_everybody(user: pytest.MonkeyPatch) -> None:
    assert places.cache_root() == Path("/home/me/.cache/baselard")
    user.setenv("XDG_CACHE_HOME", "/fast")
    assert places.cache_root() == Path("/fast/baselard")


def test_one_variable_moves_it(user: pytest.MonkeyPatch) -> None:
    user.setenv("BASELARD_STORE", "/elsewhere")
    assert places.store_root() == Path("/elsewhere")
