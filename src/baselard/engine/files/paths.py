"""Paths inside a tree: cleaned by text, resolved against the tree, never outside it.

A tree's path is written absolute (``/a/b``) or relative to its root (``a/b``); both mean the same. ``..`` ends at the
root, and symbolic links, absolute ones too, lead inside the tree, as chroot(2) would have them. Trees are immutable or
one thread's own while they are looked at, so a resolved path stays true.
"""

import os
import posixpath
import stat
from pathlib import Path

from baselard.engine.errors import UserError

_LONGEST = 3800  # the kernel takes 4095 (PATH_MAX), of which the tree's own place needs a part
_MAX_LINKS = 255  # the kernel follows 40; image trees in the wild have longer chains (containerd allows 255)


def clean(path: str) -> str:
    """``path`` relative to its tree's root without ``.``, ``..`` and doubled slashes; the root is ``""``.

    ``..`` at the root is the root, as in a file system. Raises UserError when a name cannot be one, or the path is
    too long.
    """
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(_checked(part))
    if len(os.fsencode("/".join(parts))) > _LONGEST:
        raise UserError(f"path {path[:40]!r}… is longer than {_LONGEST} bytes")
    return "/".join(parts)


def join(base: str, path: str) -> str:
    """The tree path (``/a/b``) of ``path`` seen from the directory ``base``; ``..`` leads above it, up to the root.

    A trailing slash (or ``/.``) stays, since for the target of a copied file it means a directory.
    """
    joined = "/" + clean(f"{base}/{path}")
    return joined + "/" if names_directory(path) and joined != "/" else joined


def climbs(path: str) -> bool:
    """Whether ``..`` leads above where ``path`` starts."""
    return posixpath.normpath(path.lstrip("/")).partition("/")[0] == ".."


def names_directory(path: str) -> bool:
    """Whether the path says by its form that a directory is meant."""
    return path.endswith(("/", "/.")) or path == "."


def _checked(name: str) -> str:
    if "\0" in name:
        raise UserError(f"file name {name!r} holds a NUL byte")
    try:
        length = len(os.fsencode(name))
    except UnicodeEncodeError as error:
        raise UserError(f"file name {name!r} is not text that can be one") from error
    if length > 255:
        raise UserError(f"File name length exceeds the maximum supported 255 characters: {name[:40]}…")
    return name


def resolve(root: Path | str, path: str) -> str:
    """The path relative to ``root`` that ``path`` leads to when every symbolic link is followed inside ``root``.

    What does not exist is kept as written, so the result can be created. ``""`` is the root itself.
    Raises UserError when links go in circles.
    """
    todo = clean(path).split("/")[::-1]
    done: list[str] = []
    links = 0
    while todo:
        part = todo.pop()
        if part == "..":
            done = done[:-1]
        elif part not in ("", "."):
            target = _link(root, done, part)
            if target is None:
                done.append(part)
                continue
            links += 1
            if links > _MAX_LINKS:
                raise UserError(f"{path}: too many levels of symbolic links")
            done = [] if target.startswith("/") else done
            todo.extend(target.split("/")[::-1])
    return "/".join(done)


def resolve_parent(root: Path | str, path: str) -> str:
    """Like ``resolve``, but the last name is not followed: what is meant is the link, not its target."""
    parent, name = posixpath.split(clean(path))
    return posixpath.join(resolve(root, parent), name)


def above(path: str) -> list[str]:
    """The directories that lead to a cleaned ``path``, outermost first, without the root."""
    parts = path.split("/")
    return ["/".join(parts[:depth]) for depth in range(1, len(parts))]


def under(root: Path | str, relative: str) -> str:
    """The real path of what ``resolve`` gave."""
    return os.path.join(root, relative) if relative else os.fspath(root)


def mode(path: str) -> int:
    """``st_mode`` of what is at ``path`` itself, 0 when there is nothing."""
    try:
        return os.lstat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return 0


def _link(root: Path | str, parents: list[str], name: str) -> str | None:
    path = "/".join((os.fspath(root), *parents, name))
    return os.readlink(path) if stat.S_ISLNK(mode(path)) else None
