"""Handlebars templates, as far as a line of text needs them (https://handlebarsjs.com/guide/).

Names, helpers with arguments, `{{{unescaped}}}`, comments, `{{#if}}` and `{{#unless}}` with `{{else}}`, whitespace
control by `~`, and braces after a backslash. Whatever else the language has is refused.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.errors import UsageError

Value = str | int | bool
"""What a name stands for. A truth value is written as text, which always counts as true: no condition may ask."""
Helper = Callable[[Sequence[str], Mapping[str, str]], str]


@dataclass(frozen=True)
class Text:
    """Text that stands in the result as it is."""

    text: str


@dataclass(frozen=True)
class Tag:
    """One `{{…}}`. `opener` is what follows the braces (and `~`): nothing, `{`, `&`, `!`, `#`, `/`, `else`.

    `words` are names, `arguments` quoted texts, `options` texts by name, all in their order.
    """

    written: str
    opener: str
    words: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)
    left: bool = False
    right: bool = False


@dataclass(frozen=True)
class Condition:
    """`then` when the tag's name stands for something, `otherwise` when not; `unless` is the other way round."""

    tag: Tag
    then: Template
    otherwise: Template


Template = tuple[Text | Tag | Condition, ...]

_BEGIN = re.compile(r"\{\{(~?)(!--|\{\{|[{&!#/^>*]|)\s*")
_END = re.compile(r"\s*(\}?)(~?)\}\}")
_WORD = r"""[^\s!"#%-,./;->@\[-^`{-~]+"""
_PART = re.compile(
    rf"""\s*(?:(?:({_WORD})\s*=\s*)?("(?:\\"|[^"])*"|'(?:\\'|[^'])*')|({_WORD})\s*=\s*(true|false)|(?:(?:this[./]|\./)?({_WORD})))(?=[\s~}}])"""
)
_NO_NAMES = frozenset({"this", "true", "false", "null", "undefined", "as"})


def parse(source: str) -> Template:
    """The template; UsageError when it is none, or holds what is not known here."""
    pieces = _trimmed(list(_pieces(source)))
    if "\n" in source and any(isinstance(piece, Tag) and piece.opener in ("#", "!") for piece in pieces):
        raise _refused(source, "conditions and comments must be on one line with what is around them")
    template, ended = _template(iter(pieces), source)
    if ended:
        raise _refused(source, f"{ended.written} has no beginning")
    return template


def is_only(source: str, name: str) -> bool:
    """Whether a template is one tag with this name and nothing else, not even a comment."""
    match tuple(_pieces(source)):
        case (Tag(opener="" | "{" | "&", words=(word,)),):
            return word == name
    return False


def _refused(source: str, why: str) -> UsageError:
    return UsageError(f"template {source!r}: {why}")


def render(template: Template, names: Mapping[str, Value | Helper], *, escaped: bool = True) -> str:
    """The text. `escaped` says whether values of `{{name}}` are written as HTML, as the language has it."""
    return "".join(_rendered(node, names, escaped) for node in template)


# --- text to nodes ----------------------------------------------------------------------------------------------------


def _pieces(source: str) -> Iterator[Text | Tag]:
    """Text and tags in their order. One backslash before braces makes text of them, two are one backslash."""
    at = 0
    while (begin := source.find("{{", at)) >= 0:
        text = source[at:begin]
        if text.endswith("\\") and not text.endswith("\\\\"):
            after = re.compile(r"\\{0,2}\{\{").search(source, begin + 2)
            at = after.start() if after else len(source)
            yield from (*_text(text[:-1], source), Text(source[begin:at]))
            continue
        yield from _text(text[:-1] if text.endswith("\\") else text, source)
        tag, at = _tag(source, begin)
        yield tag
    yield from _text(source[at:], source)


def _text(text: str, source: str) -> tuple[Text, ...]:
    if "}}" in text:
        raise _refused(source, "}} stands alone; a comma parts attributes, also within braces")
    return (Text(text),) if text else ()


def _tag(source: str, begin: int) -> tuple[Tag, int]:
    start = _BEGIN.match(source, begin)
    if start is None:
        raise _refused(source, "nothing begins here")
    if start[2] in ("!", "!--"):
        return _comment(source, start)
    words: list[str] = []
    arguments: list[str] = []
    options: dict[str, str] = {}
    at = start.end()
    while not (end := _END.match(source, at)):
        part = _PART.match(source, at)
        if not part:
            raise _refused(source, f"{source[begin:]!r} is not known here; known are {_KNOWN}")
        option, quoted, switch, value, word = part.groups()
        if option or switch:
            options[option or switch] = _unquoted(quoted) if option else value
        elif quoted:
            arguments.append(_unquoted(quoted))
        else:
            words.append(word)
        at = part.end()
    written = source[begin : end.end()]
    if (start[2] == "{") != bool(end[1]) or (written.endswith("}}}") and source.startswith("}", end.end())):
        raise _refused(source, f"{written} opens and closes with unequal braces")
    left, right = bool(start[1]), bool(end[2])
    opener = start[2]
    if (not opener and words[:1] == ["else"]) or (opener == "^" and not words):
        opener, words = "else", words[1:]
    return Tag(written, opener, tuple(words), tuple(arguments), options, left, right), end.end()


