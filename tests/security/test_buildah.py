"""Advisories of buildah, podman, containerd and the libraries that they share, in the shapes this engine could have.

What was wrong is told by buildah's CHANGELOG.md and tests/bud.bats, by podman's RELEASE_NOTES.md, by golang/vulndb and
by the advisories of github.com/containerd/containerd.
"""

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from baselard.engine.errors import UserError
from baselard.engine.images import manifest, transfer
from baselard.engine.solver.digest import checked
from baselard.engine.solver.graph import Result, Value
from baselard.engine.store.database import Store
from baselard.oci import media_types
from tests.integration.engine.conftest import Client
from tests.security import archives
from tests.security.archives import REGULAR
from tests.security.canary import SECRET, Canary
from tests.security.conftest import within

pytestmark = pytest.mark.root


@pytest.mark.advisory("CVE-2024-1753", "a bind mount's source that is a link had the host mounted, writable")
@pytest.mark.parametrize("origin", ["stage", "context"])
def test_a_bind_mounts_source_is_resolved_inside(build, tree: Path, canary: Canary, origin: str) -> None:
    """Buildah's own case, with the canary in the place of the host's root."""
    (tree / "esc").symlink_to(canary.path)
    lines = {
        "stage": f"FROM busybox AS base\nRUN ln -s {canary.path} /esc\nFROM busybox\n"
        "RUN --mount=type=bind,from=base,source=/esc,target=/x,rw touch /x/BREAKOUT; ls -l /x; cat /x/data",
        "context": "FROM busybox\nRUN --mount=type=bind,source=esc,target=/x,rw touch /x/BREAKOUT; cat /x/data",
    }
    assert SECRET not in str(build(lines[origin], "stdout"))


@pytest.mark.advisory("CVE-2024-9407", "the option bind-propagation of RUN --mount took anything")
@pytest.mark.parametrize(
    "option", ["bind-propagation=shared", "bind-propagation=../..", "bind-recursive=x", "relabel=z"]
)
def test_options_of_a_mount_that_are_not_known_are_refused(build, option: str) -> None:
    answer = build(f"FROM busybox\nRUN --mount=type=bind,target=/x,{option} ls /x")
    assert f"unexpected key '{option.partition('=')[0]}'" in answer["errors"][0]["message"]


@pytest.mark.advisory("CVE-2024-9675", "the id of a cache mount was a path: any directory of the host was mounted")
@pytest.mark.parametrize("key", ["id", "source", "src"])
def test_a_caches_id_is_no_path(build, canary: Canary, key: str) -> None:
    climbing = "../" * 12 + str(canary.path).lstrip("/")
    answer = build(
        f"FROM busybox\nRUN --mount=type=cache,{key}={climbing},target=/x touch /x/BREAKOUT; cat /x/data || true",
        "stdout",
    )
    assert SECRET not in str(answer)


HUNG = {
    "a FIFO": "/bin/busybox mkfifo /etc/passwd /etc/group",
    "an endless device": "/bin/busybox mknod /etc/passwd c 1 5; /bin/busybox mknod /etc/group c 1 5",
    "a link to a FIFO of the host": "ln -s {canary}/pipe /etc/passwd; ln -s {canary}/pipe /etc/group",
    "a directory": "mkdir /etc/passwd /etc/group",
    "a link to itself": "ln -s passwd /etc/passwd; ln -s group /etc/group",
}


