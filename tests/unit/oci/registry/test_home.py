"""Whose settings are read. Judge: what tilde expansion makes of it, of the same table of users."""

import os

import pytest

from baselard.oci.registry import home


def test_the_variable_comes_first_and_then_the_table_of_users(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOME", raising=False)
    assert str(home.of({"HOME": "/somewhere"})) == "/somewhere"
    assert str(home.of({})) == str(home.of({"HOME": ""})) == os.path.expanduser("~")


def test_a_number_without_a_name_has_no_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 4_123_456_789)
    assert str(home.of({})) == "/"
