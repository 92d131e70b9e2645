"""What ``init`` writes, and that it writes over nothing."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from baselard.cli import found, init, naming, parser, tagged
from baselard.engine.errors import UserError
from baselard.oci import reference
from pipeline import here
from pipeline.config import config


@pytest.fixture(autouse=True)
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "Images"
    (root / "image").mkdir(parents=True)
    (root / "image" / "Dockerfile").write_text("FROM debian:trixie-slim\n")
    monkeypatch.chdir(root)
    return root


def test_the_configuration_is_one_the_pipeline_reads(repository: Path) -> None:
    assert init.run(github=False, yes=True) == 0
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
    text = init.config(repository, found.found(repository))
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
    (example,) = found.found(repository).examples
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
    bases = config.parse(init.config(repository, found.found(repository))).bases
    assert [(base.name, base.dockerfile) for base in bases] == [
        ("acme/os", "os/Dockerfile"),
        ("acme/tools", "tools/Dockerfile"),
        ("acme/a-top", "a-top/Dockerfile"),
    ]


def test_of_several_bases_each_has_a_name_that_no_other_has(repository: Path) -> None:
    """Judge: discovery, which refuses two bases of one name."""
    (repository / "image/Dockerfile").unlink()
    files = ("a/web/Dockerfile", "b/web/Dockerfile", "c/3.12-slim.dockerfile", "c/Dockerfile.3.12", "d/Containerfile")
    write(repository, {name: "FROM debian:trixie-slim\n" for name in (*files, "d/Dockerfile.dockerignore")})
    (repository / "baselard.yaml").write_text(init.config(repository, found.found(repository)))
    text, whole = here.planned(repository)
    assert whole, text
    names = [base.name for base in config.parse((repository / "baselard.yaml").read_text()).bases]
    assert names == ["a-web", "b-web", "c-3-12-slim", "c-3-12", "d"]


def test_what_comments_offer_is_read_by_the_pipeline_too(repository: Path) -> None:
    write(repository, {"image/Dockerfile": "FROM debian AS standard\nFROM standard AS dev\n"})
    text = init.config(repository, found.found(repository))
    lines = text.replace("    # ", "    ").replace("# examples:", "examples:").splitlines()
    offered = [
        line.removeprefix("# ") if line.startswith(("#   paths", "#   settings", "#     NAME")) else line
        for line in lines
    ]
    parsed = config.parse("\n".join(offered))
    assert parsed.bases[0].targets == ("standard", "dev")
    assert parsed.example(["NAME"]).wait == 60


def test_a_dockerfile_that_does_not_parse_is_no_hindrance(repository: Path) -> None:
    write(repository, {"examples/bad/Dockerfile": "FORM x\n"})
    assert "#   examples/bad, FROM " in init.config(repository, found.found(repository))


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
    with pytest.raises(UserError, match="could be a base image"):
        init.run(github=False)


def test_other_words_are_mistakes() -> None:
    with pytest.raises(UserError, match="unknown option --git; did you mean --github"):
        parser.read("init", ["--git"])


# --- a stranger's repository ------------------------------------------------------------------------------------------


@pytest.fixture
def strange(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty repository of somebody's, with a remote."""
    root = tmp_path / "My Images"
    root.mkdir()
    subprocess.run(["git", "init", "-q", root], check=True)
    subprocess.run(
        ["git", "-C", root, "remote", "add", "origin", "git@github.com:Acme-Corp/Base_Images.git"], check=True
    )
    monkeypatch.chdir(root)
    return root


def planned(root: Path) -> str:
    """What the pipeline makes of it; it is the judge of a configuration."""
    text, good = here.planned(root)
    assert good, text
    return text


