"""Any Dockerfile on container objects, with `FROM` an object.

parse (text → instructions) → plan (stages, arguments) → lower (a stage → frozen steps) → apply (steps → calls on a
builder). All but `build` is pure; only `build` imports dagger-io, which takes most of a second.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from dockerfile.asked import Asked
from dockerfile.bases import BaseReference, base_references, image_under
from dockerfile.errors import DockerfileError, Place, Warning_
from dockerfile.instructions import Dockerfile
from dockerfile.syntax import parse

if TYPE_CHECKING:
    from dockerfile.dagger_build import build

__all__ = [
    "Asked",
    "BaseReference",
    "Dockerfile",
    "DockerfileError",
    "Place",
    "Warning_",
    "base_references",
    "build",
    "image_under",
    "parse",
]


def __getattr__(name: str) -> Any:
    if name != "build":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return importlib.import_module("dockerfile.dagger_build").build
