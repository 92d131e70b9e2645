"""Looks at what this machine lends the engine and at the store, and names a remedy for whatever is missing."""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from baselard.engine.errors import EngineError, HostError
from baselard.engine.host import advisories, packages, platforms, privilege, process, rootless, wayout
from baselard.engine.store import holdings
from baselard.engine.store.database import Snapshot
from baselard.oci import digests
from baselard.oci.platforms import Platform, this_machine

_KERNEL = (5, 10)  # volatile overlay mounts
_FREE = 5 << 30  # bytes; less hardly holds one base image and its examples
_REMEDY = "run with sudo, or give the container --cap-add SYS_ADMIN"
_FOREIGN = (Platform("linux", "amd64"), Platform("linux", "arm64"))


@dataclass(frozen=True)
class Diagnosis:
    """One thing looked at. ``remedy`` is empty when it is well; ``fatal`` if the engine cannot work without it."""

    subject: str
    detail: str
    remedy: str = ""
    fatal: bool = False

    @property
    def mark(self) -> str:
        """``ok``, ``warning`` or ``missing``."""
        return "ok" if not self.remedy else "missing" if self.fatal else "warning"


def examine(store: Path, *, deep: bool = False) -> list[Diagnosis]:
    """Everything, in the order in which it is worth repairing. ``deep`` also reads every blob against its digest."""
    checks: list[Callable[[], Iterator[Diagnosis]]] = [
        _privilege,
        _kernel,
        _programs,
        _advisories,
        lambda: _place(store),
        lambda: _overlay(store),
        lambda: _records(store, deep=deep),
        _foreign,
    ]
    return [finding for check in checks for finding in _safely(check)]


def _safely(check: Callable[[], Iterator[Diagnosis]]) -> Iterator[Diagnosis]:
    """A check that fails itself is a finding too, and the others go on."""
    try:
        yield from check()
    except (OSError, EngineError) as error:
        yield Diagnosis("check", str(error), "repair that first, then run doctor again", fatal=True)


def _privilege() -> Iterator[Diagnosis]:
    """The way that this user has: root's own, a user namespace with a range or without, or sudo."""
    if privilege.may_mount():
        yield Diagnosis("privilege", "CAP_SYS_ADMIN is there")
        return
    try:
        offer = rootless.chosen(os.environ)
    except HostError as error:
        said, _, remedy = str(error).partition("; ")
        yield Diagnosis("privilege", said, remedy or _REMEDY, fatal=True)
        return
    if offer:
        yield from _rootless(offer)
    elif privilege.sudo():
        lacks = rootless.lacking()
        yield Diagnosis("privilege", f"root by sudo{'; rootless, ' + lacks if lacks else ''}")
    else:
        yield Diagnosis("privilege", "root is asked for, and there is no sudo", "leave --no-rootless out", fatal=True)


def _rootless(offer: rootless.Offer) -> Iterator[Diagnosis]:
    ended = process.run(("unshare", "--user", "--map-root-user", "true"), check=False)
    if ended.code:
        said = ended.stderr.decode(errors="replace").strip()[:200]
        yield Diagnosis("privilege", f"no CAP_SYS_ADMIN, and no user namespace: {said}", _REMEDY, fatal=True)
    elif offer.single:
        remedy = offer.lacks or "leave --userns=single out"
        yield Diagnosis("privilege", "rootless, where all files belong to one user", remedy)
    else:
        numbers = 1 + sum(length for _, length in offer.uids)
        yield Diagnosis("privilege", f"rootless, with {numbers} users' numbers")
    if lacks := wayout.lacking():
        said, _, remedy = lacks.partition("; ")
        yield Diagnosis("way out", f"{said}: containers reach each other and nothing outside", remedy)
    else:
        yield Diagnosis("way out", f"by {wayout.helpers()[0]}")


def _kernel() -> Iterator[Diagnosis]:
    release = os.uname().release
    numbers = tuple(int(part) for part in release.split("-")[0].split(".")[:2] if part.isdecimal())
    if numbers < _KERNEL:
        yield Diagnosis("kernel", release, f"use Linux {_KERNEL[0]}.{_KERNEL[1]} or later")
    else:
        yield Diagnosis("kernel", release)
    known = Path("/proc/filesystems").read_text().split()
    if "overlay" not in known and process.run(("modprobe", "overlay"), check=False).code:
        yield Diagnosis("overlayfs", "this kernel does not have it", "load the module: modprobe overlay", fatal=True)


def _programs() -> Iterator[Diagnosis]:
    for package in packages.listed():
        sign = package.signs[0]
        subject, fatal = package.name if sign.startswith("/") else sign, package.name == packages.NEEDED
        if package.found:
            yield Diagnosis(subject, package.found)
        else:
            remedy = f"baselard setup, or apt-get install {package.name}"
            yield Diagnosis(subject, f"{sign} is not there", remedy, fatal=fatal)


