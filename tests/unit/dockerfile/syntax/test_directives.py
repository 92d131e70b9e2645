import pytest

from baselard.dockerfile.syntax.directives import apply_checks, read_directives
from baselard.dockerfile.syntax.errors import DockerfileError, Place, Warning_

WARNINGS = (
    Warning_("one", Place("Dockerfile", 1, "x"), "First"),
    Warning_("two", Place("Dockerfile", 2, "y"), "Second"),
)


@pytest.mark.parametrize(
    "frontend",
    ["docker/dockerfile:1", "docker/dockerfile:1.7-labs", "docker.io/docker/dockerfile:1.14", "docker/dockerfile"],
)
def test_dockers_own_frontend_is_built_in(frontend: str) -> None:
    assert read_directives(f"# syntax={frontend}\nFROM x", "Dockerfile")["syntax"] == frontend


@pytest.mark.parametrize("frontend", ["example.org/frontend:2", "docker/dockerfile:2", "r2d4/mockerfile"])
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
