"""The engine's part in applying a plan. `C` stands for its containers, `D` for its directory trees.

Two implementations: `dagger_builder` on any Dagger API through dagger-io, and the embedded engine's own, in process.
All handles are values: an operation returns a new one and runs nothing unless it is a coroutine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeAlias, TypeVar

from baselard.dockerfile.plan.stages import Source
from baselard.dockerfile.plan.steps import Git, Inline, MountStep, RunStep, Step, Url
from baselard.oci.image_config import ImageConfig

C = TypeVar("C")
D = TypeVar("D")
# Told (rule, message) for what a step builds differently, when only building shows it.
Warn: TypeAlias = Callable[[str, str], None]


class BlockedError(Exception):
    """Something of another kind is where a file or directory is to be made; the text says what."""


@dataclass(frozen=True)
class MatchedPath:
    """A path of a tree that a pattern matched, without a leading slash ("." is the root); symlinks are followed.

    `is_plain` says that it is certainly no symlink, which lets a builder copy many files at once.
    """

    path: str
    is_directory: bool
    is_plain: bool = False


@dataclass(frozen=True)
class Placement(Generic[D]):
    """One found path to be copied.

    A file goes to `dest`, or into it when `dest` ends with a slash or is a directory, under its own name.
    Of a directory the contents go to `dest`. Directories that are missing there are made 0755 for `owner`, others stay
    as they are; a link at `dest` is followed wherever it leads.
    `include` (patterns as in .dockerignore, for --parents) and `exclude` filter below a directory.
    `unpack` says that a file which is an archive is extracted into the directory `dest` instead (ADD).
    """

    tree: D
    path: str
    is_directory: bool
    dest: str
    owner: str = ""
    mode: str = ""
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    unpack: bool = False
    is_plain: bool = False


@dataclass(frozen=True)
class MountedTree(Generic[D]):
    """A mount with its tree. `is_directory` says what `mount.source` is inside that tree."""

    mount: MountStep
    tree: D | None = None
    is_directory: bool = True


@dataclass(frozen=True)
class BuiltTarget(Generic[C]):
    """The result of the target stage: `base` is what its chain of stages starts from, with `base_config`."""

    container: C
    base_config: ImageConfig
    config: ImageConfig
    base: Source
    platform: str


class Builder(Protocol[C, D]):
    """The operations of an engine."""

    async def default_platform(self) -> str:
        """The platform of the machine that builds, `os/arch[/variant]`."""

    async def read_text(self, tree: D, path: str) -> str | None:
        """A text file of a tree, None when there is none."""

    async def config_of(self, container: C) -> ImageConfig:
        """The config of an image from outside, as far as it can be known."""

    async def look_up(self, tree: D, patterns: Sequence[str]) -> list[list[MatchedPath]]:
        """For each pattern (Go's filepath.Match, per path component) what it matches, sorted.

        A pattern without wildcards matches the path it names, or nothing when that is missing.
        """

    async def settle(self, container: C) -> C:
        """The same container, with what led to it done; called now and then in long files."""

    def image(self, reference: str, platform: str) -> C: ...

    def scratch(self, platform: str) -> C: ...

    def on_directory(self, tree: D, platform: str) -> C:
        """A container with nothing but a root filesystem."""

    def rootfs(self, container: C) -> D: ...

    def ignoring(self, tree: D, patterns: Sequence[str]) -> D:
        """The tree without what the .dockerignore patterns exclude."""

    def inline(self, files: Inline) -> D: ...

    def download(self, url: Url) -> D: ...

    def checkout(self, git: Git) -> D: ...

    def configure(self, container: C, before: ImageConfig, after: ImageConfig) -> C:
        """Take the container from one config to the next, as far as later steps can see."""

    async def owner_tables(self, container: C) -> tuple[str, str]:
        """The texts of /etc/passwd and /etc/group, "" for one that is not there."""

    async def make_directory(self, container: C, path: str, owner: str) -> C:
        """`path` and its missing parents, 0755, owned by the numeric `owner`; nothing when it is there.

        Raises BlockedError when it is no directory.
        """

    def run(self, container: C, config: ImageConfig, step: RunStep, mounts: Sequence[MountedTree[D]]) -> C:
        """Run the step in the config's environment, directory and user."""

    async def copy(self, container: C, placements: Sequence[Placement[D]], warn: Warn) -> C:
        """The placements of one COPY in their order, as one layer where the engine has layers.

        They share destination and owner, which is numeric. Raises BlockedError for what docker refuses to replace.
        """

    async def finish(self, target: BuiltTarget[C]) -> C:
        """Give the last container what `configure` could not: the config keys no later step sees."""

    def limits(self, step: Step, before: ImageConfig) -> Iterable[tuple[str, str]]:
        """(rule, message) for each thing a step asks for that this engine builds differently."""

    def has_secret(self, name: str) -> bool: ...

    def has_ssh(self) -> bool: ...
