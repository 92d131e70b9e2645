"""A case built through dagger-io on whatever serves the Dagger API, and read back with nothing but its public calls."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dagger

import dockerfile
from dockerfile.dagger_config import read_config
from tests.conformance.dockerfile import base_image
from tests.conformance.dockerfile.answers import base_files
from tests.conformance.dockerfile.cases import Case, write_files
from tests.conformance.dockerfile.image_reader import difference

# One line a file: kind, mode, owner, size, device numbers, path; then checksums; then links' targets.
SCAN = r"""
cd /scanned
find . ! -path . -exec stat -c '%F|%a|%u:%g|%s|0x%t 0x%T|%n' {} +
echo ==; find . -type f -exec sha256sum {} +
echo ==; find . -type l -exec sh -c 'for l; do echo "$(readlink "$l")|$l"; done' sh {} +
"""
KINDS = {
    "regular file": "file",
    "regular empty file": "file",
    "directory": "dir",
    "symbolic link": "link",
    "fifo": "fifo",
    "character special file": "char",
    "block special file": "block",
}


async def answer(client: dagger.Client, case: Case, folder: Path) -> dict[str, Any]:
    """The same table as the oracle's, config apart: `{"files": …, "config": ImageConfig}`."""
    container = await build(client, case, folder)
    files = await scan(client, container)
    changes = files if "bin/busybox" not in files else difference(files, base_files())
    return {"files": changes, "config": await read_config(container)}


async def build(client: dagger.Client, case: Case, folder: Path) -> dagger.Container:
    case.write(folder / "context")
    contexts: dict[str, dagger.Container | dagger.Directory] = {
        reference: base(client, reference, folder) for reference in (base_image.BASE, base_image.RICH)
    }
    for name, what in case.contexts.items():
        contexts[name] = named(client, what, folder / "named" / name.replace("/", "_"), contexts)
    return await dockerfile.build(
        client.host().directory(str(folder / "context"), no_cache=True),
        dockerfile=case.path,
        contexts=contexts,
        target=case.target,
        build_args=case.args,
        secrets={name: client.set_secret(name, text) for name, text in case.secrets.items()},
        client=client,
    )


def named(
    client: dagger.Client, what: str | dict[str, Any], folder: Path, known: dict[str, Any]
) -> dagger.Container | dagger.Directory:
    if isinstance(what, str):
        found: dagger.Container = known[what]
        return found
    write_files(folder, what)
    return client.host().directory(str(folder), no_cache=True)


def base(client: dagger.Client, reference: str, folder: Path) -> dagger.Container:
    paths = base_image.write_images(folder.parent / "images")
    return client.container().import_(client.host().file(str(paths[reference])))


async def scan(client: dagger.Client, container: dagger.Container) -> dict[str, list[Any]]:
    """The container's root filesystem, listed by a busybox of our own beside it."""
    scanner = client.container().with_file("/bin/busybox", client.host().file("/bin/busybox"), permissions=0o755)
    for applet in ("sh", "find", "stat", "sha256sum", "readlink"):
        scanner = scanner.with_symlink("busybox", f"/bin/{applet}")
    scanner = scanner.with_mounted_directory("/scanned", container.rootfs(), read_only=True)
    return _table(await scanner.with_exec(["/bin/sh", "-c", SCAN]).stdout())


def _table(output: str) -> dict[str, list[Any]]:
    stats, sums, links = output.split("==\n")
    digests = {line[66:].removeprefix("./"): line[:16] for line in sums.splitlines()}
    targets = {path.removeprefix("./"): to for to, _, path in (line.rpartition("|") for line in links.splitlines())}
    return dict(sorted(_row(line, digests, targets) for line in stats.splitlines()))


def _row(line: str, digests: dict[str, str], targets: dict[str, str]) -> tuple[str, list[Any]]:
    kind, mode, owner, size, device, path = line.split("|", 5)
    name = path.removeprefix("./")
    content = ""
    if KINDS[kind] == "file":
        content = f"{size} {digests[name]}"
    elif KINDS[kind] == "link":
        content = targets[name]
    elif KINDS[kind] in ("char", "block"):
        content = ":".join(str(int(number, 16)) for number in device.split())
    return name, [KINDS[kind], mode, owner, content]
