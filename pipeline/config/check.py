"""The check of `baselard.yaml`, made when this is imported: a process whose forks run the calls makes it for all.

It is compiled from the schema, which takes longer than any document takes to be checked.
"""

from __future__ import annotations

from pathlib import Path

from pipeline.config import validation

SCHEMA = Path(__file__).parents[1] / "baselard.schema.json"
validation.check(SCHEMA)
