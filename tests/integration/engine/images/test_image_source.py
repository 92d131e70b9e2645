"""What ``from`` does with a registry that is there, refuses, or cannot be reached."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from baselard.engine.errors import HostError, UserError
from baselard.engine.files import merging
from baselard.engine.host import platforms
from baselard.engine.images import bootstrap, publish, reference, registries
from baselard.engine.images.bootstrap import Recipe
from baselard.engine.images.registries import Registries
from baselard.engine.images.writing import Format, Variant
from baselard.engine.ops import source
from baselard.engine.solver.evaluate import Evaluator, Flights
from baselard.engine.store.database import Store
from baselard.oci.image_config import ImageConfig

pytestmark = [pytest.mark.anyio, pytest.mark.root]
AMD64 = platforms.parse("linux/amd64")


@dataclass
class Told:
    """Progress that keeps what it is told."""

    lines: list[str] = field(default_factory=list)

    def started(self, key: str, label: str) -> None:
        self.lines.append(label)

    def output(self, key: str, stream: int, data: bytes) -> None:
        self.lines.append(data.decode())

    def finished(self, key: str, *, cached: bool, error: str = "", label: str = "") -> None:
        self.lines.append(error)

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Recipe]:
    """Bootstraps, which make one file here instead of a whole Debian."""
    recipes: list[Recipe] = []

    def debian(target: Path, wanted: Recipe, *, on_output: Any = None) -> int:
        (target / "debian").write_text(str(wanted))
        recipes.append(wanted)
        return 1_700_000_000

    monkeypatch.setattr(bootstrap, "debian", debian)
    return recipes


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as pool:
        yield pool


def session(store: Store, progress: Told | None = None) -> Any:
    """A worker with a session's memory of its own."""
    return SimpleNamespace(
        store=store, snapshots=merging.snapshots(store), registry=Registries(), progress=progress or Told()
    )


def evaluator(worker: Any, executor: ThreadPoolExecutor) -> Evaluator:
    return Evaluator(worker.store, Flights(), worker, worker.progress, executor)


@pytest.fixture
def unreachable(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Docker Hub refuses connections; the probes made are noted."""
    probes: list[str] = []
    real = registries._ask

    def ask(url: str) -> str:
        probes.append(url)
        return "Connection refused" if "docker.io" in url else real(url)

    monkeypatch.setattr(registries, "_ask", ask)
    return probes


async def test_debian_is_made_once_loudly_and_found_again(
    store: Store, made: list[Recipe], unreachable: list[str], executor: ThreadPoolExecutor
) -> None:
    told = Told()
    for _ in range(2):
        worker = session(store, told)
        found = [await source.find(worker, "debian:trixie-slim", AMD64) for _ in range(3)]
        values = [await evaluator(worker, executor).value(each.rootfs) for each in found]
        assert len({value.digest for value in values}) == 1
    assert made == [Recipe("trixie", True, AMD64)]
    assert len(unreachable) == 2  # once in each session
    assert told.text.count("WARNING: the registry docker.io cannot be reached (Connection refused)") == 1
    assert found[0].config.env_value("PATH") == "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    assert found[0].config.cmd == ("bash",)


@pytest.mark.parametrize("address", ["debian@sha256:" + "a" * 64, "debian:13.1", "ubuntu:24.04", "alpine"])
async def test_what_nothing_can_stand_in_for_is_an_error_with_a_way_out(
    store: Store, made: list[Recipe], unreachable: list[str], address: str
) -> None:
    with pytest.raises(HostError, match=r"cannot be reached.*Container\.import"):
        await source.find(session(store), address, AMD64)
    assert made == []


@pytest.mark.parametrize("status", [401, 403, 404])
async def test_a_registry_that_refuses_is_reached_so_nothing_is_made(
    store: Store, made: list[Recipe], proxy: Any, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    proxy.answer(status, times=99)
    monkeypatch.setattr(bootstrap, "recipe", lambda *_: pytest.fail("no stand-in may be thought of"))
    with pytest.raises(UserError):
        await source.find(session(store), f"{proxy.host}/debian:trixie", AMD64)
    assert made == []


async def test_a_tag_is_asked_for_once_in_a_session_and_a_digest_once_in_a_store(
    store: Store, proxy: Any, tmp_path: Path
) -> None:
    address, digest = pushed(store, proxy.host)
    other = Store.open(tmp_path / "other")
    worker = session(other)
    first = await source.find(worker, address, AMD64)
    asked = len(proxy.requests)
    assert await source.find(worker, address, AMD64) == first
    assert len(proxy.requests) == asked
    assert str(first.reference) == f"{address}@{digest}"
    for pinned in (str(first.reference), f"{first.reference.name}@{digest}"):
        assert (await source.find(session(other), pinned, AMD64)).config == first.config
    assert len(proxy.requests) == asked
    await source.find(session(other), address, AMD64)
    assert len(proxy.requests) > asked
    other.close()


async def test_a_pulled_tag_serves_while_its_registry_is_away(
    store: Store, proxy: Any, tmp_path: Path, executor: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, digest = pushed(store, proxy.host)
    other = Store.open(tmp_path / "other")
    worker = session(other)
    found = await source.find(worker, address, AMD64)
    value = await evaluator(worker, executor).value(found.rootfs)
    monkeypatch.setattr(registries, "_ask", lambda _: "it is gone")
    told = Told()
    worker = session(other, told)
    again = await source.find(worker, address, AMD64)
    assert (await evaluator(worker, executor).value(again.rootfs)).tree == value.tree
    assert f"taken as it was last time, {digest}" in told.text
    other.close()


def pushed(store: Store, host: str) -> tuple[str, str]:
    with merging.snapshots(store).layer(None) as draft:
        (draft.path / "file").write_text("content")
        tree = draft.commit()
    address = f"{host}/app:1"
    done, _ = publish.publish(
        store, Registries(), reference.parse(address), [Variant(tree, ImageConfig(AMD64))], form=Format(), say=print
    )
    return address, done.digest
