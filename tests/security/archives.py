"""Archives by hand, as somebody hostile would write them: tars of any members, OCI layouts of any configuration."""

import hashlib
import io
import json
import tarfile
from collections.abc import Sequence
from typing import Any

DIRECTORY, SYMLINK, HARD_LINK, REGULAR = tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.REGTYPE
_INDEX, _MANIFEST = "application/vnd.oci.image.index.v1+json", "application/vnd.oci.image.manifest.v1+json"
_CONFIG, _LAYER = "application/vnd.oci.image.config.v1+json", "application/vnd.oci.image.layer.v1.tar"


def tar(*members: tuple[str, bytes, str], mode: int = 0o755) -> bytes:
    """An archive of (name, type, content or a link's target)."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, kind, text in members:
            info = tarfile.TarInfo(name)
            info.type, info.mode, info.mtime = kind, mode, 5
            if kind == REGULAR:
                info.size = len(text.encode())
                archive.addfile(info, io.BytesIO(text.encode()))
            else:
                info.linkname = text
                archive.addfile(info)
    return out.getvalue()


def digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def layout(config: Any, layers: Sequence[bytes], *, names: Sequence[str] = ("",), **files: bytes) -> bytes:
    """An OCI layout as a tar: one image, under every one of ``names`` (annotations of its index).

    ``config`` is the image's, to which the layers' digests are added; ``files`` are put into the archive as they are.
    """
    whole = {"architecture": "amd64", "os": "linux", **config}
    whole["rootfs"] = {"type": "layers", "diff_ids": [digest(layer) for layer in layers], **whole.get("rootfs", {})}
    data = json.dumps(whole).encode()
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": _MANIFEST,
            "config": _described(_CONFIG, data),
            "layers": [_described(_LAYER, layer) for layer in layers],
        }
    ).encode()
    named = [
        {**_described(_MANIFEST, manifest), "annotations": _annotations(name)}
        if name
        else _described(_MANIFEST, manifest)
        for name in names
    ]
    index = json.dumps({"schemaVersion": 2, "mediaType": _INDEX, "manifests": named}).encode()
    blobs = {f"blobs/sha256/{digest(blob)[7:]}": blob for blob in (data, manifest, *layers)}
    return _files({"oci-layout": b'{"imageLayoutVersion":"1.0.0"}', "index.json": index, **blobs, **files})


def _described(kind: str, data: bytes) -> dict[str, Any]:
    return {"mediaType": kind, "digest": digest(data), "size": len(data)}


def _annotations(name: str) -> dict[str, str]:
    return {
        "org.opencontainers.image.ref.name": name.rpartition(":")[2],
        "io.containerd.image.name": name,
        "org.criu.checkpoint.rootfsImageName": name,
    }


def _files(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()
