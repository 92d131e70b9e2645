"""What a plain user's process keeps when it becomes root of a namespace, whose root has another home."""

import os
import pwd
from pathlib import Path

import pytest

from baselard.cli import rootless
from baselard.engine.host.rootless import Offer


def test_a_home_that_no_variable_names_stays_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Judge: the machine's table of users, asked before."""
    monkeypatch.setattr(os, "environ", {"BASELARD_STORE": str(tmp_path), "BASELARD_RUN": str(tmp_path)})
    monkeypatch.setattr(rootless.rootless, "chosen", lambda _: Offer())
    monkeypatch.setattr(rootless.rootless, "enter", lambda _: None)
    assert rootless.entered()
    assert os.environ["HOME"] == pwd.getpwuid(os.getuid()).pw_dir
