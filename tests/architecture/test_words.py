"""One word for a thing, one place for a word: what twins would begin with is found before there are any."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PLACES = (ROOT, ROOT / "src")
FILES = [path for room in ("pipeline", "src/baselard") for path in sorted((ROOT / room).rglob("*.py"))]
INSTRUCTIONS = "baselard.dockerfile.syntax.instructions"  # a Dockerfile's own words, imported as `ins`

# What a text in the code may hold in these modules alone. A comment or a docstring may tell of it anywhere.
WORDS = {
    "trusted.overlay.": {"baselard.engine.store.overlay"},
    ".wh.": {"baselard.oci.whiteouts"},
    "binfmt_misc": {"baselard.engine.host.platforms"},
    "x86_64": {"baselard.oci.platforms", "baselard.engine.host.platforms"},
    "application/vnd.oci.image": {"baselard.oci.media_types"},
    "application/vnd.docker": {"baselard.oci.media_types"},
    "StartPeriod": {"baselard.oci.image_config"},
    "sha512": {"baselard.oci.digests"},
    "invalid duration": {"baselard.oci.durations"},
    "is full": {"baselard.engine.errors"},
    "\ud800": {"baselard.oci.text"},
}


def _name(path: Path) -> str:
    place = max(place for place in PLACES if path.is_relative_to(place))
    return ".".join(path.relative_to(place).with_suffix("").parts)


def _texts(source: str) -> Iterator[str]:
    tree = ast.parse(source)
    told = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and id(node) not in told and isinstance(node.value, str | bytes):
            yield node.value if isinstance(node.value, str) else node.value.decode("latin-1")


def _classes(source: str) -> set[str]:
    """Those that other modules see."""
    found = (node.name for node in ast.parse(source).body if isinstance(node, ast.ClassDef))
    return {name for name in found if not name.startswith("_")}


TEXTS = {_name(path): list(_texts(path.read_text())) for path in FILES}


def test_the_checks_see_the_code() -> None:
    source = '"""a"""\nclass _B: ...\nclass A:\n    """b"""\n    x = f"c{1}"\n    y = b".wh."\n'
    source += 'def f():\n    "d"\n    return "e"\n'
    assert set(_texts(source)) == {"c", ".wh.", "e"}
    assert _classes(source) == {"A"}


@pytest.mark.parametrize("word", WORDS)
def test_a_word_of_others_is_spelled_in_its_place_alone(word: str) -> None:
    assert {name for name, texts in TEXTS.items() if any(word in text for text in texts)} == WORDS[word]


def test_no_two_classes_have_one_name() -> None:
    places: dict[str, list[str]] = {}
    for path in FILES:
        for name in _classes(path.read_text()) if _name(path) != INSTRUCTIONS else ():
            places.setdefault(name, []).append(_name(path))
    assert {name: found for name, found in places.items() if len(found) > 1} == {}
