"""Requirements on the root file system of a container: the kernel's own directories are directories.

OCI runtimes make devices and links below /dev before they change the root. Older ones follow a link that the image
has in its place, out to the host (runc before 1.3.6, CVE-2026-41579), and mount a tmpfs over parts of /proc that they
write to later (CVE-2025-52881).
"""

import stat
from collections.abc import Iterable
from pathlib import Path

from baselard.engine.errors import UserError
from baselard.engine.files import paths

_KERNELS = ("dev", "proc", "sys")


def check(root: Path, targets: Iterable[str]) -> None:
    """Raise UserError unless /dev, /proc and /sys are directories, or to be made, and no target leads into /proc."""
    for name in _KERNELS:
        mode = paths.mode(paths.under(root, name))
        if mode and not stat.S_ISDIR(mode):
            raise UserError(
                f"the container cannot start: the image's /{name} is not a directory; make it one, or leave it out"
            )
    for target in targets:
        if paths.resolve(root, target).partition("/")[0] == "proc":
            raise UserError(f"the container cannot start: {target} leads into /proc, where nothing can be mounted")
