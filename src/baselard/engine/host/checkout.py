"""Where this checkout is: what runs is not installed elsewhere but stands in the tree that it was cloned to."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[4]
