"""A small module that runs commands in containers, and places of its own for what the engine keeps."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

BUSYBOX = Path("/bin/busybox")
CODE = '''
"""Runs commands."""
import asyncio
import os
from typing import Annotated

import dagger
from dagger import DefaultPath, check, dag, field, function, object_type


@object_type
class Tool:
    busybox: Annotated[dagger.File, DefaultPath("busybox")] = field()

    def container(self) -> dagger.Container:
        shell = dag.container().with_file("/bin/busybox", self.busybox, permissions=0o755)
        return shell.with_exec(["/bin/busybox", "--install", "-s", "/bin"])

    @function
    def base(self) -> dagger.Container:
        """The container itself."""
        return self.container().with_new_file("/etc/motd", "hello\\n")

    @function(cache="never")
    async def run(self, command: str) -> str:
        """What a command says."""
        return await self.container().with_exec(["sh", "-c", command]).stdout()

    @function
    async def use(self, base: dagger.Container) -> str:
        return await base.with_exec(["cat", "/etc/motd"]).stdout()

    @function(cache="never")
    async def together(self) -> None:
        """Two commands at once, of which one fails."""
        async with asyncio.TaskGroup() as group:
            for command in ("echo patient; sleep 60", "sleep 1; echo the reason; exit 5"):
                group.create_task(self.run(command))

    @function(cache="never")
    async def broken_off(self) -> str:
        """A look around in the midst of a chain."""
        looked = self.base().with_new_file("/seen", "from the function").terminal()
        return await looked.with_exec(["cat", "/etc/motd"]).stdout()

    @function(cache="never")
    async def files(self) -> list[str]:
        """A look at a directory, in a container of one's own."""
        return await self.base().directory("/etc").terminal(container=self.container(), cmd=["sh"]).entries()

    @function(cache="never")
    def user(self) -> int:
        return os.getuid()

    @function
    @check
    async def passes(self) -> None:
        await self.container().with_exec(["true"]).sync()

    @function
    @check
    async def fails(self) -> None:
        await self.container().with_exec(["sh", "-c", "echo the reason; false"]).sync()
'''


@pytest.fixture(scope="module")
def module() -> Iterator[Path]:
    """The module in a directory that every user may read, as checkouts usually are."""
    if not BUSYBOX.exists():
        pytest.skip("the package busybox-static is not installed")
    root = Path(tempfile.mkdtemp(prefix="baselard-tool-"))
    root.chmod(0o755)
    shutil.copy(BUSYBOX, root / "busybox")
    (root / "src" / "tool").mkdir(parents=True)
    (root / "src" / "tool" / "__init__.py").write_text(CODE)
    (root / "dagger.json").write_text(json.dumps({"name": "tool", "sdk": "python"}))
    yield root
    shutil.rmtree(root)


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    root = tmp_path_factory.mktemp("cli")
    names = {"BASELARD_STORE": "store", "BASELARD_CACHE": "cache", "BASELARD_RUN": "run"}
    yield {variable: str(root / name) for variable, name in names.items()}
    assert not [path.name for path in (root / "run").glob("*") if path.is_dir() and path.name != "all"]
