"""``debian:<suite>[-slim]`` made from the Debian archive by mmdebstrap, for machines that reach no registry.

The official images are made in the same way (debuerreotype: a minbase system, apt's and dpkg's settings for containers,
documentation left out of the slim ones). The tree depends on the archive's state alone: every time stamp is held down
to the date of the archive's newest Release file.
"""

import os
import re
import shlex
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path

from baselard.engine.errors import HostError, UserError
from baselard.engine.host import platforms, process
from baselard.engine.images import debian_mirror
from baselard.engine.images.debian_mirror import ARCHIVE, SECURITY
from baselard.engine.store import ids, overlay
from baselard.oci.errors import SettingsError
from baselard.oci.image_config import DEFAULT_PATH, ImageConfig
from baselard.oci.platforms import Platform
from baselard.oci.reference import Reference
from baselard.oci.registry import trust

_VERSIONS = {"latest": "stable", "11": "bullseye", "12": "bookworm", "13": "trixie", "14": "forky"}
_ROLLING = ("sid", "unstable")  # suites without updates and security archives
_SUITES = ("bullseye", "bookworm", "trixie", "forky", "oldoldstable", "oldstable", "stable", "testing", *_ROLLING)
# Debian's own keys, which the apt of another distribution does not trust by itself.
KEYRINGS = ("/usr/share/keyrings/debian-archive-keyring.gpg",)
_REACH = 10.0  # seconds for each of the archive's Release files

# What the official images hold besides packages: dpkg need not sync a layer, no service starts during a build, and
# apt keeps neither archives nor translations. The slim ones drop what debuerreotype's slimify list names.
_FILES = {
    "etc/dpkg/dpkg.cfg.d/docker-apt-speedup": "force-unsafe-io\n",
    "etc/apt/apt.conf.d/docker-clean": (
        'DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/*.bin || true"; };\n'
        'APT::Update::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/*.bin || true"; };\n'
        'Dir::Cache::pkgcache ""; Dir::Cache::srcpkgcache "";\n'
    ),
    "etc/apt/apt.conf.d/docker-gzip-indexes": 'Acquire::GzipIndexes "true";\n',
    "etc/apt/apt.conf.d/docker-no-languages": 'Acquire::Languages "none";\n',
    "etc/apt/apt.conf.d/docker-autoremove-suggests": 'Apt::AutoRemove::SuggestsImportant "false";\n',
    "usr/sbin/policy-rc.d": "#!/bin/sh\nexit 101\n",
}
_SLIM = (
    "path-exclude=/usr/share/doc/*",
    "path-include=/usr/share/doc/*/copyright",
    "path-exclude=/usr/share/groff/*",
    "path-exclude=/usr/share/info/*",
    "path-exclude=/usr/share/linda/*",
    "path-exclude=/usr/share/lintian/*",
    "path-exclude=/usr/share/locale/*",
    "path-include=/usr/share/locale/locale.alias",
    "path-exclude=/usr/share/man/*",
)
_DPKG = "etc/dpkg/dpkg.cfg.d"
_UNSYNCED = "force-unsafe-io"  # while it is made alone: what a power cut interrupts is recorded nowhere
_HOST_TRACES = ("etc/hostname", "etc/resolv.conf", "etc/machine-id", "var/lib/dbus/machine-id")
_PARTIAL = ("var/lib/apt/lists/partial", "var/cache/apt/archives/partial")
_LOGS = ("var/log/apt/*.log", "var/log/*.log", "var/cache/ldconfig/aux-cache", "var/cache/debconf/*-old")


@dataclass(frozen=True)
class Recipe:
    """Which Debian to make. ``suite`` is a name of the archive, never a version."""

    suite: str
    slim: bool
    platform: Platform

    def __str__(self) -> str:
        return f"debian:{self.suite}{'-slim' if self.slim else ''} ({self.platform})"

    @property
    def sources(self) -> tuple[tuple[str, str], ...]:
        """Pairs of archive and suite, as the official images list them."""
        if self.suite in _ROLLING:
            return ((ARCHIVE, self.suite),)
        updates = ((ARCHIVE, f"{self.suite}-updates"), (SECURITY, f"{self.suite}-security"))
        return ((ARCHIVE, self.suite), *updates)

    @property
    def config(self) -> ImageConfig:
        """The official image's configuration."""
        return ImageConfig(self.platform, env=(("PATH", DEFAULT_PATH),), cmd=("bash",))


def recipe(reference: Reference, platform: Platform) -> Recipe | None:
    """How to make the image ``reference`` names; None if it is not an official Debian image by suite or version.

    A digest, a dated tag or a point release names one very image, which nothing else can stand for.
    """
    if reference.name != "docker.io/library/debian" or reference.digest:
        return None
    suite = _VERSIONS.get(reference.tag.removesuffix("-slim"), reference.tag.removesuffix("-slim"))
    return Recipe(suite, reference.tag.endswith("-slim"), platform) if suite in _SUITES else None


def debian(target: Path, wanted: Recipe, *, on_output: Callable[[int, bytes], None] | None = None) -> int:
    """Make the system in the empty directory ``target``; the archive's date (seconds since 1970) comes back.

    The mirror the packages come from leaves no trace. Raises HostError with a remedy when this machine cannot do it,
    UserError for an unknown suite.
    """
    platforms.require(wanted.platform)
    if ids.are_one():
        raise HostError(
            f"{wanted} cannot be made where all files belong to one user, since its packages' do not: "
            "have root add a range to /etc/subuid and /etc/subgid and install uidmap"
        )
    mirrors = debian_mirror.stand_ins()
    sources = [(mirrors[archive], suite) for archive, suite in wanted.sources]
    date = max(release_date(archive, suite) for archive, suite in sources)
    process.run(
        _command(target, wanted, sources),
        env={**os.environ, "SOURCE_DATE_EPOCH": str(date), "LC_ALL": "C.UTF-8"},
        on_output=on_output,
    )
    _finish(target, wanted)
    _hold_down_times(target, date)
    return date


