"""Digests of directories and files as a Dagger engine has them: BuildKit's content hash.

An entry's digest is the SHA-256 of a tar header's fields (tarsum, version 1: all but names and times), extended
attributes and bytes. A directory's is the SHA-256 of names and digests: its own, then those of what is in it.
"""

import hashlib
import os
import stat
from collections.abc import Mapping

from baselard.engine.api.objects.directory import Directory, File
from baselard.engine.api.query.context import Context
from baselard.engine.api.query.registry import field
from baselard.engine.errors import UserError
from baselard.engine.files import file_bytes, paths, reading, treehash, xattrs
from baselard.engine.files.walking import walk
from baselard.engine.solver import digest
from baselard.engine.solver.graph import Result, Value
from baselard.engine.store.database import Snapshot
from baselard.engine.store.snapshots import Snapshots
from baselard.oci import digests

_TYPES = {
    stat.S_IFDIR: b"5",
    stat.S_IFLNK: b"2",
    stat.S_IFCHR: b"3",
    stat.S_IFBLK: b"4",
    stat.S_IFIFO: b"6",
}


@field("Directory.digest")
async def of_directory(ctx: Context, directory: Directory) -> str:
    value = await ctx.value(directory.output)
    return await ctx.in_thread(_remembered, ctx.session.worker.snapshots, value, directory.path)


@field("File.digest")
async def of_file(ctx: Context, file: File, *, exclude_metadata: bool = False) -> str:
    if exclude_metadata:
        return await ctx.look(
            file.output, lambda root: treehash.of_file(reading.file(root, file.path, file.said), metadata=False)
        )
    value = await ctx.value(file.output)
    return await ctx.in_thread(_remembered, ctx.session.worker.snapshots, value, file.path)


def _remembered(snapshots: Snapshots, value: Value, path: str) -> str:
    """The digest of what is at ``path`` in the value's tree, a link too. Raises UserError when there is nothing."""
    key = digest.of("content-hash.v1", value.digest, path)
    if known := snapshots.store.lookup(key):
        return known.values[0].digest
    with snapshots.view(value.tree if isinstance(value.tree, Snapshot) else None) as root:
        real = paths.under(root, paths.resolve_parent(root, path))
        if not paths.mode(real):
            raise UserError(f"{path}: no such file or directory")
        hashed = of_path(real)
    snapshots.store.record([key], Result((Value(hashed),)))
    return hashed


def of_path(path: str) -> str:
    """The content hash of a real path, which no link leads to: ``sha256:<hex>``."""
    info = os.lstat(path)
    below: dict[str, dict[str, str]] = {}  # digests by name, by the directory that they are in
    entries = list(walk(path)) if stat.S_ISDIR(info.st_mode) else []
    for entry in reversed(entries):  # what is in a directory stands behind it
        parent, _, name = entry.path.rpartition("/")
        found = _whole(f"{path}/{entry.path}", entry.info, below.pop(entry.path, {}))
        below.setdefault(parent, {})[name] = found
    return _whole(path, info, below.pop("", {}))


def _whole(path: str, info: os.stat_result, below: Mapping[str, str]) -> str:
    own = _entry(path, info)
    if not stat.S_ISDIR(info.st_mode):
        return own
    parts = sorted((os.fsencode(name), found.encode()) for name, found in below.items())
    return digests.of_bytes(b"\0" + own.encode() + b"".join(b"\0" + name + found for name, found in parts))


def _entry(path: str, info: os.stat_result) -> str:
    running = hashlib.sha256(_header(path, info))
    if stat.S_ISREG(info.st_mode):
        with open(file_bytes.opened(path), "rb", buffering=0) as file:
            while block := file.read(1 << 20):
                running.update(block)
    return digests.of_hash(running)


def _header(path: str, info: os.stat_result) -> bytes:
    """The fields that count, each with its name ahead. A socket is told as a file, and no device's numbers are."""
    kind = stat.S_IFMT(info.st_mode)
    link = os.fsencode(os.readlink(path)) if kind == stat.S_IFLNK else b""
    mode = 0o777 if kind == stat.S_IFLNK else stat.S_IMODE(info.st_mode)
    size = info.st_size if kind == stat.S_IFREG else 0
    fields = b"namemode%duid%dgid%dsize%dtypeflag%s" % (mode, info.st_uid, info.st_gid, size, _TYPES.get(kind, b"0"))
    fields += b"linkname%sunamegnamedevmajor0devminor0" % link
    counting = [(name, value) for name, value in xattrs.read(path).items() if _counts(name)]
    return fields + b"".join(os.fsencode(name) + value for name, value in counting)


def _counts(name: str) -> bool:
    return name == "security.capability" or not name.startswith(("security.", "system."))
