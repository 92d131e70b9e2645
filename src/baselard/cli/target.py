"""The subject of a command line: a module, what it says of itself, and its process, started when it is needed."""

import asyncio
import contextlib
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

from baselard.cli import places
from baselard.cli.options import Options
from baselard.engine.api.objects.typedef import Module, TypeDef
from baselard.engine.host import checkout
from baselard.engine.modules import known, remote, source
from baselard.engine.modules.source import PythonModule
from baselard.engine.store import cachedir

if TYPE_CHECKING:  # help must not wait for these
    from baselard.engine.modules.running import Runner
    from baselard.engine.progress.display import Display


@dataclass
class Target:
    """A module to call. The runner and the display start at first use; ``close`` ends them."""

    source: PythonModule
    options: Options
    _module: Module | None = None
    _runner: "Runner | None" = None
    _display: "Display | None" = None
    _closing: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    @property
    def display(self) -> "Display":
        """Where progress is shown."""
        if self._display is None:
            from baselard.cli import displays  # see TYPE_CHECKING

            self.show_on(displays.display_of(self.options))
        return cast("Display", self._display)

    def show_on(self, display: "Display") -> None:
        """Show progress on this display, and close it in the end."""
        self._display = display
        self._closing.callback(display.close)

    @property
    def module(self) -> Module:
        """The module's types, from the cache or from the module itself. Raises what a broken module leads to."""
        if self._module is None:
            self._module = known.read(self.source, places.cache_root()) or self._register()
        return self._module

    def start_runner(self, *, learns: bool = False) -> "Runner":
        """The module's process, which imports the module in its own time; one that ``learns`` is for many calls."""
        if self._runner is None:
            from baselard.engine.host import caller  # see TYPE_CHECKING
            from baselard.engine.modules import environment, running  # see TYPE_CHECKING

            user = caller.invoking_user(os.environ)
            python = environment.interpreter(self.source, places.cache_root(), user)
            bytecode = places.cache_root() / "bytecode"
            self._runner = running.start(self.source, python, user, self.output, bytecode, learns=learns)
            self._closing.callback(self._runner.close)
        return self._runner

    def output(self, data: bytes) -> None:
        """Show the output of the module's code."""
        self.display.note(data.decode(errors="replace"))

    def find(self, name: str) -> TypeDef | None:
        """The type of this name: the module's own or the API's."""
        if own := self.module.find(name):
            return own
        from baselard.engine.api import served  # reads the whole schema, which few commands need
        from baselard.engine.api.query import core_types  # reads the whole schema, which few commands need

        return core_types.find(served.core().schema, name)

    def close(self) -> None:
        """End the module's process and the display."""
        self._closing.close()

    def settle(self) -> None:
        """End both for now, so that none of their threads is left; the next use starts others."""
        self.close()
        self._runner = self._display = None

    def _register(self) -> Module:
        from baselard.engine.modules import environment, registration  # only for a module not seen before

        if asked := environment.too_new(self.source):
            version = ".".join(map(str, sys.version_info[:2]))
            self.display.note(f"warning: the module asks for Python {asked}; it is tried with {version}")
        module = asyncio.run(registration.register(self.start_runner(), self.display, self.output))
        known.write(self.source, places.cache_root(), module)
        return module


@contextlib.contextmanager
def opened(options: Options) -> Iterator[Target]:
    """The module that the options name with ``-m``, or the nearest one; where there is none, Baselard's own.

    The latter then works on the current directory. Raises UserError for a module that cannot be.
    """
    # Before the module is looked at: it may hold the cache, and must look the same to the next call.
    cachedir.claim(places.cache_root())
    if remote.is_remote(options.module):
        found = source.find(remote.fetch(options.module, places.cache_root()))
    elif options.module:
        found = source.load(Path(options.module).resolve())
    elif near := source.nearest(Path.cwd()):
        found = source.load(near)
    else:
        found = replace(source.load(checkout.MODULE), tree=Path.cwd())
    with contextlib.closing(Target(found, options)) as target:
        yield target
