"""The imports of the rooms, read from the syntax of every file."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROOMS = {"pipeline": ROOT, "baselard": ROOT / "src", "bench": ROOT, "action": ROOT}
"""The top-level packages, and the directory that each stands in."""


def modules() -> dict[str, Path]:
    """Every module of the rooms by its dotted name."""
    return {
        _dotted(path, place): path for room, place in ROOMS.items() for path in sorted((place / room).rglob("*.py"))
    }


def imported(path: Path, known: dict[str, Path]) -> set[str]:
    """The modules of the rooms that ``path`` imports, wherever in the file it does."""
    found = set()
    for module, name in _imports(ast.parse(path.read_text())):
        inner = f"{module}.{name}"
        found.add(inner if inner in known else module)
    return found & set(known)


def foreign(path: Path) -> set[str]:
    """The top-level packages that ``path`` imports."""
    return {module.split(".", maxsplit=1)[0] for module, _ in _imports(ast.parse(path.read_text()))}


def called(path: Path) -> set[str]:
    """The dotted names of everything ``path`` calls, as written."""
    return {ast.unparse(node.func) for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)}


def loaded_by_name(path: Path) -> set[str]:
    """What ``path`` gives to ``import_module``, as written: imports that the syntax does not show."""
    calls = (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))
    loading = (node for node in calls if ast.unparse(node.func).endswith(("import_module", "__import__")))
    return {ast.unparse(argument) for node in loading for argument in node.args}


def _imports(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from ((node.module, alias.name) for alias in node.names)


def _dotted(path: Path, place: Path) -> str:
    parts = path.relative_to(place).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def cycles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Circles in a graph, each once; empty when there is none."""
    found: list[list[str]] = []
    done: set[str] = set()

    def visit(name: str, above: list[str]) -> None:
        if name in above:
            found.append([*above[above.index(name) :], name])
            return
        if name not in done:
            for below in sorted(graph.get(name, ())):
                visit(below, [*above, name])
            done.add(name)

    for name in graph:
        visit(name, [])
    return found
