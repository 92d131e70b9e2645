"""A blob is read while it grows, and its end is seen when it is whole; the bytes that were written are the judge."""

import random
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from baselard.engine.errors import UserError
from baselard.engine.images.layers import arriving
from baselard.engine.images.layers.arriving import Arriving
from baselard.engine.solver import cancel
from baselard.engine.solver.cancel import Cancellation, Cancelled

CONTENT = random.Random(1).randbytes(3_000_000)


def _written(path: Path, seen: threading.Semaphore) -> Path:
    """Write a piece whenever the reader has read one, then give the file its name."""
    with path.open("wb", buffering=0) as file:
        for at in range(0, len(CONTENT), 700_001):
            file.write(CONTENT[at : at + 700_001])
            assert seen.acquire(timeout=30)
    return path.rename(path.with_name("whole"))


def test_it_is_read_while_it_grows(tmp_path: Path) -> None:
    (tmp_path / "part").touch()
    seen, read = threading.Semaphore(0), b""
    with ThreadPoolExecutor(1) as pool:
        blob = Arriving(tmp_path / "part", pool.submit(_written, tmp_path / "part", seen))
        with arriving.opened(blob) as file:
            while data := file.read1(1 << 20):  # type: ignore[attr-defined]
                read += data
                seen.release()
    assert read == CONTENT
    with arriving.opened(blob) as file:
        assert file.read() == CONTENT
    assert arriving.whole(blob) == tmp_path / "whole"


def test_what_went_wrong_is_raised_where_its_end_would_be(tmp_path: Path) -> None:
    (tmp_path / "part").write_bytes(b"some of it")
    job: Future[Path] = Future()
    with arriving.opened(Arriving(tmp_path / "part", job)) as file:
        assert file.read(4) == b"some"
        job.set_exception(UserError("the registry sent other bytes"))
        with pytest.raises(UserError, match="other bytes"):
            file.read()


def test_waiting_is_called_off(tmp_path: Path) -> None:
    (tmp_path / "part").touch()
    cancellation = Cancellation()
    cancel.enter(cancellation)
    with arriving.opened(Arriving(tmp_path / "part", Future())) as file:
        threading.Timer(0.05, cancellation.cancel).start()
        with pytest.raises(Cancelled):
            file.read()
    cancel.enter(Cancellation())
