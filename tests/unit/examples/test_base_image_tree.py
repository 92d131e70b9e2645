"""The base's Dockerfile and its settings, read from the tree."""

import re
from pathlib import Path

import pytest
import yaml

from baselard import dockerfile
from baselard.dockerfile.syntax import instructions as ins

ROOT = Path(__file__).resolve().parents[3]
IMAGE = ROOT / "image"
TARGETS = ("standard", "dev")


@pytest.fixture(scope="module")
def text():
    return (IMAGE / "Dockerfile").read_text()


@pytest.fixture(scope="module")
def stages(text):
    return {stage.name: stage for stage in dockerfile.parse(text).stages}


def of_kind(stage, kind):
    return [one for one in stage.instructions if isinstance(one, kind)]


def shell_lines(stage):
    return [" ".join(run.command.words) for run in of_kind(stage, ins.Run)]


def package_lists(text):
    """The packages of every `apt-get install`, in the order in which they are written."""
    lists = re.findall(r"apt-get install -y --no-install-recommends \\\n((?:\s+[\w.+-]+ \\\n)+)", text)
    return [found.replace("\\", "").split() for found in lists]


def unpinned(command):
    """What `pip install` in a command asks for without an exact version."""
    words = command.partition("pip install")[2].split()
    wanted = [word.strip("\"'") for word in words if not word.startswith("-")]
    return [word for word in wanted if "==" not in word]


def test_targets_and_where_they_start(stages):
    assert tuple(stages) == TARGETS
    assert stages["standard"].base == "debian:trixie-slim"
    assert stages["dev"].base == "standard"


def test_packages_are_sorted_and_named_once(text):
    lists = package_lists(text)
    assert len(lists) == 3
    for names in lists:
        assert names == sorted(names)
    every = [name for names in lists for name in names]
    assert len(every) == len(set(every))


def test_what_is_sorted_is_really_read():
    found = package_lists("RUN apt-get install -y --no-install-recommends \\\n    zip \\\n    curl \\\n    && true\n")
    assert found == [["zip", "curl"]]


@pytest.mark.parametrize("target", TARGETS)
def test_no_cache_of_a_package_manager_stays(stages, target):
    for line in shell_lines(stages[target]):
        if "apt-get update" in line:
            assert "rm -rf /var/lib/apt/lists/*" in line
        if "pip install" in line:
            assert "--no-cache-dir" in line


@pytest.mark.parametrize("target", TARGETS)
def test_what_comes_from_pypi_is_pinned(stages, target):
    found = [line for line in shell_lines(stages[target]) if "pip install" in line]
    assert found
    for line in found:
        assert unpinned(line) == []
    defaults = {pair.key: pair.value for arg in of_kind(stages[target], ins.Arg) for pair in arg.pairs}
    versions = [value for key, value in defaults.items() if key.endswith("_VERSION")]
    assert versions
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version or "") for version in versions)


def test_a_loose_version_would_be_seen():
    assert unpinned('pip install --no-cache-dir "uv==1.2.3" ast-grep-cli "x>=1"') == ["ast-grep-cli", "x>=1"]


@pytest.mark.parametrize("target", TARGETS)
def test_it_ends_as_a_numbered_user_that_is_not_root(stages, target):
    assert of_kind(stages[target], ins.User)[-1].name == "1000"


def test_oci_labels(stages):
    keys = {pair.key for label in of_kind(stages["standard"], ins.Label) for pair in label.pairs}
    wanted = ("title", "description", "licenses", "source", "vendor")
    assert {f"org.opencontainers.image.{key}" for key in wanted} <= keys


def test_what_is_copied_exists_and_is_let_into_the_context(stages):
    admitted = {line[1:] for line in (IMAGE / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    sources = [source for stage in stages.values() for copy in of_kind(stage, ins.Copy) for source in copy.sources]
    assert sources
    for source in sources:
        assert (IMAGE / source).is_file()
        assert source.split("/")[0] in admitted


def test_gossfiles_are_for_all_targets_or_for_one():
    stems = {path.stem for path in (IMAGE / "goss").glob("*.yaml")}
    assert {"common", *TARGETS} == stems


@pytest.mark.parametrize("name", ["common", *TARGETS])
def test_every_command_check_says_how_it_should_end(name):
    checks = yaml.safe_load((IMAGE / "goss" / f"{name}.yaml").read_text())["command"]
    assert checks
    assert [key for key, check in checks.items() if "exit-status" not in check] == []


def test_hadolint_ignores_two_rules_each_with_a_reason():
    path = ROOT / ".hadolint.yaml"
    assert yaml.safe_load(path.read_text())["ignored"] == ["DL3007", "DL3008"]
    lines = path.read_text().splitlines()
    for rule in ("DL3007", "DL3008"):
        assert lines[lines.index(f"  - {rule}") - 1].lstrip().startswith("#")
