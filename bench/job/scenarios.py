"""The scenarios: nothing known of the examples, everything, everything but one example, everything but the base."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from bench import project
from bench.job import first, real_dagger
from bench.job.bake import Bake
from bench.job.buildah import Buildah
from bench.job.ours import Ours
from bench.lab import Lab
from bench.method import Goal, Scenario, Side
from bench.project import Change, Project


@contextlib.contextmanager
def cold(lab: Lab) -> Iterator[Mapping[str, Side]]:
    """One machine: the base is there and nothing of the examples."""
    yield {"baselard object": _ours(lab).by_object, "docker bake": _bake(lab).cold, "buildah": _buildah(lab).cold}


@contextlib.contextmanager
def at_first(lab: Lab) -> Iterator[Mapping[str, Side]]:
    """A machine that knows nothing at all: neither the base nor, on our side, Baselard and the base's own base."""
    yield {"baselard": lambda _: first.ours(lab, _ours(lab).project), "docker bake": _bake(lab).first}


@contextlib.contextmanager
def by_registry(lab: Lab) -> Iterator[Mapping[str, Side]]:
    """Machines that take the base from a registry, and have nothing at all."""
    ours = _ours(lab)
    yield {
        "baselard registry": ours.by_registry,
        "docker registry": _bake(lab).by_registry,
        "baselard matrix": ours.by_matrix,
    }


@contextlib.contextmanager
def by_archive(lab: Lab) -> Iterator[Mapping[str, Side]]:
    """Machines that get the base in files, and have nothing at all."""
    ours = _ours(lab)
    yield {
        "baselard archive": ours.by_archive,
        "docker archive": _bake(lab).by_archive,
        "baselard rebuild": ours.by_rebuild,
    }


@contextlib.contextmanager
def changed(lab: Lab, *, change: Change) -> Iterator[Mapping[str, Side]]:
    """Everything was built before; then something changes. Tests run anew. One machine."""
    ours, bake, buildah = _ours(lab), _bake(lab), _buildah(lab)
    store = lab.share("a store that knows the examples", functools.partial(_copied, ours))

    def side(of: Project, run: Callable[[], float]) -> Side:
        def after(number: int) -> float:
            change(of, f"{lab.scenario} {number}")
            return run()

        return after

    sides = {
        "baselard object": side(ours.project, lambda: ours.at_once(store)),
        "docker bake": side(bake.project, lambda: bake.at_once(0)),
        "buildah": side(buildah.project, lambda: buildah.at_once(0)),
    }
    if real_dagger.configured():
        sides[real_dagger.NAME] = side(ours.project, lambda: real_dagger.at_once(ours.project))
    yield sides


@contextlib.contextmanager
def growing(lab: Lab) -> Iterator[Mapping[str, Side]]:
    """A small base, and more and more examples of one step each; nothing is known of them."""
    with lab.scratch() as scratch:
        sides: dict[str, Side] = {}
        for count in lab.sizes.counts:
            generated = project.small(scratch / str(count), count)
            ours = _built(lab, generated)
            bake = lab.share(f"bake of {count}", functools.partial(Bake.prepared, lab, generated))
            sides[f"{count} by object"] = ours.by_object
            sides[f"{count} by docker bake"] = bake.cold
            sides[f"{count} by matrix"] = ours.by_matrix
        yield sides


def _ours(lab: Lab) -> Ours:
    return lab.share("ours", lambda: contextlib.nullcontext(_built(lab, _project(lab))))


def _bake(lab: Lab) -> Bake:
    return lab.share("bake", lambda: Bake.prepared(lab, _project(lab)))


def _buildah(lab: Lab) -> Buildah:
    return lab.share("buildah", lambda: Buildah.prepared(lab, _project(lab)))


def _project(lab: Lab) -> Project:
    """A copy for one peer; each makes changes in its own."""
    root = lab.until_end.enter_context(lab.scratch()) / "project"
    return project.small(root, lab.sizes.job) if lab.sizes.job else project.real(root)


def _built(lab: Lab, of: Project) -> Ours:
    """Projects on the same base share the store in which it was built: nothing of their examples is in there."""
    made = Ours(lab, of, lab.root / f"built {of.base.replace('/', '-')}")
    made.prepare()
    return made


@contextlib.contextmanager
def _copied(ours: Ours) -> Iterator[Path]:
    with ours.giver() as store:
        ours.at_once(store)
        yield store


Sides = Callable[[Lab], AbstractContextManager[Mapping[str, Side]]]


def _scenario(name: str, title: str, sides: Sides, rounds: int, ratio: float = 1.0) -> Scenario:
    goal = Goal("ratio", ratio)
    return Scenario(f"job-{name}", f"built base to all verdicts: {title}", sides, goal, rounds=rounds, warm_up=0)


def _changed(name: str, title: str, change: Change, rounds: int, ratio: float = 1.0) -> Scenario:
    return _scenario(name, title, functools.partial(changed, change=change), rounds, ratio)


SCENARIOS = (
    _scenario("cold", "cold", cold, 3, 0.9),
    _scenario("registry", "cold, elsewhere, by a registry", by_registry, 3, 0.5),
    _scenario("archive", "cold, elsewhere, by an archive", by_archive, 3, 0.5),
    _changed("warm", "nothing changed", project.nothing, 5, 0.8),
    _changed("one", "one example changed", project.one_example, 5),
    _changed("base", "the base changed", project.the_base, 3),
    Scenario("job-first", "from nothing to all verdicts", at_first, Goal("value", 80), rounds=3, warm_up=0),
    Scenario("job-growth", "base of 20 MB to the verdicts of many cold examples", growing, rounds=3, warm_up=0),
)
