"""A directory that somebody made to be a git repository, looked at before the host's git is pointed at it.

git follows what a repository says of itself: a ``.git`` file to another place, links, a common directory, objects
that are borrowed. All of it could lead to this machine's own repositories, so none of it may be there.
"""

import os
import stat
from collections.abc import Iterator

from baselard.engine.errors import UserError
from baselard.engine.files import paths

_ELSEWHERE = ("commondir", ".git", "objects/info/alternates", "objects/info/http-alternates")
_READ = ("HEAD", "config", "config.worktree", "packed-refs", "shallow", "grafts", "objects", "refs", "info", "reftable")


def of(directory: str, shown: str) -> str:
    """The real path of the repository in the real directory ``directory``: its ``.git``, or itself if it is a bare one.

    Raises UserError, which calls the directory ``shown``, when there is none, or when it reaches out of itself.
    """
    inner = f"{directory}/.git"
    if stat.S_ISREG(paths.mode(inner)) or stat.S_ISLNK(paths.mode(inner)):
        raise UserError(f"{shown}: its .git leads elsewhere, as in a worktree; take the repository's own directory")
    found = inner if paths.mode(inner) else directory
    if not (stat.S_ISREG(paths.mode(f"{found}/HEAD")) and stat.S_ISDIR(paths.mode(f"{found}/objects"))):
        raise UserError(f"{shown}: not a git repository")
    if borrowed := [name for name in _ELSEWHERE if paths.mode(f"{found}/{name}")]:
        raise UserError(f"{shown}: the repository uses another one ({borrowed[0]}); clone it without sharing objects")
    for path in _odd(found):
        raise UserError(f"{shown}: in the repository {os.path.relpath(path, found)} is neither file nor directory")
    return found


def _odd(root: str) -> Iterator[str]:
    """Those of a repository's own files that are links, devices or the like."""
    todo = [f"{root}/{name}" for name in _READ]
    while todo:
        path = todo.pop()
        mode = paths.mode(path)
        if stat.S_ISDIR(mode):
            todo += [f"{path}/{name}" for name in os.listdir(path)]
        elif mode and not stat.S_ISREG(mode):
            yield path
