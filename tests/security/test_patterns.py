"""No pattern of a stranger keeps the processor busy: what nearly fits in a great many ways is the worst of them."""

import fnmatch
import itertools
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from baselard.dockerfile.apply.builder import MatchedPath
from baselard.dockerfile.apply.placing import place_item
from baselard.dockerfile.plan.stages import MainContext
from baselard.dockerfile.plan.steps import CopyItem, CopyStep
from baselard.dockerfile.syntax.errors import DockerfileError, Place
from baselard.dockerfile.syntax.ignore import read_ignore
from baselard.dockerfile.syntax.words import expand, expand_document, expand_many
from baselard.engine.api.objects import reachable
from baselard.engine.errors import UserError
from baselard.engine.files import gitignore, patterns, reading, wildcards
from baselard.engine.modules import source
from tests.security.bounds import bounded
from tests.unit.engine.store.test_deep import nested

HOSTILE = {
    "many": "*a" * 30 + "b",
    "very many": "*a" * 2000 + "b",
    "directories": "**/" * 30 + "b",
    "very many directories": "**/" * 1300 + "b",
    "both": "*/**/" * 400 + "b",
    "crossing": "**a" * 30 + "b",
    "a row": "*" * 4000 + "b",
    "one or more": "?*" * 100 + "b",
    "classes": "[a]*" * 100 + "b",
}
NAME, DEEP = "a" * 250, "a/" * 2000 + "a"


def _as_copied(pattern: str, text: str) -> None:
    name = text.rpartition("/")[2]
    step = CopyStep(Place("Dockerfile", 1), (), "/", exclude=(pattern,))
    list(place_item(step, CopyItem(MainContext(), name), MatchedPath(name, is_directory=False, is_plain=True), None))


def _as_ignored(pattern: str, text: str) -> None:
    found = patterns.compile_patterns(read_ignore(pattern))
    found.match(text, found.nothing)
    found.may_match_below(text, negated=False)


def _as_gitignored(pattern: str, text: str) -> None:
    for line in (pattern, f"/{pattern}/x"):
        gitignore.ignored([gitignore.Rules("", line.encode())], text, is_directory=False)


MATCHERS: dict[str, Callable[[str, str], object]] = {
    "COPY --exclude": _as_copied,
    ".dockerignore": _as_ignored,
    ".gitignore": _as_gitignored,
    "dagger.json": lambda pattern, text: source._glob(pattern).fullmatch(text),
    "names of checks": lambda pattern, text: reachable.matches(text.replace("/", ":"), [pattern.replace("/", ":")]),
    "names of tags": lambda pattern, text: fnmatch.fnmatchcase(text, pattern),
}


@pytest.mark.parametrize("text", [NAME, DEEP], ids=["name", "path"])
@pytest.mark.parametrize("pattern", HOSTILE)
@pytest.mark.parametrize("matcher", MATCHERS)
def test_a_pattern_is_matched_or_refused_in_time(matcher: str, pattern: str, text: str) -> None:
    with bounded():
        try:
            MATCHERS[matcher](HOSTILE[pattern], text)
        except (DockerfileError, UserError) as error:
            assert "too many *" in str(error)


@pytest.mark.parametrize("kind", ["#", "##", "%", "%%", "/", "//"])
@pytest.mark.parametrize("pattern", HOSTILE)
@pytest.mark.parametrize("by", ["word", "variable"])
def test_a_variables_modifier_is_applied_or_refused_in_time(by: str, pattern: str, kind: str) -> None:
    text = HOSTILE[pattern].replace("/", "\\/")
    env = {"V": "a" * 3000, "P": text}
    word = "${V" + kind + (text if by == "word" else "$P") + ("/x}" if "/" in kind else "}")
    for read in (expand, expand_many):
        with bounded():
            try:
                read(word, env, "\\", Place("Dockerfile", 7))
            except DockerfileError as error:
                assert error.place.line == 7
    with bounded():
        try:
            expand_document(word, env, Place("Dockerfile", 7))
        except DockerfileError as error:
            assert error.place.line == 7


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("${V%%.*}", "1"),
        ("${V##*.}", "3"),
        ("${V//./-}", "1-2-3"),
        ("${V%.*}-${V#*.}", "1.2-2.3"),
        ("${V/*.*./x}", "x3"),
        ("${L//,*,/x}", "ax"),
    ],
)
def test_what_people_write_is_no_effort(word: str, expected: str) -> None:
    """The answers are bash's, by its manual ("Shell Parameter Expansion")."""
    env = {"V": "1.2.3", "L": "a" + ",b" * 400 + ","}
    assert expand(word, env, "\\", Place("Dockerfile", 1)) == expected


@pytest.mark.parametrize("name", ["a.test.js", "index.d.ts", "a" * 60 + ".js"])
def test_what_people_exclude_is_no_effort(name: str) -> None:
    for pattern in ("**/node_modules/**/*.test.*", "*.js", "**/*", "*.*.*"):
        _as_copied(pattern, name)


def test_links_that_lead_to_one_place_are_one_way(tmp_path: Path) -> None:
    for name in "abc":
        os.symlink(".", tmp_path / name)
    (tmp_path / "file").touch()
    with bounded():
        assert wildcards.resolve(tmp_path, "/".join(["*"] * 40)) == ["a", "b", "c", "file"]


def test_what_is_deep_is_searched_in_time(tmp_path: Path) -> None:
    """As deep as a path can lead, not a lookup from the top for each directory on the way."""
    nested(tmp_path / "tree", 1900)
    try:
        with bounded():
            assert reading.glob(tmp_path / "tree", "/", "**/end") == ["d/" * 1900 + "end"]
    finally:
        subprocess.run(["rm", "-rf", "--", tmp_path / "tree"], check=True)  # pytest's own cleaning up could not


def test_spaces_at_a_lines_end_are_few_steps() -> None:
    with bounded():
        for line in (b" " * 200000 + b"x", b"\\ " * 100000 + b"x", b"\\" * 200001 + b" " * 100):
            gitignore.parse(line)


def test_spaces_at_a_lines_end_are_taken_as_before() -> None:
    """A regular expression that says what gitignore(5) does, on every short line there is."""
    said = re.compile(rb"((?:[^\\]|\\.)*?) +", re.DOTALL)
    for letters in itertools.chain.from_iterable(itertools.product(b"\\ a", repeat=n) for n in range(1, 8)):
        line = bytes(letters)
        found = said.fullmatch(line)
        assert gitignore._without_trailing_spaces(line) == (found[1] if found else line)
