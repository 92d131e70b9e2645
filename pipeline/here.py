"""A repository in a directory, without an engine: the way in for the command line."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from baselard.oci.errors import DistributionError
from baselard.oci.reference import Reference
from baselard.oci.registry.credential import Credential
from pipeline import lock
from pipeline.config.config import FILE
from pipeline.discovery import discover, plan
from pipeline.errors import BaselardError
from pipeline.on_disk import DiskTree
from pipeline.project import Project

if TYPE_CHECKING:  # a plan asks nobody
    from pipeline.stale.asking import Sources as Sources  # noqa: PLC0414  # for who is asked, by the command line
    from pipeline.stale.pins import Standing
    from pipeline.stale.repository import Update


def planned(root: Path, ref: str = "", *, as_json: bool = False) -> tuple[str, bool]:
    """The plan as text, and whether all of it can be built; UsageError for a configuration that cannot be."""
    planning = plan.of(_project(root), ref)
    return plan.as_json(planning) if as_json else plan.as_tree(planning), not planning.problems


def rehearse() -> None:
    """Plan a repository of two files, so that whatever this process forks has at hand what planning takes."""
    with tempfile.TemporaryDirectory(prefix="baselard-rehearsal-") as place:
        Path(place, "Dockerfile").write_text("FROM scratch\nRUN true\n")
        Path(place, FILE).write_text("bases: [{name: rehearsal}]\n")
        planned(Path(place))


def asked(credentials: Callable[[Reference], Credential | None], token: str, api: str) -> Sources:
    """The sources that are asked about pins, and as whom; an empty address of GitHub's API is the usual one."""
    from pipeline.stale.asking import Sources

    return Sources(credentials, token, api) if api else Sources(credentials, token)


def outdated(root: Path, who: Sources, *, as_json: bool) -> tuple[str, bool]:
    """The pins beside the newest there is, as text, and whether all could be asked about. Raises UsageError."""
    from pipeline.stale import pins

    found, _ = updated(root, who)
    text = pins.as_json(found) if as_json else f"{pins.as_table(found)}\n"
    return text, not any(one.state == "unknown" for one in found)


def updated(root: Path, who: Sources, *, locking: bool = False) -> tuple[tuple[Standing, ...], Update]:
    """The pins likewise, and the files with those moved that are behind; `locking` begins a lock. Raises UsageError."""
    from pipeline.stale import repository

    project = _project(root)
    pinned = asyncio.run(repository.read(project, cast(DiskTree, project.source)))
    found = asyncio.run(repository.outdated(pinned, who))
    return found, repository.updated(pinned, found, locking=locking)


def proposed(update: Update, who: Sources, repository: str, body: str) -> str:
    """The address of a pull request for an update. Raises BaselardError."""
    from baselard.oci.registry.connection import Connection
    from pipeline.registry import github
    from pipeline.registry.client import say
    from pipeline.stale import pull_request

    connection = Connection(who.github_api, say=say)
    try:
        return pull_request.propose(
            github.api(connection, who.github_token, repository, pull_request.REMEDY), update, body
        )
    except DistributionError as error:
        raise BaselardError(str(error)) from error
    finally:
        connection.close()


def _project(root: Path) -> Project:
    tree = DiskTree(root.resolve())
    return Project(cast(Any, tree), *asyncio.run(discover.found(tree)), lock=asyncio.run(lock.read(tree)))
