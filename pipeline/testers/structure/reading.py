"""A file of container-structure-test as a checked document; what is not known is refused with its line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipeline.config.document import Document, read
from pipeline.config.validation import schema, validate
from pipeline.errors import ConfigError

_SCHEMA = Path(__file__).with_name("schema.json")
_TESTS = ("commandTests", "fileContentTests", "fileExistenceTests", "licenseTests", "metadataTest")


def parse(text: str, path: str) -> Document:
    """The document; ConfigError with file and line of what is wrong with it, or when it tests nothing."""
    document = read(text, schema(_SCHEMA), path)
    _check_version(document, path)
    validate(document, path, _SCHEMA)
    if not any(document.value.get(kind) for kind in _TESTS):
        raise ConfigError(f"{path}:1: it tests nothing; there are {', '.join(_TESTS)}")
    return document


def _check_version(document: Document, path: str) -> None:
    value: Any = document.value
    version = value.get("schemaVersion") if isinstance(value, dict) else None
    if isinstance(version, str) and version.startswith("1."):
        line = document.line_of(("schemaVersion",))
        raise ConfigError(
            f"{path}:{line}: schemaVersion {version} is not read: write 2.0.0, where `args` follow a one-word `command`"
        )
