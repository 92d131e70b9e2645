"""The pure half stays quick to import: the SDK takes most of a second."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOM = Path(__file__).resolve().parents[3] / "dockerfile"
PURE = sorted(path.stem for path in ROOM.glob("*.py") if not path.stem.startswith(("dagger_", "__")))


@pytest.mark.parametrize("module", ["dockerfile", "dockerfile.apply", "dockerfile.driver"])
def test_no_sdk(module: str) -> None:
    program = f"import sys, {module}; sys.exit('dagger' in sys.modules or 'engine' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOM.parent, check=False).returncode == 0


@pytest.mark.parametrize("module", PURE)
def test_only_the_dagger_modules_name_the_sdk(module: str) -> None:
    text = (ROOM / f"{module}.py").read_text()
    assert "import dagger\n" not in text
    assert "from engine" not in text
