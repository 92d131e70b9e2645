"""Which server stands in for the Debian archive while packages are fetched on this machine."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

ARCHIVE = "http://deb.debian.org/debian"
SECURITY = "http://deb.debian.org/debian-security"
_SECURITY_ELSEWHERE = "http://security.debian.org/debian-security"
_URL = re.compile(r"^[^#\n]*?(https?://\S+?/debian(?:-security)?)/?(?=\s|$)", re.MULTILINE)


def stand_ins(environ: Mapping[str, str] | None = None, apt: Path = Path("/etc/apt")) -> dict[str, str]:
    """URLs to use for ARCHIVE and SECURITY: ``BASELARD_DEBIAN_MIRROR``, else what this machine's apt uses, else they.

    Both have a stand-in or neither: requests to their common host are either all redirected or none.
    A mirror given by the variable is expected to carry ``/debian-security`` beside ``/debian``, as full mirrors do.
    """
    setting = (os.environ if environ is None else environ).get("BASELARD_DEBIAN_MIRROR", "").rstrip("/")
    if setting:
        return {ARCHIVE: setting, SECURITY: setting.removesuffix("/debian") + "/debian-security"}
    urls = [url for path in _source_files(apt) for url in _URL.findall(path.read_text(errors="replace"))]
    archive = next((url for url in urls if url.endswith("/debian")), ARCHIVE)
    if archive == ARCHIVE:
        return {ARCHIVE: ARCHIVE, SECURITY: SECURITY}
    others = (url for url in urls if url.endswith("/debian-security") and url != SECURITY)
    return {ARCHIVE: archive, SECURITY: next(others, _SECURITY_ELSEWHERE)}


def _source_files(apt: Path) -> list[Path]:
    files = [
        apt / "sources.list",
        *sorted(apt.glob("sources.list.d/*.list")),
        *sorted(apt.glob("sources.list.d/*.sources")),
    ]
    return [path for path in files if path.is_file()]
