"""The job by buildah, with podman to run the tests."""

from __future__ import annotations

import contextlib
import functools
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from bench import docker, podman
from bench.job import debian, peers
from bench.lab import Lab, on_disk, seconds, settle
from bench.podman import Podman
from bench.programs import run
from bench.project import Project


@dataclass(frozen=True)
class Buildah:
    """One machine, on which the base was built."""

    lab: Lab
    project: Project
    there: str
    programs: Podman

    @classmethod
    @contextlib.contextmanager
    def prepared(cls, lab: Lab, project: Project) -> Iterator[Self]:
        """The programs, and the base built. It is forgotten afterwards."""
        tree = docker.tree()
        peers.goss(tree)
        copy, there = peers.placed(project, tree, "buildah")
        rootfs, changes = debian.rootfs(tree)
        with podman.opened() as programs:
            job = cls(lab, copy, there, programs)
            archive = rootfs.with_suffix(".tar")
            run(["tar", "-C", str(rootfs), "-cf", str(archive), "."])
            options = [word for change in changes for word in ("--change", change)]
            programs.podman("import", *options, f"/{archive.relative_to(tree)}", debian.IMAGE)
            try:
                job.base()
                yield job
            finally:
                with contextlib.suppress(RuntimeError):  # an interruption may have ended the programs first
                    programs.podman("rmi", "--all", "--force")

    def at_once(self, _number: int) -> float:
        """Seconds of building base and examples with what is known, and of the tests."""

        def job() -> None:
            self.base()
            self.examples()

        return seconds(job)

    def cold(self, _number: int) -> float:
        """The same when the base is there and nothing of the examples."""
        self._put_cache_mounts_aside()
        settle()
        took = seconds(lambda: self.examples("--no-cache"))
        self.lab.note("buildah", moved=0, disk=on_disk(self.programs.data))
        return took

    def base(self) -> None:
        """Build the base."""
        target = ("--target", self.project.target) if self.project.target else ()
        self._build(f"{self.there}/image", peers.image(self.project), *target)

    def examples(self, *options: str) -> None:
        """Build all examples side by side, and test them."""
        context = f"{self.project.base}:latest=container-image://{peers.image(self.project)}"

        def one(name: str) -> None:
            self._build(
                f"{self.there}/examples/{name}", peers.image(self.project, name), "--build-context", context, *options
            )

        peers.each(one, self.project.examples)
        peers.test(self.programs.podman, self.project, self.there)

    def _put_cache_mounts_aside(self) -> None:
        for volumes in (self.programs.tree / "var/tmp").glob("buildah-cache*"):
            aside = Path(tempfile.mkdtemp(dir=volumes.parent, prefix="aside"))
            volumes.rename(aside / volumes.name)
            self.lab.later(functools.partial(shutil.rmtree, aside))

    def _build(self, context: str, image: str, *options: str) -> None:
        # --pull=never: what it has must do, since there may be no registry to ask.
        common = ("--layers", "--network", "host", "--pull=never")
        self.programs.buildah("build", *common, *options, "--tag", image, context)
