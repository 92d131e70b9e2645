"""Files that the engine reads whole where others put them: a pipe, a device or something endless stops it nowhere."""

import os
import socket
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from baselard.cli import found
from baselard.engine.api.more import module_source
from baselard.engine.api.more.objects.env_file import EnvFile
from baselard.engine.errors import UserError
from baselard.engine.images import credentials, transfer
from baselard.engine.modules import source
from baselard.oci.errors import SettingsError
from baselard.oci.registry import registries_conf


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


def _large(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 30)


def _directory(path: Path) -> None:
    path.mkdir()


def _latin(path: Path) -> None:
    path.write_bytes(b'{"name": "caf\xe9"}')


def _deep(path: Path) -> None:
    path.write_text("[" * 100_000)


READERS: Mapping[str, tuple[str, Callable[[Path], object]]] = {
    "a module's dagger.json": ("dagger.json", source.load),
    "a module's pyproject.toml": ("pyproject.toml", lambda root: source._toml(root / "pyproject.toml")),
    "docker's configuration": ("config.json", lambda root: credentials._load(root / "config.json")),
    "mirrors": (
        "registries.conf",
        lambda root: registries_conf.read({"CONTAINERS_REGISTRIES_CONF": str(root / "registries.conf")}),
    ),
    "an exported cache": ("index.json", lambda root: transfer.import_directory(None, root, None)),
}


@pytest.mark.parametrize("make", [_fifo, _endless, _large, _directory, _latin, _deep])
@pytest.mark.parametrize("reader", READERS)
def test_it_is_one_sentence(reader: str, make: Callable[[Path], None], tmp_path: Path) -> None:
    name, read = READERS[reader]
    make(tmp_path / name)
    with pytest.raises((UserError, SettingsError)) as caught:
        read(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("make", [_fifo, _endless, _large])
def test_a_module_s_own_settings(make: Callable[[Path], None], tmp_path: Path) -> None:
    (tmp_path / "dagger.json").write_text("{}")
    make(tmp_path / ".env")
    if make is _endless:
        assert module_source._defaults(str(tmp_path)) == EnvFile()  # it leads to what would be /dev/zero in the module
        return
    with pytest.raises(UserError):
        module_source._defaults(str(tmp_path))


def test_a_module_s_settings_are_not_read_out_of_it(tmp_path: Path) -> None:
    """The engine may read what whoever calls may not."""
    (tmp_path / "private").write_text("TOKEN=secret\n")
    root = tmp_path / "module"
    root.mkdir()
    (root / ".env").symlink_to(tmp_path / "private")
    assert module_source._text(root, ".env") == ""


@pytest.fixture
def module(tmp_path: Path) -> Iterator[Path]:
    """A module with all that a directory can hold besides its files."""
    (tmp_path / "dagger.json").write_text('{"name": "odd", "sdk": "python"}')
    _fifo(tmp_path / "fifo")
    _endless(tmp_path / "endless")
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "loop").symlink_to("loop")
    (Path(os.fsdecode(bytes(tmp_path) + b"/not-\xff"))).write_text("x")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        yield tmp_path


def test_a_module_is_known_by_its_files_alone(module: Path) -> None:
    before = source.load(module).digest
    assert source.load(module).digest == before
    (module / "code.py").write_text("x")
    assert source.load(module).digest != before


@pytest.mark.parametrize("make", [_directory, _fifo, lambda path: path.symlink_to("nowhere")])
def test_init_passes_over_what_is_no_dockerfile(make: Callable[[Path], None], tmp_path: Path) -> None:
    for folder in ("base", "examples/one"):
        (tmp_path / folder).mkdir(parents=True)
        make(tmp_path / folder / "Dockerfile")
    assert found.found(tmp_path).everything == ()


def test_init_reads_no_endless_dockerfile(tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    _large(tmp_path / "base/Dockerfile")
    (base,) = found.found(tmp_path).bases
    assert len(base.text) == 16 << 20
