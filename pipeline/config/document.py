"""A YAML document, and where in it everything stands (pipeline.config.nodes has the rules)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.errors import ConfigError


@dataclass(frozen=True)
class Document:
    """The content of a file, and the line of each of its keys and items, by their path joined with dots."""

    value: Any
    lines: Mapping[str, int]

    def line_of(self, where: Sequence[str]) -> int:
        """The line, from 1, of the deepest part of a path that is there."""
        paths = (".".join(where[:length]) for length in range(len(where), 0, -1))
        return next((self.lines[path] for path in paths if path in self.lines), 1)


def read(text: str, schema: Mapping[str, Any], path: str) -> Document:
    """The document in `text`, by types of `schema` but not yet validated; ConfigError with the line when it is none."""
    import yaml  # the registration reads no file

    from pipeline.config.nodes import Loader, Reader  # likewise

    try:
        node = yaml.compose(text, Loader=Loader)
        reader = Reader(path, schema.get("definitions", {}))
        return Document(None if node is None else reader.value(node, schema, ()), reader.lines)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise ConfigError(f"{path}:{mark.line + 1 if mark else 1}: not YAML: {error.problem}") from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise ConfigError(f"{path}:{line}: not YAML: {error.reason} ({chr(error.character)!r})") from error
    except RecursionError as error:
        raise ConfigError(f"{path}: nested too deeply, or an alias stands within what it means") from error
