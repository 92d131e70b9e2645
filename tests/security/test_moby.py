"""Docker's own advisories: networks, the API, the cache, programs of the host that are looked up.

What was wrong is told by the advisories GHSA-mq39-4gv4-mvpx, GHSA-xw73-rw38-6vjc and GHSA-x86f-5xw2-fm2r of
github.com/moby/moby (the last also by pull request 52647), and by the notes on Docker Desktop 4.44.3.
"""

import contextlib
import dataclasses
import gzip
import lzma
import os
import socket
import struct
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import zstandard

from baselard.engine.images.writing import Format
from baselard.engine.ops.tarball import LazyVariant, Tarball
from baselard.engine.run.containers.command import Net
from baselard.engine.run.networks import namespaces
from baselard.engine.run.networks.namespaces import Namespace, Within
from baselard.engine.solver.graph import Output, Value
from baselard.engine.store import ids
from baselard.oci.image_config import Healthcheck, History, ImageConfig
from baselard.oci.platforms import Platform
from tests.integration.engine.conftest import Client, Ready
from tests.security.archives import REGULAR, tar
from tests.security.canary import SECRET
from tests.security.servers import web

pytestmark = pytest.mark.root


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[list[bytes]]:
    """This machine's resolver, on its own loopback, where the engine forwards containers' questions to."""
    monkeypatch.setattr("baselard.engine.run.networks.network._RESOLV", tmp_path / "resolv.conf")
    monkeypatch.setattr("baselard.engine.run.networks.network._UPSTREAM", tmp_path / "none")
    monkeypatch.setattr("baselard.engine.run.sandbox._DNS", 5398)
    (tmp_path / "resolv.conf").write_text("nameserver 127.0.0.54\n")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.54", 5398))
        asked: list[bytes] = []
        thread = threading.Thread(target=_answer, args=(server, asked))
        thread.start()
        yield asked
        server.sendto(_END, ("127.0.0.54", 5398))
        thread.join()


_END = b"end"


def _answer(server: socket.socket, asked: list[bytes]) -> None:
    """Know no name (RFC 1035, 4.1.1), and note what was asked."""
    while (question := server.recvfrom(512))[0] != _END:
        query, peer = question
        asked.append(query)
        server.sendto(query[:2] + bytes([query[2] | 0x80, 0x83]) + query[4:], peer)


@pytest.mark.advisory("CVE-2024-29018", "names were resolved outside for a container without a way out")
@pytest.mark.parametrize("network", [Net.NONE, Net.CONTAINERS])
def test_a_container_without_a_network_asks_no_resolver(run, resolver: list[bytes], network: Net) -> None:
    """The same question with the usual network arrives, so that its absence says something."""
    run("busybox timeout 2 busybox nslookup -type=a secret.example 127.0.0.54:5398 || true", network=network)
    assert any(b"secret" in question for question in resolver) == (network is Net.CONTAINERS)


@pytest.mark.advisory("CVE-2025-9074", "the engine's API was reached from a container, without a password")
def test_the_session_is_not_reached_from_a_container(engine: Client, tree: Path) -> None:
    port = engine.address["port"]
    inside = engine.container(tree)
    routes = engine.value(*inside, 'withEnvVariable(name:"PATH",value:"/bin")', _shell("cat /proc/net/route"), "stdout")
    (default,) = [line.split()[2] for line in routes.splitlines()[1:] if line.split()[1] == "00000000"]
    gateway = socket.inet_ntoa(struct.pack("<I", int(default, 16)))
    with web(b"here", host=gateway, inside=_around(engine, gateway)) as there:  # what does listen there is reached
        wanted = [f"{address} {port}" for address in ("127.0.0.1", gateway, *_own_addresses())]
        wanted.append(there.removeprefix("http://").replace(":", " "))
        asking = "echo GET /query | nc -w 2 {0} | busybox grep -q . && echo REACHED {0}"
        lines = "; ".join(asking.format(address) for address in wanted)
        said = engine.value(*inside, 'withEnvVariable(name:"PATH",value:"/bin")', _shell(f"{lines}; env"), "stdout")
    assert [line for line in said.splitlines() if "REACHED" in line] == [f"REACHED {wanted[-1]}"]
    assert engine.address["session_token"] not in said
    assert "DAGGER_SESSION" not in said


