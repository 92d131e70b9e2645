"""Layers unpack as the OCI image spec says, and hostile ones are refused without a byte outside the directory."""

import errno
import io
import os
import stat
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from baselard.engine.errors import HostError, UserError
from baselard.engine.images.layers.extract import unpack
from baselard.engine.store import ids
from tests import alone

pytestmark = pytest.mark.root

Member = tuple[tarfile.TarInfo, bytes]


class Source(io.BytesIO):
    """A tar in memory."""

    def skip(self, size: int) -> int:
        return len(self.read(size))


def member(name: str, kind: bytes = tarfile.REGTYPE, content: bytes = b"", **fields: object) -> Member:
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, len(content)
    for key, value in fields.items():
        setattr(info, key, value)
    return info, content


def directory(name: str, **fields: object) -> Member:
    return member(name, tarfile.DIRTYPE, **{"mode": 0o755, **fields})  # type: ignore[arg-type]


def symlink(name: str, target: str) -> Member:
    return member(name, tarfile.SYMTYPE, linkname=target)


def hard_link(name: str, target: str) -> Member:
    return member(name, tarfile.LNKTYPE, linkname=target)


def tar(*members: Member, form: int = tarfile.PAX_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form, encoding="utf-8", errors="surrogateescape") as archive:
        for info, content in members:
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def raw(
    name: bytes = b"f",
    *,
    size: bytes = b"00000000000",
    kind: bytes = b"0",
    link: bytes = b"",
    uid: bytes = b"0",
    broken: bool = False,
) -> bytes:
    """One header, field by field, with a right checksum unless ``broken``."""
    head = bytearray(512)
    head[0 : len(name)] = name
    head[100:107], head[108 : 108 + len(uid)], head[116:117] = b"0000644", uid, b"0"
    head[124 : 124 + len(size)] = size
    head[136:147] = b"00000000000"
    head[156:157] = kind
    head[157 : 157 + len(link)] = link
    head[257:265] = b"ustar\x0000"
    head[148:156] = b" " * 8
    head[148:156] = b"%06o\0 " % (sum(head) + broken)
    return bytes(head)


END = bytes(1024)


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    """The directory to unpack into, between neighbours that must not change."""
    inside = tmp_path / "outside" / "root"
    inside.mkdir(parents=True)
    (tmp_path / "outside" / "victim").write_text("untouched")
    yield inside
    assert (tmp_path / "outside" / "victim").read_text() == "untouched"
    assert sorted(path.name for path in (tmp_path / "outside").iterdir()) == ["root", "victim"]
    assert [path.name for path in tmp_path.iterdir()] == ["outside"]


def put(root: Path, data: bytes) -> None:
    unpack(Source(data), root)


def is_whiteout(path: Path) -> bool:
    info = path.lstat()
    return stat.S_ISCHR(info.st_mode) and info.st_rdev == 0


def _is_opaque(path: Path) -> bool:
    """In a user namespace overlayfs has another name for it (overlayfs.rst, userxattr)."""
    return os.getxattr(path, f"{'trusted' if ids.are_all() else 'user'}.overlay.opaque") == b"y"