_KNOWN = "names, {{#if name}}, {{#unless name}}, {{else}} and {{! comments }}"


def _unquoted(text: str) -> str:
    return text[1:-1].replace("\\" + text[0], text[0])


def _comment(source: str, start: re.Match[str]) -> tuple[Tag, int]:
    end = re.compile(r"--(~?)\}\}" if start[2] == "!--" else r"(~?)\}\}").search(source, start.end(2))
    if not end:
        raise _refused(source, "a comment has no end")
    return Tag(source[start.start() : end.end()], "!", left=bool(start[1]), right=bool(end[1])), end.end()


def _trimmed(pieces: list[Text | Tag]) -> list[Text | Tag]:
    """A `~` takes away the space on its side."""
    for before, after in zip(range(len(pieces)), range(1, len(pieces)), strict=False):
        one, two = pieces[before], pieces[after]
        if isinstance(one, Text) and isinstance(two, Tag) and two.left:
            pieces[before] = Text(one.text.rstrip())
        if isinstance(one, Tag) and isinstance(two, Text) and one.right:
            pieces[after] = Text(two.text.lstrip())
    return pieces


def _template(pieces: Iterator[Text | Tag], source: str) -> tuple[Template, Tag | None]:
    """Nodes up to the tag that ends them, which comes along."""
    nodes: list[Text | Tag | Condition] = []
    for piece in pieces:
        if isinstance(piece, Text):
            nodes.append(piece)
        elif piece.opener in ("/", "else"):
            return tuple(nodes), piece
        elif piece.opener == "#":
            condition, end = _condition(piece, pieces, source)
            if end.opener != "/" or end.words != piece.words[:1]:
                raise _refused(source, f"{piece.written} ends with {end.written}")
            nodes.append(condition)
        elif piece.opener != "!":
            nodes.append(_expression(piece, source))
    return tuple(nodes), None


def _condition(tag: Tag, pieces: Iterator[Text | Tag], source: str) -> tuple[Condition, Tag]:
    """The condition and the tag that ends its last branch."""
    if tag.words[:1] not in (("if",), ("unless",)) or len(tag.words) != 2 or tag.arguments:
        raise _refused(source, f"{tag.written} is not known here; known are {_KNOWN}")
    if set(tag.options.items()) - {("includeZero", "true"), ("includeZero", "false")}:
        raise _refused(source, f"{tag.written} has an option that is not known")
    then, end = _template(pieces, source)
    otherwise: Template = ()
    if end and end.opener == "else" and end.words:
        other, end = _condition(end, pieces, source)
        otherwise = (other,)
    elif end and end.opener == "else":
        otherwise, end = _template(pieces, source)
    if end is None or end.opener == "else":
        raise _refused(source, f"{tag.written} has no end")
    return Condition(tag, then, otherwise), end


def _expression(tag: Tag, source: str) -> Tag:
    if tag.opener not in ("", "{", "&") or len(tag.words) != 1 or tag.words[0] in _NO_NAMES:
        raise _refused(source, f"{tag.written} is not known here; known are {_KNOWN}")
    return tag


# --- nodes to text ----------------------------------------------------------------------------------------------------


def _rendered(node: Text | Tag | Condition, names: Mapping[str, Value | Helper], escaped: bool) -> str:
    if isinstance(node, Text):
        return node.text
    if isinstance(node, Condition):
        return render(node.then if _holds(node.tag, names) else node.otherwise, names, escaped=escaped)
    text = _value(node, names)
    return _html(text) if escaped and not node.opener else text


def _html(text: str) -> str:
    """The characters that the language escapes, and how."""
    return html.escape(text).replace("`", "&#x60;").replace("=", "&#x3D;")


def _value(tag: Tag, names: Mapping[str, Value | Helper]) -> str:
    value = _looked_up(tag, tag.words[0], names)
    if callable(value):
        return value(tag.arguments, tag.options)
    if tag.arguments or tag.options:
        raise UsageError(f"{tag.written}: {tag.words[0]} takes no arguments")
    return str(value).lower() if isinstance(value, bool) else str(value)


def _holds(tag: Tag, names: Mapping[str, Value | Helper]) -> bool:
    value = _looked_up(tag, tag.words[1], names)
    if callable(value) or isinstance(value, bool):
        raise UsageError(f"{tag.written}: {tag.words[1]} always counts as true here; ask for it by enable={{{{…}}}}")
    there = bool(value) or (isinstance(value, int) and tag.options.get("includeZero") == "true")
    return there == (tag.words[0] == "if")


def _looked_up(tag: Tag, name: str, names: Mapping[str, Value | Helper]) -> Value | Helper:
    if name not in names:
        raise UsageError(f"{tag.written}: there is no {name} here; there are {', '.join(sorted(names))}")
    return names[name]
