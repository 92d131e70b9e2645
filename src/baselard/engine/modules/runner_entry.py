"""Where a module begins, as the SDK finds it in Dagger's own images, where nothing but the module is installed.

Part of the runner's program (runner.py), which knows nothing of the engine.
"""

import contextlib
import importlib.machinery
import importlib.metadata
import importlib.util
import os
from collections.abc import Iterator


@contextlib.contextmanager
def nothing_installed() -> Iterator[None]:
    """Have the SDK find no entry point: those that are installed beside it are not the module's, which is not."""
    real = importlib.metadata.entry_points
    importlib.metadata.entry_points = lambda **_: ()  # type: ignore[assignment]
    try:
        yield
    finally:
        importlib.metadata.entry_points = real


@contextlib.contextmanager
def nothing_of_python() -> Iterator[None]:
    """Have the SDK not take the standard library for a module of its name, such as ``test`` with a main.py alone.

    The images that Dagger runs modules in are without Python's own tests.
    """
    import sysconfig  # seldom needed

    find, places = importlib.util.find_spec, sysconfig.get_paths()

    def of_others(name: str) -> "importlib.machinery.ModuleSpec | None":
        spec = find(name)
        where = os.path.dirname(spec.origin or "") if spec else ""
        own = where.startswith(places["stdlib"]) and not where.startswith((places["purelib"], places["platlib"]))
        return None if own else spec

    importlib.util.find_spec = of_others  # type: ignore[assignment]
    try:
        yield
    finally:
        importlib.util.find_spec = find
