"""Actions that workflows use: `uses: OWNER/NAME@COMMIT # VERSION`, found by the YAML and moved in the text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.errors import UsageError
from pipeline.lint.workflows import ACTIONS, WORKFLOWS
from pipeline.stale.dockerfiles import image
from pipeline.stale.pins import Newest, Pin

FILES = (*WORKFLOWS, *ACTIONS, ".github/actions/*/action.yaml")
_IMAGE = "docker://"
_COMMIT = re.compile(r"[0-9a-f]{40}")
_VERSION = re.compile(r"[ \t]+#[ \t]*(v?\d+(?:\.\d+)*)(?=\s|$)")


@dataclass(frozen=True)
class Use:
    """One `uses:`. `start` and `end` are where the text has what it is held at, `comment` where it has the version."""

    pin: Pin
    start: int
    end: int
    comment: tuple[int, int] | None = None


def uses(text: str, path: str) -> list[Use]:
    """Find what a workflow or an action uses of others. Raises UsageError for what is not YAML."""
    import yaml  # the registration reads no file

    from pipeline.config.nodes import Loader  # likewise

    try:
        root = yaml.compose(text, Loader=Loader)
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        raise UsageError(f"{path}:{mark.line + 1 if mark else 1}: not YAML; lint tells more") from error
    return [use for node in _nodes(root) if (use := _use(text, path, node))]


def _nodes(root: Any) -> Iterator[Any]:
    """The scalar of each key `uses`, in the file's order; an alias's once."""
    import yaml  # see above

    todo, seen = [root], set[int]()
    while todo:
        node = todo.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            todo += reversed(node.value)
        elif isinstance(node, yaml.MappingNode):
            todo += [value for _, value in reversed(node.value)]
            yield from (v for k, v in node.value if k.value == "uses" and isinstance(v, yaml.ScalarNode))


def _use(text: str, path: str, node: Any) -> Use | None:
    written, line = str(node.value), node.start_mark.line + 1
    name, at, held = written.rpartition("@")
    start = text.find(f"@{held}", node.start_mark.index, node.end_mark.index) + 1
    if written.startswith(_IMAGE):
        pin = image(written.removeprefix(_IMAGE), path, line)
        return Use(pin, start, start + len(held)) if pin.at else Use(pin, 0, 0)
    if not at or written.startswith("./") or name.count("/") < 1 or start == 0:
        return None
    if not _COMMIT.fullmatch(held):
        return Use(Pin("action", path, line, name, "", held), 0, 0)
    told = _VERSION.match(text, node.end_mark.index)
    pin = Pin("action", path, line, name, held, told[1] if told else "")
    return Use(pin, start, start + len(held), told.span(1) if told else None)


def moved(text: str, found: Sequence[Use], newest: Mapping[Pin, Newest]) -> str:
    """The text with each of these pins at its newest, and its version in the comment."""
    edits: list[tuple[int, int, str]] = []
    for use in found:
        if use.pin in newest:
            edits.append((use.start, use.end, newest[use.pin].at))
            edits += [(*use.comment, newest[use.pin].version)] if use.comment else []
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    return text
