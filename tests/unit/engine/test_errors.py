"""Errors of the machine, and of texts that cannot leave the process, as whoever raised them left them."""

import contextlib
import errno
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from baselard.engine.api.query import replies
from baselard.engine.errors import HostError, UserError, foreseen, told
from baselard.oci import text

MACHINE = ("ENOSPC", "EDQUOT", "EMFILE", "ENFILE", "EIO", "EROFS", "ENOMEM")


def _raised(action: Callable[[], object]) -> BaseException:
    with pytest.raises(Exception) as caught:
        action()
    return caught.value


def _os_error(name: str) -> OSError:
    number = getattr(errno, name)
    return OSError(number, os.strerror(number), "/some/file")


@pytest.mark.parametrize("name", MACHINE)
def test_the_machine_s_limits_are_no_bugs(name: str) -> None:
    error = _os_error(name)
    assert isinstance(foreseen(error), HostError)
    assert "internal error" not in str(replies._error(error)["message"])
    with pytest.raises(HostError) as caught, told():
        raise error
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["ENAMETOOLONG", "ELOOP", "EACCES", "EPERM"])
def test_paths_that_cannot_be_are_named(name: str) -> None:
    known = foreseen(_os_error(name))
    assert isinstance(known, UserError)
    assert str(known).startswith("/some/file: ")


def test_texts_that_no_system_call_takes(tmp_path: Path) -> None:
    """The errors are Python's own, raised here by what really raises them."""
    raised = [
        _raised(lambda: os.stat("a\0b")),
        _raised(lambda: os.symlink("a\0b", tmp_path / "link")),
        _raised(lambda: (tmp_path / "a\ud800").write_text("x")),
        _raised(lambda: (tmp_path / "x").write_text("\ud800")),
        _raised(lambda: os.environ.update({"A": "b\0c"})),
        _raised(lambda: Path("~nobody-of-this-name/x").expanduser()),
    ]
    assert all(isinstance(foreseen(error), UserError) for error in raised), raised


def test_a_record_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "broken.db").write_bytes(b"no database" * 1000)
    with contextlib.closing(sqlite3.connect(tmp_path / "broken.db")) as db:
        broken = _raised(lambda: db.execute("SELECT * FROM x"))
    missing = _raised(lambda: sqlite3.connect(tmp_path / "no/where.db"))
    assert isinstance(foreseen(broken), HostError)
    assert isinstance(foreseen(missing), HostError)


@pytest.mark.parametrize(
    "error",
    [FileNotFoundError(errno.ENOENT, "x", "/f"), ValueError("x"), KeyError("x"), RuntimeError("x"), OSError("x")],
)
def test_what_may_be_a_mistake_of_ours_is_left_as_it_is(error: Exception) -> None:
    assert foreseen(error) is None
    with pytest.raises(type(error)), told():
        raise error
    assert "internal error" in replies._error(error)["message"]


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (r'["a\ud800b"]', ["a\ufffdb"]),
        (rb'{"\udc00": "\ud83d\ude00", "b": [1, null, "\uDFFF"]}', {"\ufffd": "\U0001f600", "b": [1, None, "\ufffd"]}),
        (r'"\u00e4\\ud800"', "\u00e4\\ud800"),
    ],
)
def test_half_a_character_in_json_is_replaced(data: str | bytes, value: object) -> None:
    """As Go's encoding/json documents of Unmarshal: invalid surrogate pairs become U+FFFD."""
    assert text.loads(data) == value


def test_any_text_can_go_out() -> None:
    assert "a\udcff\ud800\u00e4".encode("utf-8", text.ANYTHING) == b"a\xff\xef\xbf\xbd\xc3\xa4"
