"""Writes tar headers: ustar where it suffices, pax records (POSIX.1-2017, pax) for what does not fit.

Owners by number only and whole seconds: the same tree gives the same bytes.
"""

import struct

from baselard.engine.images.layers.tar_read import BLOCK, DIRECTORY, TarEntry

END = bytes(2 * BLOCK)
_LARGEST_OCTAL = 8**11 - 1  # what the size and time fields hold
_LARGEST_ID = 8**7 - 1
_USTAR = struct.Struct("100s8s8s8s12s12s8sc100s72s16s167s")  # the owners' names stay empty


def header(entry: TarEntry) -> bytes:
    """The blocks that go before the entry's content, which is ``entry.size`` bytes and then ``padding(size)``."""
    name = entry.name + (b"/" if entry.kind == DIRECTORY else b"")
    records = _records(entry, name)
    head = _ustar(name, entry.kind, entry)
    if not records:
        return head
    body = b"".join(_record(key, value) for key, value in records)
    extended = TarEntry(b"PaxHeaders/" + name[-80:].strip(b"/"), b"x", size=len(body))
    return _ustar(extended.name, b"x", extended) + body + padding(len(body)) + head


def padding(size: int) -> bytes:
    """Zeros up to the next block."""
    return bytes(-size % BLOCK)


def _records(entry: TarEntry, name: bytes) -> list[tuple[bytes, bytes]]:
    records = [(b"path", name)] if len(name) > 100 and _split(name) is None else []
    if len(entry.link) > 100:
        records.append((b"linkpath", entry.link))
    for key, number, limit in ((b"uid", entry.uid, _LARGEST_ID), (b"gid", entry.gid, _LARGEST_ID)):
        if number > limit:
            records.append((key, b"%d" % number))
    if entry.size > _LARGEST_OCTAL:
        records.append((b"size", b"%d" % entry.size))
    if not 0 <= entry.mtime // 10**9 <= _LARGEST_OCTAL:
        records.append((b"mtime", b"%d" % (entry.mtime // 10**9)))
    return records + [
        (b"SCHILY.xattr." + xattr.encode("utf-8", "surrogateescape"), entry.xattrs[xattr])
        for xattr in sorted(entry.xattrs)
    ]


def _record(key: bytes, value: bytes) -> bytes:
    """``length key=value newline``, the length counting its own digits."""
    rest = len(key) + len(value) + 3
    length = rest + len(str(rest))
    length = rest + len(str(length))
    return b"%d %s=%s\n" % (length, key, value)


def _split(name: bytes) -> tuple[bytes, bytes] | None:
    """A long name as ustar's prefix (at most 155 bytes) and name (at most 100); None when it does not fit."""
    if len(name) > 256:
        return None
    slash = name.find(b"/", len(name) - 101)
    if 0 < slash <= 155 and slash < len(name) - 1:
        return name[:slash], name[slash + 1 :]
    return None


def _ustar(name: bytes, kind: bytes, entry: TarEntry) -> bytes:
    prefix, short = (b"", name[:100]) if len(name) <= 100 else (_split(name) or (b"", name[-100:]))
    seconds = entry.mtime // 10**9
    block = _USTAR.pack(
        short,
        b"%07o" % entry.mode,
        b"%07o" % (entry.uid if entry.uid <= _LARGEST_ID else 0),
        b"%07o" % (entry.gid if entry.gid <= _LARGEST_ID else 0),
        b"%011o" % (entry.size if entry.size <= _LARGEST_OCTAL else 0),
        b"%011o" % (seconds if 0 <= seconds <= _LARGEST_OCTAL else 0),
        b"        ",
        kind,
        entry.link,
        b"ustar\x0000",
        b"%07o\0%07o" % entry.device,
        prefix,
    )
    return b"%s%06o\0 %s" % (block[:148], sum(block), block[156:])
