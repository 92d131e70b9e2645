"""The job by docker: ``buildx bake`` with the base as a named context, and its registry and archive ways."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from bench import docker, registry
from bench.docker import Docker
from bench.job import debian, peers
from bench.lab import Lab, on_disk, seconds, settle
from bench.project import Project

_OBJECT = "target:base"
_CACHE_MOUNTS = ("builder", "prune", "--all", "--force", "--filter", "type=exec.cachemount")


@dataclass(frozen=True)
class Bake:
    """``giver`` has built the base, which took ``with_base`` MB. Takers are daemons of other machines, with nothing."""

    lab: Lab
    project: Project
    there: str
    giver: Docker
    with_base: float = 0

    @classmethod
    @contextlib.contextmanager
    def prepared(cls, lab: Lab, project: Project) -> Iterator[Self]:
        """The giver, and the base built. All daemons forget all of it at the end."""
        tree = docker.tree()
        peers.goss(tree)
        copy, there = peers.placed(project, tree, "docker")
        bake = cls(lab, copy, there, docker.started("docker-job"))
        if not bake.giver.has(debian.IMAGE):
            rootfs, changes = debian.rootfs(tree)
            bake.giver.make(rootfs, debian.IMAGE, *changes)
        try:
            bake.bake(bake.giver, _OBJECT, "base")
            yield replace(bake, with_base=on_disk(bake.giver.data))
        finally:
            bake.forget(bake.giver)

    def at_once(self, _number: int) -> float:
        """Seconds of one bake, base included, on a machine that may know some of it, and of the tests."""
        return seconds(lambda: self.job(self.giver, _OBJECT))

    def cold(self, _number: int) -> float:
        """The same when the base is there and nothing of the examples."""
        took = self._anew(self.project.examples)
        self.lab.note("docker bake", moved=0, disk=on_disk(self.giver.data))
        return took

    def first(self, _number: int) -> float:
        """The same when only the image is there that the base starts from."""
        return self._anew(["base", *self.project.examples])

    def _anew(self, targets: Sequence[str]) -> float:
        """Seconds of the whole job where nothing of these targets is known."""
        self.giver.run(*_CACHE_MOUNTS)
        uncached = [word for name in targets for word in ("--set", f"{name}.no-cache=true")]
        settle()
        return seconds(lambda: self.job(self.giver, _OBJECT, *uncached))

    def by_registry(self, number: int) -> float:
        """Push; the other machine pulls."""
        with self.lab.scratch() as scratch, registry.running(scratch / "registry") as host:
            name = f"{host}/base:{number}"
            self.giver.run("tag", peers.image(self.project), name)

            def job(taker: Docker) -> None:
                self.giver.run("push", name)
                taker.run("pull", name)
                self.job(taker, f"docker-image://{name}")

            took = self._elsewhere("registry", job, scratch)
            self.giver.remove(name)
        return took

    def by_archive(self, _number: int) -> float:
        """Save; the other machine loads."""
        with self.lab.scratch() as scratch:
            archive = scratch / "base.tar"

            def job(taker: Docker) -> None:
                self.giver.save(peers.image(self.project), archive)
                taker.load(archive)
                self.job(taker, f"docker-image://{peers.image(self.project)}")

            return self._elsewhere("archive", job, scratch)

    def job(self, machine: Docker, base: str, *options: str) -> None:
        """Build all examples on ``base``, which is ``target:base`` or an image, and test them."""
        self.bake(machine, base, *self.project.examples, *options)
        peers.test(machine.run, self.project, self.there)

    def bake(self, machine: Docker, base: str, *words: str) -> None:
        """One ``buildx bake``; ``words`` are targets and options."""
        machine.run("buildx", "bake", *peers.bake_files(self.project, self.there, base), *words)

    def forget(self, machine: Docker) -> None:
        """Images and build cache, all of it."""
        machine.remove(*machine.run("image", "ls", "--quiet").split())
        machine.run("system", "prune", "--all", "--force")
        machine.run("builder", "prune", "--all", "--force")

    def _elsewhere(self, way: str, job: Callable[[Docker], None], scratch: Path) -> float:
        """Seconds of a job with a taker; what it moves lies in ``scratch``. Each way has a taker of its own, so that
        nothing need be deleted in between."""
        taker = docker.started(f"docker-job-{way}")
        self.forget(taker)
        settle()
        took = seconds(lambda: job(taker))
        self.lab.later(lambda: self.forget(taker))
        moved = on_disk(scratch)
        self.lab.note(f"docker {way}", moved=moved, disk=moved + self.with_base + on_disk(taker.data))
        return took