def test_a_single_base_is_called_as_the_remote_says(strange: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(strange, {"Dockerfile": "FROM debian:trixie-slim\n"})
    assert init.run(github=False, yes=True) == 0
    (base,) = config.parse((strange / "baselard.yaml").read_text()).bases
    assert base.name == "ghcr.io/acme-corp/base-images"
    assert capsys.readouterr().out.splitlines() == ["baselard.yaml", init.WORKFLOW]
    planned(strange)


def test_a_hierarchy_below_images_is_bases_and_who_starts_from_it_elsewhere_an_example(strange: Path) -> None:
    write(
        strange,
        {
            "images/os/Containerfile": "FROM debian:trixie-slim\nRUN apt-get install -y git\n",
            "images/tools/tools.Dockerfile": "FROM ghcr.io/acme/os:1\n",
            "images/node/Dockerfile": "FROM ghcr.io/acme/tools\n",
            "apps/web/Dockerfile": "FROM ghcr.io/acme/node:latest\n",
            "apps/cli/Dockerfile.cli": "FROM ghcr.io/acme/tools:latest\n",
            "deploy/proxy.dockerfile": "FROM nginx\n",
        },
    )
    assert init.run(github=False, yes=True) == 0
    text = (strange / "baselard.yaml").read_text()
    bases = [(base.name, base.dockerfile) for base in config.parse(text).bases]
    assert bases == [
        ("ghcr.io/acme/os", "images/os/Containerfile"),
        ("ghcr.io/acme/tools", "images/tools/tools.Dockerfile"),
        ("ghcr.io/acme/node", "images/node/Dockerfile"),
    ]
    assert config.parse(text).example_paths == ("apps/cli/Dockerfile.cli", "apps/web")
    assert "# Not used: deploy/proxy.dockerfile, FROM nginx\n" in text
    assert "web" in planned(strange)
    assert yaml.safe_load((strange / ".hadolint.yaml").read_text()) == {"ignored": ["DL3008"]}


@pytest.mark.parametrize("place", ["src", "docker", "images"])
def test_images_that_have_nothing_to_do_with_each_other_are_all_bases(strange: Path, place: str) -> None:
    write(strange, {f"{place}/{name}/Dockerfile": f"FROM {name}:1\n" for name in ("Go", "rust")})
    bases = config.parse(init.config(strange, found.found(strange))).bases
    assert [base.name for base in bases] == ["ghcr.io/acme-corp/go", "ghcr.io/acme-corp/rust"]


def stacked(root: Path) -> dict[str, str]:
    """The builds that a plan by init's configuration has: names, and the base each stands on."""
    assert init.run(github=False, yes=True) == 0
    plan = json.loads(here.planned(root, as_json=True)[0])
    one = {**plan["bases"], **plan["examples"]}
    return {name: next((s["base"] for s in build["sources"] if "base" in s), "") for name, build in one.items()}


def test_directories_are_tags_of_the_repository_s_own_image_where_froms_say_so(strange: Path) -> None:
    """A stand-in of docker-library/buildpack-deps' shape."""
    files = {
        "debian/trixie/curl/Dockerfile": "FROM debian:trixie\n",
        "debian/trixie/scm/Dockerfile": "FROM deps:trixie-curl\n",
        "debian/trixie/Dockerfile": "FROM deps:trixie-scm\n",
        "ubuntu/noble/curl/Dockerfile": "FROM ubuntu:noble\n",
        "ubuntu/noble/scm/Dockerfile": "FROM deps:noble-curl\n",
    }
    write(strange, files)
    subprocess.run(["git", "-C", strange, "remote", "set-url", "origin", "https://github.com/acme/deps"], check=True)
    assert stacked(strange) == {
        "deps:trixie-curl": "",
        "deps:noble-curl": "",
        "deps:trixie-scm": "deps:trixie-curl",
        "deps:noble-scm": "deps:noble-curl",
        "deps:trixie": "deps:trixie-scm",
    }


def test_directories_are_images_and_tags_where_froms_say_so(strange: Path) -> None:
    """A stand-in of webdevops/Dockerfile's shape; an image that nobody starts from belongs to the others."""
    files = {
        "docker/base/alpine/Dockerfile": "FROM alpine\n",
        "docker/base/noble/Dockerfile": "FROM ubuntu:24.04\n",
        "docker/web/alpine/Dockerfile": "FROM acme/base:alpine\n",
        "docker/tool/latest/Dockerfile": "FROM acme/base:noble\n",
        "docker/tool/Dockerfile.py": "import re\n",
        "docker/old/windows/Dockerfile": "FROM mcr.microsoft.com/windows/servercore:ltsc2022\n",
        "docker/net/windows/Dockerfile": "FROM mcr.microsoft.com/dotnet/runtime:8-nanoserver-ltsc2022\n",
        "python/3.12/Dockerfile": "FROM python:3.12\n",
    }
    write(strange, files)
    assert {name: base for name, base in stacked(strange).items() if name.startswith("acme/")} == {
        "acme/base:alpine": "",
        "acme/base:noble": "",
        "acme/web:alpine": "acme/base:alpine",
        "acme/tool:latest": "acme/base:noble",
    }
    written = (strange / "baselard.yaml").read_text()
    assert "# Not used: docker/old/windows/Dockerfile, FROM mcr.microsoft.com/windows/servercore\n" in written
    assert "# Not used: docker/net/windows/Dockerfile" in written
    assert "Dockerfile.py" not in written


def test_what_two_dockerfiles_would_be_is_neither() -> None:
    folders = {"a": "x/a-b/c", "b": "x/a/b-c", "c": "x/d"}
    used = {("own", "a-b-c"), ("own", "d")}
    assert tagged.by_directory(folders, used, "own") == {"c": ("own", "d")}


@pytest.mark.parametrize("repository_name", ["spark", "docker-spark", "spark-docker", "docker-library-spark-images"])
def test_all_directories_may_be_a_tag_s_parts_and_docker_is_no_part_of_an_image_s_name(repository_name: str) -> None:
    """A stand-in of apache/spark-docker's shape."""
    folders = {"a": "3.5/java17", "b": "3.5/java17-r", "c": "4.0/java21"}
    told = tagged.by_directory(folders, {("acme/spark", "3.5-java17")}, repository_name)
    assert told == {
        "a": ("acme/spark", "3.5-java17"),
        "b": ("acme/spark", "3.5-java17-r"),
        "c": ("acme/spark", "4.0-java21"),
    }


def test_a_name_with_tags_that_no_directory_has_is_somebody_else_s() -> None:
    """A stand-in of fluent/fluentd-docker-image's shape: some start from an image that was published long ago."""
    folders = {"a": "v1/alpine", "b": "v1/debian"}
    assert tagged.by_directory(folders, {("f/own", "v1-alpine"), ("f/own", "v0.14")}, "own") == {}
    assert tagged.by_directory(folders, {("f/own", "v1-alpine"), ("f/own", "latest")}, "own").keys() == {"a", "b"}


def test_what_is_for_editors_and_tests_is_left_out(strange: Path) -> None:
    inside = (".devcontainer", "tests/fixtures/a", "node_modules/x", "pkg/testdata", "vendor/y")
    write(strange, {f"{place}/Dockerfile": "FROM debian\n" for place in inside})
    write(strange, {"Dockerfile": "FROM debian\n", "Dockerfile.dockerignore": "x\n"})
    assert [one.path for one in found.found(strange).everything] == ["Dockerfile"]


def test_what_cannot_be_read_is_passed_over(strange: Path, tmp_path: Path) -> None:
    """A directory of that name, links out of the tree, to nowhere, and in a circle."""
    write(strange, {"image/Dockerfile": "FROM debian\n", "template/Dockerfile/Dockerfile.tmpl": "x\n"})
    (tmp_path / "outside").write_text("FROM secret\n")
    for name, target in {"out": "../../outside", "nowhere": "nothing", "circle": "Dockerfile"}.items():
        (strange / name).mkdir()
        (strange / name / "Dockerfile").symlink_to(target)
    (strange / "loop").symlink_to(".")
    assert [one.path for one in found.found(strange).everything] == ["image/Dockerfile"]


def test_without_a_terminal_and_without_yes_it_says_how(strange: Path) -> None:
    write(strange, {"Dockerfile": "FROM debian\n"})
    with pytest.raises(UserError, match="`baselard init --yes`"):
        init.run(github=False)
    assert not (strange / "baselard.yaml").exists()


def test_on_a_terminal_each_file_is_asked_for(
    strange: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(strange, {"Dockerfile": "FROM debian\nRUN apt-get install -y git\n"})
    answers = iter(["\n", "n\n", "y\n"])
    for stream in (sys.stdin, sys.stderr):
        monkeypatch.setattr(stream, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys.stdin, "readline", lambda: next(answers), raising=False)
    assert init.run(github=False) == 0
    assert capsys.readouterr().out.splitlines() == ["baselard.yaml", init.WORKFLOW]
    assert not (strange / ".hadolint.yaml").exists()


@pytest.mark.parametrize(
    ("command", "rule"),
    [
        ("apt-get -y install git", "DL3008"),
        ("apk --no-cache add git", "DL3018"),
        ("yum -y --setopt=a=b install git", "DL3033"),
        ("zypper -n in git", "DL3037"),
        ("dnf install -y git", "DL3041"),
        ("microdnf --nodocs install git", "DL3041"),
        ("apt-get update", ""),
        ("apt-get update && cp install /tmp", ""),
    ],
)
def test_versions_are_asked_of_no_distribution_s_packages(strange: Path, command: str, rule: str) -> None:
    """Judge: hadolint 2.15.1, which has this rule of a Dockerfile with this command, and no other of these."""
    write(strange, {"Dockerfile": f"FROM debian\nRUN {command}\n"})
    written = init.hadolint(found.found(strange))
    assert (yaml.safe_load(written) if written else {"ignored": []}) == {"ignored": [rule] if rule else []}


def test_rules_that_are_there_are_kept(strange: Path) -> None:
    write(strange, {"Dockerfile": "FROM debian\nRUN apt-get install -y git\n", ".hadolint.yml": "mine\n"})
    init.run(github=False, yes=True)
    assert not (strange / ".hadolint.yaml").exists()


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://github.com/Acme/Base.git", "ghcr.io/acme/base"),
        ("ssh://git@gitlab.com:22/Group/Sub_Group/x.y/", "registry.gitlab.com/group/sub-group/x-y"),
        ("git@git.example.org:team/images.git", "git.example.org/team/images"),
        ("/srv/git/images.git", ""),
        ("", ""),
    ],
)
def test_a_remotes_url_tells_where_images_go(url: str, name: str) -> None:
    """Judge: the grammar of references, for what is not empty."""
    assert naming.published(url) == name
    assert not name or reference.parse(name)


def test_two_of_one_name_are_told_apart(strange: Path) -> None:
    write(strange, {f"{team}/app/Dockerfile": "FROM debian\n" for team in ("blue", "red")})
    names = [base.name for base in config.parse(init.config(strange, found.found(strange))).bases]
    assert names == ["ghcr.io/acme-corp/blue-app", "ghcr.io/acme-corp/red-app"]