def test_gnu_tar_agrees_on_every_kind_of_entry(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A tree of oddities, packed by GNU tar, comes out as GNU tar's own comparison wants it."""
    source = tmp_path_factory.mktemp("source")
    (source / "d").mkdir(mode=0o1777)
    (source / "d" / "file").write_bytes(b"x" * 5000)
    os.link(source / "d" / "file", source / "d" / "again")
    os.symlink("../nowhere", source / "d" / "link")
    os.mkfifo(source / "pipe", 0o622)
    alone.device(source / "null", 0o666, 1, 3)
    (source / os.fsdecode(b"not-utf8-\xff\xfe")).write_text("n")
    (source / ("long" * 40)).mkdir()
    (source / ("long" * 40) / ("name" * 50)).write_text("l")
    (source / "setuid").write_text("s")
    os.chown(source / "setuid", alone.owner(4000000), alone.owner(70000))
    (source / "setuid").chmod(0o6755)
    os.setxattr(source / "setuid", "user.note", b"\0\xff=\n")
    capability = bytes.fromhex("0100000200040000000000000000000000000000")
    os.setxattr(source / "d" / "file", "security.capability", capability)
    with (source / "sparse").open("wb") as file:
        file.seek(9_000_000)
        file.write(b"data")
        file.truncate(20_000_000)
    (source / "empty").write_bytes(b"")
    os.utime(source / "empty", ns=(1, 1_234_567_890_123_456_789))
    for options in (
        ["--format=pax", "--xattrs", "--xattrs-include=*", "--sparse"],
        ["--format=gnu", "--sparse"],
        ["--format=pax", "--sparse-version=0.1", "--sparse"],
    ):
        target = root / options[-1].strip("-").replace("=", "")
        target.mkdir(exist_ok=True)
        data = subprocess.run(["tar", "-C", source, *options, "-cf", "-", "."], check=True, capture_output=True).stdout
        put(target, data)
        differences = subprocess.run(
            ["tar", "-C", target, *options[:1], "-df", "-"], input=data, capture_output=True, check=False
        )
        assert (differences.returncode, differences.stdout, differences.stderr) == (0, b"", b"")
        assert (target / "sparse").stat().st_blocks * 512 < 1_000_000
        assert (target / "d" / "again").stat().st_ino == (target / "d" / "file").stat().st_ino
        if "--xattrs" in options:
            assert os.getxattr(target / "setuid", "user.note") == b"\0\xff=\n"
            assert os.getxattr(target / "d" / "again", "security.capability") == capability
            assert (target / "empty").stat().st_mtime_ns == 1_234_567_890_123_456_789


def test_whiteouts_become_overlayfs_marks(root: Path) -> None:
    put(root, tar(directory("d"), member("d/.wh.gone"), member("d/.wh..wh..opq"), member("e/.wh.x")))
    assert is_whiteout(root / "d" / "gone")
    assert _is_opaque(root / "d")
    assert is_whiteout(root / "e" / "x")


def test_whiteouts_touch_only_what_lies_below_whatever_the_order(root: Path) -> None:
    put(root, tar(member("a", content=b"1"), member(".wh.a"), member(".wh.b"), member("b", content=b"2")))
    assert ((root / "a").read_bytes(), (root / "b").read_bytes()) == (b"1", b"2")
    put(root, tar(directory("c"), member(".wh.c"), member(".wh.e"), directory("e")))
    assert _is_opaque(root / "c") and _is_opaque(root / "e")


def test_in_the_lowest_layer_whiteouts_mean_nothing(root: Path) -> None:
    unpack(Source(tar(member(".wh.a"), directory("d"), member("d/.wh..wh..opq"))), root, lowest=True)
    assert [path.name for path in root.iterdir()] == ["d"]
    assert os.listxattr(root / "d") == []


def test_later_entries_replace_earlier_ones(root: Path) -> None:
    put(
        root,
        tar(member("a", content=b"1"), symlink("a", "b"), directory("c"), member("c/x"), member("c", content=b"2")),
    )
    assert (root / "a").readlink() == Path("b")
    assert (root / "c").read_bytes() == b"2"


def test_a_slash_at_the_head_means_the_root_and_links_resolve_inside(root: Path) -> None:
    put(root, tar(directory("usr"), directory("usr/lib"), symlink("lib", "/usr/lib"), member("/lib/x", content=b"1")))
    assert (root / "usr" / "lib" / "x").read_bytes() == b"1"
    put(root, tar(symlink("way", "usr/../usr/lib"), member("way/y"), symlink("far", "/../../nowhere")))
    assert (root / "usr" / "lib" / "y").exists()


def test_what_the_layer_does_not_describe_is_told(root: Path) -> None:
    left = unpack(Source(tar(member("usr/bin/x"), directory("usr"), hard_link("y", "etc/passwd"))), root)
    assert left.implied == ((), (b"usr", b"bin"))
    assert left.links == (((b"y",), (b"etc", b"passwd")),)


def test_attributes_of_the_root_and_times_of_directories_hold(root: Path) -> None:
    put(root, tar(directory("./", mode=0o750, uid=7, mtime=5), directory("d", mtime=6), member("d/x", mtime=7)))
    assert (root.stat().st_uid, stat.S_IMODE(root.stat().st_mode), root.stat().st_mtime) == (7, 0o750, 5)
    assert ((root / "d").stat().st_mtime, (root / "d" / "x").stat().st_mtime) == (6, 7)


HOSTILE_NAMES = [
    "../victim",
    "a/../../victim",
    "a/../b",
    "..",
    "/..",
    "/../victim",
    "./../victim",
    "a/..",
    "x/../../../../../../etc/passwd",
]
HOSTILE: dict[str, Callable[[], bytes]] = {
    **{f"file {name}": lambda name=name: tar(member(name, content=b"x")) for name in HOSTILE_NAMES},  # type: ignore[misc]
    **{f"directory {name}": lambda name=name: tar(directory(name)) for name in HOSTILE_NAMES},  # type: ignore[misc]
    **{f"symbolic link at {name}": lambda name=name: tar(symlink(name, "x")) for name in HOSTILE_NAMES},  # type: ignore[misc]
    **{f"hard link to {name}": lambda name=name: tar(hard_link("x", name)) for name in HOSTILE_NAMES},  # type: ignore[misc]
    **{
        f"whiteout of {name}": lambda name=name: tar(member(name))  # type: ignore[misc]
        for name in (
            ".wh.",
            ".wh..",
            ".wh...",
            ".wh..wh..opq",
            "/.wh..wh..opq",
            "a/.wh..",
            "a/.wh...",
            "a/.wh.",
            "../.wh.victim",
            "a/../../.wh.victim",
        )
    },
    "file through a climbing link": lambda: tar(symlink("l", ".."), member("l/victim", content=b"x")),
    "file through a climbing link below": lambda: tar(
        directory("d"), symlink("d/l", "../.."), member("d/l/victim", content=b"x")
    ),
    "file through a link via the root": lambda: tar(symlink("l", "/../.."), member("l/victim", content=b"x")),
    "directory through a climbing link": lambda: tar(symlink("l", "../"), directory("l/new")),
    "whiteout through a climbing link": lambda: tar(symlink("l", ".."), member("l/.wh.victim")),
    "hard link through a climbing link": lambda: tar(symlink("l", ".."), hard_link("x", "l/victim")),
    "fifo through a climbing link": lambda: tar(symlink("l", ".."), member("l/p", tarfile.FIFOTYPE)),
    "links in a circle": lambda: tar(symlink("a", "b"), symlink("b", "a"), member("a/x")),
    "a chain of links": lambda: tar(
        *[symlink(f"l{n}", f"l{n + 1}") for n in range(60)], directory("l60"), member("l0/x")
    ),
    "a file as a directory": lambda: tar(member("a"), member("a/b")),
    "a whiteout as a directory": lambda: tar(member(".wh.a/b")),
    "a deleted name as a directory": lambda: tar(member(".wh.a"), member("a/b")),
    "a fifo as a directory": lambda: tar(member("a", tarfile.FIFOTYPE), member("a/b")),
    "a root that is a file": lambda: tar(member(".")),
    "a root that is a link": lambda: tar(symlink("./", "/etc")),
    "a hard link to a directory": lambda: tar(directory("d"), hard_link("x", "d")),
    "a hard link to itself": lambda: tar(hard_link("x", "x")),
    "a hard link to the root": lambda: tar(hard_link("x", "/")),
    "a hard link to nothing": lambda: tar(hard_link("x", "")),
    "a hard link to a deleted file": lambda: tar(member(".wh.a"), hard_link("x", "a")),
    "a symbolic link to nothing": lambda: raw(kind=b"2") + END,
    "a forged whiteout": lambda: tar(member("a", tarfile.CHRTYPE, devmajor=0, devminor=0)),
    "a forged redirect": lambda: tar(directory("d", pax_headers={"SCHILY.xattr.trusted.overlay.redirect": "/etc"})),
    "a forged opaque mark": lambda: tar(directory("d", pax_headers={"SCHILY.xattr.trusted.overlay.opaque": "y"})),
    "a forged metacopy": lambda: tar(member("f", pax_headers={"SCHILY.xattr.trusted.overlay.metacopy": ""})),
    "overlay's attributes for users": lambda: tar(member("f", pax_headers={"SCHILY.xattr.user.overlay.opaque": "y"})),
    "overlay's attributes on the root": lambda: tar(
        directory("./", pax_headers={"SCHILY.xattr.trusted.overlay.opaque": "y"})
    ),
    "a broken capability": lambda: tar(member("f", pax_headers={"SCHILY.xattr.security.capability": "y"})),
    "a name with a zero byte": lambda: tar(member("f", pax_headers={"path": "a\0b"})),
    "a link with a zero byte": lambda: tar(
        member("f", tarfile.SYMTYPE, linkname="x", pax_headers={"linkpath": "a\0b"})
    ),
    "a component that is too long": lambda: tar(member("n" * 300)),
    "a path that is too deep": lambda: tar(member("d/" * 3000 + "f")),
    "an absurd size": lambda: raw(size=b"77777777777\0", kind=b"0") + END,
    "an absurd size in base 256": lambda: raw(size=b"\x80" + b"\xff" * 11) + END,
    "a negative size": lambda: raw(size=b"\xff" * 12) + END,
    "an absurd pax size": lambda: tar(member("f", pax_headers={"size": "9" * 30})),
    "a negative pax size": lambda: tar(member("f", pax_headers={"size": "-1"})),
    "a size that is not a number": lambda: raw(size=b"zzz") + END,
    "an absurd long name": lambda: raw(kind=b"L", size=b"77777777777") + END,
    "an absurd extended header": lambda: raw(kind=b"x", size=b"77777777777") + END,
    "an owner out of range": lambda: tar(member("f", uid=2**40)),
    "a negative owner": lambda: tar(member("f", pax_headers={"uid": "-5"})),
    "nobody's owner": lambda: tar(member("f", uid=0xFFFFFFFF)),
    "an owner that is not a number": lambda: raw(uid=b"root") + END,
    **{
        f"an owner written {text!r}": lambda text=text: tar(member("f", pax_headers={"uid": text}))  # type: ignore[misc]
        for text in ("1_0", "+10", " 10", "0x10", "\u0663", "", "1" * 5000)
    },
    **{f"an octal owner written {text!r}": lambda text=text: raw(uid=text) + END for text in (b"1_0", b"+10", b"0o7")},  # type: ignore[misc]
    "a device out of range": lambda: tar(
        member("f", tarfile.CHRTYPE, devmajor=2**40, devminor=1), form=tarfile.GNU_FORMAT
    ),
    "an unknown type": lambda: raw(kind=b"Z") + END,
    "a volume header": lambda: raw(kind=b"V") + END,
    "a wrong checksum": lambda: raw(broken=True) + END,
    "no tar at all": lambda: b"<html>not found</html>" * 100,
    "half a header": lambda: raw()[:300],
    "half a file": lambda: tar(member("f", content=b"x" * 2000))[:1500],
    "half an extended header": lambda: tar(member("f" * 200))[:600],
    "an extended header without an entry": lambda: tar(member("f" * 200))[:1024] + END,
    "broken extended records": lambda: raw(kind=b"x", size=b"00000000005") + b"99 a=".ljust(512, b"\0") + raw() + END,
    "extended records without length": lambda: (
        raw(kind=b"x", size=b"00000000003") + b"a=b".ljust(512, b"\0") + raw() + END
    ),
    "a sparse map that lies": lambda: tar(
        member("f", content=b"xx", pax_headers={"GNU.sparse.map": "0,9", "GNU.sparse.size": "9"})
    ),
    "a sparse map that overlaps": lambda: tar(
        member("f", content=b"xx", pax_headers={"GNU.sparse.map": "4,1,0,1", "GNU.sparse.size": "9"})
    ),
    "a sparse map past the end": lambda: tar(
        member("f", content=b"xx", pax_headers={"GNU.sparse.map": "90,2", "GNU.sparse.size": "9"})
    ),
    "an absurd sparse size": lambda: tar(
        member("f", content=b"xx", pax_headers={"GNU.sparse.map": "0,2", "GNU.sparse.size": "9" * 18})
    ),
    "a sparse count that is absurd": lambda: tar(
        member(
            "f", content=b"99999999\n".ljust(512, b"\0"), pax_headers={"GNU.sparse.major": "1", "GNU.sparse.minor": "0"}
        )
    ),
    "a sparse name that climbs": lambda: tar(
        member(
            "f",
            content=b"xx",
            pax_headers={"GNU.sparse.map": "0,2", "GNU.sparse.size": "2", "GNU.sparse.name": "../victim"},
        )
    ),
}


@pytest.mark.parametrize("mtime", [2**70, -(2**70)])
def test_a_time_that_no_clock_can_show_is_the_first_of_all(mtime: int, root: Path) -> None:
    """As docker's unpacking has it (moby, pkg/archive: times before 1970 or past its clock's range)."""
    put(root, tar(member("f", mtime=mtime), directory("d", mtime=mtime), form=tarfile.GNU_FORMAT))
    assert (root / "f").stat().st_mtime == (root / "d").stat().st_mtime == 0


def test_there_are_enough_hostile_cases() -> None:
    assert len(HOSTILE) >= 60


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_layers_are_refused_in_one_clear_error(case: str, root: Path) -> None:
    with pytest.raises(UserError) as caught:
        put(root, HOSTILE[case]())
    assert str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(("number", "says"), [("ENOSPC", "is full"), ("EDQUOT", "is full"), ("EIO", "is broken")])
def test_what_the_machine_lacks_is_no_fault_of_the_entry(
    number: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As anywhere else in the engine (errors.foreseen)."""

    def fail(*_: object) -> int:
        raise OSError(getattr(errno, number), "told by the kernel", "f")

    monkeypatch.setattr(os, "write", fail)
    with pytest.raises(HostError, match=f"^(the disk that the store is on|the store) .*{says}"):
        unpack(Source(tar(member("f", content=b"content"))), tmp_path)
