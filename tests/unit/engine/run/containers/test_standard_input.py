"""A program's standard input comes whole, by a pipe, from whatever it is."""

import os
import select
import stat
import threading

import pytest

from baselard.engine.run.containers import standard_input


@pytest.mark.parametrize("size", [0, 1, select.PIPE_BUF, select.PIPE_BUF + 1, 300_000])
def test_bytes_come_whole_and_end(size):
    content = os.urandom(size)
    with standard_input.piped(content) as end:
        assert stat.S_ISFIFO(os.fstat(end.fileno()).st_mode)
        assert end.read() == content


def test_a_few_bytes_take_no_thread():
    before = threading.active_count()
    with standard_input.piped(b"yes\n") as end:
        assert threading.active_count() == before
        assert end.read() == b"yes\n"


def test_nobody_need_read():
    with standard_input.piped(b"a" * 300_000) as end:
        end.close()
