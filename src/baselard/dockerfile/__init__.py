"""Any Dockerfile on container objects, with `FROM` an object.

parse (text → instructions) → plan (stages, arguments) → lower (a stage → frozen steps) → apply (steps → calls on a
builder). All but `build` is pure; only `build` imports dagger-io, which takes most of a second. Nothing but the errors
is loaded before it is asked for: whoever only catches them pays for no parser.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from baselard.dockerfile.syntax.errors import DockerfileError, Place, Warning_

if TYPE_CHECKING:
    from baselard.dockerfile.dagger.asked import Asked
    from baselard.dockerfile.dagger.build import build
    from baselard.dockerfile.plan.bases import BaseReference, base_references, image_references, image_under
    from baselard.dockerfile.syntax.instructions import Dockerfile
    from baselard.dockerfile.syntax.text import parse

__all__ = [
    "Asked",
    "BaseReference",
    "Dockerfile",
    "DockerfileError",
    "Place",
    "Warning_",
    "base_references",
    "build",
    "image_references",
    "image_under",
    "parse",
]


def __getattr__(name: str) -> Any:
    if name == "build":
        from baselard.dockerfile.dagger.build import build  # dagger-io

        return build
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from baselard.dockerfile.dagger import asked  # the parser and all instructions
    from baselard.dockerfile.plan import bases
    from baselard.dockerfile.syntax import instructions, text

    return next(getattr(home, name) for home in (asked, bases, instructions, text) if hasattr(home, name))
