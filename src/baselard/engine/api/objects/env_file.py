"""Env files: ``NAME=value`` lines, with a shell's quotes and references."""

import re
from dataclasses import dataclass, replace

from baselard.engine.api.objects.environment import expand
from baselard.engine.errors import UserError
from baselard.engine.images.image import Pairs

_LINE = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_.-]*)\s*=(.*)", re.DOTALL)
_PART = re.compile(r"'([^']*)'|\"((?:[^\"\\]|\\.)*)\"|(\\.)|([^'\"\\]+)", re.DOTALL)
_ESCAPE = re.compile(r"\\([\"\\$`])")


@dataclass(frozen=True)
class EnvFile:
    """Variables in order, their values as they are written."""

    raw: Pairs = ()

    @classmethod
    def parse(cls, text: str) -> "EnvFile":
        """Read an env file, blank lines and comments left out. Raises UserError, with the line, for what is neither."""
        pairs: dict[str, str] = {}
        for number, line in enumerate(text.splitlines(), 1):
            stripped = line.strip()
            if stripped and not stripped.startswith("#"):
                found = _LINE.fullmatch(stripped)
                if not found:
                    raise UserError(f"env file, line {number}: {stripped!r} is not NAME=value")
                pairs[found[1]] = found[2].strip()
        return cls(tuple(pairs.items()))

    def text(self) -> str:
        return "".join(f"{name}={value}\n" for name, value in self.raw)

    def value(self, name: str, *, raw: bool = False) -> str | None:
        """A variable's value, as written or without quotes and with references to the others resolved."""
        return (dict(self.raw) if raw else self.resolved()).get(name)

    def resolved(self) -> dict[str, str]:
        """All values, each seeing those before it."""
        known: dict[str, str] = {}
        for name, written in self.raw:
            known[name] = _resolve(written, known)
        return known

    def with_variable(self, name: str, value: str) -> "EnvFile":
        return replace(self, raw=tuple({**dict(self.raw), name: value}.items()))

    def without_variable(self, name: str) -> "EnvFile":
        return replace(self, raw=tuple(pair for pair in self.raw if pair[0] != name))

    def namespace(self, prefix: str) -> "EnvFile":
        """The variables whose names begin with ``prefix`` and an underscore, without these; letter case apart."""
        start = f"{prefix}_".lower()
        chosen = ((name[len(start) :], value) for name, value in self.raw if name.lower().startswith(start))
        return EnvFile(tuple(chosen))


def _resolve(written: str, known: dict[str, str]) -> str:
    """A value as a shell would have it: single quotes keep, double quotes and bare words expand, `` #`` comments."""
    out = []
    for single, double, escaped, bare in _PART.findall(written):
        if double:
            out.append(expand(_ESCAPE.sub(r"\1", double), lambda name: known.get(name, "")))
        elif escaped:
            out.append(escaped[1:])
        elif bare:
            plain, comment, _ = bare.partition(" #")
            out.append(expand(plain, lambda name: known.get(name, "")))
            if comment:
                return "".join(out).rstrip()
        else:
            out.append(single)
    return "".join(out)
