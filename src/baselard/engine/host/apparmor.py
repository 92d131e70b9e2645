"""Ubuntu's restriction of user namespaces by AppArmor, and the profile that lifts it for one program.

Since 23.10 only programs with a profile that says ``userns`` may have capabilities in a namespace that they made
(kernel.apparmor_restrict_unprivileged_userns). A profile is attached by a script's own path, and what the script starts
keeps it.
"""

import os
from pathlib import Path

from baselard.engine.errors import HostError, ProcessError
from baselard.engine.host import process

_RESTRICTED = Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")
_CONFINED_BY = Path("/proc/self/attr/current")
_PLACE = Path("/etc/apparmor.d/baselard")


def restricts() -> bool:
    """Whether plain users' programs without a profile may have no user namespace."""
    return _read(_RESTRICTED) == "1"


def stops_this() -> bool:
    """Whether this very process may have none, since it has no profile."""
    return restricts() and _read(_CONFINED_BY).startswith("unconfined")


def profile(program: Path) -> str:
    """The profile for a script: as free as without one, and user namespaces allowed."""
    return (
        "# Written by `baselard setup --rootless`.\n"
        "abi <abi/4.0>,\n"
        "include <tunables/global>\n\n"
        f'profile baselard "{program}" flags=(unconfined) {{\n'
        "  userns,\n"
        "  include if exists <local/baselard>\n"
        "}\n"
    )


def install(program: Path) -> Path:
    """Have the profile for ``program`` loaded, now and at every start of the machine; where it is comes back.

    Raises HostError for anybody but root, and with the parser's words.
    """
    if os.geteuid():
        raise HostError("AppArmor's profiles are root's: sudo baselard setup --rootless")
    if any(character in str(program) for character in '"\\*?[]{}^\n'):
        raise HostError(f"{program} cannot stand in a profile of AppArmor: install Baselard to a plain path")
    _PLACE.write_text(profile(program))
    try:
        process.run(("apparmor_parser", "--replace", _PLACE))
    except ProcessError as error:
        raise HostError(f"{_PLACE} cannot be loaded: {error}") from None
    return _PLACE


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
