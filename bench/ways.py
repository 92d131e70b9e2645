"""The ways by which a built base reaches an example: from the built base to the example's first instruction.

Another runner is an empty store, or for docker another daemon. Every round of every side has a base of its own that was
never packed, pushed or unpacked.
"""

import contextlib
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import docker, registry
from bench.client import Client, text
from bench.docker import Docker
from bench.lab import Lab, imported, loaded, mounted, seconds, settle, touch
from bench.method import Goal, Scenario, Side

_ROUNDS = 3


@dataclass(frozen=True)
class Giver:
    """Where the bases are built: an open session, and a registry and a directory that both sides reach."""

    lab: Lab
    opened: Client
    scratch: Path
    registry: str

    def base(self) -> str:
        """A built base."""
        return mounted(self.opened, self.lab.image(next(self.lab.numbers)))

    def by_object(self, _round: int) -> float:
        """The example begins at the object itself."""
        base = self.base()
        settle()
        return self.opened.timed(loaded(base), touch("object"), "sync")

    def by_archive(self, number: int) -> float:
        """Export, then import into an empty store."""
        path = self.scratch / f"{number}.tar"

        took = self._elsewhere(f"export(path: {text(str(path))})", lambda there: imported(there, path))
        path.unlink()
        return took

    def by_registry(self, number: int) -> float:
        """Push, then pull into an empty store."""
        address = text(f"{self.registry}/ours:{number}")
        calls = ("container", f"from(address: {address})")
        return self._elsewhere(f"publish(address: {address})", lambda _: calls)

    def _elsewhere(self, give: str, take: Callable[[Client], Sequence[str]]) -> float:
        base = self.base()
        with self.lab.fresh_store() as store, self.lab.session(store) as there:
            there.ask("version")
            settle()

            def hand_over() -> None:
                self.opened.ask(loaded(base), give)
                there.ask(*take(there), touch("there"), "sync")

            return seconds(hand_over)


@dataclass(frozen=True)
class Peer:
    """The same by docker; ``taker`` is the daemon of another machine."""

    giver: Docker
    taker: Docker
    lab: Lab
    scratch: Path
    registry: str

    def by_registry(self, _round: int) -> float:
        """Push, pull, run."""
        image = f"{self.registry}/theirs:{next(self.lab.numbers)}"
        return self._through(image, lambda: self.giver.run("push", image), lambda: self.taker.run("pull", image))

    def by_archive(self, _round: int) -> float:
        """Save, load, run."""
        number = next(self.lab.numbers)
        image, path = f"bench/theirs:{number}", self.scratch / f"docker-{number}.tar"
        took = self._through(image, lambda: self.giver.save(image, path), lambda: self.taker.load(path))
        path.unlink()
        return took

    def _through(self, image: str, give: Callable[[], object], take: Callable[[], object]) -> float:
        try:
            self.giver.make(self.lab.image(next(self.lab.numbers)), image)
            settle()
            return seconds(give) + seconds(take) + seconds(lambda: self.taker.touch(image))
        finally:
            for machine in (self.giver, self.taker):
                self.lab.later(functools.partial(machine.remove, image))


@contextlib.contextmanager
def handed_over(lab: Lab, *, ours: str, peers: bool) -> Iterator[Mapping[str, Side]]:
    """One way of ours beside both of docker's, or beside docker's of the same name."""
    with contextlib.ExitStack() as stack:
        scratch = stack.enter_context(lab.scratch())
        address = stack.enter_context(registry.running(scratch / "registry"))
        store = stack.enter_context(lab.fresh_store())
        giver = Giver(lab, stack.enter_context(lab.session(store)), scratch, address)
        peer = Peer(docker.started(), docker.started("docker-taker"), lab, scratch, address)
        theirs = ("registry", "archive") if peers else (ours,)
        sides: dict[str, Side] = {f"baselard {ours}": getattr(giver, f"by_{ours}")}
        yield sides | {f"docker {name}": getattr(peer, f"by_{name}") for name in theirs}


def _scenario(name: str, goal: float, *, peers: bool = False) -> Scenario:
    title = f"built base to an example's first instruction, by {name}"
    sides = functools.partial(handed_over, ours=name, peers=peers)
    return Scenario(f"by-{name}", title, sides, Goal("ratio", goal), rounds=_ROUNDS, warm_up=0)


SCENARIOS = (
    _scenario("object", 0.01, peers=True),
    _scenario("registry", 0.25),
    _scenario("archive", 0.25),
)
