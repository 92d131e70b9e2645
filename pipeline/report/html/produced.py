"""The products of a call: sizes of images with their layers, and what was published."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipeline.report.html.element import Markup, element, joined

_HEADS = ("image", "unpacked", "to pull", "published", "")
_LAYERS = ("layer, made by", "", "unpacked", "to pull", "hidden by later layers")


def render(outputs: Mapping[str, Any]) -> Markup:
    """As far as the call has them (`Report.outputs`)."""
    parts = [*_sizes(outputs.get("sizes", ())), *_images(outputs.get("images", {}))]
    return element("footer", *parts) if parts else Markup()


def _sizes(sizes: Sequence[Mapping[str, Any]]) -> Iterator[Markup]:
    if not sizes:
        return
    yield element("h2", "Sizes")
    yield _table("sizes", _HEADS, [_weights(size) for size in sizes])
    for one in sizes:
        if layers := one.get("layers"):
            folded = element("summary", f"Layers of {one['name']}")
            yield element("details", folded, _table(f"layers of {one['name']}", _LAYERS, _layers(layers)))


def _weights(one: Mapping[str, Any]) -> list[str]:
    published = _mb(one["published"]) if one["published"] else ""
    return [one["name"], _mb(one["unpacked"]), _mb(one["compressed"]), published, one["note"]]


def _layers(layers: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """A row for each, from the lowest, with its part of the image as a bar."""
    whole = sum(layer["unpacked"] for layer in layers) or 1
    return [
        [
            one["created_by"],
            _bar(one["unpacked"] / whole, one.get("hidden", 0) / whole),
            _mb(one["unpacked"]),
            _mb(one["compressed"]),
            _mb(one["hidden"]) if one.get("hidden") else "",
        ]
        for one in layers
    ]


def _bar(part: float, hidden: float) -> Markup:
    whole = element("rect", width=f"{100 * part:.1f}%", height="100%", class_="build")
    wasted = element("rect", width=f"{100 * hidden:.1f}%", height="100%", class_="wait") if hidden else ""
    said = f"{100 * part:.0f} % of the image" + (f", {100 * hidden:.0f} % hidden" if hidden else "")
    return element("svg", whole, wasted, role="img", aria_label=said, class_="bar")


def _mb(count: float) -> str:
    return f"{count / 1e6:.1f} MB"


def _table(name: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Markup:
    """A table that scrolls by itself where it is wider than the window."""
    head = element("tr", *(element("th", text, scope="col") for text in heads))
    body = (element("tr", *(element("td", text) for text in row)) for row in rows)
    table = element("table", element("thead", head), element("tbody", *body))
    return element("div", table, class_="wide", tabindex="0", role="region", aria_label=name)


def _images(images: Mapping[str, Mapping[str, Any]]) -> Iterator[Markup]:
    if not images:
        return
    yield element("h2", "Published")
    for name, image in images.items():
        tags = (element("li", element("code", tag)) for tag in image.get("tags", ()))
        yield joined(element("h3", name), element("p", element("code", image.get("digest", ""))), element("ul", *tags))
