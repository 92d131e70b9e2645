"""A tree outside that nothing may touch: what it holds, modes, owners and times are compared afterwards."""

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

Seen = dict[str, tuple[object, ...]]

SECRET = "canary-4f9d21c7"
"""What its files hold: whoever finds this somewhere else has read them."""


@dataclass
class Canary:
    """The tree at ``path``; ``before`` is what it looked like when it was made."""

    path: Path
    before: Seen = field(default_factory=dict)

    @classmethod
    def made(cls, path: Path) -> "Canary":
        """A tree of every kind of entry that an escape would leave traces in."""
        path.mkdir()
        (path / "etc").mkdir(mode=0o750)
        (path / "empty").mkdir()
        for name in ("etc/passwd", "ptmx", "data", "null"):
            (path / name).write_text(f"{SECRET} {name}\n")
        (path / "etc/hosts").touch()  # an empty file: what a clean-up of mount points would remove
        (path / "link").symlink_to("data")
        (path / "data").chmod(0o4711)
        made = cls(path)
        for directory, _, names in os.walk(path, topdown=False):
            for name in names:
                os.utime(Path(directory, name), ns=(10**18, 10**18), follow_symlinks=False)
            os.utime(directory, ns=(10**18, 10**18))
        made.before = made.seen()
        return made

    def seen(self) -> Seen:
        """What an onlooker sees of each entry; the time of the last look does not count."""
        entries = [self.path, *sorted(self.path.rglob("*"))]
        return {str(entry.relative_to(self.path)): _state(entry) for entry in entries}

    def check(self) -> None:
        """Fail with what has changed."""
        after = self.seen()
        changed = {name for name in self.before.keys() | after.keys() if self.before.get(name) != after.get(name)}
        assert not changed, {name: (self.before.get(name), after.get(name)) for name in sorted(changed)}


def _state(path: Path) -> tuple[object, ...]:
    info = path.lstat()
    content: object = b""
    if stat.S_ISREG(info.st_mode):
        content = path.read_bytes()
    elif stat.S_ISLNK(info.st_mode):
        content = os.readlink(path)
    return info.st_mode, info.st_uid, info.st_gid, info.st_nlink, info.st_mtime_ns, content
