"""Writes directories and files of trees to the host: Directory.export, File.export.

Links in the host's directory are replaced, never followed, so that nothing outside it is touched, also when somebody
else renames and links there meanwhile: every step is opened in the one before. What is written belongs to whoever
called; devices stay behind, since whoever may open one here could reach this machine's.
"""

import contextlib
import os
import re
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from baselard.engine.errors import UserError
from baselard.engine.files.copying import Copier, CopySource, CopyTarget, Metadata
from baselard.engine.files.owners import Owner
from baselard.engine.files.walking import Entry, walk
from baselard.engine.host.caller import invoking_user
from baselard.engine.store import overlay
from baselard.oci.text import ANYTHING


def export_directory(source: str, target: Path, *, wipe: bool) -> Path:
    """Write what the real directory ``source`` holds into ``target``, made if need be; its absolute path comes back.

    With ``wipe`` what else is there goes, after all is written. Raises UserError when ``target`` is no directory or
    cannot be written.
    """
    if target.exists() and not target.is_dir():
        raise UserError(f"destination {target} is a file, not a directory")
    if wipe and target.resolve() == Path("/"):
        raise UserError("export with wipe would remove everything on this host; choose a directory of its own")
    with _explained(target):
        _make_directory(target)
        entries = [entry for entry in walk(source) if not _is_device(entry)]
        with _Held.opened(target) as held:
            _copier(source, held).tree(entries, "")
            for directory in ("", *(entry.path + "/" for entry in entries if stat.S_ISDIR(entry.info.st_mode))):
                _sweep(os.path.dirname(held.own(directory + "any")))
            if wipe:
                _remove_others(held, {entry.path for entry in entries})
    return target


def export_file(source: str, target: Path, *, allow_parent: bool, name: str) -> Path:
    """Write the real file ``source`` to ``target``, which comes back.

    With ``allow_parent`` a target that is a directory receives the file under ``name``. Raises UserError when the
    target is a directory otherwise, or cannot be written.
    """
    place = target
    if allow_parent and target.is_dir():
        place = target / name
    else:
        _check_file(target)
    with _explained(place):
        _make_directory(place.parent)
        directory, base = os.path.split(source)
        entry = Entry(base, os.lstat(source))
        with _Held.opened(place.parent) as held:
            _copier(directory, held).file(entry.path, entry.info, place.name)
            _sweep(os.path.dirname(held.own(place.name)))
    return target


@contextlib.contextmanager
def new_file(target: Path) -> Iterator[Path]:
    """A path for the block to write a file to, which becomes ``target``, and the caller's, when the block ends well.

    Raises UserError when the target is a directory, or cannot be written.
    """
    _check_file(target)
    with _explained(target):
        _make_directory(target.parent)
        _sweep(os.fspath(target.parent))
        with tempfile.TemporaryDirectory(prefix=f".baselard-{os.getpid()}-", dir=target.parent) as directory:
            path = Path(directory, "new")
            yield path
            owner = caller()
            os.chown(path, owner.uid, owner.gid)
            path.replace(target)


def write_text(target: Path, text: str) -> None:
    """Write a file of the host that belongs to the caller. Raises UserError when it cannot be written."""
    with _explained(target):
        _make_directory(target.parent)
        target.write_bytes(text.encode("utf-8", ANYTHING))
        owner = caller()
        os.chown(target, owner.uid, owner.gid)


def caller() -> Owner:
    """The caller of the engine: the user behind sudo, else this process's own."""
    user = invoking_user(os.environ)
    return Owner(os.geteuid(), os.getegid()) if user.uid is None else Owner(user.uid, user.gid)


_UNFINISHED = re.compile(r"\.baselard-([0-9]+)-.+")
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass
class _Held(CopyTarget):
    """A directory of the host. ``own`` names what is in it by a descriptor of its parent, valid until the next call for
    another parent; that is opened step by step, so no name of it can be a link."""

    root: int = -1
    _parent: str | None = None
    _descriptors: list[int] = field(default_factory=list)

    @classmethod
    @contextlib.contextmanager
    def opened(cls, directory: Path) -> "Iterator[_Held]":
        held = cls(os.fspath(directory), root=os.open(os.path.realpath(directory), _DIRECTORY))
        try:
            yield held
        finally:
            held._let_go()
            os.close(held.root)

    def own(self, path: str) -> str:
        parent, name = os.path.split(path)
        if parent != self._parent:
            self._let_go()
            for step in parent.split("/") if parent else ():
                above = self._descriptors[-1] if self._descriptors else self.root
                self._descriptors.append(os.open(step, _DIRECTORY, dir_fd=above))
            self._parent = parent
        return f"/proc/self/fd/{self._descriptors[-1] if self._descriptors else self.root}/{name}"

    def _let_go(self) -> None:
        self._parent = None
        while self._descriptors:
            os.close(self._descriptors.pop())


def _copier(source: str, target: _Held) -> Copier:
    return Copier(CopySource(source), target, Metadata(caller()), for_host=True)


def _check_file(target: Path) -> None:
    if target.is_dir():
        raise UserError(f"destination {target} is a directory; must be a file path unless allowParentDirPath is set")


def _make_directory(path: Path) -> None:
    """Make a directory and those above it, all of them the caller's."""
    if path.is_dir():
        return
    _make_directory(path.parent)
    with contextlib.suppress(FileExistsError):  # another export at the same time made it
        path.mkdir()
        owner = caller()
        os.chown(path, owner.uid, owner.gid, follow_symlinks=False)


def _is_device(entry: Entry) -> bool:
    return stat.S_ISCHR(entry.info.st_mode) or stat.S_ISBLK(entry.info.st_mode)


def _sweep(directory: str) -> None:
    """Remove what processes left here that were killed while they wrote (see Copier.file)."""
    for name in os.listdir(directory):
        if (match := _UNFINISHED.fullmatch(name)) and not os.path.exists(f"/proc/{match[1]}"):
            overlay.remove(f"{directory}/{name}")


def _remove_others(target: _Held, kept: set[str]) -> None:
    for entry in list(walk(target.upper)):
        if entry.path not in kept:
            with contextlib.suppress(FileNotFoundError):  # it went with the directory above
                overlay.remove(target.own(entry.path))


@contextlib.contextmanager
def _explained(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UserError(f"{target} cannot be written: {error.strerror}: {error.filename}") from error
