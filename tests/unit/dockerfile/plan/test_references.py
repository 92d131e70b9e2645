import pytest

from baselard.dockerfile.plan.references import familiar, find_context


@pytest.mark.parametrize(
    ("reference", "short"),
    [
        ("debian", "debian"),
        ("debian:latest", "debian"),
        ("docker.io/library/debian:13", "debian:13"),
        ("index.docker.io/library/debian", "debian"),
        ("library/debian", "debian"),
        ("docker.io/org/app:v1", "org/app:v1"),
        ("ghcr.io/o/base:latest", "ghcr.io/o/base"),
        ("localhost:5000/a/b", "localhost:5000/a/b"),
        ("a/b@sha256:" + "0" * 64, "a/b@sha256:" + "0" * 64),
        ("a:latest@sha256:" + "0" * 64, "a:latest@sha256:" + "0" * 64),
    ],
)
def test_familiar(reference: str, short: str) -> None:
    assert familiar(reference) == short


@pytest.mark.parametrize("bad", ["", "a:", "a b", "a//b", ":x", "a@sha256:12"])
def test_no_reference(bad: str) -> None:
    with pytest.raises(ValueError, match="invalid reference format"):
        familiar(bad)


def test_upper_case_is_named() -> None:
    with pytest.raises(ValueError, match="repository name must be lowercase"):
        familiar("Debian")


@pytest.mark.parametrize(
    ("name", "known", "found"),
    [
        ("ghcr.io/o/base:latest", "ghcr.io/o/base", True),
        ("ghcr.io/o/base", "ghcr.io/o/base:latest", True),
        ("python:3.12", "docker.io/library/python:3.12", True),
        ("python:3.12", "python", False),
        ("python", "python:3.12", False),
        ("build", "build", True),
        ("Base", "base", False),
    ],
)
def test_contexts_compare_in_normal_form(name: str, known: str, found: bool) -> None:
    assert find_context(name, [known]) == (known if found else None)


def test_a_context_may_be_for_one_platform() -> None:
    known = ["base", "base::linux/arm64"]
    assert find_context("base:latest", known, "linux/arm64") == "base::linux/arm64"
    assert find_context("base:latest", known, "linux/amd64") == "base"
