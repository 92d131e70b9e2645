"""Makes neighbouring layers of a long chain one, which does what they do one after the other.

What they delete below stays deleted. Files are copied, since a link would show as a second name to whoever sees one of
the two.
"""

import contextlib
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from baselard.engine.files import paths, xattrs
from baselard.engine.files.copying import Copier, CopySource, CopyTarget
from baselard.engine.store import deep, overlay
from baselard.engine.store.database import Store
from baselard.engine.store.snapshots import Snapshots


def snapshots(store: Store) -> Snapshots:
    """The trees of a store, whose chains may have any length."""
    return Snapshots(store, merge)


def merge(layers: Sequence[Path], below: Path, target: Path) -> None:
    """Make ``target`` the one layer that ``layers``, lowest first, are together on the tree ``below``."""
    target.mkdir()
    hidden: set[str] = set()
    for layer in layers:
        _join(Copier(CopySource(os.fspath(layer)), CopyTarget(os.fspath(target))), "", hidden)
    with _opened(below) as lower, _opened(target) as upper:
        for path in sorted(hidden):
            overlay.drop_idle(lower, upper, os.fsencode(path).split(b"/"))
    if not os.listdir(below):  # the lowest layer may be shown as it is, without a mount
        for directory, _, _ in deep.walk(target):
            if overlay.is_opaque(directory):
                overlay.make_joined(directory)


def _join(copier: Copier, directory: str, hidden: set[str]) -> None:
    """Put what the layer has in ``directory`` into the target's; the paths of whiteouts are added to ``hidden``."""
    source = paths.under(copier.source.root, directory)
    for entry in sorted(os.scandir(source), key=lambda entry: entry.name):
        path = f"{directory}/{entry.name}" if directory else entry.name
        info = entry.stat(follow_symlinks=False)
        if overlay.is_whiteout(info):
            overlay.remove(copier.target.own(path))
            copier.target.white_out(path)
            hidden.add(path)
        elif stat.S_ISDIR(info.st_mode):
            _make_directory(copier.target.own(path), opaque=overlay.is_opaque(entry.path))
            _join(copier, path, hidden)
        else:
            copier.file(path, info, path)
    _dress(source, paths.under(copier.target.upper, directory))


def _make_directory(own: str, *, opaque: bool) -> None:
    """See that there is a directory. What it replaces ends what may show through it, as in the layers themselves."""
    mode = paths.mode(own)
    if opaque or (mode and not stat.S_ISDIR(mode)):
        overlay.remove(own)
        os.mkdir(own)
        overlay.make_opaque(own)
    elif not mode:
        os.mkdir(own)


def _dress(source: str, own: str) -> None:
    """Have a directory look as the uppermost layer's does, with no attribute of those below."""
    xattrs.drop_others(source, own)
    overlay.copy_attributes(source, own)


@contextlib.contextmanager
def _opened(directory: Path) -> Iterator[int]:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
