"""Trees that a program writes, or has written, are worked in by descriptors (files/inside.py), never by paths."""

import ast
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest


def _helper() -> ModuleType:
    spec = importlib.util.spec_from_file_location("architecture_imports", Path(__file__).with_name("imports.py"))
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


KNOWN = _helper().modules()
ENGINE = "baselard.engine."
ROOMS = ("run", "files", "ops", "images")

_OS = """
    open stat lstat access chmod chown lchown unlink remove rmdir mkdir makedirs rename replace link symlink readlink
    utime listdir scandir walk mknod mkfifo truncate getxattr setxattr listxattr removexattr
"""
_OS_PATH = "exists isdir isfile islink realpath getsize lexists"
_PATH = """
    open read_text read_bytes write_text write_bytes unlink rmdir mkdir rename symlink_to hardlink_to chmod lchmod touch
    exists is_dir is_file is_symlink is_socket is_mount iterdir glob rglob lstat readlink under
"""
BY_PATH = {
    *(f"os.{name}" for name in _OS.split()),
    *(f"os.path.{name}" for name in _OS_PATH.split()),
    *(f".{name}" for name in _PATH.split()),
    "open",
    "shutil.",
}

ANYTHING = (
    ("files.bounded files.inside", "they are what goes by descriptors"),
    (
        "files.checkout files.exporting files.listing ops.host ops.host_layer ops.host_walk ops.docker_image",
        "directories of the caller's own",
    ),
    ("images.archive_read images.archive_write images.transfer", "archives, and blobs of the store"),
    ("images.layers.arriving images.layers.pack images.publish", "blobs of the store"),
    ("images.bootstrap images.debian_mirror images.packages", "a tree that mmdebstrap or dpkg makes here"),
    (
        """
        files.git_directory files.merging
        files.copying files.differences files.file_bytes files.paths files.reading files.searching files.selection
        files.treehash files.walking files.wildcards files.xattrs ops.copy ops.file ops.git ops.http ops.merge ops.patch
        ops.replace ops.unpack images.archive_layers images.layers.stack images.layers.tree images.layers.generate
        images.layers.keeping
        """,
        "trees of the store: whole, or one thread's own, and nobody runs in them",
    ),
)
FREE = {name for names, _ in ANYTHING for name in names.split()}

ONLY = {
    "files.taking": (
        {"os.chmod", "os.mkdir", "os.symlink", "os.utime"},
        "it reads by descriptors, and writes to a directory of the engine's own",
    ),
    "images.credentials": ({"os.path.isfile"}, "this machine's settings"),
    "run.containers.own_files": ({"os.open", "os.stat"}, "the kernel's files, and what files.inside found"),
    "run.containers.kernel_places": ({".under"}, "a tree before anything runs in it"),
    "run.nested": ({".mkdir", ".is_dir"}, "a directory of the engine's own, and mounts before anything runs in them"),
    "run.networks.bridges": ({".read_text", ".write_text", ".unlink"}, "the kernel's files, and the engine's own"),
    "run.networks.namespaces": ({".write_text", "os.open"}, "the kernel's files"),
    "run.networks.network": ({".read_text", ".exists", "os.open"}, "the kernel's files"),
    "run.terminal": ({"os.open"}, "the caller's terminal"),
    "run.networks.hub": ({"os.open", "os.stat", ".touch"}, "the kernel's files, and the engine's own"),
    "run.containers.cgroups": (
        {
            *(".read_text", ".write_text", ".is_dir", ".is_symlink", ".exists", ".glob", ".mkdir", "os.open"),
            *("os.access", "os.walk", "os.rmdir", "os.listdir", "os.readlink", "os.symlink"),
        },
        "the kernel's files, where no link can be",
    ),
    "run.containers.host": (
        {".read_bytes", ".rglob", ".exists", ".mkdir", ".write_bytes", ".rename", "os.stat"},
        "this machine's settings, and files of the engine's own",
    ),
    "run.containers.runtime": (
        {".unlink", ".read_bytes", ".write_text", ".read_text", ".exists", ".glob", "shutil.rmtree"},
        "bundles, and the runtimes' state, in the engine's own directory",
    ),
    "run.containers.runtime_spec": ({".read_text", ".glob"}, "the kernel's files"),
    "run.containers.streams": ({".open"}, "blobs of the store"),
    "run.containers.standard_input": ({"shutil.copyfileobj"}, "descriptors"),
    "run.containers.stubs": ({"os.listdir", "os.utime"}, "they get descriptors"),
    "images.layers.extract": ({"os.setxattr", "os.utime"}, "they get descriptors, or a name below one"),
    "ops.exec": (
        {"open", "os.stat", "os.listdir", ".open", "shutil.copyfileobj"},
        "descriptors, a draft's top, a blob",
    ),
    "run.sandbox": ({".chmod", ".write_text", ".is_dir"}, "a container's own directory"),
    "run.mounts": (
        {".exists", ".mkdir", ".rename", ".open", ".is_socket", ".chmod", ".iterdir", ".under", "os.open", "os.chown"},
        "a container's own directory, a volume before anybody has it, a tree before anything runs in it",
    ),
}


def _calls(source: str) -> Iterator[str]:
    """What is called on paths, as BY_PATH names it."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or {"dir_fd", "src_dir_fd"} & {word.arg for word in node.keywords}:
            continue
        name = ast.unparse(node.func)
        known = {name, f".{name.rpartition('.')[2]}" if "." in name and not name.startswith("os.") else name}
        yield from known & BY_PATH
        if name.startswith("shutil."):
            yield name


NAMES = {
    name.removeprefix(ENGINE): path
    for name, path in KNOWN.items()
    if name.startswith(ENGINE) and name.removeprefix(ENGINE).split(".")[0] in ROOMS
}


def test_the_check_sees_paths() -> None:
    source = "os.unlink(a)\nPath(b).write_text('')\nopen(c)\nshutil.rmtree(d)\nos.unlink(e, dir_fd=1)\nos.fstat(2)\n"
    assert sorted(_calls(source)) == [".write_text", "open", "os.unlink", "shutil.rmtree"]
    assert len(NAMES) > 40


@pytest.mark.parametrize("name", sorted(NAMES))
def test_programs_trees_are_worked_in_by_descriptors(name: str) -> None:
    found = set(_calls(NAMES[name].read_text()))
    allowed = found if name in FREE else ONLY.get(name, (set(), ""))[0]
    assert found <= allowed, (
        f"{ENGINE}{name} goes by a path: use baselard.engine.files.inside, or say here whose path it is"
    )


def test_no_exception_is_left_over() -> None:
    assert FREE | set(ONLY) <= set(NAMES)
    assert not {
        name: left for name, (calls, _) in ONLY.items() if (left := calls - set(_calls(NAMES[name].read_text())))
    }