def _command(target: Path, wanted: Recipe, sources: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    lines = [f"deb {archive} {suite} main" for archive, suite in sources]
    return (
        "mmdebstrap",
        "--mode=root",
        "--variant=minbase",
        "--format=directory",
        *(f"--keyring={path}" for path in KEYRINGS if Path(path).exists()),
        f"--architectures={wanted.platform.debian_architecture}",
        "--skip=check/qemu",  # we have looked ourselves, and its check wants another package
        "--skip=check/signed-by",  # for sources that it thinks up itself
        f"--dpkgopt={_UNSYNCED}",
        *(_slim_hooks() if wanted.slim else ()),
        wanted.suite,
        str(target),
        *lines,
    )


def _slim_hooks() -> tuple[str, ...]:
    """Hooks that have dpkg leave out the slim images' paths, and take away what lay there before dpkg ran.

    As options for dpkg they would have mmdebstrap start a Python for each package that dpkg needs, half of its time.
    """
    lines = " ".join(map(shlex.quote, _SLIM))
    emptied = " ".join(line[len("path-exclude=/") : -len("/*")] for line in _SLIM if line.startswith("path-exclude"))
    keep = "touch -r $d tmp/then && rm -rf $d/* && touch -r tmp/then $d"  # a directory's time is its package's
    return (
        f'--setup-hook=mkdir -p "$1/{_DPKG}" && printf "%s\\n" {lines} >"$1/{_DPKG}/docker"',
        f'--extract-hook=cd "$1" && for d in {emptied}; do ! [ -d $d ] || {{ {keep}; }} || exit; done; rm -f tmp/then',
    )


def release_date(archive: str, suite: str) -> int:
    """The date of the suite's Release file. Raises HostError when the archive is not reached, UserError on 404."""
    import httpx

    url = f"{archive}/dists/{suite}/InRelease"
    try:
        reply = httpx.get(url, timeout=_REACH, follow_redirects=True, verify=trust.context())
    except SettingsError as error:
        raise UserError(str(error)) from error
    except httpx.HTTPError as error:
        raise HostError(
            f"neither a container registry nor the Debian archive {archive} is reached ({error}); "
            "check the network, or set BASELARD_DEBIAN_MIRROR to a mirror's URL"
        ) from error
    if reply.status_code == 404:
        raise UserError(f"the Debian archive {archive} has no suite {suite!r}")
    date = 0 if reply.is_error else date_of(reply.text)
    if not date:
        raise HostError(
            f"{url} answers {reply.status_code} and no Release file; set BASELARD_DEBIAN_MIRROR to a mirror"
        )
    return date


def date_of(release: str) -> int:
    """The date of a Release file, in seconds since 1970; 0 when it is none."""
    found = re.search(r"^Date: (.+)$", release, re.MULTILINE)
    return int(parsedate_to_datetime(found[1].replace("UTC", "+0000")).timestamp()) if found else 0


def _finish(target: Path, wanted: Recipe) -> None:
    """Give the tree the official image's settings and take this machine's traces away."""
    for pattern in (*_HOST_TRACES, *_LOGS, "etc/apt/sources.list", "etc/apt/sources.list.d/*.list"):
        for path in target.glob(pattern):
            path.unlink()
    for path in (target / "dev").iterdir():  # empty in the official images too; a plain user can make no devices
        overlay.remove(str(path))
    os.utime(target / "dev")
    _give_to_apt(target)
    for name, text in _FILES.items():
        (target / name).write_text(text)
    (target / "usr/sbin/policy-rc.d").chmod(0o755)
    (target / "etc/apt/sources.list.d/debian.sources").write_text(_sources_text(target, wanted))
    (target / _DPKG / "99mmdebstrap").unlink()


def _give_to_apt(target: Path) -> None:
    """Where apt downloads to is its user's, as in the official images.

    Below a directory that this user may not enter, such as root's home, apt works as root and leaves it root's.
    """
    found = re.search(r"^_apt:[^:]*:(\d+):", (target / "etc/passwd").read_text(), re.MULTILINE)
    for path in (target / name for name in _PARTIAL if found):
        if path.is_dir():
            os.chown(path, int(found[1]), 0)  # type: ignore[index]


def _sources_text(target: Path, wanted: Recipe) -> str:
    keyring = "/usr/share/keyrings/debian-archive-keyring."
    keyring += "pgp" if (target / f"{keyring}pgp".lstrip("/")).exists() else "gpg"
    suites: dict[str, list[str]] = {}
    for archive, suite in wanted.sources:
        suites.setdefault(archive, []).append(suite)
    stanzas = [
        f"Types: deb\nURIs: {archive}\nSuites: {' '.join(names)}\nComponents: main\nSigned-By: {keyring}\n"
        for archive, names in suites.items()
    ]
    return "\n".join(stanzas)


def _hold_down_times(target: Path, date: int) -> None:
    """No time stamp in the tree is later than ``date``: what was made just now counts as made then."""
    limit = min(date, int(time.time())) * 10**9
    for directory, names, files in os.walk(target, topdown=False):
        for name in (*names, *files, "."):
            path = f"{directory}/{name}"
            if os.lstat(path).st_mtime_ns > limit:
                os.utime(path, ns=(limit, limit), follow_symlinks=False)
