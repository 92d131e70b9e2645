"""Libraries that take long to import and are seldom needed: most calls never speak to a registry."""

import importlib
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Lazily:
    """Stands for a module and imports it when something of it is used first. Safe from any thread."""

    module: str

    def __getattr__(self, name: str) -> Any:
        return getattr(importlib.import_module(self.module), name)
