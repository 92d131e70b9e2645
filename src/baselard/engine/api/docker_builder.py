"""The engine as a builder of Dockerfiles: the Dockerfile room's operations as calls on the engine's own objects."""

import os
import posixpath
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from baselard.dockerfile.apply.builder import BlockedError, BuiltTarget, MatchedPath, MountedTree, Placement, Warn
from baselard.dockerfile.apply.owners import TABLES
from baselard.dockerfile.plan.steps import Git, Inline, RunStep, Step, Url
from baselard.dockerfile.syntax.modes import apply_mode, parse_mode
from baselard.dockerfile.syntax.paths import as_glob, split_wildcards
from baselard.engine.api import docker_config, docker_run
from baselard.engine.api.objects.container import Container
from baselard.engine.api.objects.directory import EMPTY, Directory
from baselard.engine.api.objects.secrets import Secret
from baselard.engine.api.objects.values import Socket
from baselard.engine.api.query.context import Context
from baselard.engine.files import inside, paths, reading
from baselard.engine.files.reading import FileType
from baselard.engine.files.walking import Filter
from baselard.engine.host import platforms
from baselard.engine.ops import source
from baselard.engine.ops.copy import Copy, CopyFiles
from baselard.engine.ops.file import Chmod, NewDirectory
from baselard.engine.ops.git import GitTree, Remote
from baselard.engine.ops.http import Http
from baselard.engine.ops.unpack import Unpack
from baselard.engine.solver.graph import Output
from baselard.oci.image_config import ImageConfig
from baselard.oci.platforms import Platform, this_machine

_DIRECTORY_MODE = 0o755


class UnresolvedError(Exception):
    """An image that has to be resolved before the build can be planned any further."""

    def __init__(self, reference: str, platform: str) -> None:
        super().__init__(reference)
        self.reference = reference
        self.platform = platform


