"""The newest there is: of an image what its tag leads to, of an action the highest version among its tags."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

from anyio import CapacityLimiter, to_thread
from packaging.version import Version

from baselard.oci.errors import DistributionError
from baselard.oci.reference import Reference
from baselard.oci.registry.connection import Connection
from baselard.oci.registry.credential import Credential
from baselard.oci.registry.repository import Repository
from baselard.oci.together import each
from pipeline.references import parse_reference
from pipeline.registry import github
from pipeline.registry.client import say
from pipeline.registry.web_api import WebApi
from pipeline.stale.pins import Newest, Pin, Standing

_AT_A_TIME = 8
_VERSION = re.compile(r"v?\d+(\.\d+){0,2}")
_REMEDY = "a token lifts GitHub's limit for strangers: GITHUB_TOKEN, or --github-token"

Credentials = Callable[[Reference], Credential | None]
"""Tells as whom to ask about a repository; None is anybody."""


def nobody(_: Reference) -> None:
    """Ask as anybody may."""


@dataclass(frozen=True)
class Sources:
    """Registries to be asked, as whom, and GitHub's API at its address."""

    credentials: Credentials = nobody
    github_token: str = field(default="", repr=False)
    github_api: str = github.API


async def standings(pins: Iterable[Pin], asked: Sources) -> tuple[Standing, ...]:
    """Each pin beside the newest there is. What cannot be asked about says why; nothing is raised for it."""
    listed = list(pins)
    known = await newest(listed, asked)
    return tuple(Standing(pin, known[pin.kind == "action", _asked_for(pin)]) for pin in listed)


async def newest(pins: Sequence[Pin], asked: Sources) -> Mapping[tuple[bool, str], Newest]:
    """The newest by what is asked for, each asked once: an image's name, an action's repository."""
    wanted = dict.fromkeys((pin.kind == "action", _asked_for(pin)) for pin in pins if pin.movable)
    threads = CapacityLimiter(_AT_A_TIME)

    async def one(what: tuple[bool, str]) -> Newest:
        work = _action if what[0] else _image
        return await to_thread.run_sync(work, what[1], asked, limiter=threads, abandon_on_cancel=True)

    found = dict(zip(wanted, await each(wanted, one), strict=True))
    fixed = {(pin.kind == "action", _asked_for(pin)): Newest(pin.at) for pin in pins if not pin.movable}
    return {**fixed, **found}


def _asked_for(pin: Pin) -> str:
    """An action may lie below its repository's root."""
    return "/".join(pin.name.split("/")[:2]) if pin.kind == "action" else pin.name


def _image(name: str, asked: Sources) -> Newest:
    reference = parse_reference(name)
    connection = Connection(reference.api_url, asked.credentials(reference), say=say, insist=False)
    try:
        digest = Repository(connection, reference.repository).resolve(reference.tag)
    except DistributionError as error:
        return Newest(problem=str(error))
    finally:
        connection.close()
    return Newest(digest) if digest else Newest(problem="the registry has no such tag (any more)")


def _action(repository: str, asked: Sources) -> Newest:
    connection = Connection(asked.github_api, say=say, insist=False)
    api = github.api(connection, asked.github_token, repository, "" if asked.github_token else _REMEDY)
    try:
        return latest(api, repository)
    except DistributionError as error:
        return Newest(problem=str(error))
    finally:
        connection.close()


def latest(api: WebApi, repository: str) -> Newest:
    """The highest of the tags that are versions, and the commit it means. Raises DistributionError.

    https://docs.github.com/en/rest/git/refs and /tags: a tag with a message is an object of its own, which names it.
    """
    place = f"repos/{quote(repository)}/git"
    tags = {
        str(one["ref"]).removeprefix("refs/tags/"): one["object"]
        for one in api.pages("list the tags of", f"{place}/matching-refs/tags/?per_page=100")
    }
    versions = [tag for tag in tags if _VERSION.fullmatch(tag)]
    if not versions:
        return Newest(problem="none of its tags is a version")
    highest = max(versions, key=lambda tag: (Version(tag), tag.count(".")))
    meant = tags[highest]
    if meant["type"] == "tag":
        meant = api.ask("read a tag of", "GET", f"{place}/tags/{meant['sha']}")["object"]
    return Newest(str(meant["sha"]), highest)
