"""Variable expansion in the words of instructions (BuildKit frontend/dockerfile/shell)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from e2b_dockerfile_utils import ShellLex

from baselard.dockerfile.syntax import effort
from baselard.dockerfile.syntax.errors import DockerfileError, Place


def expand(word: str, env: Mapping[str, str], escape: str, place: Place) -> str:
    """The word without its quotes and escapes, variables replaced; unset ones by nothing."""
    _check(word, env, place)
    try:
        return ShellLex(escape, env=env, skip_unset_env=False).process_word(word)
    except ValueError as error:
        raise DockerfileError(str(error), place) from None


class Scope(Mapping[str, str]):
    """Variables that note in `missing` which ones were asked for and are not set."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env
        self.missing: list[str] = []

    def __getitem__(self, name: str) -> str:
        if name not in self._env:
            self.missing.append(name)
        return self._env[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._env)

    def __len__(self) -> int:
        return len(self._env)


def expand_many(word: str, env: Mapping[str, str], escape: str, place: Place) -> list[str]:
    """Like `expand`, but a variable may become several words."""
    _check(word, env, place)
    try:
        return ShellLex(escape, env=env, skip_unset_env=False).process_words(word)
    except ValueError as error:
        raise DockerfileError(str(error), place) from None


def expand_document(text: str, env: Mapping[str, str], place: Place) -> str:
    """The text of a heredoc: quotes stay, the escape is always a backslash."""
    _check(text, env, place)
    try:
        return ShellLex("\\", skip_process_quotes=True, env=env, skip_unset_env=False).process_word(text)
    except ValueError as error:
        raise DockerfileError(str(error), place) from None


def _check(word: str, env: Mapping[str, str], place: Place) -> None:
    if "${" in word and effort.of_word(word, dict(env)) > effort.MOST:
        raise DockerfileError(f"{word:.80}: the pattern has too many * for a text of that length; use fewer", place)