@dataclass(frozen=True)
class EngineBuilder:
    """One build. ``images`` are those resolved so far; asking for another raises UnresolvedError."""

    ctx: Context
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    ssh: Socket | None = None
    no_init: bool = False
    images: dict[tuple[str, str], Container] = field(default_factory=dict)

    async def resolve(self, missing: UnresolvedError) -> None:
        """Ask the registry for an image, so that the build can go on."""
        platform = platforms.parse(missing.platform)
        image = await source.find(self.ctx.session.worker, missing.reference, platform)
        container = Container(image.rootfs, image.config, image_ref=str(image.reference), marks=(image.rootfs,))
        self.images[missing.reference, missing.platform] = container

    async def default_platform(self) -> str:
        return str(this_machine())

    async def read_text(self, tree: Directory, path: str) -> str | None:
        where = tree.inside(path)

        def read(root: Path) -> str | None:
            found = inside.read(root, where)
            return None if found is None else found.decode(errors="replace")

        return await self.ctx.look(tree.output, read)

    async def config_of(self, container: Container) -> ImageConfig:
        return container.config

    async def look_up(self, tree: Directory, patterns: Sequence[str]) -> list[list[MatchedPath]]:
        return await self.ctx.look(
            tree.output, lambda root: [_matches(root, tree.path, pattern) for pattern in patterns]
        )

    async def settle(self, container: Container) -> Container:
        await self.ctx.value(container.rootfs)
        return container

    def image(self, reference: str, platform: str) -> Container:
        if (reference, platform) not in self.images:
            raise UnresolvedError(reference, platform)
        return self.images[reference, platform]

    def scratch(self, platform: str) -> Container:
        return Container(EMPTY, ImageConfig(platform=_platform(platform)), marks=(EMPTY,))

    def on_directory(self, tree: Directory, platform: str) -> Container:
        rootfs = tree if tree.path == "/" else tree.filter()
        return replace(self.scratch(platform), rootfs=rootfs.output, marks=(rootfs.output,))

    def rootfs(self, container: Container) -> Directory:
        return Directory(container.rootfs)

    def ignoring(self, tree: Directory, patterns: Sequence[str]) -> Directory:
        return tree.filter(exclude=tuple(patterns)) if patterns else tree

    def inline(self, files: Inline) -> Directory:
        tree = Directory(EMPTY)
        for name, text in files.files:
            tree = tree.with_new_file(name, text, files.mode)
        return tree

    def download(self, url: Url) -> Directory:
        nonce = "" if url.checksum else self.ctx.session.nonce
        return Directory(Output(Http(url.address, url.name, 0o600, url.checksum, nonce)))

    def checkout(self, git: Git) -> Directory:
        remote = Remote(git.remote, agent=self.ssh.path if self.ssh else "")
        ref, nonce = (git.checksum, "") if git.checksum else (git.ref or "HEAD", self.ctx.session.nonce)
        tree = GitTree(git.remote, ref, git.keep_git_dir, nonce=nonce, remote=remote)
        return Directory(Output(tree)).directory(git.subdir)

    def configure(self, container: Container, before: ImageConfig, after: ImageConfig) -> Container:
        layered = any(not entry.empty_layer for entry in after.history[len(before.history) :])
        marks = (*container.marks, container.rootfs) if layered else container.marks
        return docker_config.configured(replace(container, marks=marks), after)

    async def owner_tables(self, container: Container) -> tuple[str, str]:
        def read(root: Path) -> tuple[str, str]:
            passwd, group = [_table(root, table) for table in TABLES]
            return passwd, group

        return await self.ctx.look(container.rootfs, read)

    async def make_directory(self, container: Container, path: str, owner: str) -> Container:
        where = paths.join("/", path)
        if await self.ctx.look(container.rootfs, lambda root: reading.exists(root, where, FileType.DIRECTORY)):
            return container
        if await self.ctx.look(container.rootfs, lambda root: reading.exists(root, where)):
            raise BlockedError(f"{where} is not a directory")
        return replace(container, rootfs=Output(NewDirectory(container.rootfs, where, _DIRECTORY_MODE, owner)))

    def run(
        self, container: Container, config: ImageConfig, step: RunStep, mounts: Sequence[MountedTree[Directory]]
    ) -> Container:
        given = docker_run.Given(self.secrets, self.ssh, self.ctx.namespace, self.no_init, self.ctx.session.fresh)
        return docker_run.run_step(container, config, step, mounts, given)

    async def copy(self, container: Container, placements: Sequence[Placement[Directory]], _warn: Warn) -> Container:
        for placement in placements:
            archive = await self._archive(placement) if placement.unpack else None
            if folder := _folder(placement, is_directory=placement.is_directory or archive is not None):
                container = await self.make_directory(container, folder, placement.owner)
            rootfs = (
                archive(container.rootfs) if archive else await self._placed(Directory(container.rootfs), placement)
            )
            container = replace(container, rootfs=rootfs.output)
        return container

    async def finish(self, target: BuiltTarget[Container]) -> Container:
        return docker_config.finished(target.container, target.config)

    def limits(self, step: Step, before: ImageConfig) -> Iterable[tuple[str, str]]:  # noqa: ARG002
        return ()

    def has_secret(self, name: str) -> bool:
        return name in self.secrets

    def has_ssh(self) -> bool:
        return self.ssh is not None

    async def _archive(self, one: Placement[Directory]) -> Callable[[Output], Directory] | None:
        """What puts the content of ADD's archive, which has owners of its own, into a tree; None for another file."""
        unpack = Unpack(one.tree.output, one.tree.inside(one.path), posixpath.basename(one.path))
        facts = (await self.ctx.result(unpack)).data
        if "implied" not in facts:
            return None
        implied = tuple(facts["implied"])
        return lambda tree: Directory(Output(Copy(tree, Output(unpack), one.dest, as_docker=True, implied=implied)))

    async def _placed(self, rootfs: Directory, one: Placement[Directory]) -> Directory:
        origin = one.tree.directory("" if one.path == "." else one.path)
        mode = await self._mode(one, origin)
        if one.is_directory:
            origin = await self._with_modes(origin, one.mode) if one.mode and mode is None else origin
            selected = Filter(tuple(one.include), tuple(one.exclude))
            return rootfs.after(
                Copy(rootfs.output, origin.output, one.dest, origin.path, one.owner, mode, selected, as_docker=True)
            )
        return rootfs.after(
            CopyFiles(rootfs.output, (origin.output,), (origin.path,), one.dest, one.owner, mode, as_docker=True)
        )

    async def _mode(self, one: Placement[Directory], origin: Directory) -> int | None:
        mode = parse_mode(one.mode)
        if not one.mode or mode is not None or one.is_directory:
            return mode
        status = await self.ctx.look(origin.output, lambda root: reading.status(root, origin.path))
        return apply_mode(one.mode, status.permissions, is_directory=False)

    async def _with_modes(self, origin: Directory, change: str) -> Directory:
        """The directory where everything in it has the mode that the symbolic ``change`` makes of its own."""
        modes = await self.ctx.look(origin.output, lambda root: tuple(_modes(root, origin.path, change)))
        return origin.after(Chmod(origin.output, origin.path, modes))


def _table(root: Path, path: str) -> str:
    """The text of a table of users, "" when it is not there. Raises UserError for what is no regular file."""
    return reading.contents(root, path).decode(errors="replace") if reading.exists(root, path) else ""


def _folder(one: Placement[Directory], *, is_directory: bool) -> str:
    """The directory to make before copying; "" where a copy makes it as it should be: 0755 and root's."""
    if is_directory or (one.owner and one.dest.endswith("/")):
        return one.dest.rstrip("/") or "/"
    return posixpath.dirname(one.dest) if one.owner else ""


def _platform(text: str) -> Platform:
    return platforms.wanted(text)


def _modes(root: Path, base: str, change: str) -> Iterator[tuple[str, int]]:
    """The new mode of each path below the directory ``base`` that is no link."""
    for path in reading.glob(root, base, "**"):
        mode = os.lstat(Path(reading.directory(root, base), path)).st_mode
        if not stat.S_ISLNK(mode):
            yield path.rstrip("/"), apply_mode(change, stat.S_IMODE(mode), is_directory=stat.S_ISDIR(mode))


def _matches(root: Path, base: str, pattern: str) -> list[MatchedPath]:
    """What a source pattern of COPY names, in the order of names; links are followed up to its first wildcard."""
    directory, wild = split_wildcards(pattern)
    start = paths.join(base, directory)
    if not wild:
        names = [pattern] if reading.exists(root, paths.join(base, pattern)) else []
    elif reading.exists(root, start, FileType.DIRECTORY):
        names = [posixpath.join(directory, name.rstrip("/")) for name in reading.glob(root, start, as_glob(wild))]
    else:
        names = []
    return [MatchedPath(name, reading.exists(root, paths.join(base, name), FileType.DIRECTORY)) for name in names]
