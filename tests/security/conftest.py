"""A worker and an engine of the tests' own, images that a stranger would make, and a canary outside of them."""

import itertools
from collections.abc import Callable, Iterator
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
        with machine.snapshots.draft(busybox.tree) as draft:
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
