"""The accounts of a Dagger container, in two queries."""

from __future__ import annotations

import dagger

from baselard.dockerfile.apply.owners import TABLES
from baselard.dockerfile.dagger.query import exists, field, parts, select


async def read_tables(container: dagger.Container) -> tuple[str, str]:
    """The texts of /etc/passwd and /etc/group, "" for one that is not there."""
    there = await select(container, {f"t{i}": exists(container, path) for i, path in enumerate(TABLES)})
    wanted = [i for i in range(len(TABLES)) if there[f"t{i}"]]
    text = parts("File", "contents")
    questions = {f"t{i}": field(container, "file", text, path=TABLES[i]) for i in wanted}
    answer = await select(container, questions) if wanted else {}
    passwd, group = [answer[f"t{i}"]["contents"] if i in wanted else "" for i in range(len(TABLES))]
    return passwd, group
