"""A plan of the repository in a directory, without an engine: the way in for the command line."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, cast

from pipeline import discover, plan
from pipeline.on_disk import DiskTree
from pipeline.project import Project


def planned(root: Path, ref: str = "", *, as_json: bool = False) -> tuple[str, bool]:
    """The plan as text, and whether all of it can be built; UsageError for a configuration that cannot be."""
    tree = DiskTree(root.resolve())
    found = asyncio.run(discover.found(tree))
    planning = plan.of(Project(cast(Any, tree), *found), ref)
    return plan.as_json(planning) if as_json else plan.as_tree(planning), not planning.problems
