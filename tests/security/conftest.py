"""A worker and an engine of the tests' own, images that a stranger would make, and a canary outside of them."""

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest

from baselard.engine.run.worker import Worker
from baselard.engine.solver.graph import Output, Value
from tests.integration.engine.conftest import (  # noqa: F401 -- fixtures
    Client,
    Ready,
    _own_mounts,
    busybox,
    either_runtime,
    machine,
    run,
    tree,
    worker,
)
from tests.security.canary import SECRET, Canary

Image = Callable[[Callable[[Path], None]], Output]
BUSYBOX = "FROM scratch AS busybox\nCOPY bin /bin\nENV PATH=/bin\n"


@pytest.fixture
def canary(tmp_path: Path) -> Iterator[Canary]:
    """A tree that the test must leave as it is."""
    made = Canary.made(tmp_path / "canary")
    yield made
    made.check()


@pytest.fixture
def image(machine: Worker, busybox: Value) -> Image:  # noqa: F811
    """The busybox image with a change by hand, as an output that a command can stand on."""
    numbers = itertools.count()

    def made(change: Callable[[Path], None]) -> Output:
        with machine.snapshots.draft(busybox.tree) as draft:  # type: ignore[arg-type]
            change(draft.path)
            return Output(Ready(Value(f"{change} {next(numbers)}", draft.commit())))

    return made


@pytest.fixture(scope="session")
def engine(_own_mounts: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:  # noqa: F811
    """An engine process that all tests of a run ask."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BASELARD_TEST_CANARY", SECRET)  # nothing inside a container may see it
        client = Client(tmp_path_factory.mktemp("security-engine"))
    yield client
    client.close()


@pytest.fixture
def build(engine: Client, tree: Path) -> Callable[..., Any]:  # noqa: F811
    """Build a Dockerfile that may say ``FROM busybox``, and ask for a field of the container.

    ``files`` lie in the context. Gives the answer, errors and all.
    """

    def ask(dockerfile: str, field: str = "id", **files: bytes) -> Any:
        (tree / "Dockerfile").write_text(BUSYBOX + dockerfile)
        for name, content in files.items():
            (tree / name).write_bytes(content)
        return engine.ask(f'{{host{{directory(path:"{tree}",noCache:true){{dockerBuild{{sync {field}}}}}}}}}')

    return ask


class Replaceable:
    """An engine that may be killed, and cannot take the machine's memory along; the next test gets another then."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.engines: list[Client] = []

    def living(self) -> Client:
        if not self.engines or self.engines[-1].child.poll() is not None:
            place = self.directory / str(len(self.engines))
            place.mkdir()
            self.engines.append(Client(place, ("prlimit", f"--as={6 << 30}")))
        return self.engines[-1]


@pytest.fixture(scope="session")
def replaceable(_own_mounts: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replaceable]:  # noqa: F811
    made = Replaceable(tmp_path_factory.mktemp("doomed"))
    yield made
    for client in made.engines:
        client.close()


@pytest.fixture
def doomed(replaceable: Replaceable) -> Client:
    """An engine that ``within`` may kill."""
    return replaceable.living()


def within(seconds: float, client: Client, query: str) -> Any:
    """The answer to a query; fails the test, and ends the engine, if there is none in time."""
    answers: list[Any] = []

    def ask() -> None:
        with suppress(OSError, HTTPException):
            answers.append(client.ask(query))

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        client.child.kill()
        client.child.wait()
    thread.join()
    assert answers, f"no answer within {seconds} s"
    return answers[0]
