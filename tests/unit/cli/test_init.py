"""What ``init`` writes, and that it writes over nothing."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from baselard.cli import found, init, parser
from baselard.engine.errors import UserError
from pipeline import config, here


@pytest.fixture(autouse=True)
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "Images"
    (root / "image").mkdir(parents=True)
    (root / "image" / "Dockerfile").write_text("FROM debian:trixie-slim\n")
    monkeypatch.chdir(root)
    return root


def test_the_configuration_is_one_the_pipeline_reads(repository: Path) -> None:
    assert init.run(github=False) == 0
    (base,) = config.parse((repository / "baselard.yaml").read_text()).bases
    assert (base.name, base.dockerfile) == ("", "image/Dockerfile")


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def test_what_is_there_is_said(repository: Path) -> None:
    write(
        repository,
        {
            "image/Dockerfile": "FROM debian AS standard\nFROM standard AS dev\n",
            "examples/web/Dockerfile": "FROM node:20 AS build\nFROM ghcr.io/acme/base:dev\n",
            "examples/web/goss.yaml": "",
            "docs/cookbooks/cli/Dockerfile": "FROM ghcr.io/acme/base@sha256:" + 64 * "0" + "\n",
        },
    )
    text = init.config(repository)
    (base,) = config.parse(text).bases
    assert (base.name, base.dockerfile) == ("ghcr.io/acme/base", "image/Dockerfile")
    assert "# targets: [standard, dev]" in text
    assert "#   examples/web, FROM node, ghcr.io/acme/base, goss\n" in text
    assert "#   docs/cookbooks/cli, FROM ghcr.io/acme/base, basic test\n" in text


def test_stages_and_images_are_what_a_build_reads(repository: Path) -> None:
    """Judge: BuildKit's grammar. Heredocs are no FROM, lines go on behind a backslash, words have any case."""
    text = """ARG BASE=localhost:5000/base:1
from $BASE as First
RUN <<EOT
FROM nowhere AS wrong
EOT
FROM --platform=linux/amd64 \\
  docker.io/library/node:20 \\
  AS second
FROM first AS third
"""
    write(repository, {"image/Dockerfile": "FROM debian AS lonely\n", "examples/web/Dockerfile": text})
    (example,) = found.examples(repository)
    assert example.stages == ("first", "second", "third")
    assert example.froms == ("localhost:5000/base", "node")


def test_the_sdk_is_not_loaded() -> None:
    """Judge: Python's own table of modules. Loading dagger-io takes most of a second."""
    script = "import sys; from baselard.cli import init; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert "pipeline.conventions" in loaded
    assert "dagger" not in loaded


def test_a_hierarchy_is_listed_from_the_lowest_and_named_by_who_uses_it(repository: Path) -> None:
    (repository / "image/Dockerfile").unlink()
    write(
        repository,
        {
            "a-top/Dockerfile": "FROM acme/tools\n",
            "os/Dockerfile": "FROM debian:trixie-slim\n",
            "tools/Dockerfile": "FROM acme/os:1\n",
            "unrelated/Dockerfile": "FROM scratch\n",
        },
    )
    found = config.parse(init.config(repository)).bases
    assert [(base.name, base.dockerfile) for base in found] == [
        ("acme/os", "os/Dockerfile"),
        ("acme/tools", "tools/Dockerfile"),
        ("acme/a-top", "a-top/Dockerfile"),
    ]


def test_of_several_bases_each_has_a_name_that_no_other_has(repository: Path) -> None:
    """Judge: discovery, which refuses two bases of one name."""
    (repository / "image/Dockerfile").unlink()
    files = ("a/web/Dockerfile", "b/web/Dockerfile", "c/3.12-slim.dockerfile", "c/Dockerfile.3.12", "d/Containerfile")
    write(repository, {name: "FROM debian:trixie-slim\n" for name in (*files, "d/Dockerfile.dockerignore")})
    (repository / "baselard.yaml").write_text(init.config(repository))
    text, whole = here.planned(repository)
    assert whole, text
    names = [base.name for base in config.parse((repository / "baselard.yaml").read_text()).bases]
    assert names == ["a-web", "b-web", "c-3-12-slim", "c-3-12", "d"]


def test_what_comments_offer_is_read_by_the_pipeline_too(repository: Path) -> None:
    write(repository, {"image/Dockerfile": "FROM debian AS standard\nFROM standard AS dev\n"})
    lines = init.config(repository).replace("    # ", "    ").replace("# examples:", "examples:").splitlines()
    offered = [
        line.removeprefix("# ") if line.startswith(("#   paths", "#   settings", "#     NAME")) else line
        for line in lines
    ]
    parsed = config.parse("\n".join(offered))
    assert parsed.bases[0].targets == ("standard", "dev")
    assert parsed.example(["NAME"]).wait == 60


def test_a_dockerfile_that_does_not_parse_is_no_hindrance(repository: Path) -> None:
    write(repository, {"examples/bad/Dockerfile": "FORM x\n"})
    assert "#   examples/bad, FROM " in init.config(repository)


def test_the_workflow_makes_one_call(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert init.run(github=True) == 0
    assert capsys.readouterr().out == ".github/workflows/baselard.yml\n"
    workflow = yaml.safe_load((repository / ".github/workflows/baselard.yml").read_text())
    checkout, call = (step["uses"] for step in workflow["jobs"]["images"]["steps"])
    assert re.fullmatch("actions/checkout@[0-9a-f]{40}", checkout)
    assert call.startswith("baselard/baselard@")


def test_nothing_is_overwritten(repository: Path) -> None:
    (repository / "baselard.yaml").write_text("mine\n")
    with pytest.raises(UserError, match=r"baselard\.yaml is there already"):
        init.run(github=False)
    assert (repository / "baselard.yaml").read_text() == "mine\n"


def test_without_a_base_there_is_nothing_to_configure(repository: Path) -> None:
    (repository / "image" / "Dockerfile").unlink()
    with pytest.raises(UserError, match="there is no base image here"):
        init.run(github=False)


def test_other_words_are_mistakes() -> None:
    with pytest.raises(UserError, match="unknown option --git; did you mean --github"):
        parser.read("init", ["--git"])
