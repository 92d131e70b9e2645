"""Earlier runs of calls that judged something: what came out, how long it took, of which commit.

Bounded: the newest ``KEPT`` runs of the whole store, and no more than ``_MOST`` bytes of them.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace

from baselard.engine.store.database import Store

KEPT = 500
_MOST = 32 << 20


@dataclass(frozen=True)
class Judgement:
    """The verdict on one image or one group of files. ``blocks`` is whether it made the run fail.

    ``seconds`` are those of its own work, ``phases`` those of each phase, waiting included. ``why`` is the first
    failure; ``sizes`` are bytes, ``unpacked`` and ``compressed``, where they were measured.
    """

    name: str
    verdict: str
    blocks: bool = False
    cases: int = 0
    seconds: float = 0.0
    phases: Mapping[str, float] = field(default_factory=dict)
    why: str = ""
    sizes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Commit:
    """Where a tree stood: branch and commit (empty when unknown), and whether files differed from it."""

    branch: str = ""
    commit: str = ""
    changed: bool = False


@dataclass(frozen=True)
class RecordedRun:
    """One run. ``place`` is the tree it was about, ``words`` the call, ``began`` seconds since 1970.

    ``code`` is the exit code; ``number`` is 0 until it is recorded.
    """

    place: str
    words: Sequence[str]
    began: float
    seconds: float
    code: int
    tree: Commit
    judgements: Sequence[Judgement]
    number: int = 0

    @property
    def failures(self) -> list[Judgement]:
        """The failures that made it fail."""
        return [judgement for judgement in self.judgements if judgement.blocks]


def add(store: Store, run: RecordedRun) -> None:
    """Record a run under the next number, and forget the oldest beyond the bounds."""
    text = json.dumps(asdict(replace(run, number=0)), ensure_ascii=False)
    with store.transaction():
        store.db.execute("INSERT INTO runs (began, place, run) VALUES (?, ?, ?)", (run.began, run.place, text))
        store.db.execute(
            "DELETE FROM runs WHERE id NOT IN (SELECT id FROM (SELECT id, row_number() OVER newest AS position,"
            " sum(length(CAST(run AS BLOB))) OVER newest AS bytes FROM runs WINDOW newest AS (ORDER BY id DESC))"
            " WHERE position <= ? AND (bytes <= ? OR position = 1))",
            (KEPT, _MOST),
        )


def listed(store: Store, place: str = "", limit: int = KEPT) -> list[RecordedRun]:
    """The last runs about ``place``, or about any, the newest first."""
    query = "SELECT id, run FROM runs WHERE ? IN ('', place) ORDER BY id DESC LIMIT ?"
    with store.mutex:
        rows = store.db.execute(query, (place, limit)).fetchall()
    return [_read(number, text) for number, text in rows]


def numbered(store: Store, number: int) -> RecordedRun | None:
    """The run of this number, or None."""
    with store.mutex:
        row = store.db.execute("SELECT id, run FROM runs WHERE id = ?", (number,)).fetchone()
    return _read(*row) if row else None


def forget(store: Store, before: float, *, dry_run: bool = False) -> int:
    """Forget the runs that began before ``before``; how many they are."""
    with store.transaction():
        (count,) = store.db.execute("SELECT count(*) FROM runs WHERE began < ?", (before,)).fetchone()
        if not dry_run:
            store.db.execute("DELETE FROM runs WHERE began < ?", (before,))
    return int(count)


def _read(number: int, text: str) -> RecordedRun:
    told = json.loads(text)
    judgements = tuple(Judgement(**one) for one in told["judgements"])
    words = tuple(told["words"])
    return RecordedRun(
        **{**told, "number": number, "words": words, "tree": Commit(**told["tree"]), "judgements": judgements}
    )
