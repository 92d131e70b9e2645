"""Reads a tar stream entry by entry, trusting none of it: ustar, pax and GNU headers, sparse files included.

Formats: POSIX.1-2017 ``pax`` ("ustar Interchange Format", "pax Header Block") and GNU tar's manual, "Basic Tar Format"
and "Storing Sparse Files". Python's tarfile needs 80 µs for each entry and reads headers of any announced size into
memory; layers have 50,000 entries and may be hostile.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple, Protocol

from baselard.engine.errors import UserError

BLOCK = 512
_LARGEST_HEADER = 1 << 20  # bytes of a long name or a pax header; real ones hold a few hundred
_LARGEST_FILE = 1 << 44  # 16 TiB, ext4's limit
_MOST_SEGMENTS = 1 << 16  # data segments of one sparse file
REGULAR, HARD_LINK, SYMLINK, CHARACTER, BLOCK_DEVICE, DIRECTORY, FIFO = b"0", b"1", b"2", b"3", b"4", b"5", b"6"
_PAX, _PAX_GLOBAL, _LONG_NAME, _LONG_LINK, _GNU_SPARSE = b"x", b"g", b"L", b"K", b"S"
_SAME_AS_REGULAR = (b"\0", b"7")
_KINDS = (REGULAR, HARD_LINK, SYMLINK, CHARACTER, BLOCK_DEVICE, DIRECTORY, FIFO)
_XATTR = b"SCHILY.xattr."
_MOST_DIGITS = 19  # 2**63


class TarSource(Protocol):
    """Where the tar's bytes come from."""

    def read(self, size: int) -> bytes:
        """Exactly ``size`` bytes; fewer only at the very end."""

    def skip(self, size: int) -> int:
        """Go past ``size`` bytes; past how many, fewer only at the very end."""


class TarEntry(NamedTuple):
    """One member. ``size`` counts the bytes that follow in the stream, ``segments`` (offset, length) where they belong
    in a sparse file of ``real_size`` bytes; ``mtime`` in nanoseconds."""

    name: bytes
    kind: bytes
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    size: int = 0
    mtime: int = 0
    link: bytes = b""
    device: tuple[int, int] = (0, 0)
    xattrs: Mapping[str, bytes] = MappingProxyType({})
    segments: tuple[tuple[int, int], ...] | None = None
    real_size: int = 0


