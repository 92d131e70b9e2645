"""Elements of HTML. Every text that is put into one is escaped; only what was made here is taken as it is."""

from __future__ import annotations

import re
from html import escape

# Elements that have no end: https://html.spec.whatwg.org/multipage/syntax.html#void-elements
_VOID = frozenset({"input", "meta"})
# What would act instead of being seen: a terminal's controls, what turns the direction of a line, and halves of
# surrogate pairs, which no UTF-8 has. Each is shown as it would be written in a program.
_ACTING = [*range(0x09), *range(0x0B, 0x20), *range(0x7F, 0xA0), 0x61C, *range(0x200E, 0x2010), *range(0x2028, 0x202F)]
_ACTING += [*range(0x2066, 0x206A), *range(0xD800, 0xE000), 0xFFFE, 0xFFFF]
_SEEN = {code: f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" for code in _ACTING}
_ACTS = re.compile(f"[{re.escape(''.join(map(chr, _SEEN)))}]")


class Markup(str):
    """HTML that was made here. Any other text gets escaped on its way in."""

    __slots__ = ()


def element(name: str, /, *children: str, **attributes: str | bool) -> Markup:
    """One element. An attribute is left out when it is false, and bare when it is true; `class_` means `class`."""
    written = "".join(
        _attribute(key.rstrip("_").replace("_", "-"), value) for key, value in attributes.items() if value
    )
    inside = "".join(map(markup, children))
    return Markup(f"<{name}{written}>" if name in _VOID else f"<{name}{written}>{inside}</{name}>")


def markup(text: str) -> Markup:
    """A text as HTML, in which nothing of it acts; what is HTML already stays."""
    return text if isinstance(text, Markup) else Markup(escape(seen(text)))


def joined(*parts: str) -> Markup:
    """One after the other, without an element around them."""
    return Markup("".join(map(markup, parts)))


def seen(text: str) -> str:
    """The text with what would act in it made visible."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")  # a bar of progress that redraws itself
    return text.translate(_SEEN) if _ACTS.search(text) else text


def link(text: str, address: str, **attributes: str) -> Markup:
    """A link, if the address is one of this page or of the web; else the text alone."""
    if address.startswith(("https://", "http://", "#")):
        return element("a", text, href=address, **attributes)
    return element("span", text, **attributes)


def _attribute(key: str, value: str | bool) -> str:
    return f" {key}" if value is True else f' {key}="{escape(seen(str(value)))}"'
