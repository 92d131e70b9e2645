"""The queries of the command line to its own session."""

import contextlib
from pathlib import Path
from typing import Any, cast

import pytest

from baselard.engine.api.query import queries
from baselard.engine.modules import registration
from baselard.engine.modules.walk import Walk
from baselard.engine.store.database import Store

pytestmark = pytest.mark.anyio


async def test_a_query_that_was_valid_is_not_checked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Judge: the validator, which is not called by another process with the same store."""
    nothing = cast(Any, None)
    with contextlib.closing(Store.open(tmp_path)) as store:
        session = registration.session(store, nothing)
        context = session.context(session.enter())
        assert context
        walk = Walk(nothing, nothing, nothing, nothing, context, nothing)
        assert await walk.ask('{ directory { withNewFile(path: "a", contents: "") { id } } }')
        cast(Any, session.state.api).queries.valid.clear()  # as in a process that has just begun
        monkeypatch.setattr(queries.graphql, "validate", lambda *_: pytest.fail("checked again"))
        assert await walk.ask('{ directory { withNewFile(path: "b", contents: "") { id } } }')
