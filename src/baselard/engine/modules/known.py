"""What modules said of themselves, kept by their content, so that help and parsing need neither SDK nor engine."""

import contextlib
import os
import tempfile
from pathlib import Path

from baselard.engine.api.objects.typedef import Module, dumps, loads
from baselard.engine.modules.source import ModuleSource

_VERSION = "1"


def read(source: ModuleSource, cache: Path) -> Module | None:
    """What was kept of this very content of the module, or None."""
    try:
        return loads(_path(source, cache).read_text())
    except (OSError, ValueError, TypeError, KeyError):  # absent, or written by another version
        return None


def write(source: ModuleSource, cache: Path, module: Module) -> None:
    """Keep ``module`` for the next time; a cache that cannot be written is no error."""
    path = _path(source, cache)
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(descriptor, "w") as file:
            file.write(dumps(module))
        Path(name).replace(path)


def _path(source: ModuleSource, cache: Path) -> Path:
    return cache / "types" / f"{source.digest[7:39]}-v{_VERSION}.json"
