"""A plain user's image is root's: the same commands on the same files, equal layers and an equal image.

Judge: the digests that the run as root gives, in the archive that each engine writes.
"""

import json
import os
import tarfile
from pathlib import Path

import pytest

from tests import alone
from tests.integration.engine.conftest import Client
from tests.integration.engine.rootless.archives import TIME, archive_of, layer_of

pytestmark = alone.USERS
LINES = (
    "mkdir -p /a/b /gone /again && echo x >/a/b/file && echo y >/gone/file && echo z >/again/old && echo w >/alone",
    # What is deleted, what replaces a directory, and one file under two names.
    "rm -r /gone /alone /again && mkdir /again && echo new >/again/new && ln /a/b/file /a/second && ln -s b /a/l",
    # Owners from first to last, and bits that chown(2) takes away.
    "chown 65535:65535 /a/b/file && chown 1:65534 /again/new && chmod 6755 /again/new && chown -R 1000:77 /again",
    "mkfifo /pipe && chmod 1777 /a && mkdir -m 0 /closed && chown 33 /closed",
)


def _digests(client: Client, tree: Path, target: Path) -> list[str]:
    steps: tuple[str, ...] = client.container(tree)
    for line in LINES:
        steps = (*steps, f"withExec(args:{json.dumps(['sh', '-c', line])})")
    client.value(*steps, f'export(path:"{target}")')
    return _read(client, target)


def _read(client: Client, target: Path) -> list[str]:
    """The digests in the archive that an engine has written, the image's before those of its layers."""
    assert client.close() == 0
    with tarfile.open(target) as archive:
        index = json.load(archive.extractfile("index.json"))
        image = index["manifests"][0]["digest"]
        manifest = json.load(archive.extractfile(f"blobs/{image.replace(':', '/')}"))
    return [image, *(layer["digest"] for layer in manifest["layers"])]


def test_a_users_image_is_roots(person, seen: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(TIME))
    somebody = person()
    wanted = _digests(Client(tmp_path), seen / "tree", tmp_path / "image.tar")
    assert len(wanted) == 2 + len(LINES)
    target = somebody.home / "image.tar"
    assert _digests(somebody.engine(), seen / "tree", target) == wanted
    assert target.stat().st_uid == os.stat(somebody.home).st_uid


CAPABILITY = bytes.fromhex(
    "0100000200040000000000000000000000000000"
)  # cap_net_bind_service=ep, vfs_cap_data version 2


def _changed(client: Client, archive: Path, target: Path) -> list[str]:
    """The digests of an imported image, some of whose files a command then gives other modes."""
    file = client.get(f'{{host{{file(path:"{archive}"){{id}}}}}}')
    change = 'withExec(args: ["/bin/busybox", "chmod", "751", "/d", "/d/new"])'
    client.value("container", f'import(source:"{file}")', change, f'export(path:"{target}")')
    return _read(client, target)


def test_imported_files_come_out_as_roots_do(person, seen: Path, tmp_path: Path, monkeypatch) -> None:
    """Owners and file capabilities, read and written again, on an opaque directory and a whiteout."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(TIME))
    none: dict[str, bytes] = {}
    program = (seen / "tree/bin/busybox").read_bytes()
    below = {
        "d/": (7, b"", none),
        "d/old": (65535, b"o", none),
        "f": (0, b"f", none),
        "bin/busybox": (0, program, none),
    }
    able = {"security.capability": CAPABILITY, "user.note": b"kept"}
    above = {"d/": (8, b"", none), "d/.wh..wh..opq": (0, b"", none), "d/new": (33, b"n", able)}
    archive = archive_of(seen / "in.tar", [layer_of(below), layer_of({**above, ".wh.f": (0, b"", none)})])
    wanted = _changed(Client(tmp_path), archive, tmp_path / "image.tar")
    somebody = person()
    target = somebody.home / "image.tar"
    assert _changed(somebody.engine(), archive, target) == wanted
    with tarfile.open(target) as outer:
        layer = outer.extractfile(f"blobs/{wanted[-1].replace(':', '/')}")
        with tarfile.open(fileobj=layer) as inner:
            found = {entry.name: entry for entry in inner.getmembers()}
    assert sorted(found) == ["d", "d/new"]
    assert (found["d"].uid, found["d/new"].uid, found["d/new"].mode) == (8, 33, 0o751)
    assert found["d/new"].pax_headers["SCHILY.xattr.user.note"] == "kept"
    assert "SCHILY.xattr.security.capability" in found["d/new"].pax_headers
