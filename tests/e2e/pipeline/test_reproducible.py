"""Two machines that know nothing of each other make the same image of the same inputs."""

import json
import subprocess

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


@pytest.mark.full
def test_two_empty_stores_give_the_same_digest(call_on, write, tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    source = write({"Dockerfile": DOCKERFILE, "text": "x\n", "examples/a/Dockerfile": "FROM base\n"})
    digests = []
    for name in ("one", "other"):
        archive = tmp_path / f"{name}.tar"
        done = call_on(tmp_path / f"store-{name}")(source, "archive", "-o", str(archive))
        assert done.code == 0, done.stderr[-3000:]
        assert done.executions("useradd") == 1
        digests.append(json.loads(subprocess.check_output(["skopeo", "inspect", f"oci-archive:{archive}"]))["Digest"])
    assert digests[0] == digests[1]
