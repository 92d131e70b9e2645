"""Checks, generators and services of every outcome, for cases that ask for them through the API."""

from typing import Annotated

import dagger
from dagger import DefaultPath, check, dag, function, generate, object_type, up

Busybox = Annotated[dagger.Directory, DefaultPath("/busybox")]


@object_type
class Roof:
    @function
    @check
    async def tight(self) -> None:
        """Passes, two objects deep."""


@object_type
class House:
    @function
    @check
    async def stands(self) -> str:
        """A string is no verdict.

        Only failing is.
        """
        return "false"

    @function
    @check
    async def burns(self) -> None:
        """Fails."""
        raise RuntimeError("the house burns")

    @function
    @check
    def leaks(self, busybox: Busybox) -> dagger.Container:
        """A container is synced, and its command fails."""
        return dag.container().with_rootfs(busybox).with_exec(["sh", "-c", "echo drip; echo why >&2; exit 7"])

    @function
    @check
    async def locked(self, key: str) -> None:
        """Not among the checks: it needs an argument."""

    @function
    def roof(self) -> Roof:
        return Roof()

    @function
    @generate
    def paint(self) -> dagger.Changeset:
        """Changes a file."""
        return dag.directory().with_new_file("colour", "red").changes(dag.directory())

    @function
    @generate
    def sweep(self) -> dagger.Changeset:
        """Changes nothing."""
        return dag.directory().changes(dag.directory())

    @function
    @up
    def door(self, busybox: Busybox) -> dagger.Service:
        """Never reached in a case: it would wait for the client to leave."""
        return dag.container().with_rootfs(busybox).with_exposed_port(80).as_service()
