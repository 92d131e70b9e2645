"""The reusable workflow with the real launcher: every job has an empty store, and a real registry is between them."""

import json
import re
import shutil
from pathlib import Path

import httpx
import pytest

from tests.actions_runner.runner import Event, Run

pytestmark = [
    pytest.mark.root,
    pytest.mark.network,
    pytest.mark.full,
    pytest.mark.skipif(not shutil.which("docker-registry"), reason="needs Debian's docker-registry"),
]
ROOT = Path(__file__).resolve().parents[3]
BASE = """\
FROM debian:trixie-slim AS standard
RUN useradd --create-home --uid 1000 agent
ENV HOME=/home/agent
USER 1000
CMD ["bash"]
FROM standard AS dev
ENV DEV=1
"""


@pytest.fixture
def source(registry, write, request):
    name = f"{registry}/acme/{request.node.callspec.id}"
    return name, write(
        {
            "Dockerfile": BASE,
            "baselard.yaml": f"bases: [{{name: '{name}', targets: [standard, dev]}}]\n",
            "examples/a/Dockerfile": f"FROM {name}\nRUN echo a >~/a\n",
            "examples/a/goss.yaml": "file: {/home/agent/a: {exists: true}}\n",
            "examples/b/Dockerfile": f"FROM {name}:dev\n",
            "examples/b/goss.yaml": "file: {/nowhere: {exists: true}}\n",
        }
    )


def untimed(report: Path) -> tuple[str, object]:
    """Everything that a report says but when and how long."""
    junit = re.sub(r' (time|timestamp)="[^"]*"', "", (report / "junit.xml").read_text())
    suites = json.loads((report / "report.json").read_text())["suites"]
    return junit, [[(case["name"], case["verdict"], case["message"]) for case in suite["cases"]] for suite in suites]


@pytest.mark.parametrize("event", [Event(), Event("pull_request", fork="someone/images")], ids=["registry", "archive"])
def test_its_report_is_that_of_a_single_run(call, source, tmp_path, event):
    name, repository = source
    run = Run(
        tmp_path / "github",
        repository,
        event,
        actions={"baselard/baselard": ROOT},
        secrets={"registry-token": "any"},
        machine=lambda number: {"BASELARD_STORE": str(tmp_path / f"store-{number}")},
    )
    done = run.workflow(ROOT / ".github/workflows/fan-out.yml", {"matrix": "--shards=2"})
    said = "\n".join(job.log[-3000:] for job in run.jobs)
    results = {job: one["result"] for job, one in done.items()}
    assert results == {
        "plan": "success", "build": "success", "test": "failure", "report": "failure", "cleanup": "success"
    }, said  # fmt: skip
    handed = json.loads(next((run.place / "artifacts-1").glob("baselard-bases-*/bases.json")).read_text())
    kind = "archive" if event.fork else "reference"
    assert {base.rpartition(":")[2] for base, entry in handed.items() if kind in entry} == {"standard", "dev"}
    assert not [job for job in run.jobs[2:4] if "useradd" in job.log], "a test job built the base"
    answer = httpx.get(f"http://{name.replace('/', '/v2/', 1)}/tags/list")
    assert not answer.json().get("tags"), "a test tag was left"
    single = tmp_path / "single"
    assert call(repository, "report", "--check", "test-examples", "-o", str(single)).code == 0
    joined = run.place / "artifacts-1" / "baselard-report"
    assert untimed(joined) == untimed(single)
    assert (joined / "exit-code").read_text() == (single / "exit-code").read_text() == "1\n"
