"""A function's result on stdout, as Dagger's command line prints it."""

import json
import sys
from pathlib import Path
from typing import Any

from baselard.engine.api.objects.typedef import TypeDef
from baselard.engine.files import exporting
from baselard.engine.modules.walk import identity

_EXPORTED = ("Container", "Directory", "File", "Changeset")


def show(kind: TypeDef, value: Any, *, as_json: bool, output: str = "") -> None:
    """Print ``value`` of type ``kind``; with ``output``, write it to that file too, or say where it was exported."""
    if kind.kind == "VOID_KIND":
        return
    if output and kind.name in _EXPORTED:
        sys.stderr.write(f"Saved to {json.dumps(value)}.\n")
        return
    text = _text(kind, value, as_json=as_json)
    if output:
        path = Path(output)
        exporting.write_text(path, text)
        sys.stderr.write(f"Saved output to {json.dumps(str(path.resolve()))}.\n")
    sys.stdout.write(text)
    if sys.stdout.isatty() and not text.endswith("\n"):
        sys.stdout.write("\n")
    sys.stdout.flush()


def _text(kind: TypeDef, value: Any, *, as_json: bool) -> str:
    if as_json:
        return json.dumps(value, indent=4, ensure_ascii=False) + "\n"
    element = kind.element or kind
    if element.kind in ("OBJECT_KIND", "INTERFACE_KIND"):
        return _objects(kind, value)
    return _plain(value)


def _objects(kind: TypeDef, value: Any) -> str:
    if kind.element:
        return "".join(f"- {_objects(kind.element, item)}" for item in value)
    return identity(kind, value) + "\n" if value is not None else ""


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return "".join(_plain(item) + "\n" for item in value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
