"""Objects written down and read again are equal, have the same keys, and hold nothing that belongs to a session."""

import importlib
import inspect
import json
import pkgutil
from dataclasses import is_dataclass
from pathlib import Path

import pytest

from baselard.engine import ops
from baselard.engine.api.more import written
from baselard.engine.api.more.kept import SharedObjects
from baselard.engine.api.objects import mounts
from baselard.engine.api.objects.caches import CacheVolume
from baselard.engine.api.objects.container import Container
from baselard.engine.api.objects.directory import EMPTY, Directory
from baselard.engine.api.objects.execution import ExecOptions, as_service, with_exec
from baselard.engine.api.objects.secrets import Secret
from baselard.engine.api.query.ids import Ids
from baselard.engine.ops.git import Remote
from baselard.engine.run.containers.command import Binding, SecretRef
from baselard.engine.store import holdings
from baselard.engine.store.database import Store
from baselard.oci.image_config import Healthcheck, ImageConfig

TREE = Directory().with_new_file("a/b", "ä").with_symlink("a", "l").filter(exclude=("*.log",))
BASE = Container(TREE.output, ImageConfig(healthcheck=Healthcheck(("CMD", "true"), interval=5)))
VOLUME = CacheVolume("key", "mainClient")


def ran() -> Container:
    """A container after a command with a cache volume, a temporary directory and a service."""
    container = mounts.with_mounted_cache(BASE.with_env_variable("A", "1"), path="/c", cache=VOLUME)
    container = mounts.with_mounted_temp(container, path="/t", size=5).with_exposed_port(80, "UDP", "web")
    service = as_service(container, ("serve",), ExecOptions())
    bound = Container(**{**vars(container), "bindings": (Binding("web", service),)})
    return with_exec(bound, ("true",), ExecOptions(nesting=True))


@pytest.mark.parametrize("value", [TREE, TREE.file("a/b"), VOLUME, BASE, ran()], ids=lambda value: type(value).__name__)
def test_what_is_read_is_what_was_written(value: object) -> None:
    data = written.write(value)
    assert data
    again = written.read(json.loads(json.dumps(data)))
    assert again == value
    assert Ids().name(again) == Ids().name(value)


@pytest.mark.parametrize(
    "value",
    [
        BASE.with_secret_variable("S", Secret(SecretRef("name", "handle"))),
        mounts.with_mounted_secret(BASE, path="/s", source=Secret(SecretRef("name", "handle"))),
        TREE.with_new_file("large", "x" * (2 << 20)),
        BASE.with_env_variable("URL", "https://me:hunter2@example.com/"),
        Secret(SecretRef("name", "handle")),
    ],
    ids=["a secret variable", "a mounted secret", "much content", "a password", "a secret"],
)
def test_what_is_not_written(value: object) -> None:
    assert written.write(value) is None


def test_an_agents_socket_is_not_written() -> None:
    with pytest.raises(written._UnknownError):
        written._Writer().write(Remote("ssh://example.com/x", agent="/run/agent"))
    assert written._Writer().write(Remote("ssh://example.com/x"))


def test_every_operation_can_be_written() -> None:
    """But for those that are of one session or of no object: nested hosts, credentials and packages."""
    modules = {module.name: module for module in pkgutil.iter_modules(ops.__path__)}
    for name in modules.keys() - {"nested_host", "credentials", "packages", "tree"}:
        module = importlib.import_module(f"{ops.__name__}.{name}")
        for _, kind in inspect.getmembers(module, inspect.isclass):
            if is_dataclass(kind) and kind.__module__ == module.__name__ and hasattr(kind, "run"):
                assert f"{kind.__module__}:{kind.__name__}" in written._KNOWN


def test_objects_are_kept_in_the_store_and_in_no_export(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    given = Ids().name(TREE)
    kept, transactions = SharedObjects(store), list[str]()
    store.db.set_trace_callback(lambda sql: transactions.append(sql) if sql.startswith("BEGIN") else None)
    kept.keep(given, TREE)
    kept.keep(Ids().name(Directory()), Directory())
    kept.settle()
    kept.settle()
    assert len(transactions) == 1
    assert SharedObjects(store).find(given) == TREE
    assert SharedObjects(store).find(Ids().name(BASE)) is None
    assert SharedObjects(store).find("nonsense") is None
    assert holdings.used_since(store, 0) == []
    store.close()


def test_the_empty_directory_is_kept_too() -> None:
    assert written.read(written.write(Directory(EMPTY)) or {}) == Directory()
