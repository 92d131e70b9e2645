"""An image archive (docker save, or OCI) → its files as a flat table, and its config. mtimes are nobody's promise."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import posixpath
import tarfile
from pathlib import Path
from typing import Any

CONFIG_KEYS = "Env Cmd Entrypoint User WorkingDir ExposedPorts Volumes Labels StopSignal Shell OnBuild Healthcheck"
KINDS = {
    tarfile.REGTYPE: "file",
    tarfile.AREGTYPE: "file",
    tarfile.DIRTYPE: "dir",
    tarfile.SYMTYPE: "link",
    tarfile.CHRTYPE: "char",
    tarfile.BLKTYPE: "block",
    tarfile.FIFOTYPE: "fifo",
}
Row = list[Any]


def read_archive(path: Path) -> dict[str, Any]:
    """`{"files": {path: [kind, mode, owner, content]}, "config": {…}, "history": […]}` of the archive's one image.

    `content` is a file's size and sha256, a link's target, a device's numbers; `!` rows are xattrs.
    """
    with tarfile.open(path) as tar:
        config, layers = _parts(tar)
        told = [entry for entry in config.get("history", []) if not entry.get("empty_layer")]
        assert len(told) == len(layers), (told, layers)
        files: dict[str, Row] = {}
        for layer in layers:
            _add_layer(files, _bytes(tar, layer))
    return {"files": dict(sorted(files.items())), "config": _config(config), "history": _history(config)}


def _bytes(tar: tarfile.TarFile, name: str) -> bytes:
    member = tar.extractfile(name)
    assert member is not None, name
    data = member.read()
    return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data


def _parts(tar: tarfile.TarFile) -> tuple[dict[str, Any], list[str]]:
    """The config and the layers' member names, by docker's manifest.json or else by the OCI index."""
    if "manifest.json" in tar.getnames():
        entry = json.loads(_bytes(tar, "manifest.json"))[0]
        return json.loads(_bytes(tar, entry["Config"])), entry["Layers"]
    manifest = json.loads(_bytes(tar, "index.json"))
    while "manifests" in manifest:
        manifest = json.loads(_bytes(tar, _member(manifest["manifests"][0]["digest"])))
    layers = [_member(layer["digest"]) for layer in manifest["layers"]]
    return json.loads(_bytes(tar, _member(manifest["config"]["digest"]))), layers


def _member(digest: str) -> str:
    return "blobs/" + digest.replace(":", "/")


def _config(image: dict[str, Any]) -> dict[str, Any]:
    config = image.get("config") or {}
    found = {key: config[key] for key in CONFIG_KEYS.split() if config.get(key)}
    return found | ({"Author": image["author"]} if image.get("author") else {})


def _history(image: dict[str, Any]) -> list[str]:
    return [entry.get("created_by", "") for entry in image.get("history", [])]


def _add_layer(files: dict[str, Row], data: bytes) -> None:
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        entries = tar.getmembers()
        for entry in entries:
            _whiteout(files, _clean(entry.name))
        for entry in entries:
            name = _clean(entry.name)
            if name and not posixpath.basename(name).startswith(".wh."):
                _add_entry(files, tar, entry, name)


def _clean(name: str) -> str:
    return posixpath.normpath("/" + name).lstrip("/")


def _whiteout(files: dict[str, Row], name: str) -> None:
    folder, base = posixpath.split(name)
    if base == ".wh..wh..opq":
        _remove(files, folder, itself=False)
    elif base.startswith(".wh."):
        _remove(files, posixpath.join(folder, base.removeprefix(".wh.")), itself=True)


def _remove(files: dict[str, Row], path: str, *, itself: bool) -> None:
    prefix = path + "/" if path else ""
    for name in [n for n in files if n.startswith(prefix) or (itself and n == path)]:
        del files[name]


def _add_entry(files: dict[str, Row], tar: tarfile.TarFile, entry: tarfile.TarInfo, name: str) -> None:
    if not entry.isdir():
        _remove(files, name, itself=True)
    if entry.islnk():
        files[name] = files[_clean(entry.linkname)]
        return
    row: Row = [KINDS[entry.type], f"{entry.mode & 0o7777:o}", f"{entry.uid}:{entry.gid}", _content(tar, entry)]
    xattrs = _attributes(entry)
    files[name] = [*row, xattrs] if xattrs else row


def _attributes(entry: tarfile.TarInfo) -> dict[str, str]:
    return {k.removeprefix("SCHILY.xattr."): v for k, v in entry.pax_headers.items() if "SCHILY.xattr." in k}


def add_attributes(files: dict[str, Row], path: Path) -> None:
    """Take the attributes from a plain tar of the files: `docker save` writes none of those that users may set."""
    with tarfile.open(path) as tar:
        for entry in tar:
            if xattrs := _attributes(entry):
                files[_clean(entry.name)][4:] = [xattrs]


def _content(tar: tarfile.TarFile, entry: tarfile.TarInfo) -> str:
    if entry.issym():
        return entry.linkname
    if entry.ischr() or entry.isblk():
        return f"{entry.devmajor}:{entry.devminor}"
    if not entry.isfile():
        return ""
    member = tar.extractfile(entry)
    data = member.read() if member else b""
    return f"{len(data)} {hashlib.sha256(data).hexdigest()[:16]}"


def difference(files: dict[str, Row], base: dict[str, Row]) -> dict[str, Row | None]:
    """What an image adds to or changes in its base; None for what it removed."""
    changed: dict[str, Row | None] = {name: row for name, row in files.items() if base.get(name) != row}
    return changed | {name: None for name in base if name not in files}
