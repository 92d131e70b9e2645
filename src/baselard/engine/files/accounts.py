"""A tree's own passwd(5) and group(5), which programs in it may have written."""

from collections.abc import Iterator
from dataclasses import dataclass

from baselard.oci.digits import LARGEST_ID, decimal

PASSWD, GROUP = "/etc/passwd", "/etc/group"


@dataclass(frozen=True)
class Record:
    """A line; ``numbers`` are those that begin at its third field."""

    fields: list[str]
    numbers: tuple[int, ...]


def records(text: str, count: int) -> Iterator[Record]:
    """Lines that have ``count`` numbers where they belong; others are passed over."""
    for line in text.split("\n"):  # not at what Python takes for the end of a line besides
        fields = line.split(":")
        numbers = [decimal(field, LARGEST_ID) for field in fields[2 : 2 + count]]
        known = tuple(number for number in numbers if number is not None)
        if len(known) == count:
            yield Record(fields, known)
