"""Text replaced in one file: File.withReplaced."""

import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from baselard.engine.errors import UserError
from baselard.engine.files import paths, reading
from baselard.engine.ops.tree import TreeOperation, one, snapshot_of
from baselard.engine.run.worker import Worker
from baselard.engine.solver.graph import Output, Result, Value
from baselard.engine.store import stamps

_NEWLINE = b"\n"


@dataclass(frozen=True)
class Replace(TreeOperation):
    """``source`` where the file ``path`` has ``replacement`` for ``search``.

    Everywhere with ``everywhere``; else at the first place from the line ``first_from`` (counted from 1) on; else at
    the only place there is.
    """

    tag: ClassVar[str] = "replace.v1"
    source: Output
    path: str
    search: bytes
    replacement: bytes
    everywhere: bool = False
    first_from: int | None = None

    @property
    def label(self) -> str:
        return f"replace in {self.path}"

    def run(self, worker: Worker, inputs: Sequence[Value]) -> Result:
        """Replace. Raises UserError when the text is not there, or in several places and none is chosen."""
        with worker.snapshots.draft(snapshot_of(inputs[0])) as draft:
            data = self._replaced(reading.contents(draft.path, self.path))
            file = Path(paths.under(draft.path, paths.resolve(draft.path, self.path)))
            mode = stat.S_IMODE(file.stat().st_mode)
            file.write_bytes(data)
            file.chmod(mode)  # a user namespace's root loses setuid by writing
            stamps.put(file, stamps.of(data))
            return one(self._digest([inputs[0].digest]), draft.commit())

    def _replaced(self, data: bytes) -> bytes:
        places = self._places(data)
        if not places and self.everywhere:
            return data
        if not places:
            where = f" from line {self.first_from} on" if self.first_from else ""
            raise UserError(f"search string not found{where}")
        if self.everywhere:
            return data[: places[0]] + data[places[0] :].replace(self.search, self.replacement)
        if len(places) > 1 and self.first_from is None:
            found = ", ".join(self._told(data, place) for place in places)
            raise UserError(f"search string found multiple times: {found}; set all or firstFrom")
        return data[: places[0]] + self.replacement + data[places[0] + len(self.search) :]

    def _told(self, data: bytes, place: int) -> str:
        column = place - (data.rfind(_NEWLINE, 0, place) + 1)
        return f"line {data.count(_NEWLINE, 0, place) + 1} ({column}-{column + len(self.search)})"

    def _places(self, data: bytes) -> list[int]:
        """The offsets of what could be replaced; matches do not overlap."""
        if not self.search:
            raise UserError("withReplaced: the search string is empty")
        if self.first_from is not None and self.first_from < 1:
            raise UserError("withReplaced: firstFrom counts lines from 1")
        skipped = reading.split_lines(data)[: (self.first_from or 1) - 1]
        found: list[int] = []
        place = data.find(self.search, sum(map(len, skipped)))
        while place >= 0:
            found.append(place)
            place = data.find(self.search, place + len(self.search))
        return found
