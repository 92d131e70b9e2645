"""Which display a command line gets."""

import pytest

from baselard.cli import displays
from baselard.engine.progress.display import Dots, Plain, Quiet


@pytest.mark.parametrize(
    ("mode", "quiet", "environ", "kind", "groups"),
    [
        ("auto", 0, {}, Plain, False),
        ("auto", 0, {"GITHUB_ACTIONS": "true"}, Plain, True),
        ("plain", 1, {}, Quiet, False),
        ("quiet", 0, {}, Quiet, False),
        ("dots", 0, {}, Dots, False),
    ],
)
def test_the_mode_decides(mode: str, quiet: int, environ: dict[str, str], kind: type, groups: bool) -> None:
    display = displays.display(mode, quiet=quiet, environ=environ)
    assert type(display) is kind
    assert getattr(display, "groups", False) is groups
