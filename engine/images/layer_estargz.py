"""eStargz: a layer that any gzip reader unpacks, and of which a lazy puller fetches single files.

Each chunk of a file begins a gzip member of its own; a table of contents in JSON tells where, and the last 51 bytes
where that table is (github.com/containerd/stargz-snapshotter, docs/estargz.md). The table comes after the tar's end, so
that nobody unpacks it as a file; the layer's diff id covers it all the same.
"""

import base64
import hashlib
import json
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import deflate

from engine.images import layer_tar, layer_write
from engine.images.image import Pairs
from engine.images.layer_compress import CORES, gzip_member
from engine.images.layer_stream import Stream
from engine.images.layer_tar import Entry

TOC_DIGEST = "containerd.io/snapshot/stargz/toc.digest"
_TOC_NAME = b"stargz.index.json"
_CHUNK = 4 << 20
_FOOTER = 51
_KINDS = {
    layer_tar.REGULAR: "reg",
    layer_tar.HARD_LINK: "hardlink",
    layer_tar.SYMLINK: "symlink",
    layer_tar.DIRECTORY: "dir",
    layer_tar.CHARACTER: "char",
    layer_tar.BLOCK_DEVICE: "block",
    layer_tar.FIFO: "fifo",
}


@dataclass
class _Copying:
    """A tar's source that keeps what was read until it is taken."""

    stream: Stream
    kept: list[bytes] = field(default_factory=list)

    def read(self, size: int) -> bytes:
        data = self.stream.read(size)
        self.kept.append(data)
        return data

    def skip(self, size: int) -> int:
        return len(self.read(size))

    def take(self) -> bytes:
        data = b"".join(self.kept)
        self.kept.clear()
        return data


@dataclass
class Estargz:
    """Turns the tar from ``stream`` into a layer. ``diff_id`` is known when all ``members`` were taken."""

    stream: Stream
    diff_id: str = ""
    _entries: list[dict[str, Any]] = field(default_factory=list)
    _chunks: list[tuple[dict[str, Any], int]] = field(default_factory=list)

    def members(self) -> Iterator[bytes]:
        """The layer in pieces, each one gzip member."""
        offsets = [0]
        jobs: list[Future[bytes]] = []
        with ThreadPoolExecutor(CORES, "estargz") as pool:
            for plain in self._plain():
                jobs.append(pool.submit(gzip_member, plain))
                if len(jobs) > 2 * CORES:
                    yield _counted(jobs.pop(0).result(), offsets)
            for job in jobs:
                yield _counted(job.result(), offsets)
        for entry, number in self._chunks:
            entry["offset"] = offsets[number]
        table = _table(self._entries)
        self.diff_id = self.stream.digest_with(table)
        yield gzip_member(table)
        yield _footer(offsets[-1])

    def _plain(self) -> Iterator[bytes]:
        """What each member holds: a file's chunk and all up to the next file's content."""
        source = _Copying(self.stream)
        reader = layer_tar.Reader(source)
        number = 0
        for entry in reader:
            told = _told(entry)
            self._entries.append(told)
            if entry.kind == layer_tar.REGULAR and not entry.size:
                told["digest"] = _digest(b"")
            whole = hashlib.sha256()
            for at in range(0, entry.size, _CHUNK):
                yield source.take()
                number += 1
                data = reader.read(min(_CHUNK, entry.size - at))
                whole.update(data)
                chunk = told if at == 0 else {"name": told["name"], "type": "chunk"}
                chunk |= {"offset": 0, "chunkOffset": at, "chunkSize": len(data), "chunkDigest": _digest(data)}
                self._chunks.append((chunk, number))
                if at:
                    self._entries.append(chunk)
            if entry.size:
                told["digest"] = f"sha256:{whole.hexdigest()}"
        yield source.take() + b"".join(self.stream.chunks())


def annotations(path: Path) -> Pairs:
    """What a descriptor says of the layer at ``path``: the digest by which lazy pullers check the table of contents."""
    with path.open("rb") as file:
        end = file.seek(-_FOOTER, 2)
        at = int(file.read(_FOOTER)[16:32], 16)
        file.seek(at)
        table = bytes(deflate.gzip_decompress(file.read(end - at)))
    size = int(table[124:135], 8)
    return ((TOC_DIGEST, _digest(table[layer_tar.BLOCK : layer_tar.BLOCK + size])),)


def _counted(member: bytes, offsets: list[int]) -> bytes:
    offsets.append(offsets[-1] + len(member))
    return member


def _table(entries: list[dict[str, Any]]) -> bytes:
    """The table of contents as a tar of its own."""
    text = json.dumps({"version": 1, "entries": entries}, indent="\t").encode()
    head = layer_write.header(Entry(_TOC_NAME, layer_tar.REGULAR, mode=0o444, size=len(text)))
    return head + text + layer_write.padding(len(text)) + layer_write.END


def _footer(offset: int) -> bytes:
    """An empty gzip member whose extra field ``SG`` tells where the table begins; always of the same length."""
    extra = b"SG" + (22).to_bytes(2, "little") + b"%016xSTARGZ" % offset
    head = b"\x1f\x8b\x08\x04\0\0\0\0\0\xff" + len(extra).to_bytes(2, "little")
    return head + extra + b"\x01\0\0\xff\xff" + bytes(8)


def _told(entry: Entry) -> dict[str, Any]:
    told: dict[str, Any] = {"name": _text(entry.name), "type": _KINDS[entry.kind]}
    if entry.kind == layer_tar.REGULAR:
        told["size"] = entry.size
    if seconds := entry.mtime // 10**9:
        told["modtime"] = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if entry.link:
        told["linkName"] = _text(entry.link)
    told |= {"mode": entry.mode, "uid": entry.uid, "gid": entry.gid}
    if entry.kind in (layer_tar.CHARACTER, layer_tar.BLOCK_DEVICE):
        told |= {"devMajor": entry.device[0], "devMinor": entry.device[1]}
    if entry.xattrs:
        told["xattrs"] = {name: base64.b64encode(value).decode() for name, value in sorted(entry.xattrs.items())}
    return told


def _text(name: bytes) -> str:
    return name.decode("utf-8", "replace")


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"
