"""Walks the part of a tree that include and exclude patterns and .gitignore files leave over.

Hashing and copying see the same entries in the same order, so a digest says what a copy will hold.
"""

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from baselard.engine.files import gitignore, paths
from baselard.engine.files.patterns import Patterns, State, compile_patterns
from baselard.engine.solver import cancel

EXCLUDE = ".git/info/exclude"
"""The ignore file of a repository that is not checked in."""


@dataclass(frozen=True)
class Filter:
    """The wanted part of a directory: only what ``include`` names, if anything; nothing that ``exclude`` names."""

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    gitignore: bool = False

    @property
    def empty(self) -> bool:
        """Whether everything is meant."""
        return not (self.include or self.exclude or self.gitignore)


EVERYTHING = Filter()


@dataclass(frozen=True, slots=True)
class Entry:
    """One file, directory, link or device; ``path`` is relative to the root of the walk."""

    path: str
    info: os.stat_result


@dataclass(frozen=True, slots=True)
class _Below:
    """The patterns that count inside one directory."""

    include: State
    exclude: State
    rules: tuple[gitignore.Rules, ...]


@dataclass(slots=True)
class _Level:
    """A directory being walked; ``unsaid`` is its entry while nothing inside it was meant."""

    entries: "Iterator[os.DirEntry[str]]"
    prefix: str
    below: _Below
    unsaid: Entry | None


def walk(  # noqa: PLR0913
    root: str,
    selected: Filter = EVERYTHING,
    *,
    outer_rules: Sequence[gitignore.Rules] = (),
    skips: Callable[[str, os.stat_result], bool] = lambda _path, _info: False,
    enters: Callable[[str], object] = lambda _path: None,
    leaves: Callable[[str], bool] = lambda _path: False,
) -> Iterator[Entry]:
    """Every meant entry below ``root``, directories before their content, names sorted; the root itself is not.

    A directory that is not meant itself comes only if something inside it does. ``outer_rules`` are those that come
    before the root's own, of files above it or of its user. What ``skips`` says of a real path is not there, with all
    that is in it. ``enters`` is told the real path of each directory that is looked into, just before. ``leaves`` says
    of a meant one, after its entry, whether the content is known already, and is left out. Raises UserError for bad
    patterns, OSError for what cannot be read, Cancelled when the work is called off.
    """
    selection = _Selection(root, selected)
    called_off = cancel.current()
    enters(root)
    levels = [_Level(_sorted(root), "", selection.start(tuple(outer_rules)), None)]
    while levels:
        level = levels[-1]
        found = next(level.entries, None)
        if found is None:
            levels.pop()
            continue
        try:
            entry = Entry(level.prefix + found.name, found.stat(follow_symlinks=False))
        except FileNotFoundError:
            continue  # a host directory may change while it is read
        if skips(found.path, entry.info):
            continue
        is_directory = stat.S_ISDIR(entry.info.st_mode)
        meant, below = selection.judge(entry.path, is_directory, level.below)
        if meant:
            for outer in levels:
                if outer.unsaid:
                    yield outer.unsaid
                    outer.unsaid = None
            yield entry
        if below and not (meant and leaves(found.path)):
            called_off.check()
            enters(found.path)
            levels.append(_Level(_sorted(found.path), entry.path + "/", below, None if meant else entry))


class _Selection:
    """A filter at work on one tree."""

    def __init__(self, root: str, selected: Filter) -> None:
        self._root = root
        self._include: Patterns | None = compile_patterns(selected.include) if selected.include else None
        self._exclude = compile_patterns(selected.exclude)
        self._gitignore = selected.gitignore
        self._everything = selected.empty

    def start(self, outer_rules: tuple[gitignore.Rules, ...]) -> _Below:
        include = self._include.nothing if self._include else ()
        own = (*_rules("", excluded(self._root)), *self._rules_of("")) if self._gitignore else ()
        return _Below(include, self._exclude.nothing, (*outer_rules, *own))

    def judge(self, path: str, is_directory: bool, above: _Below) -> tuple[bool, _Below | None]:
        """Whether the entry is meant, and, if its content is to be looked at, what counts there."""
        if self._everything:
            return True, above if is_directory else None
        if above.rules and gitignore.ignored(above.rules, path, is_directory=is_directory):
            return False, None
        included, include = self._include.match(path, above.include) if self._include else (True, ())
        excluded, exclude = self._exclude.match(path, above.exclude)
        if not is_directory or not self._worth_entering(path, included, excluded):
            return included and not excluded, None
        return included and not excluded, _Below(include, exclude, above.rules + self._rules_of(path + "/"))

    def _worth_entering(self, path: str, included: bool, excluded: bool) -> bool:
        if excluded and not self._exclude.may_match_below(path, negated=True):
            return False
        return included or self._include is None or self._include.may_match_below(path, negated=False)

    def _rules_of(self, prefix: str) -> tuple[gitignore.Rules, ...]:
        return _rules(prefix, read_rules(f"{self._root}/{prefix}.gitignore")) if self._gitignore else ()


def _rules(base: str, text: bytes) -> tuple[gitignore.Rules, ...]:
    return (gitignore.Rules(base, text),) if text else ()


def excluded(root: str) -> bytes:
    """The text of the ignore file that a repository at ``root`` has but does not check in."""
    return read_rules(f"{root}/{paths.resolve(root, EXCLUDE)}")


def read_rules(path: str) -> bytes:
    """The text of a .gitignore or its like, empty when there is none; a link is not followed, as with git."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return b""
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        return b""
    with open(descriptor, "rb") as file:
        return file.read()


def _sorted(directory: str) -> "Iterator[os.DirEntry[str]]":
    try:
        with os.scandir(directory) as listing:
            return iter(sorted(listing, key=lambda entry: entry.name))
    except FileNotFoundError:
        return iter(())
