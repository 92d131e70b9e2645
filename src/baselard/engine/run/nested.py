"""Mounts below a cache volume that others use at the same time: put together here, by descriptors.

The OCI runtime looks for a mount point by its path, and makes it. What another container exchanges meanwhile in a
volume of both leads older runtimes out of the tree, where they make an empty directory (CVE-2024-45310). So the
runtime gets such a volume with all that belongs below it in one piece, and has nothing to look for.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from baselard.engine.errors import UserError
from baselard.engine.files import inside, paths
from baselard.engine.host import detached
from baselard.engine.run.containers.runtime_spec import INIT_TARGET, SpecMount
from baselard.engine.store import mounting

_MADE = 0o755  # a mount point's directory, as runc makes it
_IN_THE_WAY = (errno.ENOTDIR, errno.ELOOP)


@dataclass(frozen=True)
class Piece:
    """A shared volume's mount, ``below`` it the others in order; ``path`` is where the OCI runtime takes it from.

    Targets of ``below`` are seen from the volume.
    """

    volume: SpecMount
    below: tuple[SpecMount, ...]
    path: Path

    @contextlib.contextmanager
    def assembled(self) -> Iterator[None]:
        """Have it at ``path`` inside the block. Raises UserError where no mount point can be."""
        with ExitStack() as stack:
            _mount(SpecMount("", self.volume.source), self.path)
            stack.callback(mounting.unmount, self.path)
            for mount in self.below:
                _mount(mount, self.path)
            yield


def arranged(
    rootfs: Path, mounts: Sequence[SpecMount], shared: Sequence[SpecMount], directory: Path
) -> tuple[list[SpecMount], list[Piece]]:
    """The mounts to ask the OCI runtime for, and the pieces that they show, which lie in ``directory``.

    ``mounts`` are all of them in order, ``shared`` those of them that are volumes of others too. Raises UserError for
    a mount that a link in an earlier one leads elsewhere, which nobody can follow safely.
    """
    if not shared:
        return list(mounts), []  # what everybody else has costs nothing
    left, outer, pieces = list(mounts), list[SpecMount](), list[Piece]()
    places = {id(mount): "/" + paths.resolve(rootfs, mount.target) for mount in mounts}
    _check_init(rootfs, [places[id(mount)] for mount in shared])
    _check_links(mounts, shared, places)
    while left:
        mount = left.pop(0)
        below = _below(mount, left, places) if mount in shared else []
        if below:
            left = [one for one in left if one not in below]
            start = len(places[id(mount)])
            path = directory / f"piece-{len(pieces)}"
            path.mkdir()
            inner = tuple(replace(one, target=places[id(one)][start:]) for one in below)
            pieces.append(Piece(mount, inner, path))
            mount = replace(mount, source=str(path))
        outer.append(mount)
    return outer, pieces


def _below(volume: SpecMount, later: Sequence[SpecMount], places: dict[int, str]) -> list[SpecMount]:
    """The later mounts that land in the volume; one that covers it whole is where that ends."""
    top, found = places[id(volume)], []
    for mount in later:
        place = places[id(mount)]
        if place == top or _is_below(top, place):
            break
        if _is_below(place, top):
            found.append(mount)
    return found


def _is_below(place: str, top: str) -> bool:
    return place.startswith(top.rstrip("/") + "/")


def _check_init(rootfs: Path, volumes: Sequence[str]) -> None:
    """The runtime's configuration adds the init last, so a link there must not lead into a volume."""
    place = "/" + paths.resolve(rootfs, INIT_TARGET)
    if any(_is_below(place, top) for top in volumes if top != "/"):
        raise UserError(f"the container cannot start: the image's {INIT_TARGET} is a link into a cache volume")


def _check_links(mounts: Sequence[SpecMount], shared: Sequence[SpecMount], places: dict[int, str]) -> None:
    own = [mount for mount in mounts if mount.kind == "bind" and mount not in shared and Path(mount.source).is_dir()]
    for holder in own:
        top = places[id(holder)]
        for mount in mounts[mounts.index(holder) + 1 :]:
            within = places[id(mount)][len(top) :].lstrip("/")
            if _is_below(places[id(mount)], top) and paths.resolve(holder.source, within) != within:
                raise UserError(
                    f"{mount.target} cannot be mounted beside a cache volume that others use: a link in what is "
                    f"mounted at {holder.target} leads elsewhere; mount it where the link leads"
                )


def _mount(mount: SpecMount, root: Path) -> None:
    try:
        made = _made(mount)
        try:
            detached.restrict(made, mount.options)
            with inside.opened(root) as top, _place(top, mount, made) as place:
                detached.attach(made, place)
        finally:
            os.close(made)
    except OSError as error:
        told = "a file or link is in the way" if error.errno in _IN_THE_WAY else error.strerror
        raise UserError(f"nothing can be mounted at {mount.target} of a cache volume: {told}") from error


def _made(mount: SpecMount) -> int:
    if mount.kind == "bind":
        return detached.clone(mount.source)
    told = (word.partition("=") for word in mount.options)
    return detached.tmpfs((name, value) for name, _, value in told if value)


@contextlib.contextmanager
def _place(top: int, mount: SpecMount, made: int) -> Iterator[int]:
    """The mount point below ``top``, made if need be: a directory for a directory, else a file. No link is followed.

    In the container a link would lead out of the volume, and what it leads to is nobody's to make from here.
    """
    *parents, name = inside.names_of(mount.target) or (b".",)
    here = os.dup(top)
    try:
        for parent in parents:
            here = _entered(here, parent)
        here = _entered(here, name) if stat.S_ISDIR(os.fstat(made).st_mode) else _file(here, name)
        yield here
    finally:
        os.close(here)


def _entered(here: int, name: bytes) -> int:
    """The directory below ``here``, which is closed once that is open."""
    with contextlib.suppress(FileExistsError):
        os.mkdir(name, _MADE, dir_fd=here)
    return _instead(here, os.open(name, inside.DIRECTORY, dir_fd=here))


def _file(here: int, name: bytes) -> int:
    with contextlib.suppress(FileExistsError):
        os.close(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644, dir_fd=here))
    found = os.open(name, os.O_PATH | os.O_NOFOLLOW, dir_fd=here)
    if stat.S_ISLNK(os.fstat(found).st_mode):
        os.close(found)
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    return _instead(here, found)


def _instead(here: int, below: int) -> int:
    os.close(here)
    return below
