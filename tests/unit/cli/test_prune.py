"""prune's and cache's command lines."""

import pytest

from baselard.cli import cache, parser, prune
from baselard.engine.errors import UserError
from baselard.engine.store.collect import Freed, Policy


def asked(argv: list[str]) -> tuple[Policy, bool]:
    read = parser.read("prune", argv)
    return prune.policy(read.keep_bytes, read.older_than, everything=read.all), read.dry_run


@pytest.mark.parametrize(
    ("argv", "policy"),
    [
        ([], Policy()),
        (["--all", "--dry-run"], Policy(everything=True)),
        (["--keep-bytes", "2G", "--older-than=7d"], Policy(2 << 30, 604800.0)),
        (["--older-than", "1.5h"], Policy(older_than=5400.0)),
    ],
)
def test_what_is_asked_for(argv: list[str], policy: Policy) -> None:
    assert asked(argv) == (policy, "--dry-run" in argv)


@pytest.mark.parametrize(
    "argv", [["--keep-bytes"], ["--keep-bytes", "much"], ["--older-than", "soon"], ["--al"], ["7d"]]
)
def test_what_is_not_understood(argv: list[str]) -> None:
    with pytest.raises(UserError):
        asked(argv)


def test_a_dry_run_says_would() -> None:
    assert prune.told(Freed(1, 2, 3, 0, 4_000_000, 5_000_000), dry_run=True).startswith("would free 4.0 MB (1 results,")


@pytest.mark.parametrize(
    ("place", "is_reference"),
    [
        ("ghcr.io/a/cache:main", True),
        ("localhost:5000/c:1", True),
        ("[::1]:5000/c:1", True),
        ("ghcr.io/Team/cache:main", True),
        ("./cache", False),
        (".cache/c:d", False),
        ("../a.b/c:d", False),
        ("/tmp/x:y", False),
        ("cache", False),
    ],
)
def test_a_registry_or_a_directory(place: str, is_reference: bool) -> None:
    assert cache.is_reference(place) is is_reference
