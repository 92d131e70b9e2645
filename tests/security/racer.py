"""A program that renames, links and replaces without end below a directory, as a hostile one inside a container would.

Usage: racer.py DIRECTORY CANARY SEED. The directory is its root, so that it follows none of its own links. It ends when
its standard input is closed, and says how often it changed something.
"""

import contextlib
import ctypes
import os
import random
import select
import shutil
import sys

NAMES = ("a", "b", "c")
_AT_FDCWD, _EXCHANGE = -100, 2
_libc = ctypes.CDLL(None, use_errno=True)


def main(directory: str, canary: str, seed: str) -> None:
    """Change something until told to end; an error is one more state."""
    source = random.Random(int(seed))
    os.chroot(directory)
    os.chdir("/")
    targets = (canary, f"{canary}/etc", f"{canary}/data", f"{canary}/empty", ".", "..", "../" * 30 + canary.lstrip("/"))
    changes = 0
    while not select.select([sys.stdin], [], [], 0)[0]:
        for _ in range(200):
            with contextlib.suppress(OSError):
                change(source, targets)
            changes += 1
    print(changes)


def change(source: random.Random, targets: tuple[str, ...]) -> None:
    """One step: a name becomes a directory, a link that leads out, a file, or what another name was."""
    path, other = _path(source), _path(source)
    match source.randrange(8):
        case 0 | 1:
            os.mkdir(path)
        case 2 | 3:
            os.symlink(source.choice(targets), path)
        case 4:
            _libc.renameat2(_AT_FDCWD, os.fsencode(path), _AT_FDCWD, os.fsencode(other), _EXCHANGE)
        case 5:
            os.rename(path, other)
        case 6:
            with open(path, "w") as file:
                file.write("racing")
        case _:
            os.unlink(path) if os.path.islink(path) or os.path.isfile(path) else shutil.rmtree(path)


def _path(source: random.Random) -> str:
    return "/".join(source.choices(NAMES, k=source.randint(1, 3)))


if __name__ == "__main__":
    main(*sys.argv[1:])
