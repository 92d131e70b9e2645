"""Whole images in, beside docker; and what the engine's memory is for a large one."""

import contextlib
import functools
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from bench import docker, registry
from bench.client import Client, text
from bench.lab import Lab, imported, loaded, mounted, seconds, settle
from bench.method import OURS, Goal, Scenario, Side


@contextlib.contextmanager
def pull(lab: Lab) -> Iterator[Mapping[str, Side]]:
    """Pull and unpack an image of which neither side has anything."""
    daemon = docker.started()
    with contextlib.ExitStack() as stack:
        scratch = stack.enter_context(lab.scratch())
        host = stack.enter_context(registry.running(scratch / "registry"))
        opened = stack.enter_context(_giving(lab))

        @functools.cache
        def pushed(_round: int) -> str:
            number = next(lab.numbers)
            image = f"{host}/bench:{number}"
            opened.ask(loaded(mounted(opened, lab.image(number))), f"publish(address: {text(image)})")
            return image

        def ours(number: int) -> float:
            image = pushed(number)
            with lab.fresh_store() as store, lab.session(store) as there:
                settle()
                return there.timed("container", f"from(address: {text(image)})", "sync")

        def theirs(number: int) -> float:
            image = pushed(number)
            settle()
            took = seconds(lambda: daemon.run("pull", image))
            lab.later(functools.partial(daemon.remove, image))
            return took

        yield {OURS: ours, "docker pull": theirs}


@contextlib.contextmanager
def load(lab: Lab) -> Iterator[Mapping[str, Side]]:
    """Take in an archive of which neither side has anything: the layers in it are not compressed."""
    daemon = docker.started()
    with lab.scratch() as scratch, _giving(lab) as opened:

        @functools.cache
        def written(_round: int) -> Path:
            number = next(lab.numbers)
            archive = scratch / f"{number}.tar"
            opened.ask(loaded(mounted(opened, lab.image(number))), f"export(path: {text(str(archive))})")
            return archive

        def ours(number: int) -> float:
            archive = written(number)
            with lab.fresh_store() as store, lab.session(store) as there:
                settle()
                return seconds(lambda: there.ask(*imported(there, archive), "sync"))

        def theirs(number: int) -> float:
            archive = written(number)
            settle()
            began = time.perf_counter()
            image = daemon.load(archive)
            took = time.perf_counter() - began
            lab.later(functools.partial(daemon.remove, image))
            return took

        yield {OURS: ours, "docker load": theirs}


@contextlib.contextmanager
def _giving(lab: Lab) -> Iterator[Client]:
    """A session on a store that has every round's image, and goes with the scenario."""
    with lab.fresh_store() as store, lab.session(store) as opened:
        yield opened


@contextlib.contextmanager
def memory(lab: Lab) -> Iterator[Mapping[str, Side]]:
    """The most memory of an engine that packs, pushes and pulls an image of twice the base's size."""
    with lab.scratch() as scratch, registry.running(scratch / "registry") as host:

        def ours(number: int) -> float:
            image = f"{host}/bench:{number}"
            with lab.fresh_store() as store, lab.session(store) as here:
                _give(here, lab, image, scratch / f"{number}.tar")
                peak = here.peak
            with lab.fresh_store() as store, lab.session(store) as there:
                there.ask("container", f"from(address: {text(image)})", "sync")
                return max(peak, there.peak)

        yield {OURS: ours}


def _give(here: Client, lab: Lab, image: str, archive: Path) -> None:
    container = mounted(here, lab.large())
    here.ask(loaded(container), f"publish(address: {text(image)})")
    here.ask(loaded(container), f"export(path: {text(str(archive))})")


SCENARIOS = (
    Scenario("pull", "pull and unpack an image", pull, Goal("ratio", 0.15), rounds=3),
    Scenario("load", "take in an image's archive", load, Goal("ratio", 0.15), rounds=3),
    Scenario(
        "image-memory", "engine memory for an image of 2 GB", memory, Goal("value", 60), "MB", rounds=1, warm_up=0
    ),
)
