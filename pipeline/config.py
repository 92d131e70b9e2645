"""`baselard.yaml`: read, validated against the published schema, turned into values."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import ConfigError

if TYPE_CHECKING:
    import yaml

FILE = "baselard.yaml"
_SCHEMA = Path(__file__).parent.parent / "baselard.schema.json"


@dataclass(frozen=True)
class BaseSettings:
    """What is configured for one base. An empty value means: by convention."""

    name: str = ""
    dockerfile: str = ""
    context: str = ""
    targets: tuple[str, ...] = ()
    build_args: Mapping[str, str] = field(default_factory=dict)
    goss: str = ""
    run: str = ""
    wait: int = 60
    budgets: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class QuarantineSettings:
    """Failures up to and including the ISO date `until` do not count."""

    reason: str
    until: str
    link: str = ""


@dataclass(frozen=True)
class ExampleSettings:
    """What is configured for one example. An empty value means: by convention."""

    dockerfile: str = "Dockerfile"
    target: str = ""
    build_args: Mapping[str, str] = field(default_factory=dict)
    run: str = ""
    wait: int = 60
    standalone: bool = False
    minutes: float = 1
    quarantine: QuarantineSettings | None = None


@dataclass(frozen=True)
class PublishSettings:
    """Platforms of the index, and rules in the syntax of docker/metadata-action."""

    platforms: tuple[str, ...] = ("linux/amd64", "linux/arm64")
    tags: tuple[str, ...] = ()
    flavor: tuple[str, ...] = ()
    default_branch: str = "main"
    licenses: str = ""
    source: str = ""
    labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class CleanupSettings:
    """Which tags are for tests only, and how long they stay."""

    tags: str = "test-*"
    older_than_days: int = 7
    keep_last: int = 0


@dataclass(frozen=True)
class Config:
    """The whole file with its defaults."""

    bases: tuple[BaseSettings, ...] = (BaseSettings(),)
    example_paths: tuple[str, ...] = ("examples/*", "docs/cookbooks/*")
    examples: Mapping[str, ExampleSettings] = field(default_factory=dict)
    lint_threshold: str = "warning"
    jobs: int = 8
    retries: int = 0
    timeout: int = 1800
    runners: Mapping[str, str] = field(default_factory=dict)
    publish: PublishSettings = field(default_factory=PublishSettings)
    cleanup: CleanupSettings = field(default_factory=CleanupSettings)

    def example(self, name: str) -> ExampleSettings:
        """The settings of one example."""
        return self.examples.get(name, ExampleSettings())


def parse(text: str, path: str = FILE) -> Config:
    """The configuration in `text`; ConfigError names file and line of what is wrong with it."""
    import yaml  # noqa: PLC0415 -- the registration reads no file

    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        document = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise ConfigError(f"{path}:{line}: not YAML: {error.problem}") from error
    document = {} if document is None else document
    _validate(document, node, path)
    return _config(document)


def _validate(document: Any, node: yaml.Node | None, path: str) -> None:
    import fastjsonschema  # noqa: PLC0415  # only a repository with a configuration file pays for it

    try:
        _validator()(document)
    except fastjsonschema.JsonSchemaValueException as error:
        where = [part for part in error.path[1:] if part]
        culprit, message = _explain(error.rule or "", error.rule_definition, error.value, error.definition, where)
        line = line_of(node, culprit)
        raise ConfigError(f"{path}:{line}: {'.'.join(where) or 'the file'}: {message}") from error


@cache
def _validator() -> Any:
    import fastjsonschema  # noqa: PLC0415

    return fastjsonschema.compile(json.loads(_SCHEMA.read_text()))


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
    sentences = {
        "type": f"must be {_either(wanted)}, not {value!r}",
        "enum": f"must be {_either(wanted)}, not {value!r}",
        "required": f"lacks {', '.join(key for key in wanted if key not in value)}" if rule == "required" else "",
        "pattern": f"{value!r} is not allowed here. {definition.get('description', '')}".rstrip(),
    }
    return list(where), sentences.get(rule) or f"{value!r} breaks the rule {rule}: {wanted}"


def _either(wanted: Any) -> str:
    return " or ".join(wanted) if isinstance(wanted, list) else str(wanted)


def line_of(node: yaml.Node | None, path: Sequence[str]) -> int:
    """The line, from 1, of the deepest node that `path` reaches."""
    line = node.start_mark.line + 1 if node else 1
    for part in path:
        step = _step(node, part)
        if step is None:
            break
        mark, node = step
        line = mark.line + 1
    return line


def _step(node: yaml.Node | None, part: str) -> tuple[yaml.Mark, yaml.Node] | None:
    import yaml  # noqa: PLC0415 -- the registration reads no file

    if isinstance(node, yaml.MappingNode):
        return next(((key.start_mark, value) for key, value in node.value if key.value == part), None)
    if isinstance(node, yaml.SequenceNode) and part.isdigit() and int(part) < len(node.value):
        child = node.value[int(part)]
        return child.start_mark, child
    return None


def _config(document: Mapping[str, Any]) -> Config:
    examples = document.get("examples", {})
    test = document.get("test", {})
    given: dict[str, Any] = {"jobs": test.get("jobs"), "retries": test.get("retries"), "timeout": test.get("timeout")}
    given["lint_threshold"] = document.get("lint", {}).get("threshold")
    if "bases" in document:
        given["bases"] = tuple(BaseSettings(**_fields(base)) for base in document["bases"])
    if "paths" in examples:
        given["example_paths"] = tuple(examples["paths"])
    settings = examples.get("settings", {})
    given["examples"] = {name: _example(value) for name, value in settings.items()}
    given["runners"] = document.get("matrix", {}).get("runners")
    given["publish"] = PublishSettings(**_fields(document.get("publish", {})))
    given["cleanup"] = CleanupSettings(**_fields(document.get("cleanup", {})))
    return Config(**{key: value for key, value in given.items() if value is not None})


def _example(document: Mapping[str, Any]) -> ExampleSettings:
    fields = _fields(document)
    if "quarantine" in fields:
        fields["quarantine"] = QuarantineSettings(**fields["quarantine"])
    return ExampleSettings(**fields)


def _fields(document: Mapping[str, Any]) -> dict[str, Any]:
    """YAML keys as field names, lists as tuples, build arguments as text."""
    fields = {re.sub("-", "_", key): value for key, value in document.items()}
    if "build_args" in fields:
        fields["build_args"] = {key: _text(value) for key, value in fields["build_args"].items()}
    return {key: tuple(value) if isinstance(value, list) else value for key, value in fields.items()}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