@pytest.mark.advisory("CVE-2024-9676", "/etc/passwd as a link to a FIFO stopped the engine for ever")
@pytest.mark.parametrize("what", HUNG)
@pytest.mark.parametrize("user", ["1000:1000", "nobody"])
def test_passwd_and_group_that_are_no_files_stop_nothing(doomed: Client, tree, tmp_path, what: str, user: str) -> None:
    canary = tmp_path / "canary"
    canary.mkdir()

    os.mkfifo(canary / "pipe")
    line = HUNG[what].format(canary=canary)
    (tree / "Dockerfile").write_text(
        f"FROM scratch\nCOPY bin /bin\nENV PATH=/bin\nRUN mkdir /etc; rm -rf /etc/passwd /etc/group; {line}\n"
        f"USER {user}\nCOPY --chown={user} Dockerfile /mine\nRUN id -u\n"
    )
    answer = within(20, doomed, f'{{host{{directory(path:"{tree}"){{dockerBuild{{sync stdout}}}}}}}}')
    if "errors" in answer:
        assert "internal error" not in str(answer)
    else:
        assert user != "nobody"


RACE = """
FROM busybox AS one
RUN --mount=type=cache,id=race11218,target=/c mkdir -p /c/sub; for i in $(seq 300); do \
  rm -rf /c/sub; ln -s {canary} /c/sub; rm -rf /c/sub; mkdir /c/sub; done 2>/dev/null; true
FROM busybox AS two
RUN --mount=type=cache,id=race11218,target=/c --mount=type=tmpfs,target=/c/sub/t \
  for i in $(seq 300); do cat /c/sub/data /c/sub/etc/passwd; done 2>/dev/null; true
RUN --mount=type=cache,id=race11218,source=sub,target=/t for i in $(seq 300); do cat /t/data; done 2>/dev/null; true
FROM busybox
COPY --from=one /bin/sh /one
COPY --from=two /bin/sh /two
RUN --mount=type=cache,id=race11218,target=/c ls -la /c
"""


@pytest.mark.advisory("CVE-2024-11218", "a mount's source was swapped for a link by a stage that ran at the same time")
def test_a_mounts_source_swapped_meanwhile_leads_nowhere(build, canary: Canary) -> None:
    answer = build(RACE.format(canary=canary.path), "stdout")
    assert SECRET not in str(answer)


@pytest.mark.advisory("CVE-2026-55686", "a working directory through a link was made, and chowned, on the host")
@pytest.mark.parametrize("user", ["0", "1000"])
@pytest.mark.parametrize("way", ["absolute", "climbing"])
def test_a_working_directory_through_a_link_is_made_inside(build, canary: Canary, way: str, user: str) -> None:
    target = str(canary.path) if way == "absolute" else "../" * 12 + str(canary.path).lstrip("/")
    base = f"FROM busybox\nRUN ln -s {target} /w\nUSER {user}\n"
    answer = build(f"{base}WORKDIR /w/new/deeper\nRUN pwd\nWORKDIR ../../etc\nRUN pwd -P", "stdout")
    assert answer["data"]["host"]["directory"]["dockerBuild"]["stdout"] == f"{canary.path}/etc\n"


def _imported(engine: Client, path: Path, data: bytes, field: str, tag: str = "") -> Any:
    path.write_bytes(data)
    source = engine.get(f'{{host{{file(path:"{path}"){{id}}}}}}')
    return engine.ask(f'{{container{{import(source:"{source}",tag:"{tag}"){{{field}}}}}}}')


@pytest.mark.advisory("CVE-2026-57231", "a variable of an image without a value was given the host's")
@pytest.mark.parametrize("entry", ["BASELARD_TEST_CANARY", "BASELARD_TEST_CANARY=", "BASELARD_TEST_*", "*", "="])
def test_an_images_variable_without_a_value_is_empty(engine: Client, tree: Path, tmp_path: Path, entry: str) -> None:
    """The engine's own environment has BASELARD_TEST_CANARY (conftest)."""
    data = archives.layout({"config": {"Env": [entry]}}, [archives.tar(("file", REGULAR, ""))])
    answer = _imported(engine, tmp_path / "image.tar", data, "envVariables{name value}")
    assert SECRET not in str(answer)
    given = engine.get(f'{{host{{directory(path:"{tree}"){{id}}}}}}')
    run = f'withDirectory(path:"/",source:"{given}"){{withExec(args:["/bin/busybox","env"]){{stdout}}}}'
    said = _imported(engine, tmp_path / "image.tar", data, run)
    assert SECRET not in str(said)
    refused = re.search("name (can.*t|cannot) be empty", str(said))  # by a runtime, each in its words
    assert "PATH=" in str(said) or refused, said


