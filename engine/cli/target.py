"""What a command line is about: a module, what it says of itself, and its process, started when it is needed."""

import asyncio
import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from engine.cli import options, places
from engine.cli.options import Options
from engine.modules import known, remote, source
from engine.modules.source import ModuleSource
from engine.objects.typedef import Module, TypeDef

if TYPE_CHECKING:  # help must not wait for these
    from engine.modules.running import Runner
    from engine.progress import Display

_OWN = Path(__file__).resolve().parents[2]


@dataclass
class Target:
    """A module to call. The runner and the display start at first use; ``close`` ends them."""

    source: ModuleSource
    options: Options
    _module: Module | None = None
    _runner: "Runner | None" = None
    _display: "Display | None" = None
    _closing: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    @property
    def display(self) -> "Display":
        """Where progress is shown."""
        if self._display is None:
            from engine.cli import displays  # noqa: PLC0415 -- see TYPE_CHECKING

            asked = self.options
            self._display = displays.display(asked.progress, quiet=asked.quiet, verbose=asked.verbose)
            self._closing.callback(self._display.close)
        return self._display

    @property
    def module(self) -> Module:
        """The module's types, from the cache or from the module itself. Raises what a broken module leads to."""
        if self._module is None:
            self._module = known.read(self.source, places.cache_root()) or self._register()
        return self._module

    def start_runner(self) -> "Runner":
        """The module's process, which imports the module in its own time."""
        if self._runner is None:
            from engine import caller  # noqa: PLC0415 -- see TYPE_CHECKING
            from engine.modules import environment, running  # noqa: PLC0415 -- see TYPE_CHECKING

            user = caller.invoking_user(os.environ)
            python = environment.interpreter(self.source, places.cache_root(), user)
            self._runner = running.start(self.source, python, user, self.output)
            self._closing.callback(self._runner.close)
        return self._runner

    def output(self, data: bytes) -> None:
        """What the module's code prints."""
        self.display.note(data.decode(errors="replace"))

    def find(self, name: str) -> TypeDef | None:
        """The type of this name: the module's own or the API's."""
        if own := self.module.find(name):
            return own
        from engine.schema import core_types  # noqa: PLC0415 -- reads the whole schema, which few commands need

        return core_types.find(name)

    def close(self) -> None:
        """End the module's process and the display."""
        self._closing.close()

    def _register(self) -> Module:
        from engine.modules import environment, registration  # noqa: PLC0415 -- only for a module not seen before

        if asked := environment.too_new(self.source):
            version = ".".join(map(str, sys.version_info[:2]))
            self.display.note(f"warning: the module asks for Python {asked}; it is tried with {version}")
        cache = places.cache_root()
        module = asyncio.run(registration.register(self.start_runner(), cache, self.display, self.output))
        known.write(self.source, cache, module)
        return module


@contextlib.contextmanager
def opened(argv: Sequence[str]) -> Iterator[Target]:
    """The module that ``argv`` names with ``-m``, or the nearest one; where there is none, this checkout's own.

    The latter then works on the current directory. Raises UserError for a module that cannot be.
    """
    early = options.early(argv)
    if remote.is_remote(early.module):
        found = source.find(remote.fetch(early.module, places.cache_root()))
    elif early.module:
        found = source.load(Path(early.module).resolve())
    elif near := source.nearest(Path.cwd()):
        found = source.load(near)
    else:
        found = replace(source.load(_OWN), tree=Path.cwd())
    with contextlib.closing(Target(found, early)) as target:
        yield target
