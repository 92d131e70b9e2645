"""The job by Baselard: the object way, and the four classical ways, whose runners are stores with goss alone."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench import programs, project, registry
from bench.lab import Lab, on_disk, seconds, settle
from bench.project import Project


@dataclass(frozen=True)
class Ours:
    """``built`` is a store that has the base, goss and nothing of the examples; rounds work on copies of it."""

    lab: Lab
    project: Project
    built: Path

    def prepare(self) -> None:
        """Install goss and build the base."""
        if not self.built.exists():
            _copy_store(self._goss, self.built)
        programs.call(self.built, self.project.root, "base", "sync")

    def at_once(self, store: Path) -> float:
        """Seconds of the whole call on a store that may know some of it."""
        return seconds(lambda: _test(store, self.project))

    def by_object(self, _number: int) -> float:
        """One machine: the examples begin at the object."""
        with self.giver() as store:
            settle()
            took = self.at_once(store)
            self.lab.note("baselard object", moved=0, disk=on_disk(store))
        return took

    def by_registry(self, _number: int) -> float:
        """Push; another machine takes the base by digest."""
        return self._through_registry("baselard registry", lambda base: self._elsewhere(base, self.project.examples))

    def by_matrix(self, _number: int) -> float:
        """Push; a machine for each example takes the base by digest. They run one after the other here."""

        def take(base: str) -> float:
            return sum(self._elsewhere(base, [name]) for name in self.project.examples)

        return self._through_registry("baselard matrix", take)

    def by_archive(self, _number: int) -> float:
        """Write an archive; another machine reads it."""
        with self.giver() as giver, self.taker() as taker, self.lab.scratch() as scratch:
            path = scratch / "base.tar"

            def job() -> None:
                programs.call(giver, self.project.root, "archive", "--output", str(path))
                _test(taker, self.project, "--base", str(path))

            settle()
            took = seconds(job)
            moved = on_disk(path.parent)
            self.lab.note("baselard archive", moved=moved, disk=moved + on_disk(giver) + on_disk(taker))
        return took

    def by_rebuild(self, _number: int) -> float:
        """Write the build cache; another machine reads it and builds again, which runs nothing of the base."""
        with self.giver() as giver, self.taker() as taker, self.lab.scratch() as scratch:

            def job() -> None:
                programs.baselard(giver, "cache", "export", str(scratch))
                programs.baselard(taker, "cache", "import", "--unsigned", str(scratch))
                _test(taker, self.project)

            settle()
            took = seconds(job)
            moved = on_disk(scratch)
            self.lab.note("baselard rebuild", moved=moved, disk=moved + on_disk(giver) + on_disk(taker))
        return took

    def _through_registry(self, side: str, take: Callable[[str], float]) -> float:
        """Seconds of the push and of ``take``, which gets the reference with its digest."""
        with self.giver() as giver, self.lab.scratch() as scratch:
            data = scratch / "registry"
            with registry.running(data) as host:
                pushed: list[str] = []
                argv = ("push-base", "--registry", f"{host}/base", "--tag", "test")
                settle()
                gave = seconds(lambda: pushed.append(programs.call(giver, self.project.root, *argv).strip()))
                took = take(pushed[0])
            self.lab.note(side, moved=on_disk(data), disk=on_disk(data) + on_disk(giver))
        return gave + took

    def _elsewhere(self, base: str, names: list[str]) -> float:
        """Seconds of the taking half on a new machine."""
        with self.taker() as taker:
            only = [word for name in names for word in ("--only", name)]
            settle()
            return seconds(lambda: _test(taker, self.project, "--base", base, *only))

    def giver(self) -> contextlib.AbstractContextManager[Path]:
        """A copy of the store in which the base was built."""
        return self._copy(self.built)

    def taker(self) -> contextlib.AbstractContextManager[Path]:
        """A new machine, on which goss is installed."""
        return self._copy(self._goss)

    @property
    def _goss(self) -> Path:
        return self.lab.share("a store with goss", functools.partial(_with_goss, self.lab))

    @contextlib.contextmanager
    def _copy(self, store: Path) -> Iterator[Path]:
        with self.lab.scratch() as scratch:
            yield _copy_store(store, scratch / "store")


def _copy_store(store: Path, to: Path) -> Path:
    programs.run(["cp", "--archive", "--reflink=auto", str(store), str(to)])
    return to


def _test(store: Path, of: Project, *flags: str) -> str:
    return programs.call(store, of.root, "test-examples", *flags)


@contextlib.contextmanager
def _with_goss(lab: Lab) -> Iterator[Path]:
    """A store that has the container with goss and nothing of a project, since goss is installed on every side before
    the clock starts."""
    with lab.scratch() as scratch:
        programs.call(scratch / "store", project.bare(scratch / "project").root, "test-examples")
        yield scratch / "store"
