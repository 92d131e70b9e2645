"""The project that a client works in."""

import os
import posixpath
from dataclasses import dataclass

from baselard.engine.api.objects.serving import served, served_as, shows
from baselard.engine.errors import UserError
from baselard.engine.files import paths

CONFIG = "dagger.json"


@shows("path")
@dataclass(frozen=True)
class Workspace:
    """The project the client works in: ``root`` on its machine, and ``path``, where in it the client is (``/`` …)."""

    root: str
    path: str

    @served
    def address(self) -> str:
        return f"file://{self.root}"

    @served_as("hasConfig", "initialized")
    def has_config(self) -> bool:
        return os.path.exists(os.path.join(self.root, CONFIG))

    @served
    def config_path(self) -> str:
        return CONFIG if self.has_config() else ""

    @served
    def find_up(self, name: str, from_: str = ".") -> str | None:
        """The path of what is nearest of this name, from the client's place, or another, up to the root."""
        here = paths.clean(posixpath.join("/", self.path, from_))
        while not os.path.exists(os.path.join(self.root, here, name)):
            if not here:
                return None
            here = posixpath.dirname(here)
        return posixpath.join("/", here, name)

    def inside(self, path: str) -> str:
        """The host's path of one seen from where the client is. Raises UserError if it is outside of the workspace."""
        relative = posixpath.join("/", self.path, path)
        if paths.climbs(relative):
            raise UserError(f"path {path!r} is outside of the workspace {self.root}")
        return paths.under(self.root, paths.resolve(self.root, relative))
