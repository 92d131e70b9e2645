"""Git's knowledge of a checkout: what is tracked, and ignored beside what a directory's own .gitignore files say."""

import itertools
import os
from pathlib import Path

from baselard.engine.errors import HostError
from baselard.engine.files.gitignore import Rules, ignored
from baselard.engine.files.walking import read_rules
from baselard.engine.host import process
from baselard.engine.store.runs import Commit


def outer_rules(path: str) -> list[Rules]:
    """The rules that come before those in the host directory ``path``, weakest first; none outside of a checkout.

    They are the user's (core.excludesFile), the repository's own info/exclude, and those of .gitignore files from the
    root of the checkout down to the parent of ``path``.
    """
    root = _root(path)
    return _above(root, _names(root, path), _aside(root)) if root else []


def ignores(path: str) -> bool:
    """Whether a host directory, or one that it is in, is ignored by the checkout around it."""
    if not (root := _root(path)):
        return False
    names, aside = _names(root, path), _aside(root)
    for depth, name in enumerate(names):
        above = names[:depth]
        rules = [*_above(root, above, aside), _rules(os.path.join(root, *above, ".gitignore"), [])]
        if ignored(rules, name, is_directory=True):
            return True
    return False


def _names(root: str, path: str) -> list[str]:
    """The way from the root of a checkout to a directory in it."""
    return [] if path == root else os.path.relpath(path, root).split("/")


def _aside(root: str) -> list[str]:
    """The files with rules that stand beside those of the checkout itself."""
    return [os.path.realpath(file) for file in (_user_file(root), f"{_repository(root)}/info/exclude")]


def _above(root: str, names: list[str], aside: list[str]) -> list[Rules]:
    directories = [root, *itertools.accumulate(names, os.path.join, initial=root)][1:-1]
    rules = [_rules(file, names) for file in aside]
    rules += [_rules(f"{directory}/.gitignore", names[depth:]) for depth, directory in enumerate(directories)]
    return [one for one in rules if one.rules]


def is_tracked(path: str) -> bool:
    """Whether git knows of something at or below a host path; also where there is no checkout or no git to say so."""
    directory = os.path.dirname(os.path.realpath(path))
    if _root(directory) is None:
        return True
    told = _ask(directory, "ls-files", "-z", "--", os.path.realpath(path))
    return told is None or bool(told)


def commit(path: str) -> Commit:
    """Where the tree at a host directory stands; nothing is known outside of a checkout and where there is no git."""
    told = _ask(path, "--no-optional-locks", "status", "--porcelain=v2", "--branch", "-z", "--", ".") or b""
    lines = [os.fsdecode(line) for line in told.split(b"\0") if line]
    known = dict(line.removeprefix("# branch.").split(" ", 1) for line in lines if line.startswith("# branch."))
    branch, name = known.get("head", ""), known.get("oid", "")
    changed = any(not line.startswith("# ") for line in lines)
    return Commit("" if branch == "(detached)" else branch, "" if name == "(initial)" else name, changed)


def _rules(file: str, below: list[str]) -> Rules:
    """A file's rules, seen from the directory that ``below`` leads to from its own."""
    return Rules("", read_rules(file), "".join(f"{name}/" for name in below))


def _root(path: str) -> str | None:
    """The checkout that a directory is in."""
    ways = (path, *map(str, Path(path).parents))
    return next((way for way in ways if os.path.exists(f"{way}/.git")), None)


def _repository(root: str) -> str:
    """A checkout's repository, which may be elsewhere (gitrepository-layout(5), git-worktree(1))."""
    pointer = read_rules(f"{root}/.git")
    own = os.path.join(root, _line(pointer.removeprefix(b"gitdir:")) or ".git")
    return os.path.join(own, _line(read_rules(f"{own}/commondir")))


def _line(text: bytes) -> str:
    return os.fsdecode(text.strip())


def _user_file(root: str) -> str:
    """Where the user says what to ignore everywhere (git-config(1), core.excludesFile)."""
    told = _line(_ask(root, "config", "--type=path", "--get", "core.excludesFile") or b"")
    home = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    return os.path.join(root, told or f"{home}/git/ignore")


def _ask(directory: str, *arguments: str) -> bytes | None:
    """The answer of git in a directory, whose own settings name no program that it runs; None where there is no git."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    argv = ("git", "-c", "safe.directory=*", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", *arguments)
    try:
        return process.run(argv, cwd=Path(directory), env=environment, check=False).stdout
    except HostError:
        return None