def _around(engine: Client, address: str) -> Within:
    """The way into the network that has the address: for root this one, else one that the engine holds."""
    if ids.are_all():
        return lambda function: function()
    for place in Path(f"/proc/{engine.child.pid}/fd").iterdir():
        if os.readlink(place).startswith("net:["):
            inside = partial(namespaces.inside, Namespace(os.open(place, os.O_RDONLY), place.name, -1))
            with contextlib.suppress(OSError), inside(lambda: socket.create_server((address, 0))):
                return inside
    pytest.fail(f"no network of the engine's has {address}")


def _shell(line: str) -> str:
    return f'withExec(args:["sh","-c","{line}"])'


def _own_addresses() -> set[str]:
    """This machine's addresses besides loopback."""
    found = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
    return {str(address) for address in found if not str(address).startswith("127.")}


@pytest.mark.advisory("CVE-2025-9074", "the engine's API was reached from a container, without a password")
def test_the_session_listens_on_loopback_alone(engine: Client) -> None:
    """As the kernel lists it (proc(5), net/tcp): state 0A is LISTEN."""
    wanted = f":{engine.address['port']:04X}"
    lines = [line.split() for name in ("tcp", "tcp6") for line in Path("/proc/net", name).read_text().splitlines()[1:]]
    listening = {line[1] for line in lines if line[3] == "0A" and line[1].endswith(wanted)}
    assert listening == {f"0100007F{wanted}"}


OTHER: dict[str, Any] = {
    "platform": Platform("linux", "arm64"),
    "healthcheck": Healthcheck(("CMD", "evil")),
    "onbuild": ("RUN evil",),
    "history": (History("evil"),),
    "env": (("A", "evil"),),
    "labels": (("a", "evil"),),
}


@pytest.mark.advisory("CVE-2024-24557", "HEALTHCHECK and ONBUILD did not count where a cached image was looked for")
@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(ImageConfig)])
def test_every_part_of_a_configuration_counts_in_keys(name: str) -> None:
    """All of them, also those to come: the key of what is written and the key by content."""
    usual = ImageConfig()
    value = OTHER.get(name, "evil" if isinstance(getattr(usual, name), str) else ("evil",))
    keys, contents = set(), set()
    for config in (usual, replace(usual, **{name: value})):
        node = Tarball((LazyVariant(Output(Ready(Value("tree", None))), config),), Format())
        keys.add(node.key)
        contents.add(node.content_key(None, [Value("tree", None)]))
    assert len(keys) == len(contents) == 2


@pytest.mark.advisory("CVE-2024-24557", "HEALTHCHECK and ONBUILD did not count where a cached image was looked for")
def test_another_healthcheck_is_another_image(build) -> None:
    found = set()
    for line in ("HEALTHCHECK CMD one", "HEALTHCHECK CMD two", "ONBUILD RUN one", "ONBUILD RUN two"):
        answer = build(f"FROM busybox\n{line}\n", "asTarball{digest}")
        found.add(answer["data"]["host"]["directory"]["dockerBuild"]["asTarball"]["digest"])
    assert len(found) == 4


PACKED = {
    "gzip": gzip.compress,
    "xz": lzma.compress,
    "zstd": zstandard.ZstdCompressor().compress,
}
HELPERS = ("xz", "unxz", "gzip", "gunzip", "unpigz", "pigz", "zstd", "bzip2", "tar", "cp", "chown", "sh", "git")


@pytest.mark.advisory("CVE-2026-41567", "an archive was decompressed by the program that the container's PATH has")
@pytest.mark.parametrize("kind", PACKED)
def test_nothing_of_the_image_is_run_to_unpack_an_archive(build, tree: Path, canary, kind: str) -> None:
    for name in HELPERS:
        (tree / f"evil-{name}").write_text(f"#!/bin/busybox sh\n/bin/busybox echo {SECRET} > /ran-inside\n")
        (tree / f"evil-{name}").chmod(0o755)
    copies = "\n".join(f"COPY evil-{name} /evil/{name}" for name in HELPERS if name != "sh")
    content = tar(("unpacked", REGULAR, "content"))
    answer = build(
        f"FROM busybox\n{copies}\nENV PATH=/evil:/bin LD_PRELOAD=/evil/none.so\nADD archive /got/\n"
        "COPY --chown=7:8 bin/busybox /got/busybox\nRUN cat /got/unpacked; ls / | /bin/busybox grep ran; true",
        "stdout",
        archive=PACKED[kind](content),  # type: ignore[operator]
    )
    assert answer["data"]["host"]["directory"]["dockerBuild"]["stdout"] == "content"
