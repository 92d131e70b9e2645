"""Plain English, where it can be held cheaply: words that are not used, and counts that only go down."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = [path for room in ("action", "pipeline", "src") for path in sorted((ROOT / room).rglob("*.py"))]
PAGES = [ROOT / "README.md", ROOT / "SECURITY.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
# A docstring opens with a verb or a noun. Of functions and classes some do not yet; their number is to shrink.
OPENINGS_LEFT = 78
# A binding says what it holds. These words say nothing of it; in a few lines they still read well.
BARE = ("found", "one", "made", "given", "said")
BARE_LEFT = 900
IS_NO = re.compile(r"(?<!there )\bis no (?!longer\b|more\b|one\b)[a-z]", re.IGNORECASE)


def _docstrings(text: str) -> Iterator[tuple[ast.AST, str]]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node, ast.get_docstring(node) or ""


def _messages(text: str) -> Iterator[str]:
    """The texts that are raised or printed: of f-strings the parts that are written."""
    tree = ast.parse(text)
    told = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told:
            yield node.value


def test_the_checks_see_what_they_are_for() -> None:
    text = '"""What it is."""\ndef f():\n    """Who is no one."""\n    raise E(f"{a} is no size; there is no b")\n'
    assert [said for _, said in _docstrings(text)] == ["What it is.", "Who is no one."]
    assert [bool(IS_NO.search(said)) for said in _messages(text)] == [True]
    assert not IS_NO.search("there is no file; it is no longer there")


@pytest.mark.parametrize("path", [*FILES, *PAGES], ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_is_called_absurd(path: Path) -> None:
    assert "absurd" not in path.read_text().lower()


def test_no_message_says_that_something_is_no_thing() -> None:
    """«x is not a size» is what people say."""
    found = [(path.name, said) for path in FILES for said in _messages(path.read_text()) if IS_NO.search(said)]
    assert found == []


def test_no_module_opens_with_what_or_who() -> None:
    opened = [
        path.name
        for path in FILES
        if re.match(r"(What|Whom?|Whoever|Whatever)\b", ast.get_docstring(ast.parse(path.read_text())) or "")
    ]
    assert opened == []


def test_fewer_and_fewer_docstrings_open_with_what_or_who() -> None:
    texts = [said for path in FILES for _, said in _docstrings(path.read_text())]
    assert sum(bool(re.match(r"(What|Whom?|Whoever|Whatever)\b", said)) for said in texts) <= OPENINGS_LEFT


def _bindings(text: str) -> Iterator[str]:
    """Every name that is bound: assigned, looped over, or an argument."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id


def test_fewer_and_fewer_bindings_say_nothing_of_what_they_hold() -> None:
    assert list(_bindings("def f(one):\n    found = [said for said in one]\n")) == ["one", "found", "said"]
    bare = [name for path in FILES for name in _bindings(path.read_text()) if name in BARE]
    assert len(bare) <= BARE_LEFT
