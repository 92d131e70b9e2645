"""A repository in memory that answers like a dagger.Directory, for code that only reads."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import pytest


def _regex(pattern: str) -> re.Pattern[str]:
    """Dagger's glob: `*` stays within a part, `**` does not."""
    parts = re.split(r"(\*\*|\*)", pattern)
    return re.compile("".join({"**": ".*", "*": "[^/]*"}.get(part, re.escape(part)) for part in parts))


@dataclass(frozen=True)
class FakeFile:
    text: str

    async def contents(self) -> str:
        return self.text


@dataclass(frozen=True)
class FakeDirectory:
    files: dict[str, str] = field(default_factory=dict)

    async def glob(self, pattern: str) -> list[str]:
        return sorted(path for path in self.files if _regex(pattern).fullmatch(path))

    def file(self, path: str) -> FakeFile:
        return FakeFile(self.files[path])

    def directory(self, path: str) -> FakeDirectory:
        prefix = f"{path}/"
        return FakeDirectory({p.removeprefix(prefix): t for p, t in self.files.items() if p.startswith(prefix)})

    def filter(self, include: list[str]) -> FakeDirectory:
        kept = [_regex(pattern) for pattern in include]
        return FakeDirectory({p: t for p, t in self.files.items() if any(k.fullmatch(p) for k in kept)})

    def with_new_file(self, path: str, contents: str, permissions: int = 0o644) -> FakeDirectory:
        return FakeDirectory({**self.files, path: contents})


@pytest.fixture
def repository():
    """Make a repository from a mapping of paths to texts."""
    return FakeDirectory
