"""The weight of an image and where it lies: layers, directories, packages; budgets; the difference to another image."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import dagger
from dagger import dag

from pipeline import archive
from pipeline.archive import PackedImage, PackedLayer
from pipeline.errors import UsageError
from pipeline.model import Case, Suite, Verdict
from pipeline.report.text import columns

if TYPE_CHECKING:
    from baselard.dockerfile.apply.state import Made

_UNITS = {"kB": 1e3, "MB": 1e6, "GB": 1e9}
_SHOWN = 10
# Bytes of files as they are read, like those of layers; what blocks they take is the file system's affair, and dpkg's
# Installed-Size is that of a build without path-exclude. A hard link counts once.
_COUNT = r"""
: >/tmp/before
for tree in /made/*; do
  [ -d "$tree" ] || continue
  find "$tree" -xdev -type f -printf '%P\t%s\t%T@ %C@\t%i\n' >/tmp/after
  awk -F'\t' -v tree="${tree##*/}" '
    FILENAME == "/tmp/before" { seen[$1] = $2 FS $3; next }
    seen[$1] != $2 FS $3 && !linked[$4]++ { sum += $2 }
    END { print sum + 0 "\t" tree }
  ' /tmp/before /tmp/after
  mv /tmp/after /tmp/before
done
echo ---
cd /image
du -x -b -d 3 . | sort -rn | head -n 40 | sed 's,\t\.,\t,'
echo ---
[ -e var/lib/dpkg/info ] || exit 0
find . -xdev -type f -printf '%i\t%s\t%P\n' | sort -u -k 1,1 >/tmp/files
awk -F'\t' '
  FNR == NR { size["/" $3] = $2; next }
  FNR == 1 { package = FILENAME; gsub(".*/|(:[^:]*)?[.]list$", "", package) }
  $0 in size { sum[package] += size[$0]; delete size[$0] }
  END { for (package in sum) print sum[package] "\t" package }
' /tmp/files var/lib/dpkg/info/*.list | sort -rn | head -n 20
"""


@dataclass(frozen=True)
class Sizes:
    """One image: its layers, and in bytes what its instructions brought and its largest directories and packages."""

    name: str
    archive: PackedImage
    directories: tuple[tuple[str, int], ...] = ()
    packages: tuple[tuple[str, int], ...] = ()
    instructions: tuple[tuple[str, int], ...] = ()


async def measure(name: str, image: dagger.Container, made: Sequence[Made[dagger.Container]] = ()) -> Sizes:
    """Pack and count one image, and what each of the instructions that made it brought.

    Those are counted in their own trees: an engine's layers and their names differ from engine to engine.
    """
    counter = dag.container().from_("debian:trixie-slim").with_mounted_directory("/image", image.rootfs())
    for number, one in enumerate(made):
        counter = counter.with_mounted_directory(f"/made/{number:03}", one.container.rootfs(), read_only=True)
    counts = await counter.with_exec(["sh", "-c", _COUNT]).stdout()
    brought, directories, packages = map(_pairs, counts.split("---\n"))
    instructions = tuple((made[int(number)].created_by, count) for number, count in brought)
    return Sizes(name, await archive.read(image), directories, packages, instructions)


def _pairs(text: str) -> tuple[tuple[str, int], ...]:
    """Lines of bytes and a name; the root's is empty."""
    lines = (line.split("\t", 1) for line in text.splitlines() if "\t" in line)
    return tuple((name or "/", int(count)) for count, name in lines)