class TarReader:
    """Iterates over entries; between two of them the caller may ``read`` the content of the first, or part of it."""

    def __init__(self, source: TarSource) -> None:
        self._source = source
        self._left = 0  # bytes of the present entry's content not yet read
        self._padding = 0

    def __iter__(self) -> Iterator[TarEntry]:
        pax: dict[bytes, bytes] = {}
        longs: dict[bytes, bytes] = {}
        while (block := self._next_header()) is not None:
            kind, size = block[156:157], _number(block, 124, 12)
            if kind in (_PAX, _PAX_GLOBAL):
                records = _pax_records(self._whole(size))
                pax = {**pax, **records} if kind == _PAX else pax
            elif kind in (_LONG_NAME, _LONG_LINK):
                longs[kind] = self._whole(size).rstrip(b"\0")
            else:
                yield self._entry(block, kind, pax, longs)
                pax, longs = {}, {}
        if pax or longs:
            raise UserError("the tar ends after an extended header, where its entry should be")

    def read(self, size: int) -> bytes:
        """The next bytes of the present entry's content. Raises UserError when the tar ends too early."""
        data = self._source.read(min(size, self._left))
        if len(data) < min(size, self._left):
            raise UserError("the tar is truncated: it ends inside a file")
        self._left -= len(data)
        return data

    def _entry(self, block: bytes, kind: bytes, pax: dict[bytes, bytes], longs: dict[bytes, bytes]) -> TarEntry:
        entry = _plain_entry(block, kind, pax, longs)
        self._expect(entry.size)
        if kind == _GNU_SPARSE:
            return self._gnu_sparse(block, entry)
        if any(key.startswith(b"GNU.sparse.") for key in pax):
            return self._pax_sparse(pax, entry)
        return entry

    def _gnu_sparse(self, block: bytes, entry: TarEntry) -> TarEntry:
        segments = _segments(block, 386, 4)
        more = block[482]
        while more:
            extension = self._source.read(BLOCK)
            if len(extension) < BLOCK or len(segments) > _MOST_SEGMENTS:
                raise UserError("the map of a sparse file is broken")
            segments += _segments(extension, 0, 21)
            more = extension[504]
        return _sparse(entry, segments, _number(block, 483, 12))

    def _pax_sparse(self, pax: dict[bytes, bytes], entry: TarEntry) -> TarEntry:
        named = entry._replace(name=pax.get(b"GNU.sparse.name", entry.name))
        real_size = _decimal(pax.get(b"GNU.sparse.realsize", pax.get(b"GNU.sparse.size", b"0")))
        if pax.get(b"GNU.sparse.major") == b"1":
            numbers = self._leading_numbers()
            named = named._replace(size=self._left)
        else:
            numbers = [_decimal(text) for text in pax.get(b"GNU.sparse.map", b"").split(b",") if text]
        return _sparse(named, list(zip(numbers[::2], numbers[1::2], strict=False)), real_size)

    def _leading_numbers(self) -> list[int]:
        """The map of format 1.0, at the head of the content: a count and pairs, a line each, padded to a block."""
        lines: list[bytes] = []
        rest, wanted = b"", 1
        while len(lines) < wanted:
            *whole, rest = (rest + self.read(BLOCK)).split(b"\n")
            lines += whole
            wanted = 1 + 2 * _decimal(lines[0]) if lines else 1
            if wanted > 2 * _MOST_SEGMENTS or (not whole and not self._left):
                raise UserError("the map of a sparse file is broken")
        return [_decimal(line) for line in lines[1:wanted]]

    def _next_header(self) -> bytes | None:
        """The next header, after what is left of the present entry; None at the end."""
        self._skip(self._left + self._padding)
        self._left = self._padding = 0
        block = self._source.read(BLOCK)
        if not block.strip(b"\0"):
            return None  # two zero blocks by the standard; one, or the end of the stream, is common
        if len(block) < BLOCK:
            raise UserError("the tar is truncated: it ends inside a header")
        if sum(block) - sum(block[148:156]) + 256 != _number(block, 148, 8):
            raise UserError("this is not a tar, or a broken one: the checksum of a header is wrong")
        return block

    def _expect(self, size: int) -> None:
        self._left, self._padding = size, -size % BLOCK

    def _whole(self, size: int) -> bytes:
        if size > _LARGEST_HEADER:
            raise UserError(f"an extended header of {size} bytes is too large")
        self._expect(size)
        return self.read(size)

    def _skip(self, size: int) -> None:
        if self._source.skip(size) < size:
            raise UserError("the tar is truncated: it ends inside a file")


def _plain_entry(block: bytes, kind: bytes, pax: dict[bytes, bytes], longs: dict[bytes, bytes]) -> TarEntry:
    name = _text(block, 0, 100)
    if block[257:263] == b"ustar\0" and (prefix := _text(block, 345, 155)):
        name = prefix + b"/" + name
    kind = REGULAR if kind in _SAME_AS_REGULAR or kind == _GNU_SPARSE else kind
    if kind == REGULAR and name.endswith(b"/"):
        kind = DIRECTORY  # as before POSIX
    if kind not in _KINDS:
        raise UserError(f"the tar holds an entry of unknown type {kind!r}")
    size = _decimal(pax[b"size"]) if b"size" in pax else _number(block, 124, 12)
    if not 0 <= size <= _LARGEST_FILE:
        raise UserError(f"the tar holds an entry of {size} bytes, which is too large")
    return TarEntry(
        name=pax.get(b"path", longs.get(_LONG_NAME, name)),
        kind=kind,
        mode=_number(block, 100, 8) & 0o7777,
        uid=_owner(pax.get(b"uid"), block, 108),
        gid=_owner(pax.get(b"gid"), block, 116),
        size=size if kind == REGULAR else 0,
        mtime=_time(_nanoseconds(pax[b"mtime"]) if b"mtime" in pax else _number(block, 136, 12) * 10**9),
        link=pax.get(b"linkpath", longs.get(_LONG_LINK, _text(block, 157, 100))),
        device=(_device(block, 329), _device(block, 337)) if kind in (CHARACTER, BLOCK_DEVICE) else (0, 0),
        xattrs=_xattrs(pax) if pax else {},
    )


