import pytest

from baselard.dockerfile.syntax.directives import apply_checks, read_directives
from baselard.dockerfile.syntax.errors import DockerfileError, Place, Warning_

WARNINGS = (
    Warning_("one", Place("Dockerfile", 1, "x"), "First"),
    Warning_("two", Place("Dockerfile", 2, "y"), "Second"),
)


DIGEST = "sha256:" + 64 * "0"
# The tags that docker/dockerfile and docker/dockerfile-upstream have on Docker Hub, by kind, and the forms that a
# reference to them takes in a mirror (docs.docker.com/build/buildkit/frontend, mirrors' own manuals).
OFFICIAL = [
    "docker/dockerfile",
    "docker/dockerfile:1",
    "docker/dockerfile:1.7",
    "docker/dockerfile:1.7.0",
    "docker/dockerfile:latest",
    "docker/dockerfile:labs",
    "docker/dockerfile:1-labs",
    "docker/dockerfile:1.7-labs",
    "docker/dockerfile:1.7.0-labs",
    "docker/dockerfile:experimental",
    "docker/dockerfile:1.1-experimental",
    "docker/dockerfile:1.17.0-rc1",
    "docker/dockerfile-upstream:master",
    "docker/dockerfile-upstream:master-labs",
    f"docker/dockerfile@{DIGEST}",
    f"docker/dockerfile:1.7@{DIGEST}",
    "docker.io/docker/dockerfile:1.14",
    "index.docker.io/docker/dockerfile:1",
    "registry-1.docker.io/docker/dockerfile:1",
    "mirror.gcr.io/docker/dockerfile:1.7",
    f"mirror.gcr.io/docker/dockerfile:1.7@{DIGEST}",
    "registry.example.com:5000/docker/dockerfile:1",
    "localhost:5000/docker/dockerfile-upstream:master",
    "harbor.example.com/dockerhub-proxy/docker/dockerfile:1-labs",
    "123456789012.dkr.ecr.eu-west-1.amazonaws.com/docker-hub/docker/dockerfile:1",
]
FOREIGN = [
    "example.org/frontend:2",
    "r2d4/mockerfile",
    "docker/dockerfile:2",
    "docker/dockerfile:2-labs",
    "docker/dockerfile:1.7-mine",
    "docker/dockerfile-x:1",
    "mirror.gcr.io/docker/dockerfile:2",
    "mirror.gcr.io/mydocker/dockerfile:1",
    "mirror.gcr.io/dockerfile:1",
    "team/docker/dockerfile:1",
    "docker/dockerfile:",
    "DOCKER/dockerfile:1",
]


@pytest.mark.parametrize("frontend", OFFICIAL)
def test_dockers_own_frontend_is_built_in(frontend: str) -> None:
    assert read_directives(f"# syntax={frontend}\nFROM x", "Dockerfile")["syntax"] == frontend


@pytest.mark.parametrize("frontend", FOREIGN)
def test_another_frontend_is_refused_with_the_reason(frontend: str) -> None:
    with pytest.raises(DockerfileError, match=r"Dockerfile:1: syntax=.* another frontend"):
        read_directives(f"# syntax={frontend}\nFROM x", "Dockerfile")


def test_directives_end_at_the_first_other_line() -> None:
    assert read_directives("# escape=`\n# hello\n# syntax=a/b\n", "Dockerfile") == {"escape": "`"}


def test_checks_skip_by_rule() -> None:
    assert apply_checks({"check": "skip=first"}, WARNINGS) == WARNINGS[1:]
    assert apply_checks({"check": "skip=First,Second"}, WARNINGS) == ()
    assert apply_checks({"check": "skip=all"}, WARNINGS) == ()
    assert apply_checks({}, WARNINGS) == WARNINGS


def test_checks_can_be_errors() -> None:
    with pytest.raises(DockerfileError, match="Dockerfile:2: two"):
        apply_checks({"check": "skip=First;error=true"}, WARNINGS)