@pytest.mark.advisory("CVE-2026-50195", "an imported checkpoint gave an image of its own other images' names")
def test_an_imported_image_takes_no_other_images_name(engine: Client, tmp_path: Path) -> None:
    """The archive says of itself that it is images that others ask for."""
    names = ("docker.io/library/debian:trixie", "localhost:1/app:latest", "ghcr.io/acme/base:latest")
    data = archives.layout(
        {"config": {"Cmd": ["canary"]}}, [archives.tar(("canary", REGULAR, SECRET))], names=names[:1]
    )
    assert "data" in _imported(engine, tmp_path / "image.tar", data, "rootfs{entries}", "trixie")
    answer = engine.ask('{container{from(address:"localhost:1/app:latest"){rootfs{entries}}}}')
    assert "errors" in answer
    assert SECRET not in str(answer)
    store = Store.open(engine.run.parent / "store")
    try:
        rows = store.db.execute("SELECT result FROM results WHERE result LIKE '%\"reference\"%'").fetchall()
        chains = store.db.execute("SELECT chain FROM chains WHERE chain LIKE 'bootstrap%'").fetchall()
    finally:
        store.close()
    assert (rows, chains) == ([], [])


GOOD = "sha256:" + "a" * 64
PATHS = ["sha256:../../../../etc/passwd", GOOD[:-1], GOOD.upper(), "../x:" + "a" * 64, "sha256:", "", GOOD + "\n"]
PATHS += [GOOD + "/x", "sha512:" + "a" * 128]


@pytest.mark.advisory("CVE-2024-3727", "digests were used as paths and in addresses before they were looked at")
@pytest.mark.parametrize(
    "name", [*PATHS, "sha256:" + "a" * 64 + "\n", "sha512:" + "a" * 128, "sha256:" + "a" * 64 + "/x"]
)
def test_a_digest_that_is_none_is_no_path(tmp_path: Path, name: str, canary: Canary) -> None:
    with pytest.raises(UserError, match="digest"):
        checked(name)
    part = {"mediaType": media_types.OCI_LAYER, "digest": name, "size": 1}
    good = {"mediaType": media_types.OCI_CONFIG, "digest": "sha256:" + "0" * 64, "size": 1}
    for plain in (
        {"schemaVersion": 2, "config": part, "layers": []},
        {"schemaVersion": 2, "config": good, "layers": [part]},
        {"schemaVersion": 2, "manifests": [part]},
    ):
        with pytest.raises(UserError):
            manifest.parse(json.dumps(plain).encode())
    store = Store.open(tmp_path / "store")
    try:
        with pytest.raises(UserError, match="digest"):
            store.blob_path(name)
        assert not store.has_blob(name)
    finally:
        store.close()


@pytest.mark.advisory("CVE-2024-3727", "digests were used as paths and in addresses before they were looked at")
def test_an_imported_caches_streams_are_no_paths(tmp_path: Path, canary: Canary) -> None:
    """A cache from somebody else whose result names a file of the host as the output of a command."""
    given, taken = Store.open(tmp_path / "given"), Store.open(tmp_path / "taken")
    climbing = "sha256:" + "../" * 12 + str(canary.path / "data").lstrip("/")
    try:
        given.record(["exec"], Result((Value("e", None),), {"exit": 0, "stdout": climbing}))
        transfer.export_directory(given, 0, tmp_path / "cache")
        transfer.import_directory(taken, tmp_path / "cache", None)
        found = taken.lookup("exec")
        assert found is not None
        with pytest.raises(UserError, match="digest"):
            taken.blob_path(found.data["stdout"])
    finally:
        given.close()
        taken.close()
