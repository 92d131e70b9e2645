"""Pictures of terminals: text that stays text, nothing from elsewhere. Judges: an XML parser, and the ANSI codes."""

import importlib.util
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from types import ModuleType

import pytest

PICTURES = Path(__file__).resolve().parents[3] / "docs/pictures"
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def record() -> ModuleType:
    spec = importlib.util.spec_from_file_location("record", PICTURES / "record.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_colours_spaces_and_markup_come_out_as_they_were(record: ModuleType) -> None:
    theme = record.THEMES["dark"]
    root = ET.fromstring(record.svg("\x1b[1;31m✘ a\x1b[0m  <b>\n\n\x1b[2mdim\x1b[0m", theme, "t & u"))
    first, second = root.iter(f"{SVG}text")
    assert "".join(first.itertext()) == "✘ a  <b>".replace(" ", "\N{NO-BREAK SPACE}")
    (red,) = first.iter(f"{SVG}tspan")
    assert (red.text, red.get("fill"), red.get("font-weight")) == ("✘\N{NO-BREAK SPACE}a", theme.numbered[1], "bold")
    assert [one.get("fill") for one in second] == [theme.dim]
    assert int(second.get("y", "")) - int(first.get("y", "")) == 2 * record.LINE
    assert root.findtext(f"{SVG}title") == "t & u"


@pytest.mark.parametrize("path", sorted(PICTURES.glob("*.svg")), ids=lambda path: path.name)
def test_the_committed_ones_are_small_and_load_nothing(path: Path) -> None:
    text = path.read_text()
    root = ET.fromstring(text)
    assert root.findtext(f"{SVG}title") and len(text) < 10_000
    assert re.findall(r"https?://[^\"]*", text) == ["http://www.w3.org/2000/svg"]
    assert path.with_name(path.name.replace("-light", "-dark")).exists()
