"""Repositories of other shapes than this one."""

import json
import subprocess

import pytest

pytestmark = [pytest.mark.root, pytest.mark.network]


def test_a_hierarchy_of_three_images_each_from_the_one_before(call, write):
    source = write(
        {
            "baselard.yaml": """\
bases:
  - {name: example.test/os, dockerfile: os/Dockerfile}
  - {name: example.test/tools, dockerfile: tools/Dockerfile}
  - {name: example.test/science, dockerfile: science/Dockerfile, targets: [slim, full]}
examples: {paths: ["recipes/*"]}
""",
            "os/Dockerfile": "FROM debian:trixie-slim\nRUN echo os >/etc/level-1\n",
            "os/goss/a.yaml": "file: {/etc/level-1: {exists: true}}\n",
            "tools/Dockerfile": "FROM example.test/os:1\nRUN echo tools >/etc/level-2\n",
            "tools/goss/a.yaml": "file: {/etc/level-1: {exists: true}, /etc/level-2: {exists: true}}\n",
            "science/Dockerfile": "FROM example.test/tools AS slim\nFROM slim AS full\nRUN echo full >/etc/level-3\n",
            "science/goss/full.yaml": "file: {/etc/level-3: {exists: true}}\n",
            "science/goss/slim.yaml": "file: {/etc/level-3: {exists: false}}\n",
            "recipes/low/Dockerfile": "FROM example.test/os\n",
            "recipes/low/goss.yaml": "file: {/etc/level-1: {exists: true}, /etc/level-2: {exists: false}}\n",
            "recipes/high/Dockerfile": "FROM example.test/science:full\n",
            "recipes/high/goss.yaml": "file: {/etc/level-1: {exists: true}, /etc/level-3: {exists: true}}\n",
        }
    )
    base = call(source, "test-base")
    assert (base.code, "all 4 passed" in base.stdout) == (0, True), base.stderr[-3000:]
    examples = call(source, "test-examples")
    assert (examples.code, "all 4 passed" in examples.stdout) == (0, True), examples.stderr[-3000:]


def test_one_name_whose_tags_are_dockerfiles_and_builds_with_what_they_need(call, write, monkeypatch):
    """The highest is listed first, the lowest is reached through an argument, and each level is built once."""
    monkeypatch.setenv("SHAPES_TOKEN", "a token")
    source = write(
        {
            "baselard.yaml": """\
bases:
- {name: example.test/tools, tags: [full, latest], dockerfile: full/Dockerfile, context: shared}
- {name: example.test/tools, tags: [curl], dockerfile: curl/Dockerfile}
- {name: "example.test/{KIND}", dockerfile: kinds/Dockerfile, variants: {KIND: [red, blue]}}
examples:
  paths: ["examples/*", "recipes/*.dockerfile"]
  settings:
    made: {contexts: {more: shared, alpine: "docker-image://example.test/red"}, secrets: {token: "env://SHAPES_TOKEN"}}
    far: {platforms: [linux/s390x]}
""",
            "curl/Dockerfile": "FROM debian:trixie-slim\nRUN echo curl >/etc/level-1 && echo ran >&2\n",
            "full/Dockerfile": "ARG BASE=example.test/tools:none\nARG BASE=example.test/tools:curl\nFROM $BASE\n"
            "COPY word /etc/level-2\nONBUILD COPY own /etc/level-3\n",
            "full/goss/a.yaml": "file: {/etc/level-1: {exists: true}, /etc/level-2: {exists: true}}\n",
            "shared/word": "shared\n",
            "kinds/Dockerfile": "ARG KIND\nFROM example.test/tools:curl\nARG KIND\nRUN echo $KIND >/etc/kind\n",
            "examples/made/Dockerfile": "FROM alpine\nCOPY --from=more word /etc/more\n"
            "COPY --from=example.test/tools /etc/level-2 /etc/copied\n"
            'RUN --mount=type=secret,id=token,required=true test "$(cat /run/secrets/token)" = "a token"\n',
            "examples/made/goss.yaml": "file: {/etc/kind: {contents: [red], exists: true}, /etc/more: {exists: true}}",
            "examples/far/Dockerfile": "FROM example.test/tools\n",
            "recipes/own": "of the recipe\n",
            "recipes/built.dockerfile": "FROM example.test/tools:full\n",
            "recipes/goss/built.yaml": "file: {/etc/level-3: {exists: true, contents: [of the recipe]}}\n",
        }
    )
    secret = ("--secrets", "env://SHAPES_TOKEN")
    examples = call(source, *secret, "test-examples")
    assert examples.code == 0, examples.stdout + examples.stderr[-3000:]
    assert "only for linux/s390x" in examples.stdout
    assert examples.executions("echo curl") == 1
    base = call(source, "test-base")
    assert (base.code, "all 4 passed" in base.stdout) == (0, True), base.stderr[-3000:]
    without = call(source, "test-examples", "--only", "made")
    assert without.code == 1
    assert "made needs a secret that the call does not give: add --secrets env://SHAPES_TOKEN" in without.stderr


def test_one_image_with_two_targets_and_cookbooks(call, write):
    source = write(
        {
            "Dockerfile": "FROM debian:trixie-slim AS standard\nFROM standard AS dev\nRUN echo dev >/etc/dev\n",
            "baselard.yaml": "bases: [{name: example.test/agents, targets: [standard, dev]}]\n",
            "docs/cookbooks/plain/Dockerfile": "FROM example.test/agents:latest\n",
            "docs/cookbooks/plain/goss.yaml": "file: {/etc/dev: {exists: false}}\n",
            "docs/cookbooks/developing/Dockerfile": "FROM example.test/agents:dev\n",
            "docs/cookbooks/developing/goss.yaml": "file: {/etc/dev: {exists: true}}\n",
        }
    )
    done = call(source, "test-examples")
    assert (done.code, "all 4 passed" in done.stdout) == (0, True), done.stderr[-3000:]
    jobs = call(source, "matrix", "--shards", "1")
    assert json.loads(jobs.stdout)["matrix"]["include"][0]["example"] == "developing,plain"


def test_only_what_changed_by_git_itself(call, write):
    source = write(
        {
            "Dockerfile": "FROM debian:trixie-slim\n",
            "examples/a/Dockerfile": "FROM example.test/base\n",
            "examples/a/goss.yaml": "file: {/etc/passwd: {exists: true}}\n",
            "examples/b/Dockerfile": "FROM example.test/base\n",
            "examples/b/goss.yaml": "file: {/etc/passwd: {exists: true}}\n",
        }
    )
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.test", "-C", str(source)]
    for argv in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-q", "-m", "one"], ["branch", "topic"]):
        subprocess.run([*git, *argv], check=True)
    # What others did on main meanwhile is not this branch's change.
    (source / "examples/b/goss.yaml").write_text("file: {/etc/group: {exists: true}}\n")
    for argv in (["commit", "-qam", "two"], ["checkout", "-q", "topic"]):
        subprocess.run([*git, *argv], check=True)
    (source / "examples/a/README.md").write_text("not committed, not even known\n")
    changed = ("--changed-since", "main", "--history", str(source / ".git"))
    done = call(source, "test-examples", *changed)
    assert done.code == 0, done.stderr[-3000:]
    assert "unchanged since main" in next(line for line in done.stdout.splitlines() if line.startswith("skipped  b"))
    unknown = call(source, "test-examples", "--changed-since", "nowhere", *changed[2:])
    assert "all are tested: what changed since nowhere is not known" in unknown.stdout
