"""Env files: ``NAME=value`` lines, whose values are a shell's words and may refer to each other in any order."""

import contextlib
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from baselard.engine.api.more.objects import env_words
from baselard.engine.api.objects.directory import File, new_file
from baselard.engine.api.objects.serving import served, served_as
from baselard.engine.errors import UnboundError, UserError
from baselard.oci.image_config import Pairs

_EXPORT = re.compile(r"^export\s+")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SHELL = re.compile(r"[`\"'\\]|\$[A-Za-z_{(]")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
Outside = Callable[[str], str]


def _nothing(_name: str) -> str:
    return ""


@dataclass(frozen=True)
class EnvFile:
    """Variables in order, their values as they are written; ``hidden`` ones are there to be referred to alone."""

    raw: Pairs = ()
    hidden: Pairs = ()

    @classmethod
    def parse(cls, text: str) -> "EnvFile":
        """Read an env file; what a line is worth is found out when its value is asked for."""
        pairs: dict[str, str] = {}
        for line in text.split("\n"):
            if stripped := _EXPORT.sub("", line.strip()):
                name, _, value = stripped.partition("=")
                pairs[name] = value
        return cls(tuple(pairs.items()))

    @served
    def as_file(self) -> File:
        return new_file(".env", self.text())

    @served
    def exists(self, name: str) -> bool:
        return name in dict(self.raw)

    def text(self) -> str:
        return "".join(f"{name}={value}\n" for name, value in self.raw)

    def value(self, name: str, *, raw: bool = False, outside: Outside = _nothing) -> str:
        """A variable's value, as written, or without quotes and with references resolved; empty for none.

        ``outside`` knows what the file itself does not. Raises UserError for what is no value.
        """
        if name not in dict(self.raw):
            return ""
        return dict(self.raw)[name] if raw else _Values(self, outside).of(name)

    def values(self, *, outside: Outside = _nothing) -> dict[str, str]:
        """All values, in the order of their names. Raises UserError as ``value`` does."""
        known = _Values(self, outside)
        return {name: known.of(name) for name in sorted(dict(self.raw)) if not _is_comment(name)}

    def checked(self) -> "EnvFile":
        """This very file. Raises UserError for what can have no value, whatever variables there are elsewhere."""
        known = _Values(self, _nothing)
        for name in known.words:
            with contextlib.suppress(UnboundError):
                known.of(name)
        return self

    @served
    def with_variable(self, name: str, value: str) -> "EnvFile":
        """With a variable. Raises UserError for what can have no value."""
        return replace(self, raw=tuple({**dict(self.raw), name: value}.items())).checked()

    @served
    def without_variable(self, name: str) -> "EnvFile":
        return replace(self, raw=tuple(pair for pair in self.raw if pair[0] != name))

    @served
    def namespace(self, prefix: str) -> "EnvFile":
        """The variables whose names begin with ``prefix`` and an underscore, without these; letter case apart.

        ``my-app`` means ``my_app_`` and ``myApp_``. The others can still be referred to.
        """
        words = [word.lower() for word in _WORD.findall(prefix)]
        starts = ("".join(words) + "_", "_".join(words) + "_")
        chosen: list[tuple[str, str]] = []
        hidden = list(self.hidden)
        for name, value in sorted(self.raw):
            start = next((start for start in starts if name.lower().startswith(start)), "")
            (chosen if start else hidden).append((name[len(start) :], value))
        return EnvFile(tuple(chosen), tuple(hidden))


@served_as("Query.envFile")
def env_file(*, expand: bool = True) -> EnvFile:  # noqa: ARG001 -- deprecated: get expands, unless raw
    return EnvFile()


class _Values:
    """An env file being evaluated, each value once. Raises UserError if one of its lines cannot be read."""

    def __init__(self, file: EnvFile, outside: Outside) -> None:
        self.words = {name: _words(name, value) for name, value in (*file.hidden, *file.raw) if not _is_comment(name)}
        self.outside = outside
        self.known: dict[str, str] = {}
        self.under_way: set[str] = set()

    def of(self, name: str) -> str:
        """A variable's value. Raises UserError, beginning with its name, for what it refers to in vain."""
        if name not in self.known:
            self.under_way.add(name)
            try:
                ifs = self._lookup("IFS") or " \t\n"
                self.known[name] = " ".join(env_words.expanded(word, self._lookup, ifs) for word in self.words[name])
            except UserError as error:
                raise type(error)(f"{name}: {error}") from None
            finally:
                self.under_way.discard(name)
        return self.known[name]

    def _lookup(self, name: str) -> str:
        """The value of a reference: nothing where that needs itself, or fails."""
        if name not in self.words:
            return self.outside(name)
        try:
            return "" if name in self.under_way else self.of(name)
        except UserError:
            return ""


def _is_comment(name: str) -> bool:
    return name.startswith("#")


def _words(name: str, written: str) -> list[env_words.Word]:
    """The words of a value; all of it is one where nothing in it means anything to a shell."""
    try:
        if _SHELL.search(written):
            parts = env_words.words(written)
        else:
            env_words.check_literal(written)
            parts = [(env_words.Literal(written),)]
    except UserError as error:
        raise UserError(f'parse error: "{name}={written}": {error}') from None
    if not _NAME.fullmatch(name):
        raise UserError(f'parse error: "{name}={written}": not a bare assignment')
    return parts
