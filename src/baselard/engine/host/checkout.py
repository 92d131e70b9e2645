"""Where the program that runs stands: in the tree that it was cloned to, or where a wheel was installed."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[2]
_CARRIED = _PACKAGE / "module"  # put there by hatch_build.py

ROOT = _PACKAGE.parents[1]
"""The checkout; what only developers use stands there."""

INSTALLED = _CARRIED.is_dir()
"""Whether there is no checkout but an installed wheel."""

MODULE = _CARRIED if INSTALLED else ROOT
"""Baselard's own Dagger module, the directory with its dagger.json."""
