"""GitHub's expressions: https://docs.github.com/actions/reference/workflows-and-actions/expressions."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>\d+(?:\.\d+)?)|(?P<name>[A-Za-z_][\w-]*)|(?P<sign>==|!=|&&|\|\||[!().,\[\]]))"
)
_TEMPLATE = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
STATUS = ("always", "success", "failure", "cancelled")


def fill(value: Any, contexts: Mapping[str, Any]) -> Any:
    """A value of a YAML file with its expressions evaluated; one that is nothing but an expression keeps its type."""
    if isinstance(value, dict):
        return {key: fill(item, contexts) for key, item in value.items()}
    if isinstance(value, list):
        return [fill(item, contexts) for item in value]
    if not isinstance(value, str):
        return value
    whole = re.fullmatch(r"\s*\$\{\{((?:(?!\}\}).)*)\}\}\s*", value, re.DOTALL)
    if whole:
        return evaluate(whole[1], contexts)
    return _TEMPLATE.sub(lambda found: shown(evaluate(found[1], contexts)), value)


def condition(text: Any, contexts: Mapping[str, Any]) -> bool:
    """An `if`: without a function about the status, success() is part of it."""
    if text is None:
        return bool(contexts["success"]())
    inner = re.sub(r"^\s*\$\{\{(.*)\}\}\s*$", r"\1", str(text), flags=re.DOTALL)
    if not any(re.search(rf"\b{name}\(", inner) for name in STATUS) and not contexts["success"]():
        return False
    return truthy(evaluate(inner, contexts))


def evaluate(text: str, contexts: Mapping[str, Any]) -> Any:
    parser = _Parser(text, contexts)
    value = parser.either()
    assert not parser.tokens, f"cannot read {text!r} from {parser.tokens}"
    return value


def truthy(value: Any) -> bool:
    return value not in (None, "", False, 0)


def shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    assert not isinstance(value, dict | list), "an object in the middle of a text"
    return str(value)


def _equal(left: Any, right: Any) -> bool:
    if isinstance(left, str) and isinstance(right, str):
        return left.lower() == right.lower()
    return _number(left) == _number(right)


def _number(value: Any) -> float:
    if value is None or value == "":
        return 0.0
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")


class _Parser:
    def __init__(self, text: str, contexts: Mapping[str, Any]) -> None:
        self.contexts = contexts
        self.tokens: list[tuple[str, str]] = []
        at = 0
        while at < len(text.rstrip()):
            found = _TOKEN.match(text, at)
            assert found and found.lastgroup, f"cannot read {text[at:]!r}"
            self.tokens.append((found.lastgroup, found[found.lastgroup]))
            at = found.end()

    def _take(self, *signs: str) -> str:
        if self.tokens and self.tokens[0][0] == "sign" and self.tokens[0][1] in signs:
            return self.tokens.pop(0)[1]
        return ""

    def either(self) -> Any:
        value = self.both()
        while self._take("||"):
            other = self.both()
            value = value if truthy(value) else other
        return value

    def both(self) -> Any:
        value = self.compared()
        while self._take("&&"):
            other = self.compared()
            value = other if truthy(value) else value
        return value

    def compared(self) -> Any:
        value = self.negated()
        while sign := self._take("==", "!="):
            value = _equal(value, self.negated()) == (sign == "==")
        return value

    def negated(self) -> Any:
        return not truthy(self.negated()) if self._take("!") else self.looked_up()

    def looked_up(self) -> Any:
        value = self.atom()
        while sign := self._take(".", "["):
            key = self.tokens.pop(0)[1] if sign == "." else self.either()
            assert sign == "." or self._take("]")
            if isinstance(value, list):
                value = value[int(key)] if int(key) < len(value) else None
            else:
                value = value.get(key) if isinstance(value, Mapping) else None
        return value

    def atom(self) -> Any:
        if self._take("("):
            value = self.either()
            assert self._take(")")
            return value
        kind, text = self.tokens.pop(0)
        if kind == "text":
            return text[1:-1].replace("''", "'")
        if kind == "number":
            return float(text) if "." in text else int(text)
        if self._take("("):
            return self._called(text)
        literals = {"true": True, "false": False, "null": None}
        assert text in literals or text in self.contexts, f"there is no context {text!r} here"
        return literals[text] if text in literals else self.contexts[text]

    def _called(self, name: str) -> Any:
        values: list[Any] = []
        while not self._take(")"):
            values.append(self.either())
            self._take(",")
        functions: dict[str, Callable[..., Any]] = {"fromJSON": json.loads, "toJSON": json.dumps}
        functions |= {status: self.contexts[status] for status in STATUS}
        return functions[name](*values)