def _advisories() -> Iterator[Diagnosis]:
    """The programs in a version that lets somebody out who should stay in."""
    for program, installed in advisories.programs():
        if open_to := [advisory.name for advisory in advisories.concerning(program, installed)]:
            detail = f"{installed.version} is open to {', '.join(open_to)} (known on {advisories.ADVISED})"
            yield Diagnosis(f"{program}'s version", detail, advisories.remedy(program, installed))


def _place(store: Path) -> Iterator[Diagnosis]:
    """The nearest directory above the store that exists says what it will be on."""
    place = next(path for path in (store, *store.parents) if path.exists())
    kind = process.run(("stat", "--file-system", "--format=%T", place)).stdout.decode().strip()
    free = shutil.disk_usage(place).free
    if kind in ("overlayfs", "nfs", "fuseblk"):
        remedy = "set BASELARD_STORE to a place on ext4, xfs or tmpfs; in a container, a volume"
        yield Diagnosis("store", f"{store} is on {kind}, which overlayfs cannot use", remedy, fatal=True)
    elif not os.access(place, os.W_OK):
        yield Diagnosis("store", f"{store} cannot be written", "set BASELARD_STORE to a place of your own", fatal=True)
    else:
        yield Diagnosis("store", f"{store} on {kind}")
    shown = f"{free / 1e9:.1f} GB free"
    yield Diagnosis(
        "space", shown, "" if free >= _FREE else "free some: baselard prune, or set BASELARD_STORE elsewhere"
    )


def _overlay(store: Path) -> Iterator[Diagnosis]:
    """One mount for real, in a namespace that ends with the program."""
    if not store.exists():
        return
    place = store / f".doctor-{os.getpid()}"
    try:
        for name in ("lower", "upper", "work", "merged"):
            (place / name).mkdir(parents=True)
        options = f"lowerdir={place}/lower,upperdir={place}/upper,workdir={place}/work"
        own = () if privilege.may_mount() else ("--user", "--map-root-user")
        options += ",userxattr" if own else ""
        mount = ("mount", "-t", "overlay", "overlay", "-o", options, place / "merged")
        ended = process.run(("unshare", *own, "--mount", "--", *mount), check=False)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    if ended.code:
        said = ended.stderr.decode(errors="replace").strip().splitlines()[0][:200]
        remedy = "set BASELARD_STORE to a place on ext4, xfs or tmpfs"
        yield Diagnosis("overlay mount", said, remedy, fatal=True)
    else:
        yield Diagnosis("overlay mount", "works on the store's file system")


def _records(store: Path, *, deep: bool) -> Iterator[Diagnosis]:
    """Whether what the store records is there."""
    path = store / "store.db"
    if not path.exists():
        yield Diagnosis("records", "no store yet; it is made at the first use")
        return
    try:
        listed = holdings.look(path)
    except HostError as error:
        yield Diagnosis("records", str(error), f"remove {store}; everything in it can be made again", fatal=True)
        return
    if listed is None:
        yield Diagnosis("records", "none yet; the store was never opened to its end, which the next use does")
        return
    blobs, snapshots = listed.blobs, listed.snapshots
    broken = [name for name, size in blobs.items() if not _is_whole(store, name, size, deep=deep)]
    broken += [f"snapshot {number}" for number in snapshots if not (store / "layers" / Snapshot(number).name).is_dir()]
    if broken:
        remedy = "baselard prune --all removes what is recorded, and the next run makes it again"
        yield Diagnosis("records", f"{len(broken)} of them broken: {', '.join(broken[:3])}", remedy)
    else:
        yield Diagnosis("records", f"{len(snapshots)} snapshots and {len(blobs)} blobs are there")


def _is_whole(store: Path, name: str, size: int, *, deep: bool) -> bool:
    path = store / digests.blob_path(name)
    if not path.is_file() or path.stat().st_size != size:
        return False
    if not deep:
        return True
    with path.open("rb") as file:
        return digests.of_file(file) == name


def _foreign() -> Iterator[Diagnosis]:
    """Other platforms are a matter of wanting them, so their absence is no warning."""
    for platform in _FOREIGN:
        if platform != this_machine():
            there = platforms.runs(platform)
            how = "" if there else "; to build for it: apt-get install qemu-user-static binfmt-support"
            yield Diagnosis(str(platform), f"can{'' if there else 'not'} be run here{how}")


def summary(findings: list[Diagnosis]) -> str:
    """The findings as a table, remedies below their lines."""
    width = max(len(finding.subject) for finding in findings)
    lines = []
    for finding in findings:
        lines.append(f"{finding.mark:<8} {finding.subject:<{width}}  {finding.detail}")
        if finding.remedy:
            lines.append(f"{'':<8} {'':<{width}}  → {finding.remedy}")
    return "\n".join(lines) + "\n"


def entries(findings: list[Diagnosis]) -> list[dict[str, str]]:
    """The findings as JSON has them."""
    return [
        {"mark": one.mark, **{key: getattr(one, key) for key in ("subject", "detail", "remedy")}} for one in findings
    ]
