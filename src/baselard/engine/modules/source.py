"""A module on disk: where its dagger.json is, what that says, and a digest of everything its behaviour depends on.

Format: Dagger's ``dagger.json`` (https://docs.dagger.io/reference/configuration/modules).
"""

import hashlib
import json
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from baselard.engine.errors import UserError
from baselard.engine.files import bounded
from baselard.engine.files.paths import climbs
from baselard.engine.files.wildcard_match import Gap, Matcher, Step, compiled
from baselard.engine.store import cachedir
from baselard.oci import digests
from baselard.oci.text import JSON

CONFIG = "dagger.json"
_SERVED = (0, 21)  # the API's version, baselard.engine.api.query.api.VERSION
_PARTS = re.compile(r"\*\*/|\*\*|.", re.DOTALL)
_MEANING: dict[str, Step] = {"**/": Gap.DIRECTORIES, "**": Gap.ANY, "*": Gap.NAME, "?": "[^/]"}
_HELD: "dict[Path, PythonModule]" = {}
_NEVER = {".git", ".venv", "__pycache__", "node_modules", ".mypy_cache", ".ruff_cache", ".pytest_cache"}


@dataclass(frozen=True)
class PythonModule:
    """One Python module. ``root`` holds dagger.json, ``source`` the code; ``project`` is its parsed pyproject.toml.

    ``tree`` is the directory it is to work on, where that is not the repository it lies in.
    """

    root: Path
    name: str
    source: Path
    include: tuple[str, ...] = ()
    project: Mapping[str, object] = field(default_factory=dict)
    tree: Path | None = None

    @property
    def main_object(self) -> str:
        """The main object's class name, as the Python runtime derives it from the module's name."""
        return "".join(word[:1].upper() + word[1:] for word in re.split(r"[-_\s.]+", self.name))

    @property
    def declared(self) -> Mapping[str, object]:
        """pyproject.toml's table ``project``, empty where there is none."""
        return _table(self.project, "project")

    @property
    def package(self) -> str:
        """The import package the Python runtime looks for when no entry point is declared."""
        return re.sub(r"[-.]+", "_", str(self.declared.get("name", self.name))).lower()

    @property
    def entry_point(self) -> str:
        """The declared ``dagger.mod`` entry point ``module:Class``, or an empty string."""
        return str(_table(_table(self.declared, "entry-points"), "dagger.mod").get("main_object", ""))

    @property
    def context(self) -> Path:
        """The directory absolute default paths start from: its tree, the enclosing git repository, or its own root."""
        if self.tree:
            return self.tree
        above = (folder for folder in (self.root, *self.root.parents) if (folder / ".git").exists())
        return next(above, self.root)

    @cached_property
    def digest(self) -> str:
        """The digest of the module's files: changes with its code, its configuration and its declared dependencies."""
        if (held := _HELD.get(self.root)) and held is not self:
            return held.digest
        hashed = hashlib.sha256()
        for path in sorted(self._files()):
            hashed.update(os.fsencode(path) + b"\0" + self._content(path))
        return digests.of_hash(hashed)

    def holds(self, path: Path) -> bool:
        """Whether a file of this path is one that the module's behaviour depends on."""
        if not path.is_relative_to(self.root):
            return False
        relative = path.relative_to(self.root)
        if _NEVER.intersection(relative.parts):
            return False
        if not self.include:  # its repository may hold a lot that is no code of it
            return path.suffix == ".py" and path.is_relative_to(self.source)
        return _included(str(relative), [(_glob(text.lstrip("!")), not text.startswith("!")) for text in self.include])

    def _content(self, path: str) -> bytes:
        """The digest of a file's bytes; nothing for what is no file, or has gone, or leads nowhere."""
        try:
            with open(bounded.opened(self.root / path), "rb") as file:
                return hashlib.file_digest(file, "sha256").digest()
        except PermissionError as error:
            raise UserError(f"{self.root / path} cannot be read: {error.strerror}") from None
        except (OSError, UserError):
            return b""

    def _files(self) -> Iterator[str]:
        """Paths relative to the root. Where dagger.json includes files explicitly, only those count."""
        patterns = [(text.lstrip("!"), not text.startswith("!")) for text in self.include]
        rules = [(_glob(pattern), keep) for pattern, keep in patterns]
        for folder, names, files in os.walk(self.root):
            names[:] = [
                name for name in names if name not in _NEVER and not cachedir.is_tagged(os.path.join(folder, name))
            ]
            relative = Path(folder).relative_to(self.root)
            if relative == Path() and rules:
                names[:] = [name for name in names if _may_hold(name, patterns)]
            yield from (str(relative / file) for file in files if _included(str(relative / file), rules))


def hold(module: PythonModule) -> None:
    """Have a module and its files' digest known to this process and all that it forks.

    Whoever does so sees to it that these files stay as they are (baselard.resident.versions).
    """
    if module.digest:
        _HELD[module.root] = module


