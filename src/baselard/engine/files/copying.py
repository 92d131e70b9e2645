"""Copies entries into a snapshot's own directory, beside what the tree below holds.

Nothing is mounted over the target: entries are written as overlayfs would have written them. Files are read where
the store keeps them, so that a file system that can share their blocks does. Every copy is a file of its own: whatever
looks at it sees how many names it has. Only names of one file within one copied directory stay that. A directory that
the tree below has is repeated with its own metadata; a file hides what it replaces.
"""

import contextlib
import os
import stat
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum

from baselard.engine.errors import UserError
from baselard.engine.files import inside, paths, xattrs
from baselard.engine.files.file_bytes import copy_bytes
from baselard.engine.files.owners import Owner
from baselard.engine.files.walking import Entry
from baselard.engine.solver import cancel
from baselard.engine.store import ids, overlay, stamps
from baselard.engine.store.overlay import copy_attributes, remove

NEW_DIRECTORY = 0o755  # explicitly, whatever the umask
_CHECK_EVERY = 256  # entries between two looks at whether the work was called off


@dataclass(frozen=True)
class Metadata:
    """The owner and permissions that copies get instead of their source's."""

    owner: Owner | None = None
    permissions: int | None = None

    @property
    def unchanged(self) -> bool:
        """Whether copies look exactly like their source."""
        return self.owner is None and self.permissions is None


AS_SOURCE = Metadata()


class InTheWay(Enum):
    """The fate of an entry of another kind where a directory, or a file, is to be copied.

    FOLLOWED replaces it too, but takes a link to a directory for that directory. REFUSED lets a file replace a link.
    """

    REPLACED = "replaced"
    FOLLOWED = "followed"
    REFUSED = "refused"


@dataclass(frozen=True)
class CopySource:
    """Where entries are read: the real directory ``root``, and the store's directories that hold its files.

    ``layers`` are those directories, uppermost first, each the counterpart of ``root``; empty when there are none.
    ``changing``: others may write there meanwhile; ``root`` has no link in it then.
    """

    root: str
    layers: tuple[str, ...] = ()
    changing: bool = False


@dataclass
class CopyTarget:
    """A tree in the making: ``upper`` is its own directory, ``below`` the real root of the tree it lies on, if any.

    ``_joined`` holds the directories that are there for sure, and whether the tree below has them too; below any
    other, nothing of the tree below is looked at, since its links would lead out of it. ``_times`` are those of
    directories when all is written.
    """

    upper: str
    below: str | None = None
    _joined: dict[str, bool] = field(default_factory=dict)
    _times: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._joined[""] = self.below is not None
        self._times[""] = os.stat(self.below).st_mtime_ns if self.below else stamps.FIXED

    def mode(self, path: str) -> int:
        """``st_mode`` of what the tree holds at ``path``, whose parents are there; 0 for nothing."""
        own = paths.mode(self.own(path))
        return own or (paths.mode(f"{self.below}/{path}") if self._joined[os.path.dirname(path)] else 0)

    def resolve(self, path: str) -> str:
        """``paths.resolve`` in the whole tree. Nothing may have been written yet."""
        return paths.resolve(self.seen(), path)

    def make_parents(self, path: str) -> None:
        """See that the directories above ``path`` are there; new ones get mode 0755 and belong to root."""
        missing = []
        parent = os.path.dirname(path)
        while parent not in self._joined:
            missing.append(parent)
            parent = os.path.dirname(parent)
        for directory in reversed(missing):
            self.make_directory(directory)

    def make_directory(self, path: str, *, replace: bool = False) -> bool:
        """See that the directory ``path`` is there; true if it is new. Its parents must be there.

        Raises UserError when something else is in its place, unless that is to be replaced.
        """
        if path in self._joined:
            return False
        mode = self.mode(path)
        if mode and not stat.S_ISDIR(mode):
            if not replace:
                raise UserError(f"/{path}: not a directory")
            remove(self.own(path))
            mode = 0
        if stat.S_ISDIR(paths.mode(self.own(path))):
            self._joined[path] = False
            return False
        os.mkdir(self.own(path))
        self._times[path] = stamps.FIXED
        if mode:
            copy_attributes(f"{self.below}/{path}", self.own(path))
            self._times[path] = os.stat(self.own(path)).st_mtime_ns
        else:
            inherited = os.lstat(self.own(path)).st_mode & stat.S_ISGID  # as mkdir(2) has it; the group came by itself
            _chmod(self.own(path), NEW_DIRECTORY | inherited)
        self._joined[path] = bool(mode)
        return not mode

    def followed(self, path: str) -> str:
        """``path``, whose parents are there, or the directory to which a link at it leads in the tree below."""
        if paths.mode(self.own(path)) or not self._joined[os.path.dirname(path)]:
            return path
        if not stat.S_ISLNK(paths.mode(f"{self.below}/{path}")):
            return path
        directory = self.resolve(path)
        return directory if stat.S_ISDIR(paths.mode(paths.under(self.seen(), directory))) else path

    def clear(self, path: str) -> None:
        """Make room for a new entry that is no directory; it hides by itself what the tree below has."""
        mode = paths.mode(self.own(path))
        remove(self.own(path))
        if stat.S_ISDIR(mode):
            gone = [made for made in self._joined if made == path or made.startswith(path + "/")]
            for made in gone:
                del self._joined[made]
                self._times.pop(made, None)

    def white_out(self, path: str) -> None:
        """Hide what the tree below has at ``path``, whose parents are there, with all that is in it."""
        if not paths.mode(self.own(path)):
            overlay.white_out(self.own(path))

    def keep_time(self, own: str, time: int) -> None:
        """Have the directory at the real path ``own`` keep a time of modification, whatever is written into it."""
        self._times[own[len(self.upper) :].strip("/")] = time

    def settle(self) -> None:
        """Set directories' times, which what was written into them has changed."""
        for path, time in self._times.items():
            stamps.put(self.own(path), time)

    def own(self, path: str) -> str:
        """The real path of ``path`` in the tree's own directory."""
        return f"{self.upper}/{path}"

    def seen(self) -> str:
        """The real root of the whole tree as it was before anything was written."""
        return self.below or self.upper


