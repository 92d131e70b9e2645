"""A case built by whatever serves the Dagger API, both ways in, and read back as an image archive."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import dagger

from baselard import dockerfile
from baselard.dockerfile.syntax.errors import Warning_
from tests.conformance.dockerfile import base_image
from tests.conformance.dockerfile.answers import compact
from tests.conformance.dockerfile.cases import Case, write_files
from tests.conformance.dockerfile.image_reader import read_archive
from tests.conformance.dockerfile.serving import ALLOWED


async def through_objects(
    client: dagger.Client, case: Case, folder: Path, on_warning: Callable[[Warning_], None] = lambda _: None
) -> dagger.Container:
    """This room through dagger-io: the test images are Container objects under their names."""
    case.write(folder / "context")
    mentioned = f"{case.dockerfile} {case.contexts} {case.args}"
    images = [name for name in (base_image.BASE, base_image.RICH, base_image.TRIGGERS) if name in mentioned]
    contexts: dict[str, dagger.Container | dagger.Directory] = {
        name: base(client, name, folder.parent) for name in images or [base_image.BASE, base_image.RICH]
    }
    for name, what in case.contexts.items():
        contexts[name] = contexts[what] if isinstance(what, str) else _named(client, what, folder / "named")
    return await dockerfile.build(
        client.host().directory(str(folder / "context"), no_cache=True),
        dockerfile=case.path,
        contexts=contexts,
        target=case.target,
        build_args=case.args,
        secrets={name: client.set_secret(name, text) for name, text in case.secrets.items()},
        ssh=client.host().unix_socket(str(folder / "agent")) if case.ssh else None,
        allow=[ALLOWED],
        client=client,
        on_warning=on_warning,
    )


def through_docker_build(client: dagger.Client, case: Case, folder: Path, registry: str) -> dagger.Container:
    """The engine's own dockerBuild: the test images come from a registry."""
    moved = case.dockerfile.replace("baselard-test/", f"{registry}/baselard-test/")
    write_files(folder / "context", {**case.files, case.path: moved})
    return (
        client.host()
        .directory(str(folder / "context"), no_cache=True)
        .docker_build(
            dockerfile=case.path,
            build_args=[dagger.BuildArg(name=name, value=value) for name, value in case.args.items()],
            target=case.target,
            secrets=[client.set_secret(name, text) for name, text in case.secrets.items()],
            ssh=client.host().unix_socket(str(folder / "agent")) if case.ssh else None,
        )
    )


async def answer(container: dagger.Container, folder: Path) -> dict[str, Any]:
    """What the image adds to its base, as the oracle says it."""
    path = folder / "image.tar"
    await container.as_tarball().export(str(path))
    return compact(read_archive(path))


def _named(client: dagger.Client, files: dict[str, Any], folder: Path) -> dagger.Directory:
    write_files(folder, files)
    return client.host().directory(str(folder), no_cache=True)


def base(client: dagger.Client, reference: str, folder: Path) -> dagger.Container:
    images = folder / "images"
    if not images.exists():
        base_image.write_images(images)
    return client.container().import_(client.host().file(str(images / (reference.replace("/", "_") + ".tar"))))
