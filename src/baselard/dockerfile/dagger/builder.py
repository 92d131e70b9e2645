"""The builder that works through dagger-io, on whatever serves the Dagger API."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import dagger

from baselard.dockerfile.apply.builder import BuiltTarget, MatchedPath, MountedTree, Placement, Warn
from baselard.dockerfile.dagger.asked import Asked
from baselard.dockerfile.dagger.config import configure, hidden, read_config
from baselard.dockerfile.dagger.copy import copy
from baselard.dockerfile.dagger.ground import make_directory
from baselard.dockerfile.dagger.hidden import with_hidden
from baselard.dockerfile.dagger.known import known
from baselard.dockerfile.dagger.lookup import Top, look_at_top, look_up
from baselard.dockerfile.dagger.owners import read_tables
from baselard.dockerfile.dagger.run import run_limits, run_step
from baselard.dockerfile.plan.steps import Configure, Git, Inline, RunStep, Step, Url
from baselard.dockerfile.syntax.ignore import ROOT_IGNORE
from baselard.oci.image_config import ImageConfig


@dataclass(frozen=True)
class DaggerBuilder:
    """`secrets` by id, `ssh` the agent's socket; `on_fetch` gets each download and each checkout of an ADD.

    `pins` gives the reference to pull for one as written.
    """

    client: dagger.Client
    secrets: Mapping[str, dagger.Secret] = field(default_factory=dict)
    ssh: dagger.Socket | None = None
    asked: Asked = field(default_factory=Asked)
    on_fetch: Callable[[Url | Git, dagger.File | dagger.GitRef], None] = lambda _what, _got: None
    pins: Callable[[str], str] = str

    async def default_platform(self) -> str:
        return str(await self.asked.once("platform", self.client, self.client.default_platform))

    async def read_text(self, tree: dagger.Directory, path: str) -> str | None:
        if "/" in path:
            return await tree.file(path).contents() if await tree.exists(path) else None
        likely = "" if path.endswith(ROOT_IGNORE) else path
        top: Top = await self.asked.once("top", tree, lambda: look_at_top(tree, likely))
        if path in top.texts or path not in top.names:
            return top.texts.get(path)
        return await tree.file(path).contents()

    async def config_of(self, container: dagger.Container) -> ImageConfig:
        return await self.asked.once("config", container, lambda: self._read_config(container))

    async def owner_tables(self, container: dagger.Container) -> tuple[str, str]:
        return await self.asked.once("owners", container, lambda: read_tables(container))

    async def look_up(self, tree: dagger.Directory, patterns: Sequence[str]) -> list[list[MatchedPath]]:
        return await look_up(tree, patterns)

    async def settle(self, container: dagger.Container) -> dagger.Container:
        return await container.sync()

    def image(self, reference: str, platform: str) -> dagger.Container:
        return self.client.container(platform=dagger.Platform(platform)).from_(self.pins(reference))

    def scratch(self, platform: str) -> dagger.Container:
        return self.client.container(platform=dagger.Platform(platform))

    def on_directory(self, tree: dagger.Directory, platform: str) -> dagger.Container:
        return self.scratch(platform).with_rootfs(tree)

    def rootfs(self, container: dagger.Container) -> dagger.Directory:
        return container.rootfs()

    def ignoring(self, tree: dagger.Directory, patterns: Sequence[str]) -> dagger.Directory:
        return tree.filter(exclude=list(patterns)) if patterns else tree

    def inline(self, files: Inline) -> dagger.Directory:
        tree = self.client.directory()
        for name, text in files.files:
            tree = tree.with_new_file(name, text, permissions=files.mode)
        return tree

    def download(self, url: Url) -> dagger.Directory:
        file = self.client.http(url.address, name=url.name, permissions=0o600, checksum=url.checksum or None)
        self.on_fetch(url, file)
        return self.client.directory().with_file(url.name, file, permissions=0o600)

    def checkout(self, git: Git) -> dagger.Directory:
        repository = self.client.git(git.remote, ssh_auth_socket=self.ssh)
        ref = repository.head()
        if git.checksum:
            ref = repository.commit(git.checksum)
        elif git.ref:
            ref = repository.ref(git.ref)
        self.on_fetch(git, ref)
        tree = ref.tree(discard_git_dir=not git.keep_git_dir)
        return tree.directory(git.subdir) if git.subdir else tree

    def configure(self, container: dagger.Container, before: ImageConfig, after: ImageConfig) -> dagger.Container:
        return configure(container, before, after)

    async def make_directory(self, container: dagger.Container, path: str, owner: str) -> dagger.Container:
        return await make_directory(self.client, container, path, owner)

    def run(
        self,
        container: dagger.Container,
        config: ImageConfig,
        step: RunStep,
        mounts: Sequence[MountedTree[dagger.Directory]],
    ) -> dagger.Container:
        return run_step(self.client, container, step, config=config, mounts=mounts, secrets=self.secrets, ssh=self.ssh)

    async def copy(
        self, container: dagger.Container, placements: Sequence[Placement[dagger.Directory]], warn: Warn
    ) -> dagger.Container:
        return await copy(self.client, container, placements, warn)

    async def finish(self, target: BuiltTarget[dagger.Container]) -> dagger.Container:
        """Set the hidden keys by importing an image of nothing else, and put the files into that container."""
        wanted = hidden(target.config)
        if wanted == hidden(target.base_config):
            return target.container
        carrier = with_hidden(self.client, wanted, target.platform)
        return configure(carrier.with_rootfs(target.container.rootfs()), wanted, target.config)

    def limits(self, step: Step, before: ImageConfig) -> Iterable[tuple[str, str]]:
        if isinstance(step, RunStep):
            yield from run_limits(step)
        if isinstance(step, Configure) and step.config.author != before.author:
            yield "Author", "MAINTAINER is kept only by engines that keep an image's author; use a LABEL"

    def has_secret(self, name: str) -> bool:
        return name in self.secrets

    def has_ssh(self) -> bool:
        return self.ssh is not None

    async def _read_config(self, container: dagger.Container) -> ImageConfig:
        return await read_config(await self.asked.once("bare", self.client, self._bare), container)

    async def _bare(self) -> dagger.Directory:
        return await known(self.client.directory().with_new_file("empty", ""))
