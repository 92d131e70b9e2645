"""Objects whose ID is known, which dagger-io asks the engine for once more each time that one is needed."""

from __future__ import annotations

import dagger


class _Known(dagger.Directory):
    _id: str

    @classmethod
    def _graphql_name(cls) -> str:
        return "Directory"

    async def id(self) -> str:
        return self._id


async def known(directory: dagger.Directory) -> dagger.Directory:
    """The directory, evaluated as far as its ID; who passes it on sends that and not all that leads to it."""
    return loaded(directory, await id_of(directory))


def loaded(of: dagger.Container | dagger.Directory, name: str) -> dagger.Directory:
    """The directory with this ID, from the connection of another object."""
    found = _Known(of._ctx.select_id("Directory", name))
    found._id = name
    return found


async def id_of(found: dagger.Container | dagger.Directory) -> str:
    """Its ID: the one that it came by, as `sync` and functions' arguments do, else the engine's answer."""
    first, *rest = found._ctx.selections or [None]
    if first and first.name == "node" and not rest:
        return str(first.args["id"])
    return await found.id()


def begins_at_an_object(found: dagger.Container | dagger.Directory) -> bool:
    """Whether all calls that lead to it begin at an object that the engine has already."""
    return bool(found._ctx.selections) and found._ctx.selections[0].name == "node"
