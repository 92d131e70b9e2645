"""The tiny images that every case starts from: a static busybox and four files, plain and with every config key set.

Written as archives that both `docker load` and `Container.import` read, so both sides start from the same bytes.
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

BASE, RICH, TRIGGERS = "baselard-test/base", "baselard-test/rich", "baselard-test/triggers"
APPLETS = (
    "sh ash cat cp chmod chown echo env expr find grep head id ln ls mkdir mknod mktemp mv printenv printf pwd "
    "readlink rm rmdir sed seq sha256sum sleep sort stat tail tar test touch tr true false wc whoami xargs"
)
PASSWD = "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000:app:/home/app:/bin/sh\nother:x:1001:2000::/:/bin/sh\n"
GROUP = "root:x:0:\napp:x:1000:\nstaff:x:50:app,other\nusers:x:2000:\n"
DIRECTORIES = (
    ("bin", 0o755, 0),
    ("dev", 0o755, 0),
    ("etc", 0o755, 0),
    ("home", 0o755, 0),
    ("home/app", 0o750, 1000),
    ("proc", 0o755, 0),
    ("root", 0o700, 0),
    ("sys", 0o755, 0),
    ("tmp", 0o1777, 0),
    ("var", 0o755, 0),
    ("var/lib", 0o755, 0),
)
LINKS = (("lib", "var/lib"), ("etc/link-to-tmp", "/tmp"), ("etc/link-to-passwd", "passwd"))
PLAIN: dict[str, Any] = {"Env": ["PATH=/usr/bin:/bin"], "Cmd": ["/bin/sh"]}
RICH_CONFIG: dict[str, Any] = {
    "Env": ["PATH=/usr/bin:/bin", "NAME=rich", "EMPTY="],
    "Cmd": ["base-cmd", "with arg"],
    "Entrypoint": ["/bin/base-entry"],
    "User": "app",
    "WorkingDir": "/home/app",
    "Labels": {"base.label": "yes", "keep": "me"},
    "ExposedPorts": {"8080/tcp": {}},
    "Volumes": {"/data": {}},
    "StopSignal": "SIGQUIT",
    "Shell": ["/bin/ash", "-e", "-c"],
    "Healthcheck": {"Test": ["CMD", "true"], "Interval": 3_000_000_000, "Retries": 2},
}
TRIGGERED: dict[str, Any] = {
    **PLAIN,
    "OnBuild": ["RUN echo first > /triggered", "COPY a.txt /from-trigger/", "ENV T=1"],
}


def images() -> dict[str, bytes]:
    """Each image's reference and its archive."""
    layer = _layer()
    configs = {BASE: PLAIN, RICH: RICH_CONFIG, TRIGGERS: TRIGGERED}
    return {name: _archive(name, layer, config) for name, config in configs.items()}


def write_images(folder: Path) -> dict[str, Path]:
    """The archives as files below `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {}
    for name, data in images().items():
        paths[name] = folder / (name.replace("/", "_") + ".tar")
        paths[name].write_bytes(data)
    return paths


def _layer() -> bytes:
    busybox = Path(shutil.which("busybox") or "/bin/busybox")
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, mode, owner in DIRECTORIES:
            tar.addfile(_entry(name, tarfile.DIRTYPE, mode, owner))
        for name, text in (("etc/passwd", PASSWD), ("etc/group", GROUP)):
            _add(tar, name, text.encode(), 0o644)
        _add(tar, "bin/busybox", busybox.read_bytes(), 0o755)
        for name, to in (*LINKS, *((f"bin/{applet}", "busybox") for applet in APPLETS.split())):
            entry = _entry(name, tarfile.SYMTYPE, 0o777, 0)
            entry.linkname = to
            tar.addfile(entry)
    return out.getvalue()


def _entry(name: str, kind: bytes, mode: int, owner: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode, entry.uid, entry.gid, entry.mtime = kind, mode, owner, owner, 1_700_000_000
    return entry


def _add(tar: tarfile.TarFile, name: str, data: bytes, mode: int) -> None:
    entry = _entry(name, tarfile.REGTYPE, mode, 0)
    entry.size = len(data)
    tar.addfile(entry, io.BytesIO(data))


def _archive(name: str, layer: bytes, config: dict[str, Any]) -> bytes:
    """An OCI layout that also carries docker's own manifest.json."""
    image = {
        "architecture": "amd64",
        "os": "linux",
        "config": config,
        "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
        "history": [{"created_by": "base"}],
    }
    config_blob = json.dumps(image).encode()
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": _descriptor("application/vnd.oci.image.config.v1+json", config_blob),
            "layers": [_descriptor("application/vnd.oci.image.layer.v1.tar", layer)],
        }
    ).encode()
    index = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [_descriptor("application/vnd.oci.image.manifest.v1+json", manifest)],
    }
    docker = [{"Config": _blob(config_blob), "RepoTags": [f"{name}:latest"], "Layers": [_blob(layer)]}]
    files = {
        "oci-layout": b'{"imageLayoutVersion":"1.0.0"}',
        "index.json": json.dumps(index).encode(),
        "manifest.json": json.dumps(docker).encode(),
        **{_blob(data): data for data in (config_blob, manifest, layer)},
    }
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for path, data in _with_parents(files):
            if data is None:
                tar.addfile(_entry(path, tarfile.DIRTYPE, 0o755, 0))
            else:
                _add(tar, path, data, 0o644)
    return out.getvalue()


def _with_parents(files: dict[str, bytes]) -> Iterator[tuple[str, bytes | None]]:
    yield from (("blobs", None), ("blobs/sha256", None))
    yield from files.items()


def _digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def _blob(data: bytes) -> str:
    return "blobs/sha256/" + hashlib.sha256(data).hexdigest()


def _descriptor(media_type: str, data: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": _digest(data), "size": len(data)}