def find(start: Path) -> PythonModule:
    """The module at ``start`` or in the nearest directory above. Raises UserError: there is none, or it is broken."""
    if found := nearest(start):
        return load(found)
    raise UserError(f"no {CONFIG} in {start} or above it: name a module with -m PATH")


def nearest(start: Path) -> Path | None:
    """The directory at or above ``start`` that holds a dagger.json."""
    start = start.resolve()
    return next((folder for folder in (start, *start.parents) if (folder / CONFIG).is_file()), None)


def load(root: Path) -> PythonModule:
    """The module whose dagger.json is in ``root``. Raises UserError, with file and line where something is wrong."""
    if held := _HELD.get(root):
        return held
    config = _json(root / CONFIG)
    name = _text(root, config, "name")
    if not name:
        raise UserError(f"{root / CONFIG}: the module has no name")
    _check_version(root / CONFIG, _text(root, config, "engineVersion"))
    told = config.get("sdk")
    sdk = _text(root, told, "source") if isinstance(told, dict) else _text(root, config, "sdk")
    if sdk.partition("@")[0] != "python":
        what = f"the module {name} is written for the SDK {sdk!r}" if sdk else f"the module {name} has no SDK"
        raise UserError(
            f"{root / CONFIG}: {what}; the embedded engine runs Python modules, others need --engine dagger"
        )
    if config.get("dependencies"):
        raise UserError(
            f"{root / CONFIG}: the module {name} depends on other modules, whose generated bindings only a real engine "
            "makes; use --engine dagger"
        )
    below = _text(root, config, "source")
    if climbs(below):
        raise UserError(f"{root / CONFIG}: source path {below!r} contains parent directory components")
    source = (root / below).resolve()
    return PythonModule(root, name, source, _texts(root, config, "include"), _toml(source / "pyproject.toml"))


def _text(root: Path, config: Mapping[str, JSON], name: str) -> str:
    value = config.get(name) or ""
    if not isinstance(value, str):
        raise UserError(f"{root / CONFIG}: {name} must be a string, not {value!r:.60}")
    return value


def _texts(root: Path, config: Mapping[str, JSON], name: str) -> tuple[str, ...]:
    values = config.get(name) or []
    if not isinstance(values, list):
        raise UserError(f"{root / CONFIG}: {name} must be a list of strings, not {values!r:.60}")
    return tuple(_text(root, {name: value}, name) for value in values)


def _table(of: Mapping[str, object], name: str) -> Mapping[str, object]:
    value = of.get(name)
    return value if isinstance(value, dict) else {}


def _check_version(path: Path, wanted: str) -> None:
    """Raise UserError for a module that is made for a newer API; an older one is served as today's."""
    match = re.match(r"v?([0-9]+)\.([0-9]+)", wanted)
    if match and (int(match[1]), int(match[2])) > _SERVED:
        served = ".".join(map(str, _SERVED))
        raise UserError(
            f"{path}: module requires dagger {wanted}, but the embedded engine serves {served}: use --engine dagger "
            "with an engine of that version, or set engineVersion"
        )


def _json(path: Path) -> dict[str, JSON]:
    try:
        value = json.loads(bounded.read(path))
    except FileNotFoundError:
        raise UserError(f"{path.parent} has no {path.name}: it is not a Dagger module") from None
    except json.JSONDecodeError as error:
        raise UserError(f"{path}:{error.lineno}: {error.msg}") from None
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{path} cannot be read: {error}") from None
    if not isinstance(value, dict):
        raise UserError(f"{path}:1: a JSON object is expected")
    return value


def _toml(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(bounded.read(path).decode())
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, RecursionError) as error:
        raise UserError(f"{path} cannot be read: {error}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        line = re.search(r"line (\d+)", str(error))
        raise UserError(f"{path}:{line[1] if line else 1}: {error}") from None


def _included(path: str, rules: list[tuple[Matcher, bool]]) -> bool:
    """The last matching rule decides; what no rule names belongs to the module."""
    return next((keep for rule, keep in reversed(rules) if rule.fullmatch(path)), True)


def _may_hold(name: str, patterns: list[tuple[str, bool]]) -> bool:
    """Whether a top-level directory can hold an included file, so that big neighbours need no walk."""
    if ("**", False) not in patterns:
        return True
    return any(keep and (pattern.split("/")[0] == name or "*" in pattern.split("/")[0]) for pattern, keep in patterns)


def _glob(pattern: str) -> Matcher:
    """A glob as dagger.json has them: ``**`` crosses directories, and naming a directory names all below it."""
    steps: list[Step] = [_MEANING.get(part) or re.escape(part) for part in _PARTS.findall(pattern.strip("/"))]
    return compiled([steps, [*steps, "/", Gap.ANY]])
