"""The pure half stays quick to import: the SDK takes most of a second."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "module", ["baselard.dockerfile", "baselard.dockerfile.apply.apply", "baselard.dockerfile.apply.driver"]
)
def test_no_sdk(module: str) -> None:
    program = f"import sys, {module}; sys.exit('dagger' in sys.modules or 'baselard.engine' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
