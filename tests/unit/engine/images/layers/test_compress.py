"""Compressed layers are read by the tools everybody has, and are the same bytes however many cores make them."""

import gzip
import hashlib
import os
import random
import subprocess
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from baselard.engine.images.layers import compress
from baselard.engine.images.layers.compress import compressed


def chunks(size: int, *, seed: int = 1) -> Iterator[bytes]:
    """Bytes with some order in them, in chunks of odd sizes."""
    source = random.Random(seed)
    words = [source.randbytes(20) for _ in range(500)]
    while size > 0:
        chunk = b"".join(source.choices(words, k=source.randrange(1, 40_000)))[:size]
        size -= len(chunk)
        yield chunk


SIZES = [0, 1, 1000, compress._BLOCK, 3 * compress._BLOCK + 17, 5_000_000]


@pytest.mark.parametrize("size", SIZES)
def test_gzip_reads_it(size: int) -> None:
    packed = b"".join(compressed(chunks(size), "gzip"))
    whole = b"".join(chunks(size))
    assert gzip.decompress(packed) == whole
    assert subprocess.run(["gzip", "-dc"], input=packed, check=True, capture_output=True).stdout == whole


@pytest.mark.parametrize("size", SIZES)
def test_zstd_reads_it(size: int) -> None:
    packed = b"".join(compressed(chunks(size), "zstd"))
    assert subprocess.run(["zstd", "-dcq"], input=packed, check=True, capture_output=True).stdout == b"".join(
        chunks(size)
    )


@pytest.mark.parametrize("kind", ["gzip", "zstd"])
def test_the_number_of_cores_and_the_chunks_make_no_difference(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = set()
    for cores in (1, 2, 7):
        monkeypatch.setattr(compress, "CORES", cores)
        made.add(b"".join(compressed(chunks(5_000_000), kind)))
        made.add(b"".join(compressed(iter([b"".join(chunks(5_000_000))]), kind)))
    assert len(made) == 1


def test_gzip_is_hardly_larger_than_the_usual_one() -> None:
    """Although its blocks know nothing of each other."""
    whole = b"".join(path.read_bytes() for path in sorted(Path(os.__file__).parent.glob("*.py")))
    assert len(whole) > 3 * compress._BLOCK
    assert len(b"".join(compressed(iter([whole]), "gzip"))) < 1.02 * len(zlib.compress(whole, 6))


def test_gzip_is_the_same_bytes_on_every_processor() -> None:
    """Fast compressors choose by the processor's features; of these bytes everybody's digests are made."""
    packed = b"".join(compressed(chunks(2_000_000), "gzip"))
    assert hashlib.sha256(packed).hexdigest() == "6651e416f2c4b41b453df25bd71896db322b2cae7ef74e3991dcebcf9f8a0d4b"


def test_none_is_as_it_is() -> None:
    assert b"".join(compressed(chunks(1000), "none")) == b"".join(chunks(1000))
