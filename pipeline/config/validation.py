"""Documents held against a JSON schema; what is wrong is one sentence with the line."""

from __future__ import annotations

import copy
import difflib
import json
import reprlib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from pipeline.config.document import Document
from pipeline.errors import ConfigError


@cache
def schema(file: Path) -> Any:
    """The schema that is in a file."""
    return json.loads(file.read_text())


def validate(document: Document, path: str, file: Path) -> None:
    """ConfigError with file and line unless the document is as the schema in `file` says."""
    import fastjsonschema  # only a repository with such a document pays for it

    try:
        check(file)(document.value)
    except fastjsonschema.JsonSchemaValueException as error:
        where = [part for part in error.path[1:] if part]
        culprit, message = _explain(error.rule or "", error.rule_definition, error.value, error.definition, where)
        raise ConfigError(f"{path}:{document.line_of(culprit)}: {'.'.join(where) or 'the file'}: {message}") from error


@cache
def check(file: Path) -> Any:
    """What a document of the schema in this file is called with."""
    import fastjsonschema  # see above

    return fastjsonschema.compile(copy.deepcopy(schema(file)))  # which writes into it


def _explain(
    rule: str, wanted: Any, value: Any, definition: Mapping[str, Any], where: Sequence[str]
) -> tuple[list[str], str]:
    """Where the culprit is and one sentence about it."""
    if rule == "additionalProperties":
        known = list(definition.get("properties", {}))
        unknown = next(key for key in value if key not in known)
        close = difflib.get_close_matches(str(unknown), known, 1)
        hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(known)}"
        return [*where, str(unknown)], f"unknown key {unknown!r}; {hint}"
    return list(where), _sentence(rule, wanted, value, definition.get("description", ""))


def _sentence(rule: str, wanted: Any, value: Any, description: str) -> str:
    match rule:
        case "type" | "enum":
            hint = _hint(wanted, value) if rule == "type" else ""
            return f"must be {_either(wanted)}, not {_shown(value)}{hint}"
        case "required":
            return f"lacks {', '.join(key for key in wanted if key not in value)}"
        case "pattern" | "anyOf":
            return f"{_shown(value)} is not allowed here. {description}".rstrip()
    return f"{_shown(value)} breaks the rule {rule}: {wanted}"


def _shown(value: Any) -> str:
    """A value for a message, cut short: a few anchors and aliases of YAML stand for more than any memory holds."""
    short = reprlib.Repr()
    short.maxlevel, short.maxstring = 2, 200
    return "nothing" if value is None else short.repr(value)


def _hint(wanted: Any, value: Any) -> str:
    """A hint at a word that YAML 1.1 took for the wanted type, and 1.2 does not."""
    if value is None and "string" in wanted:
        return "; write '' for an empty text"
    if wanted == "boolean" and str(value).lower() in {"yes", "no", "on", "off", "y", "n"}:
        return "; write true or false"
    return ""


def _either(wanted: Any) -> str:
    return " or ".join(wanted) if isinstance(wanted, list) else str(wanted)
