"""Networks and services: what they add to a command, and how long it takes to stop them."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence

from bench.client import Client, text
from bench.lab import Lab, loaded, mounted, seconds, touch
from bench.method import OURS, Goal, Scenario, Side

_READY = "echo > /ready; while true; do sleep 0.05; done"
_STOPS_IN = (0.1, 0.2, 0.3, 0.4, 0.5, 1.0)  # seconds each of six services takes over SIGTERM
_ONE_NETWORK = """
from baselard.cli.main import main
from baselard.engine.run.networks.network import Network
from baselard.engine.run.networks.namespaces import create
shared = create("shared")
Network.take = lambda self: shared
Network.give_back = lambda self, namespace, reuse=True: None
raise SystemExit(main(["session"]))
"""


@contextlib.contextmanager
def network(lab: Lab) -> Iterator[Mapping[str, Side]]:
    """A command with a network of its own out of the pool, and one that shares a lone loopback with all others."""
    with lab.session() as opened, lab.fresh_store() as store, lab.session(store, ("-c", _ONE_NETWORK)) as lone:
        yield {OURS: _exec(opened, lab, "net"), "one loopback for all": _exec(lone, lab, "net")}


@contextlib.contextmanager
def bound(lab: Lab) -> Iterator[Mapping[str, Side]]:
    """A command with a service that is up, and one without."""
    with lab.session() as opened:
        service = opened.ask(*_service(opened, lab, 0.0, 0))
        opened.ask(f"loadServiceFromID(id: {text(service)})", "start")
        binding = f'withServiceBinding(alias: "up", service: {text(service)})'
        yield {OURS: _exec(opened, lab, "bound", binding), "no service": _exec(opened, lab, "alone")}


@contextlib.contextmanager
def stop(lab: Lab) -> Iterator[Mapping[str, Side]]:
    """The end of a session with six services up, the slowest of which takes a second, and with that one alone."""
    yield {OURS: _stop(lab, _STOPS_IN), "the slowest alone": _stop(lab, _STOPS_IN[-1:])}


def _exec(opened: Client, lab: Lab, name: str, *before: str) -> Side:
    start = loaded(mounted(opened, lab.tiny()))
    return lambda number: opened.timed(start, *before, touch(f"{name}{number}"), "sync")


def _stop(lab: Lab, times: Sequence[float]) -> Side:
    def side(number: int) -> float:
        with contextlib.ExitStack() as session:
            opened = session.enter_context(lab.session())
            for time in times:
                service = opened.ask(*_service(opened, lab, time, number))
                opened.ask(f"loadServiceFromID(id: {text(service)})", "start")
            return seconds(session.close)

    return side


def _service(opened: Client, lab: Lab, stops_in: float, number: int) -> tuple[str, ...]:
    """The calls that end in the ID of a service, which is up once it has a file and takes its time over SIGTERM."""
    line = f"trap 'sleep {stops_in}; exit 0' TERM; : {number}; {_READY}"
    check = f"withDockerHealthcheck(args: {text(['cat', '/ready'])})"
    return (loaded(mounted(opened, lab.tiny())), check, f"asService(args: {text(['sh', '-c', line])})", "id")


SCENARIOS = (
    Scenario(
        "network",
        "an exec's network, the pool warm",
        network,
        Goal("difference", 0.01),
        rounds=15,
        warm_up=3,
        itself=True,
    ),
    Scenario(
        "bound-service",
        "a bound service that is up",
        bound,
        Goal("difference", 0.02),
        rounds=15,
        warm_up=2,
        itself=True,
    ),
    Scenario(
        "stop-services", "the end of a session with six services", stop, Goal("ratio", 1.5), rounds=3, itself=True
    ),
)
