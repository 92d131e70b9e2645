"""A repository in memory that answers like a dagger.Directory, for code that only reads."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace

import dagger
import gql
import pytest
from dagger._exceptions import QueryErrorValue
from dagger.client._core import Field

from baselard.oci import digests
from pipeline.discovery import at_once


def _regex(pattern: str) -> re.Pattern[str]:
    """Dagger's glob: `*` stays within a part, `**` does not; after `*/` a trailing `**` matches nothing."""
    if pattern.endswith("/*/**"):
        return re.compile(r"(?!)")
    parts = re.split(r"(\*\*/|\*\*|\*)", pattern)
    return re.compile(
        "".join({"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*"}.get(part, re.escape(part)) for part in parts)
    )


@dataclass(frozen=True)
class FakeFile:
    text: str | None

    async def contents(self) -> str:
        if self.text is None:
            raise dagger.QueryError([QueryErrorValue("no such file")], gql.GraphQLRequest("{a}"))
        return self.text


@dataclass(frozen=True)
class FakeDirectory:
    files: dict[str, str] = field(default_factory=dict)

    @staticmethod
    def _graphql_name() -> str:
        return "Directory"

    async def select(self, questions: Mapping[str, Field]) -> dict[str, object]:
        """The answers to fields of a directory; fails as a whole when one of them does, as a query."""
        return {name: await self._answer(one) for name, one in questions.items()}

    async def _answer(self, one: Field) -> object:
        if one.name == "glob":
            return await self.glob(**one.args)
        return {"contents": await self.file(**one.args).contents()}

    async def glob(self, pattern: str) -> list[str]:
        return sorted(filter(_regex(pattern).fullmatch, self.files))

    def file(self, path: str) -> FakeFile:
        return FakeFile(self.files.get(path))

    def directory(self, path: str) -> FakeDirectory:
        prefix = f"{path}/"
        return FakeDirectory({p.removeprefix(prefix): t for p, t in self.files.items() if p.startswith(prefix)})

    def filter(self, include: list[str]) -> FakeDirectory:
        kept = [_regex(pattern) for pattern in include]
        return FakeDirectory({p: t for p, t in self.files.items() if any(k.fullmatch(p) for k in kept)})

    def with_file(self, path: str, source: str) -> FakeDirectory:
        return FakeDirectory({**self.files, path: source})

    def with_new_file(self, path: str, contents: str, permissions: int = 0o644) -> FakeDirectory:
        return FakeDirectory({**self.files, path: contents})


@pytest.fixture
def repository(monkeypatch):
    """Make a repository from a mapping of paths to texts."""
    monkeypatch.setattr(at_once, "select", FakeDirectory.select)
    return FakeDirectory


@dataclass
class RegistryInMemory:
    """A repository: the digest behind each tag, manifests by digest; `puts` are references in the order of storing.

    `untags` says whether it deletes mere names. `meanwhile` is called before each put, as another client would act.
    """

    held: dict[str, str] = field(default_factory=dict)
    untags: bool = True
    manifests: dict[str, bytes] = field(default_factory=dict)
    puts: list[str] = field(default_factory=list)
    meanwhile: object = None

    def __post_init__(self) -> None:
        self.manifests = self.manifests or {digest: digest.encode() for digest in self.held.values()}

    async def tags(self) -> list[str]:
        return sorted(self.held)

    async def manifest(self, reference: str) -> SimpleNamespace | None:
        digest = self.held.get(reference, reference)
        if digest not in self.manifests:
            return None
        return SimpleNamespace(digest=digest, media_type="index", body=self.manifests[digest])

    async def put_manifest(self, reference: str, media_type: str, body: bytes) -> str:
        if callable(self.meanwhile):
            self.meanwhile(self, reference)
        digest = next((one for one, known in self.manifests.items() if known == body), digests.of_bytes(body))
        self.manifests[digest] = body
        self.puts.append(reference)
        if reference != digest:
            self.held[reference] = digest
        return digest

    async def delete(self, reference: str) -> bool:
        if reference in self.held:
            return self.untags and self.held.pop(reference) is not None
        self.held = {tag: digest for tag, digest in self.held.items() if digest != reference}
        return self.manifests.pop(reference, None) is not None


@pytest.fixture
def registry_in_memory():
    return RegistryInMemory
