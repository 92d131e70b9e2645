"""Modules' descriptions of themselves, kept by their content, so that help and parsing need neither SDK nor engine."""

import contextlib
import dataclasses
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from baselard.engine.api.objects.typedef import (
    EnumValueTypeDef,
    FieldTypeDef,
    Function,
    FunctionArg,
    Module,
    TypeDef,
)
from baselard.engine.modules.source import PythonModule

_VERSION = "1"
_HELD: dict[str, Module] = {}


def read(source: PythonModule, cache: Path) -> Module | None:
    """The description that was kept of this very content of the module, or None."""
    if held := _HELD.get(source.digest):
        return held
    try:
        return loads(_path(source, cache).read_text())
    except (OSError, ValueError, TypeError, KeyError):  # absent, or written by another version
        return None


def hold(source: PythonModule, cache: Path) -> None:
    """Have the description, if it was kept, known to this process and all that it forks."""
    if module := read(source, cache):
        _HELD[source.digest] = module


def write(source: PythonModule, cache: Path, module: Module) -> None:
    """Keep ``module`` for the next time; a cache that cannot be written is no error."""
    path = _path(source, cache)
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(descriptor, "w") as file:
            file.write(dumps(module))
        Path(name).replace(path)


def _path(source: PythonModule, cache: Path) -> Path:
    return cache / "types" / f"{source.digest[7:39]}-v{_VERSION}.json"


def dumps(module: Module) -> str:
    """The module as JSON text that ``loads`` reads."""
    return json.dumps(dataclasses.asdict(module), separators=(",", ":"))


def loads(text: str) -> Module:
    """The module from the text of ``dumps``. Raises KeyError, TypeError or ValueError when it is not that."""
    raw = json.loads(text)
    types: dict[str, Any] = {kind: tuple(map(_type, raw[kind])) for kind in ("objects", "interfaces", "enums")}
    return Module(**{**raw, **types})


def _type(raw: dict[str, Any]) -> TypeDef:
    lists: dict[str, Any] = {
        "fields": tuple(FieldTypeDef(**{**field, "type_def": _type(field["type_def"])}) for field in raw["fields"]),
        "functions": tuple(map(_function, raw["functions"])),
        "members": tuple(EnumValueTypeDef(**member) for member in raw["members"]),
        "element": _type(raw["element"]) if raw["element"] else None,
        "constructor": _function(raw["constructor"]) if raw["constructor"] else None,
    }
    return TypeDef(**{**raw, **lists})


def _function(raw: dict[str, Any]) -> Function:
    args = tuple(
        FunctionArg(**{**arg, "type_def": _type(arg["type_def"]), "ignore": tuple(arg["ignore"])})
        for arg in raw["args"]
    )
    return Function(**{**raw, "return_type": _type(raw["return_type"]), "args": args})
