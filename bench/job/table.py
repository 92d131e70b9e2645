"""The comparison as tables that a reader needs no key for: one machine, and a base that is sent to other machines."""

from collections.abc import Iterator, Mapping, Sequence

from bench.method import Measured, Spread
from bench.results import Run

_CONDITIONS = {
    "cold": "first run",
    "warm": "again, nothing changed",
    "one": "one example changed",
    "base": "the base changed",
}
_ELSEWHERE = ("job-registry", "job-archive")
_HERE = ("on one machine", *_CONDITIONS.values(), "disk used")
_THERE = ("sent to machines that start empty", "every run", "sent", "disk used by all")
_SIDES = {
    "baselard object": "**Baselard**",
    "docker bake": "docker buildx bake, then goss in each image",
    "buildah": "buildah, then goss by podman",
    "dagger call": "the same functions on Dagger's engine",
    "baselard registry": "**Baselard**, through a registry",
    "baselard matrix": "**Baselard**, through a registry, a job for each example, one after another",
    "docker registry": "docker push, docker pull",
    "baselard archive": "**Baselard**, as an archive",
    "docker archive": "docker save, docker load",
    "baselard rebuild": "**Baselard**, built again there from an exported cache",
}
_NOT_MEASURED = "-"

BEGIN, END = "<!-- job table: begin -->", "<!-- job table: end -->"


def markdown(run: Run) -> str:
    """Both tables, with medians; empty when the job was not measured cold."""
    known = {one.name: one for one in run.measured}
    if "job-cold" not in known:
        return ""
    conditions = [known.get(f"job-{name}") for name in _CONDITIONS]
    sides = dict.fromkeys(side for one in conditions if one for side in one.samples)
    here = [_here(side, conditions, run) for side in sides]
    there = [_there(side, known[name], run) for name in _ELSEWHERE if name in known for side in known[name].samples]
    return "\n".join([*_lines(_HERE, here), *(["", *_lines(_THERE, there)] if there else [])])


def placed(text: str, run: Run) -> str:
    """``text`` with the tables between their markers. Raises ValueError when they are not there."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"there is no {BEGIN} followed by {END}")
    return f"{before}{BEGIN}\n{markdown(run)}\n{END}{after}"


def _lines(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    for row in (head, ["---", *("---:" for _ in head[1:])], *rows):
        yield "| " + " | ".join(row) + " |"


def _here(side: str, conditions: Sequence[Measured | None], run: Run) -> tuple[str, ...]:
    times = [_seconds(one, side) if one and side in one.samples else _NOT_MEASURED for one in conditions]
    return (_SIDES.get(side, side), *times, _size(_note(run, "job-cold", side).get("disk")) or _NOT_MEASURED)


def _there(side: str, measured: Measured, run: Run) -> tuple[str, ...]:
    note = _note(run, measured.name, side)
    return (_SIDES.get(side, side), _seconds(measured, side), _size(note.get("moved")), _size(note.get("disk")))


def _note(run: Run, name: str, side: str) -> Mapping[str, float]:
    return run.notes.get(name, {}).get(side, {})


def _seconds(measured: Measured, side: str) -> str:
    median = Spread.of(measured.samples[side]).median
    return f"{median:.1f} s" if median < 10 else f"{median:.0f} s"


def _size(megabytes: float | None) -> str:
    if megabytes is None:
        return ""
    return f"{megabytes / 1000:.1f} GB" if megabytes >= 1000 else f"{megabytes:.0f} MB"
