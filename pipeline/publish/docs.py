"""The table of published images in README.md, written from what the registry holds."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase

from baselard.oci.together import each
from pipeline.errors import UsageError
from pipeline.project import Project
from pipeline.references import parse_reference
from pipeline.registry import index
from pipeline.registry.client import AwaitedRepository, connect
from pipeline.registry.contents import subject_of
from pipeline.registry.index import Published
from pipeline.share import Account

FILE = "README.md"
BEGIN, END = "<!-- baselard:images -->", "<!-- /baselard:images -->"


async def updated(project: Project, account: Account) -> str:
    """The README with its table renewed; the same text when nothing changed."""
    if not await project.source.glob(FILE):
        raise UsageError(f"there is no {FILE} for the table: write one with a line {BEGIN} and below it a line {END}")
    text = await project.source.file(FILE).contents()
    rows: list[str] = []
    for name in dict.fromkeys(base.name for base in project.bases):
        reference = parse_reference(name)
        async with connect(reference, await account.credentials()) as repository:
            rows += await _rows(repository, reference.name, project.config.cleanup.tags)
    return replaced(text, table(rows))


async def _rows(repository: AwaitedRepository, name: str, test_tags: str) -> list[str]:
    """A row for each image, tags of one digest together; test tags, and what is about an image, are not for readers."""
    names = [tag for tag in await repository.tags() if not fnmatchcase(tag, test_tags) and not subject_of(tag)]
    indexes = await each(names, lambda tag: index.read(repository, tag))
    by_digest: dict[str, tuple[Published, list[str]]] = {}
    for tag, published in zip(names, indexes, strict=True):
        if published:
            by_digest.setdefault(published.digest, (published, []))[1].append(tag)
    return [row(name, tags, published) for published, tags in by_digest.values()]


def row(name: str, tags: Sequence[str], published: Published) -> str:
    """One line of the table; sizes are what a pull moves."""
    known = ", ".join(f"`{name}:{tag}`" for tag in sorted(tags))
    platforms = "<br>".join(f"{platform.platform} {platform.size / 1e6:.0f} MB" for platform in published.platforms)
    created = max((one.created[:10] for one in published.platforms), default="")
    return f"| {known} | `{published.digest[:19]}` | {platforms} | {created} |"


def table(rows: Sequence[str]) -> str:
    """The whole table, sorted, so that equal contents give equal text."""
    return "\n".join(["| tags | digest | platforms | made |", "|---|---|---|---|", *sorted(rows)])


def replaced(text: str, new: str) -> str:
    """The text with the part between the marks replaced; UsageError when the marks are not there, once."""
    pattern = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)
    if len(pattern.findall(text)) != 1:
        raise UsageError(f"{FILE} needs one place for the table: a line {BEGIN} and below it a line {END}")
    return pattern.sub(lambda _: f"{BEGIN}\n{new}\n{END}", text)
