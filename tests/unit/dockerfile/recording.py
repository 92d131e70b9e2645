"""A builder that runs nothing and notes every call; its contexts are real folders, so that sources can be found."""

from __future__ import annotations

import glob
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from e2b_dockerfile_utils import PatternMatcher

from baselard.dockerfile.apply.builder import BuiltTarget, MatchedPath, MountedTree, Placement, Warn
from baselard.dockerfile.plan.steps import Git, Inline, RunStep, Step, Url
from baselard.dockerfile.syntax.paths import has_wildcards
from baselard.oci.image_config import ImageConfig


@dataclass(frozen=True)
class Tree:
    """A directory: a folder of this machine, or only a name."""

    name: str
    folder: Path | None = None
    ignored: tuple[str, ...] = ()


@dataclass(frozen=True)
class Box:
    """A container: what it started from and what was done to it."""

    name: str
    calls: tuple[tuple[object, ...], ...] = ()
    config: ImageConfig = field(default_factory=ImageConfig)

    def then(self, *call: object, config: ImageConfig | None = None) -> Box:
        return Box(self.name, (*self.calls, call), config or self.config)


@dataclass
class Recorder:
    """`configs` are those of images by reference; `asked` counts the questions by their name, `described` holds
    the containers whose users were looked up."""

    configs: Mapping[str, ImageConfig] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    ssh: bool = False
    asked: dict[str, int] = field(default_factory=dict)
    described: list[Box] = field(default_factory=list)

    def ask(self, what: str) -> None:
        self.asked[what] = self.asked.get(what, 0) + 1

    async def default_platform(self) -> str:
        return "linux/amd64"

    async def read_text(self, tree: Tree, path: str) -> str | None:
        file = (tree.folder or Path("/nonexistent")) / path
        return file.read_bytes().decode() if file.is_file() else None

    async def config_of(self, container: Box) -> ImageConfig:
        self.ask("config_of")
        return self.configs.get(container.name.removesuffix(":latest"), container.config)

    async def look_up(self, tree: Tree, patterns: Sequence[str]) -> list[list[MatchedPath]]:
        self.ask("look_up")
        return [_find(tree, pattern) for pattern in patterns]

    async def settle(self, container: Box) -> Box:
        return container.then("settle")

    def image(self, reference: str, platform: str) -> Box:
        return Box(reference)

    def scratch(self, platform: str) -> Box:
        return Box("scratch")

    def on_directory(self, tree: Tree, platform: str) -> Box:
        return Box(f"directory {tree.name}")

    def rootfs(self, container: Box) -> Tree:
        return Tree(f"rootfs of {container.name}")

    def ignoring(self, tree: Tree, patterns: Sequence[str]) -> Tree:
        return Tree(tree.name, tree.folder, tuple(patterns))

    def inline(self, files: Inline) -> Tree:
        return Tree(f"inline {dict(files.files)}")

    def download(self, url: Url) -> Tree:
        return Tree(f"download {url.address}")

    def checkout(self, git: Git) -> Tree:
        return Tree(f"checkout {git.remote}")

    def configure(self, container: Box, before: ImageConfig, after: ImageConfig) -> Box:
        return container.then("configure", config=after)

    async def owner_tables(self, container: Box) -> tuple[str, str]:
        if container not in self.described:
            self.described.append(container)
        return "agent:x:1000:1001::/:\n", "agent:x:1001:\nstaff:x:50:\n"

    async def make_directory(self, container: Box, path: str, owner: str) -> Box:
        return container.then("make_directory", path, owner)

    def run(self, container: Box, config: ImageConfig, step: RunStep, mounts: Sequence[MountedTree[Tree]]) -> Box:
        return container.then("run", step, tuple(mounts))

    async def copy(self, container: Box, placements: Sequence[Placement[Tree]], warn: Warn) -> Box:
        return container.then("copy", *placements)

    async def finish(self, target: BuiltTarget[Box]) -> Box:
        return target.container.then("finish", config=target.config)

    def limits(self, step: Step, before: ImageConfig) -> Iterable[tuple[str, str]]:
        return [("Network", "no networks here")] if isinstance(step, RunStep) and step.network != "default" else []

    def has_secret(self, name: str) -> bool:
        return name in self.secrets

    def has_ssh(self) -> bool:
        return self.ssh


def _find(tree: Tree, pattern: str) -> list[MatchedPath]:
    if tree.folder is None:
        return [MatchedPath(pattern, False)]
    names = glob.glob(pattern, root_dir=tree.folder, include_hidden=True) if has_wildcards(pattern) else [pattern]
    matcher = PatternMatcher(list(tree.ignored))
    paths = [(name, tree.folder / name) for name in sorted(names) if not matcher.matches(name)]
    return [MatchedPath(name, path.is_dir()) for name, path in paths if path.exists() and _inside(path, tree.folder)]


def _inside(path: Path, folder: Path) -> bool:
    return path.resolve().is_relative_to(folder.resolve())
