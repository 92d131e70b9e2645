"""ADD's extraction: what an archive holds as a tree, or the file itself when it is no archive."""

import bz2
import gzip
import lzma
import posixpath
import stat
import tarfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import zstandard

from baselard.engine.errors import UserError
from baselard.engine.files import selection
from baselard.engine.files.copying import Copier, CopyTarget
from baselard.engine.host import process
from baselard.engine.ops.copy import opened
from baselard.engine.ops.tree import TreeOperation, one
from baselard.engine.run.worker import Worker
from baselard.engine.solver import cancel
from baselard.engine.solver.graph import Output, Result, Value
from baselard.engine.store import deep, stamps

_CHUNK = 1 << 20
_MAGIC_AT = 257  # where "ustar" stands in a tar header (POSIX.1-2017, pax)
_OPENERS: dict[bytes, Callable[[Path], Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\0": lzma.open,
    b"\x28\xb5\x2f\xfd": zstandard.open,
}
_DAMAGED: tuple[type[Exception], ...] = (OSError, EOFError, lzma.LZMAError, zlib.error, zstandard.ZstdError)


@dataclass(frozen=True)
class Unpack(TreeOperation):
    """A tree with what the archive ``source_path`` of ``source`` holds.

    tar, alone or compressed by gzip, bzip2, xz or zstd, is an archive; anything else is put there as it is, under
    ``name`` (Dockerfile reference, ADD). The result's fact ``implied`` lists an archive's directories that have no
    entry of their own; where it is missing the file was none.
    """

    tag: ClassVar[str] = "unpack.v2"
    source: Output
    source_path: str
    name: str

    @property
    def label(self) -> str:
        return f"unpack {self.source_path}"

    def content_key(self, worker: Worker, inputs: Sequence[Value]) -> str:
        return self._digest([selection.digest_of(worker.snapshots, inputs[0], self.source_path)])

    def run(self, worker: Worker, inputs: Sequence[Value]) -> Result:
        """Extract. Raises UserError for an archive that is damaged."""
        with (
            opened(worker, inputs[0], self.source_path) as (source, entry),
            worker.store.temp_dir() as directory,
            worker.snapshots.draft(None) as draft,
        ):
            began = stamps.began(draft.upper)
            draft.settle = lambda: stamps.settle_directories(draft.upper, began)
            path = Path(source.root) / entry.path
            facts = {}
            archive = _plain(path, directory / "archive.tar") if stat.S_ISREG(entry.info.st_mode) else None
            if archive:
                _extract(archive, draft.path, self.source_path)
                facts["implied"] = _implied(archive, draft.path)
            else:
                Copier(source, CopyTarget(str(draft.path))).file(entry.path, entry.info, self.name)
            return replace(one(self.content_key(worker, inputs), draft.commit()), data=facts)


def _implied(archive: Path, tree: Path) -> list[str]:
    """The extracted directories, relative to the tree, that the archive does not list."""
    with tarfile.open(archive) as tar:
        listed = {posixpath.normpath(entry.name.lstrip("/")) for entry in tar if entry.isdir()}
    made = (Path(folder, name).relative_to(tree) for folder, names, _ in deep.walk(tree) for name in names)
    return [str(path) for path in made if str(path) not in listed]


def _plain(path: Path, target: Path) -> Path | None:
    """The archive without compression, at ``target`` if it had any; None when the file is no archive."""
    with path.open("rb") as file:
        head = file.read(_MAGIC_AT + 5)
    opener = next((found for magic, found in _OPENERS.items() if head.startswith(magic)), None)
    if opener is None:
        return path if head.endswith(b"ustar") else None
    try:
        with opener(path) as source, target.open("wb") as plain:
            head = source.read(_MAGIC_AT + 5)
            if not head.endswith(b"ustar"):
                return None
            plain.write(head)
            while chunk := source.read(_CHUNK):
                cancel.current().check()
                plain.write(chunk)
    except _DAMAGED:
        return None  # BuildKit copies what it cannot decompress
    return target


def _extract(archive: Path, target: Path, shown: str) -> None:
    """GNU tar keeps leading slashes, ``..`` and links that lead out from doing harm."""
    options = (
        "--extract",
        "--preserve-permissions",
        "--same-owner",
        "--numeric-owner",
        "--xattrs",
        "--xattrs-include=*",
    )
    done = process.run(("tar", *options, "--file", archive, "--directory", target), check=False)
    if done.code:
        raise UserError(f"{shown} cannot be unpacked: {done.stderr.decode(errors='replace').strip()}")
