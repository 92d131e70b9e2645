"""`RUN --mount` fields → a MountStep. Rules: BuildKit frontend/dockerfile/instructions/commands_runmount.go."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from dataclasses import dataclass

from baselard.dockerfile.plan.stages import MainContext, ScratchSource, Source
from baselard.dockerfile.plan.steps import MountStep
from baselard.dockerfile.syntax.flags import suggestion, truth
from baselard.dockerfile.syntax.paths import absolute
from baselard.oci.digits import LARGEST_ID, LARGEST_MODE, decimal, octal

KINDS = ("bind", "cache", "tmpfs", "secret", "ssh")
SHARING = ("shared", "private", "locked")
FLAG_KEYS = {"readonly", "ro", "readwrite", "rw", "required"}
ALIASES = {"src": "source", "dst": "target", "destination": "target", "ro": "readonly", "rw": "readwrite"}
KEYS = (
    "type",
    "from",
    "source",
    "target",
    "readonly",
    "readwrite",
    "id",
    "sharing",
    "required",
    "mode",
    "uid",
    "gid",
    "size",
    "env",
)
SIZE = re.compile(r"(\d{1,18}(?:\.\d+)?) ?(?:([kmgtp])i?)?b?", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True)
class MountFields:
    """The fields of one mount after expansion, each at most once (the last one counts)."""

    kind: str
    values: dict[str, str]

    def text(self, key: str) -> str:
        return self.values.get(key, "")

    def number(self, key: str, read: Callable[[str, int], int | None], most: int) -> int | None:
        if key not in self.values:
            return None
        number = read(self.values[key], most)
        if number is None:
            raise ValueError(f"invalid value {self.values[key]} for {key}")
        return number


def read_mount(
    fields: tuple[tuple[str, str | None], ...],
    expand: Callable[[str], str],
    find: Callable[[str], Source],
    workdir: str,
) -> MountStep:
    """One mount. Raises ValueError in BuildKit's words; `find` resolves the name after `from=`."""
    read = _collect(fields, expand)
    _validate(read)
    source = read.text("from")
    tree: Source = MainContext()
    if read.kind in ("cache", "tmpfs") and not (source and read.kind == "cache"):
        tree = ScratchSource()
    elif source:
        tree = find(source)
    return MountStep(
        kind=read.kind,
        target=_target(read, workdir),
        tree=tree,
        source=posixpath.normpath("/" + read.text("source").lstrip("/")),
        read_only=_read_only(read),
        id=_identity(read),
        sharing=read.text("sharing").lower() or "shared",
        required=truth("required", read.values.get("required", "false")),
        mode=read.number("mode", octal, LARGEST_MODE),
        uid=read.number("uid", decimal, LARGEST_ID),
        gid=read.number("gid", decimal, LARGEST_ID),
        size=_size(read.text("size")),
        env=read.text("env"),
    )


def _collect(fields: tuple[tuple[str, str | None], ...], expand: Callable[[str], str]) -> MountFields:
    values: dict[str, str] = {}
    for key, raw in fields:
        name = ALIASES.get(key, key)
        if raw is None and key not in FLAG_KEYS:
            raise ValueError(f"invalid field '{key}' must be a key=value pair")
        if name not in KEYS:
            raise ValueError(f"unexpected key '{key}' in '{key}={raw}'{suggestion(key, KEYS)}")
        value = "true" if raw is None else expand(raw)
        if name == "readwrite":
            name, value = "readonly", str(not truth(key, value)).lower()
        values[name] = value
    kind = values.get("type", "bind").lower()
    if kind not in KINDS:
        raise ValueError(f'unsupported mount type "{values["type"]}"{suggestion(kind, KINDS)}')
    return MountFields(kind, values)


ONLY_FOR = {
    "required": ("secret", "ssh"),
    "size": ("tmpfs",),
    "env": ("secret",),
}


def _validate(read: MountFields) -> None:
    for key, kinds in ONLY_FOR.items():
        if key in read.values and read.kind not in kinds:
            raise ValueError(f"unexpected key '{key}' for mount type '{read.kind}'")
    if read.kind in ("bind", "tmpfs"):
        for key in ("mode", "uid", "gid"):
            if key in read.values:
                raise ValueError(f'{key} not allowed for "{read.kind}" type mounts')
    sharing = read.text("sharing")
    if sharing and sharing.lower() not in SHARING:
        raise ValueError(f'unsupported sharing value "{sharing}"{suggestion(sharing, SHARING)}')
    if read.kind == "secret":
        _validate_secret(read)
    elif sharing and read.kind != "cache":
        raise ValueError(f"invalid cache sharing set for {read.kind} mount")


def _validate_secret(read: MountFields) -> None:
    if read.text("from"):
        raise ValueError("secret mount should not have a from")
    if read.text("sharing"):
        raise ValueError("secret mount should not define sharing")
    if not (read.text("source") or read.text("target") or read.text("id")):
        raise ValueError("invalid secret mount. one of source, target required")
    if read.text("source") and read.text("id"):
        raise ValueError("both source and id can't be set")


def _read_only(read: MountFields) -> bool:
    default = "false" if read.kind in ("cache", "tmpfs") else "true"
    return truth("readonly", read.values.get("readonly", default))


def _identity(read: MountFields) -> str:
    target = read.text("target")
    if read.kind == "secret":
        return read.text("id") or read.text("source") or posixpath.basename(target)
    if read.kind == "ssh":
        return read.text("id") or read.text("source") or "default"
    return read.text("id") or posixpath.normpath(target or ".")


def _target(read: MountFields, workdir: str) -> str:
    """Where it appears. "" for a secret that is only a variable, and for the agent's default socket."""
    target = read.text("target")
    if read.kind == "secret":
        if not target and read.text("env"):
            return ""
        return absolute(workdir, target or f"/run/secrets/{posixpath.basename(_identity(read))}")
    if read.kind == "ssh":
        return absolute(workdir, target) if target else ""
    place = absolute(workdir, target)
    if place == "/":
        raise ValueError('invalid mount target "/"')
    return place


def _size(text: str) -> int:
    """Bytes of a text like 512m, powers of 1024 (docker/go-units RAMInBytes). 0 when not given."""
    if not text:
        return 0
    match = SIZE.fullmatch(text.strip())
    if not match:
        raise ValueError(f"invalid value for size: {text}")
    power = " kmgtp".index((match[2] or " ").lower())
    return int(float(match[1]) * 1024**power)