def budget(text: str) -> int:
    """Bytes of a text such as 1.2GB."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(kB|MB|GB)", text)
    if not match:
        raise UsageError(f"{text!r} is not a size; write it like 900MB or 1.2GB")
    return int(float(match[1]) * _UNITS[match[2]])


def check(sizes: Sizes, allowed: str) -> Suite:
    """Whether an image keeps its budget; one without a budget is only noted."""
    unpacked = sizes.archive.unpacked
    shown = f"{human(unpacked)} unpacked, {human(sizes.archive.compressed)} compressed"
    if not allowed:
        case = Case("size", Verdict.NOTED, message=shown)
    elif unpacked <= budget(allowed):
        case = Case(f"at most {allowed}", Verdict.PASSED, message=shown)
    else:
        over = human(unpacked - budget(allowed))
        case = Case(f"at most {allowed}", Verdict.FAILED, message=f"{shown}: {over} too much")
    weight = {"unpacked": unpacked, "compressed": sizes.archive.compressed}
    return Suite(sizes.name, (case,), properties=weight)


def human(count: int) -> str:
    """Bytes in the unit that leaves the fewest digits."""
    unit = next((one for one in ("GB", "MB", "kB") if abs(count) >= _UNITS[one]), "kB")
    return f"{count / _UNITS[unit]:.1f} {unit}"


def render(sizes: Sizes, against: Sizes | None = None) -> str:
    """A report in Markdown."""
    hidden = f"; {human(sizes.archive.hidden)} are hidden by later layers" if sizes.archive.hidden else ""
    parts = [f"## {sizes.name}: {human(sizes.archive.unpacked)}, {human(sizes.archive.compressed)} compressed{hidden}"]
    if against:
        parts.append(_difference(sizes, against))
    if sizes.instructions:
        parts.append(_section("instruction", [(_short(text), count, None) for text, count in sizes.instructions]))
    else:
        parts.append(
            _section("layer", [(_made_by(layer), layer.unpacked, layer.compressed) for layer in sizes.archive.layers])
        )
    parts.append(_section("directory", [(name, count, None) for name, count in sizes.directories[:_SHOWN]]))
    if sizes.packages:
        parts.append(_section("package", [(name, count, None) for name, count in sizes.packages[:_SHOWN]]))
    return "\n\n".join(parts)


def _made_by(layer: PackedLayer) -> str:
    """The instruction as the image's history tells it."""
    return _short(layer.created_by) if layer.created_by else layer.digest[:19]


def instruction(text: str) -> str:
    """A line of an image's history without what builders add to it."""
    text = " ".join(text.split()).removesuffix(" # buildkit")
    return re.sub(r"^RUN (\|\d+ .*?)?/bin/sh -c ", "", text)


def _short(text: str) -> str:
    """An instruction, short enough for a table."""
    text = instruction(text)
    return (text if len(text) <= 70 else f"{text[:69]}…").replace("|", "\\|")


def _section(title: str, rows: Sequence[tuple[str, int, int | None]]) -> str:
    lines = [(f"| {title}", "| unpacked", "| compressed |"), ("|---", "|---:", "|---:|")]
    lines += [
        (f"| `{name}`", f"| {human(count)}", f"| {human(packed) if packed else ''} |") for name, count, packed in rows
    ]
    return columns(lines)


def _difference(sizes: Sizes, against: Sizes) -> str:
    """The parts that became larger or smaller, the most first."""
    unpacked = _signed(sizes.archive.unpacked - against.archive.unpacked)
    compressed = _signed(sizes.archive.compressed - against.archive.compressed)
    lines = [f"{unpacked}, {compressed} compressed against {against.name}"]
    packages = changes(dict(against.packages), dict(sizes.packages))
    directories = changes(dict(against.directories), dict(sizes.directories))
    lines += [f"- package {name}: {_signed(by)}" for name, by in packages[:_SHOWN]]
    lines += [f"- directory {name}: {_signed(by)}" for name, by in directories[:_SHOWN] if name != "/"]
    return "\n".join(lines)


def _signed(count: int) -> str:
    return f"{'+' if count >= 0 else ''}{human(count)}"


def changes(before: Mapping[str, int], after: Mapping[str, int]) -> list[tuple[str, int]]:
    """Names whose size differs, by how much, the greatest difference first."""
    all_names = {name: after.get(name, 0) - before.get(name, 0) for name in {*before, *after}}
    return sorted(((name, by) for name, by in all_names.items() if by), key=lambda pair: (-abs(pair[1]), pair[0]))


def svg(sizes: Sequence[Sizes]) -> str:
    """Layers as bars, an image a row."""
    widest = max((size.archive.unpacked for size in sizes), default=1) or 1
    rows = [_bars(number, one, widest) for number, one in enumerate(sizes)]
    height = 40 * len(sizes) + 10
    opening = f'<svg xmlns="http://www.w3.org/2000/svg" width="900" height="{height}" font-family="sans-serif"'
    return (
        f'{opening} font-size="12">\n<rect width="100%" height="100%" fill="#ffffff"/>\n'
        + "\n".join(rows)
        + "\n</svg>\n"
    )


def _bars(number: int, sizes: Sizes, widest: int) -> str:
    x, top, parts = 220.0, 40 * number + 10, []
    for position, layer in enumerate(sizes.archive.layers):
        width = 600 * layer.unpacked / widest
        colour = "#4c78a8" if position % 2 == 0 else "#72b7b2"
        title = f"<title>{human(layer.unpacked)}</title>"
        parts.append(f'<rect x="{x:.1f}" y="{top}" width="{width:.1f}" height="24" fill="{colour}">{title}</rect>')
        x += width
    label = f'<text x="8" y="{top + 16}">{sizes.name}</text>'
    total = f'<text x="{x + 6:.1f}" y="{top + 16}">{human(sizes.archive.unpacked)}</text>'
    return "\n".join([label, *parts, total])
