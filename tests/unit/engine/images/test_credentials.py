"""Where credentials of registries are looked for. Judge: containers-auth.json(5)."""

import os
from pathlib import Path

import pytest

from baselard.engine.images import credentials
from baselard.engine.store import ids

NAMESPACE = ((0, 1000, 1), (1, 100000, 65536))


def test_root_of_a_users_namespace_has_the_users_own_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ids, "mapped", lambda: (NAMESPACE, NAMESPACE))
    monkeypatch.setattr(os, "getuid", lambda: 0)
    monkeypatch.setattr(os.path, "isfile", lambda path: True)
    kept = [path for path in credentials.files({}) if path.is_relative_to("/run")]
    assert kept == [Path("/run/containers/1000/auth.json")]


def test_a_directory_that_may_not_be_entered_holds_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As /run/containers, once root has logged in somewhere."""
    if not os.geteuid():
        pytest.skip("root may read everything")
    tmp_path.joinpath("closed").mkdir(mode=0)
    monkeypatch.setattr(ids, "own", lambda: f"../..{tmp_path}/closed")
    assert credentials.files({"HOME": str(tmp_path), "REGISTRY_AUTH_FILE": str(tmp_path / "closed/auth.json")}) == []
