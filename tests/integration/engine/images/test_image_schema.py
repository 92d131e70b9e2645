"""The specification's own schemas judge every document we write."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from baselard.engine.files import merging
from baselard.engine.host import platforms
from baselard.engine.images import archive_write, writing
from baselard.engine.images.writing import Format, Variant
from baselard.engine.store.database import Store
from baselard.oci.image_config import Healthcheck, ImageConfig
from baselard.oci.media_types import OCI_CONFIG, OCI_INDEX

pytestmark = [pytest.mark.root, pytest.mark.network, pytest.mark.full]

FULL = ImageConfig(
    platforms.parse("linux/amd64"),
    env=(("PATH", "/bin"),),
    entrypoint=("/bin/sh",),
    cmd=("-c", "true"),
    user="1000:1000",
    workdir="/work",
    labels=(("a.b", "c"),),
    exposed_ports=("80/tcp",),
    healthcheck=Healthcheck(("CMD", "true")),
)


@pytest.mark.parametrize("form", [Format(), Format("zstd"), Format("none"), Format(epoch=1)])
def test_manifests_indexes_configurations_and_layouts(
    store: Store, judge: Callable[..., Any], tmp_path: Path, form: Format
) -> None:
    with merging.snapshots(store).layer(None) as draft:
        (draft.path / "file").write_text("content")
        tree = draft.commit()
    arm = ImageConfig(platforms.parse("linux/arm64/v8"))
    variants = [Variant(tree, FULL, (("a.b", "c"),)), Variant(tree, arm)]
    whole = writing.write(store, variants, form)
    archive_write.write(store, whole, tmp_path / "a.tar", ("docker.io/library/mine:1",))
    documents = [(OCI_INDEX, whole.data)]
    for image in whole.images:
        config = image.manifest.config
        documents += [(image.descriptor.media_type, image.data)]
        documents += [(config.media_type, store.blob_path(config.digest).read_bytes())]
    for number, (kind, data) in enumerate(documents):
        path = tmp_path / str(number)
        path.write_bytes(data)
        ended = judge("schema", kind, str(path))
        assert ended.returncode == 0, ended.stderr + data.decode()


def test_the_judge_sees_faults(judge: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "bad").write_text(json.dumps({"schemaVersion": 2, "layers": []}))
    assert judge("schema", "application/vnd.oci.image.manifest.v1+json", str(tmp_path / "bad")).returncode == 1
    assert OCI_CONFIG.startswith("application/vnd.oci")
