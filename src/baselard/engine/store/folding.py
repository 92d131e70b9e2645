"""Makes neighbouring layers of a long chain one, so that a chain of any length mounts.

overlayfs takes 500 lower directories. What is made here does together what the layers do one after the other: what they
delete below stays deleted. Files are copied, since a link would show as a second name to whoever sees one of the two.
Layers that are large stay as they are as long as there is room for their names.
"""

import contextlib
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from baselard.engine.files import paths, xattrs
from baselard.engine.files.copying import Copier, Source, Target
from baselard.engine.store import fold, whiteouts

_SMALL_BYTES, _SMALL_ENTRIES = 4 << 20, 1000
_OPAQUE = "trusted.overlay.opaque"


def runs(layers: Sequence[Path]) -> list[list[Path]]:
    """Neighbouring layers that are small, together; each of the others alone."""
    found: list[list[Path]] = []
    open_run = False
    for layer in layers:
        small = _is_small(layer)
        if small and open_run:
            found[-1].append(layer)
        else:
            found.append([layer])
        open_run = small
    return found


def _is_small(layer: Path) -> bool:
    size = entries = 0
    for directory, directories, files in os.walk(layer):
        entries += len(directories) + len(files)
        size += sum(os.lstat(os.path.join(directory, name)).st_size for name in files)
        if size > _SMALL_BYTES or entries > _SMALL_ENTRIES:
            return False
    return True


def merge(layers: Sequence[Path], below: Path, target: Path) -> None:
    """Make ``target`` the one layer that ``layers``, lowest first, are together on the tree ``below``."""
    target.mkdir()
    hidden: set[str] = set()
    for layer in layers:
        _join(Copier(Source(os.fspath(layer)), Target(os.fspath(target))), "", hidden)
    with _opened(below) as lower, _opened(target) as upper:
        for path in sorted(hidden):
            whiteouts.drop_idle(lower, upper, os.fsencode(path).split(b"/"))
    if not os.listdir(below):  # the lowest layer may be shown as it is, without a mount
        for directory, _, _ in os.walk(target):
            if fold.is_opaque(directory):
                os.removexattr(directory, _OPAQUE)


def _join(copier: Copier, directory: str, hidden: set[str]) -> None:
    """Put what the layer has in ``directory`` into the target's; the paths of whiteouts are added to ``hidden``."""
    source = paths.under(copier.source.root, directory)
    for entry in sorted(os.scandir(source), key=lambda entry: entry.name):
        path = f"{directory}/{entry.name}" if directory else entry.name
        info = entry.stat(follow_symlinks=False)
        if fold.is_whiteout(info):
            fold.remove(copier.target.own(path))
            copier.target.white_out(path)
            hidden.add(path)
        elif stat.S_ISDIR(info.st_mode):
            _make_directory(copier.target.own(path), opaque=fold.is_opaque(entry.path))
            _join(copier, path, hidden)
        else:
            copier.file(path, info, path)
    _dress(source, paths.under(copier.target.upper, directory))


def _make_directory(own: str, *, opaque: bool) -> None:
    """See that there is a directory. What it replaces ends what may show through it, as in the layers themselves."""
    mode = paths.mode(own)
    if opaque or (mode and not stat.S_ISDIR(mode)):
        fold.remove(own)
        os.mkdir(own)
        os.setxattr(own, _OPAQUE, b"y")
    elif not mode:
        os.mkdir(own)


def _dress(source: str, own: str) -> None:
    """Have a directory look as the uppermost layer's does, with no attribute of those below."""
    for name in xattrs.read(own).keys() - xattrs.read(source).keys():
        os.removexattr(own, name)
    fold.copy_attributes(source, own)


@contextlib.contextmanager
def _opened(directory: Path) -> Iterator[int]:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
