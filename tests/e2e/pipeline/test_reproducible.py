"""Two machines that know nothing of each other make the same image of the same inputs."""

import json
import subprocess
from pathlib import Path

import pytest

pytestmark = [pytest.mark.root, pytest.mark.network]

# What a step writes is as old as the step: only SOURCE_DATE_EPOCH makes that the same everywhere.
DOCKERFILE = """\
FROM debian:trixie-slim AS standard
COPY text /text
RUN mkdir /made && date +%Y >/made/year && useradd --create-home --uid 1000 agent
USER agent
LABEL a=b
"""


ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.full
@pytest.mark.parametrize("own", [False, True], ids=["small", "this repository's base"])
def test_two_empty_stores_give_the_same_digest(call_on, write, tmp_path, monkeypatch, own):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    source = ROOT if own else write({"Dockerfile": DOCKERFILE, "text": "x\n", "examples/a/Dockerfile": "FROM base\n"})
    images = []
    for name in ("one", "other"):
        archive = tmp_path / f"{name}.tar"
        done = call_on(tmp_path / f"store-{name}")(source, "archive", "-o", str(archive))
        assert done.code == 0, done.stderr[-3000:]
        assert done.executions("useradd") == 1
        images.append(json.loads(subprocess.check_output(["skopeo", "inspect", f"oci-archive:{archive}"])))
    assert images[0]["Layers"] == images[1]["Layers"]
    assert images[0]["Digest"] == images[1]["Digest"]
