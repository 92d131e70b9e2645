"""A plan as people and programs read it. Judge of the JSON: Python's own parser; of what is loaded: `sys.modules`."""

import json
import subprocess
import sys

import pytest

from pipeline import project
from pipeline.discovery import discover, plan
from pipeline.errors import UsageError

pytestmark = pytest.mark.anyio

FILES = {
    "baselard.yaml": """\
bases:
- {name: acme/tools, tags: [full], dockerfile: full/Dockerfile}
- {name: acme/tools, tags: [curl], dockerfile: curl/Dockerfile, build-args: {SUITE: trixie}, targets: [slim, big]}
examples:
  settings:
    web: {context: ., secrets: {npm: "env://NPM"}, contexts: {docs: docs}, platforms: [linux/arm64]}
    odd: {quarantine: {reason: a mirror, until: 2030-01-31}}
publish: {tags: ["type=raw,value=latest"]}
""",
    "full/Dockerfile": "FROM acme/tools:curl-big\n",
    "full/goss/a.yaml": "",
    "curl/Dockerfile": "ARG SUITE\nFROM debian:${SUITE} AS slim\nFROM slim AS big\n",
    "examples/web/Dockerfile": "FROM acme/tools\nCOPY --from=busybox /bin/sh /bin/\n",
    "examples/web/goss.yaml": "",
    "examples/web/goss_wait.yaml": "",
    "examples/bad/Dockerfile": "FROM acme/tools:none\n",
    "examples/odd/Dockerfile": "FROM acme/tools:curl\n",
}
TREE = """\
acme/tools:curl-slim  curl/Dockerfile, target slim, SUITE=trixie
│   from debian:trixie
│   test basic
│   tags docker.io/acme/tools:curl
└── odd  examples/odd/Dockerfile
        test basic
        quarantined until 2030-01-31: a mirror
acme/tools:curl-big  curl/Dockerfile, target big, SUITE=trixie
│   from debian:trixie
│   test basic
│   tags docker.io/acme/tools:curl-big
└── acme/tools:full  full/Dockerfile
    │   test full/goss/a.yaml
    │   tags docker.io/acme/tools:full, docker.io/acme/tools:latest
    └── web  examples/web/Dockerfile, context ., docs is docs, secret npm
            from busybox
            test examples/web/goss.yaml, examples/web/goss_wait.yaml
bad  examples/bad/Dockerfile
    cannot be built: examples/bad/Dockerfile:1: nobody builds acme/tools:none; built are curl, full, latest
3 bases, 3 examples; 1 cannot be built"""


@pytest.fixture
def planned(repository):
    async def of(files, ref=""):
        return plan.of(await discover.project(repository(files)), ref)

    return of


async def test_the_tree(planned):
    assert plan.as_tree(await planned(FILES)) == TREE


async def test_the_json_says_the_same(planned):
    found = json.loads(plan.as_json(await planned(FILES)))
    assert list(found["bases"]) == ["acme/tools:curl-slim", "acme/tools:curl-big", "acme/tools:full"]
    assert found["bases"]["acme/tools:full"]["sources"] == [
        {"reference": "acme/tools:curl-big", "line": 1, "base": "acme/tools:curl-big"}
    ]
    assert found["examples"]["web"] == {
        "dockerfile": "examples/web/Dockerfile",
        "context": ".",
        "contexts": {"docs": "docs"},
        "secrets": ["npm"],
        "platforms": ["linux/arm64"],
        "sources": [
            {"reference": "acme/tools", "line": 1, "base": "acme/tools:full"},
            {"reference": "busybox", "line": 2},
        ],
        "test": {"goss": ["examples/web/goss.yaml", "examples/web/goss_wait.yaml"]},
    }
    assert found["examples"]["odd"]["test"] == "basic"


def test_of_many_names_a_sentence_has_a_few():
    assert project.few(["a", "b", "c"], 2) == "a, b, c"
    assert project.few(["a", "b", "c", "d"], 2) == "a, b and 2 more"


async def test_it_is_for_the_ref_that_is_asked_for(planned):
    files = {"Dockerfile": "FROM debian\n", "baselard.yaml": "bases: [{name: acme/a}]"}
    assert (await planned(files, "refs/tags/v1.2")).bases[0].tags == [
        "docker.io/acme/a:v1.2",
        "docker.io/acme/a:latest",
    ]


async def test_what_has_no_name_is_not_published(planned):
    found = await planned({"Dockerfile": "FROM debian\n"})
    assert (found.bases[0].tags, found.bases[0].note) == ([], "it is not published: it has no name")


async def test_what_could_not_be_published_is_refused(planned):
    files = {
        "Dockerfile": "FROM debian\n",
        "baselard.yaml": "{bases: [{name: acme/a}], publish: {tags: ['type=raw,value=-']}}",
    }
    with pytest.raises(UsageError, match="which is not a tag"):
        await planned(files)


async def test_a_chain_of_any_depth(planned):
    """Deeper than Python's recursion goes."""
    count = 1200
    names = [f"{{name: a/b{number}, dockerfile: {number}/Dockerfile}}" for number in range(count)]
    files = {f"{number}/Dockerfile": f"FROM a/b{number - 1}\n" for number in range(count)}
    found = await planned({**files, "baselard.yaml": f"bases: [{', '.join(names)}]"})
    assert plan.as_tree(found).count("└── ") > count - 2


def test_a_plan_of_a_directory_loads_no_sdk():
    program = "import sys, pathlib; from pipeline.here import planned; planned(pathlib.Path())"
    program += "; print('dagger' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
