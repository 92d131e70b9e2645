"""Writing files and directories to the host. What is written belongs to whoever started the engine."""

import contextlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from engine import cancel
from engine.errors import UserError
from engine.walking import walk


def export_file(source: str, target: Path, *, allow_parent: bool, name: str) -> Path:
    """Write the file at ``source`` to ``target``; its absolute path comes back.

    With ``allow_parent`` a target that is a directory (or ends in a slash) receives the file under ``name``.
    Raises UserError when the target is a directory otherwise, or cannot be written.
    """
    if target.is_dir():
        if not allow_parent:
            raise UserError(
                f"destination {target} is a directory; must be a file path unless allowParentDirPath is set"
            )
        target /= name
    with _explained(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        _write(source, target)
    return target


def export_directory(source: str, target: Path, *, wipe: bool) -> Path:
    """Merge the content of ``source`` into ``target``, or with ``wipe`` make it the only content there.

    Raises UserError when the target is no directory or cannot be written.
    """
    if target.exists() and not target.is_dir():
        raise UserError(f"destination {target} is a file, not a directory")
    with _explained(target):
        target.mkdir(parents=True, exist_ok=True)
        if wipe:
            _empty(target)
        _merge(source, target)
    return target


def _merge(source: str, target: Path) -> None:
    times: list[tuple[Path, os.stat_result]] = []
    for entry in walk(source):
        cancel.current().check()
        path = target / entry.path
        kind = stat.S_IFMT(entry.info.st_mode)
        if kind == stat.S_IFDIR:
            _make_directory(path)
            path.chmod(stat.S_IMODE(entry.info.st_mode))
            times.append((path, entry.info))
        elif kind in (stat.S_IFREG, stat.S_IFLNK):
            _write(f"{source}/{entry.path}", path)
    for path, info in reversed(times):
        os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns))


def _make_directory(path: Path) -> None:
    if path.is_symlink() or not path.is_dir():
        path.unlink(missing_ok=True)
        path.mkdir()
    _give(path)


def _write(source: str, target: Path) -> None:
    """Put a file or link in place at once, so that nobody sees half of it."""
    if target.is_dir() and not target.is_symlink():
        shutil.rmtree(target)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".baselard-") as directory:
        temporary = Path(directory) / "new"
        shutil.copy2(source, temporary, follow_symlinks=False)
        _give(temporary)
        temporary.replace(target)


def _give(path: Path) -> None:
    """To the user behind sudo, who could not read or remove it otherwise."""
    if os.geteuid() == 0 and "SUDO_UID" in os.environ:
        os.chown(path, int(os.environ["SUDO_UID"]), int(os.environ.get("SUDO_GID", "-1")), follow_symlinks=False)


def _empty(directory: Path) -> None:
    for entry in directory.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


@contextlib.contextmanager
def _explained(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UserError(f"{target} cannot be written: {error.strerror}: {error.filename}") from error
