"""A service that the engine itself asks: root's is beside it, a plain user's in another network."""

from typing import Any, cast

import pytest

from baselard.engine.errors import UserError
from baselard.engine.run.containers.command import Binding
from baselard.engine.run.networks import hub
from baselard.engine.run.services import own

SERVICE = cast(Any, object())


@pytest.mark.parametrize("away", [True, False])
def test_nothing_is_bound_where_there_is_none(monkeypatch: pytest.MonkeyPatch, away: bool) -> None:
    monkeypatch.setattr(hub, "is_needed", lambda: away)
    assert own.bindings(None) == []


def test_a_plain_user_s_is_refused_before_anything_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its address is the bridge's in a namespace; on the machine it may lead to somebody else, secrets and all."""
    monkeypatch.setattr(hub, "is_needed", lambda: True)
    with pytest.raises(UserError, match="does not reach a service by itself: have a command get it"):
        own.bindings(SERVICE)


def test_root_s_is_bound_under_its_own_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "is_needed", lambda: False)
    assert own.bindings(SERVICE) == [Binding("", SERVICE)]