@dataclass
class Copier:
    """Copies from one source into one target; knows what names it has given to files that have several.

    ``for_host`` is for directories that others look at: what is not a directory appears whole or not at all. What
    would be a privilege there stays behind: extended attributes (file capabilities) and files' setuid and setgid bits.
    ``implied`` are the source's directories that are but the way to others: one that is there stays as it is.
    """

    source: CopySource
    target: CopyTarget
    metadata: Metadata = AS_SOURCE
    for_host: bool = False
    in_the_way: InTheWay = InTheWay.REPLACED
    implied: frozenset[str] = frozenset()
    _followed: dict[str, str] = field(default_factory=dict)
    _links: dict[tuple[int, int], str] = field(default_factory=dict)
    _directories: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def tree(self, entries: Iterable[Entry], at: str) -> None:
        """Copy ``entries`` of the source below the target's directory ``at``, which is there.

        Directories are joined and take the source's metadata. Raises UserError for what is in the way and not to go.
        """
        directories: list[tuple[str, str, os.stat_result]] = []
        called_off = cancel.current()
        for number, entry in enumerate(entries):
            if number % _CHECK_EVERY == 0:
                called_off.check()
            goal = self._goal(f"{at}/{entry.path}" if at else entry.path)
            if stat.S_ISDIR(entry.info.st_mode):
                implied = entry.path in self.implied
                goal, new = self._make_directory(goal, follow=implied or self.in_the_way is InTheWay.FOLLOWED)
                if new or not implied:
                    directories.append((f"{self.source.root}/{entry.path}", goal, entry.info))
            else:
                self.file(entry.path, entry.info, goal)
        for real, goal, info in reversed(directories):  # last, as what comes into a directory changes its times
            self.dress(real, self.target.own(goal), info)

    def file(self, path: str, info: os.stat_result, goal: str) -> None:
        """Copy one entry that is no directory; the goal's parents are there."""
        if self.in_the_way is InTheWay.REFUSED and stat.S_ISDIR(self.target.mode(goal)):
            raise UserError(f"cannot replace the directory /{goal} with a file")
        own = self.target.own(goal)
        if not self.for_host:
            try:
                self._new(path, info, own)
            except FileExistsError:  # seldom, so that asking first would cost more
                self.target.clear(goal)
                self._new(path, info, own)
            return
        if stat.S_ISDIR(self.target.mode(goal)):
            self.target.clear(goal)
        hidden = f"{os.path.dirname(own)}/.baselard-{os.getpid()}-{threading.get_native_id()}"
        try:
            self._new(path, info, hidden)
            os.replace(hidden, own)
        finally:
            remove(hidden)

    def _goal(self, path: str) -> str:
        """Where ``path`` is once the links to directories on its way are followed, outer ones first."""
        for link, directory in self._followed.items():
            if path.startswith(link + "/"):
                path = f"{directory}/{path[len(link) + 1 :]}".lstrip("/")
        return path

    def _make_directory(self, goal: str, *, follow: bool) -> tuple[str, bool]:
        """See that a directory is at the goal; gives where it really is, and whether it is new."""
        directory = self.target.followed(goal) if follow else goal
        if directory != goal:
            self._followed[goal] = directory
            self.target.make_parents(directory)
        return directory, self.target.make_directory(directory, replace=self.in_the_way is not InTheWay.REFUSED)

    def dress(self, real: str, own: str, info: os.stat_result) -> None:
        """Give the copy at ``own`` the metadata it is to have."""
        owner = self.metadata.owner or Owner(info.st_uid, info.st_gid)
        try:
            os.chown(own, owner.uid, owner.gid, follow_symlinks=False)
        except OSError as error:
            raise ids.told(error, owner.uid, owner.gid) from None
        if not stat.S_ISLNK(info.st_mode):
            (_chmod if self.for_host else os.chmod)(own, self._permissions(info.st_mode))
        if not self.for_host:
            xattrs.copy(real, own)  # after chown(2), which drops file capabilities
        if not (self.for_host and stamps.is_fixed(info.st_mtime_ns)):  # there it is as new as it looks
            os.utime(own, ns=(info.st_atime_ns, info.st_mtime_ns), follow_symlinks=False)
        if stat.S_ISDIR(info.st_mode):
            self.target.keep_time(own, info.st_mtime_ns)

    def _permissions(self, mode: int) -> int:
        if self.metadata.permissions is not None:
            return self.metadata.permissions
        unprivileged = self.for_host and not stat.S_ISDIR(mode)
        return stat.S_IMODE(mode) & ~(stat.S_ISUID | stat.S_ISGID if unprivileged else 0)

    def _new(self, path: str, info: os.stat_result, own: str) -> None:
        if stat.S_ISREG(info.st_mode) and info.st_nlink > 1 and not self.for_host:
            first = self._links.setdefault((info.st_dev, info.st_ino), own)
            if first != own:
                os.link(first, own, follow_symlinks=False)
                return
        if not (stat.S_ISREG(info.st_mode) and self._copy_from_layer(path, own)):
            _make(f"{self.source.root}/{path}", info, own, changing=self.source.changing)
        self.dress(f"{self.source.root}/{path}", own, info)

    def _copy_from_layer(self, path: str, own: str) -> bool:
        """Copy the file itself; the uppermost layer that has the path is the one whose file is seen."""
        parent, name = os.path.split(path)
        for layer in self._layers(parent) if self.source.layers else ():
            with contextlib.suppress(FileNotFoundError):
                copy_bytes(f"{layer}/{name}", own)
                return True
        return False

    def _layers(self, directory: str) -> tuple[str, ...]:
        """The layers' directories that make up ``directory``."""
        unknown = []
        while directory not in self._directories and directory:
            directory, name = os.path.split(directory)
            unknown.append(name)
        found = self._directories.get(directory, self.source.layers)
        for name in reversed(unknown):
            directory = f"{directory}/{name}" if directory else name
            found = self._directories[directory] = counterparts(found, name)
        return found


def _chmod(path: str, mode: int) -> None:
    """chmod(2) of what is there itself, which somebody else may replace by a link meanwhile."""
    found = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        if not stat.S_ISLNK(os.fstat(found).st_mode):
            os.chmod(f"/proc/self/fd/{found}", mode)
    finally:
        os.close(found)


def _make(real: str, info: os.stat_result, own: str, *, changing: bool) -> None:
    kind = stat.S_IFMT(info.st_mode)
    if kind == stat.S_IFREG:
        copy_bytes(real, own, inside.plain if changing else None)
    elif kind == stat.S_IFLNK:
        os.symlink(os.readlink(real), own)
    else:
        os.mknod(own, info.st_mode, info.st_rdev)


def counterparts(layers: Sequence[str], path: str) -> tuple[str, ...]:
    """The directories of ``layers`` that stand for the directory ``path`` of their tree, uppermost first."""
    return tuple(found for layer in layers if stat.S_ISDIR(paths.mode(found := paths.under(layer, path))))
