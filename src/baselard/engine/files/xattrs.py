"""Extended attributes that belong to a file's content, such as file capabilities; not those of the host's security."""

import errno
import os

from baselard.engine.store import overlay

_NOT_CONTENT = (*overlay.ATTRIBUTES, "security.selinux", "security.ima", "security.evm")
_UNSUPPORTED = (errno.ENOTSUP, errno.ENODATA, errno.EPERM, errno.EACCES)


def read(path: str) -> dict[str, bytes]:
    """All that count, by name in order; ``path`` itself when it is a link. Empty where there can be none."""
    try:
        names = os.listxattr(path, follow_symlinks=False)
        if not names:
            return {}
        return {name: _get(path, name) for name in sorted(names) if not name.startswith(_NOT_CONTENT)}
    except OSError as error:
        if error.errno in _UNSUPPORTED:
            return {}
        raise


def copy(source: str, target: str) -> None:
    """Give ``target`` the attributes of ``source``.

    Users' own ones are left out where the target's file system has none, as tmpfs on older kernels. Raises OSError for
    others.
    """
    for name, value in read(source).items():
        try:
            os.setxattr(target, name, value, follow_symlinks=False)
        except OSError as error:
            if error.errno != errno.ENOTSUP or not name.startswith("user."):
                raise


def drop_others(source: str, target: str) -> None:
    """Take from ``target`` the attributes that ``source`` has not."""
    for name in read(target).keys() - read(source).keys():
        os.removexattr(target, name, follow_symlinks=False)


def _get(path: str, name: str) -> bytes:
    return os.getxattr(path, name, follow_symlinks=False)
