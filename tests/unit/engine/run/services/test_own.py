"""Services that the engine itself asks: what is up for them, and by which names."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest

from baselard.engine.run.containers.command import Binding
from baselard.engine.run.services import own

SERVICE = cast(Any, SimpleNamespace(inputs=(SimpleNamespace(key="k"),)))


class _Services:
    def __init__(self) -> None:
        self.asked: list[tuple[Sequence[Binding], Mapping[str, Any]]] = []

    @contextlib.contextmanager
    def bound(self, _: object, bindings: Sequence[Binding], values: Mapping[str, Any]) -> Iterator[Mapping[str, str]]:
        self.asked.append((bindings, values))
        yield {"": "10.64.0.2", "repos": "10.64.0.2", "other": "10.64.0.3"}


@pytest.mark.parametrize(
    ("service", "values", "wanted"), [(None, [], ([], {})), (SERVICE, ["v"], ([Binding("", SERVICE)], {"k": "v"}))]
)
def test_the_service_is_up_and_all_are_known_by_name(service: Any, values: list[Any], wanted: object) -> None:
    services = _Services()
    with own.asked(cast(Any, SimpleNamespace(services=services)), service, values) as names:
        assert names == {"repos": "10.64.0.2", "other": "10.64.0.3"}
    assert services.asked == [wanted]