def _xattrs(pax: dict[bytes, bytes]) -> dict[str, bytes]:
    start = len(_XATTR)
    return {
        key[start:].decode("utf-8", "surrogateescape"): value for key, value in pax.items() if key.startswith(_XATTR)
    }


def _owner(field: bytes | None, block: bytes, start: int) -> int:
    number = _decimal(field) if field is not None else _number(block, start, 8)
    if not 0 <= number < 0xFFFFFFFF:  # the highest means «nobody's» to chown(2)
        raise UserError(f"the tar holds an entry owned by {number}, which is not an owner")
    return number


def _time(nanoseconds: int) -> int:
    """A time; one that no clock here can show becomes 1970, as in docker."""
    return nanoseconds if abs(nanoseconds) < 1 << 63 else 0


def _device(block: bytes, start: int) -> int:
    number = _number(block, start, 8)
    if not 0 <= number < 1 << 32:
        raise UserError(f"the tar holds a device of number {number}, which is none")
    return number


def _sparse(entry: TarEntry, segments: list[tuple[int, int]], real_size: int) -> TarEntry:
    end = 0
    for offset, length in segments:
        if offset < end or length < 0 or offset + length > real_size:
            raise UserError("the map of a sparse file is broken")
        end = offset + length
    if real_size > _LARGEST_FILE:
        raise UserError(f"the tar holds a sparse file of {real_size} bytes, which is too large")
    if sum(length for _, length in segments) != entry.size:
        raise UserError("the map of a sparse file does not fit its data")
    return entry._replace(segments=tuple(segments), real_size=real_size)


def _segments(block: bytes, start: int, count: int) -> list[tuple[int, int]]:
    places = range(start, start + 24 * count, 24)
    return [(_number(block, at, 12), _number(block, at + 12, 12)) for at in places if block[at : at + 12].strip(b"\0 ")]


def _text(block: bytes, start: int, length: int) -> bytes:
    return block[start : start + length].partition(b"\0")[0]


def _number(block: bytes, start: int, length: int) -> int:
    """An octal number, or GNU's base 256 when the highest bit is set."""
    if block[start] & 0x80:
        value = int.from_bytes(block[start : start + length], "big")
        bits = 8 * length - 1
        return value - (1 << bits + 1) if block[start] & 0x40 else value - (1 << bits)
    text = block[start : start + length].strip(b"\0 ")
    if not text:
        return 0
    if text.strip(b"01234567"):
        raise UserError(f"this is not a tar, or a broken one: {text!r} is not an octal number")
    return int(text, 8)


def _decimal(text: bytes) -> int:
    if not (text.removeprefix(b"-").isdigit() and len(text) <= _MOST_DIGITS):
        raise UserError(f"the tar's extended header holds {text[:40]!r} where a number should be")
    return int(text)


def _nanoseconds(text: bytes) -> int:
    """Decimal seconds as nanoseconds, without a float's rounding."""
    whole, _, part = text.partition(b".")
    sign = -1 if text.startswith(b"-") else 1
    return _decimal(whole or b"0") * 10**9 + sign * _decimal(part[:9].ljust(9, b"0"))


def _pax_records(data: bytes) -> dict[bytes, bytes]:
    """``length key=value newline``, the length counting itself."""
    records: dict[bytes, bytes] = {}
    offsets: list[bytes] = []
    at = 0
    while at < len(data):
        space = data.find(b" ", at, at + 20)
        length = _decimal(data[at:space]) if space > at else 0
        if length <= space - at or data[at + length - 1 : at + length] != b"\n":
            raise UserError("the tar's extended header is broken")
        key, _, value = data[space + 1 : at + length - 1].partition(b"=")
        if key in (b"GNU.sparse.offset", b"GNU.sparse.numbytes"):
            offsets.append(value)  # format 0.0 repeats its keys
        records[key] = value
        at += length
    if offsets:
        records[b"GNU.sparse.map"] = b",".join(offsets)
    return records
