"""Compressed layers are read by the tools everybody has, and are the same bytes however many cores make them."""

import gzip
import random
import subprocess
import zlib
from collections.abc import Iterator

import pytest

from engine.images import layer_compress
from engine.images.layer_compress import compressed


def chunks(size: int, *, seed: int = 1) -> Iterator[bytes]:
    """Bytes with some order in them, in chunks of odd sizes."""
    source = random.Random(seed)
    words = [source.randbytes(20) for _ in range(500)]
    while size > 0:
        chunk = b"".join(source.choices(words, k=source.randrange(1, 40_000)))[:size]
        size -= len(chunk)
        yield chunk


SIZES = [0, 1, 1000, layer_compress._BLOCK, 3 * layer_compress._BLOCK + 17, 5_000_000]


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
        monkeypatch.setattr(layer_compress, "CORES", cores)
        made.add(b"".join(compressed(chunks(5_000_000), kind)))
        made.add(b"".join(compressed(iter([b"".join(chunks(5_000_000))]), kind)))
    assert len(made) == 1


def test_blocks_profit_from_the_ones_before() -> None:
    """Within a few hundredths of one stream made in one go."""
    whole = b"".join(chunks(5_000_000))
    assert len(b"".join(compressed(iter([whole]), "gzip"))) < 1.03 * len(zlib.compress(whole, 6))


def test_none_is_as_it_is() -> None:
    assert b"".join(compressed(chunks(1000), "none")) == b"".join(chunks(1000))
