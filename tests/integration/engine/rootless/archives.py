"""Images as archives, with owners, attributes and kinds of files as wanted."""

import hashlib
import io
import json
import tarfile
from pathlib import Path

TIME = 1_600_000_000
"""When all files were changed."""


def layer_of(entries: dict[str, tuple[int, bytes, dict[str, bytes]]]) -> bytes:
    """A tar of files: owner, content and attributes by name; a directory's name ends with a slash."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, (owner, content, attributes) in entries.items():
            info = tarfile.TarInfo(name)
            info.type = tarfile.DIRTYPE if name.endswith("/") else tarfile.REGTYPE
            info.uid = info.gid = owner
            info.mode, info.size, info.mtime = 0o755, len(content), TIME
            given = attributes.items()
            info.pax_headers = {f"SCHILY.xattr.{key}": value.decode("latin-1") for key, value in given}
            tar.addfile(info, io.BytesIO(content))
    return packed.getvalue()


def archive_of(place: Path, layers: list[bytes]) -> Path:
    """An image of these layers, as docker save writes it."""
    names = [f"{number}/layer.tar" for number in range(len(layers))]
    kept = [f"sha256:{hashlib.sha256(layer).hexdigest()}" for layer in layers]
    config = {"os": "linux", "architecture": "amd64", "config": {}, "rootfs": {"type": "layers", "diff_ids": kept}}
    manifest = [{"Config": "config.json", "RepoTags": ["x:1"], "Layers": names}]
    files = {"manifest.json": json.dumps(manifest).encode(), "config.json": json.dumps(config).encode()}
    with tarfile.open(place, "w") as tar:
        for name, content in {**files, **dict(zip(names, layers, strict=True))}.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return place
