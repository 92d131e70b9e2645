"""Which types of values need a converter of their own: those alone that may hold an object of the API."""

from dataclasses import dataclass
from typing import Any

import dagger
import pytest

from baselard.engine.modules.runner_client import is_plain


@dataclass
class Pair:
    id: str
    size: int | None = None


@dataclass
class Holder:
    of: dagger.Directory


@pytest.mark.parametrize("kind", [str, int | None, list[str], dict[str, Any], Any, Pair, list[Pair], dagger.Platform])
def test_what_holds_no_object(kind: Any) -> None:
    assert is_plain(kind)


@pytest.mark.parametrize("kind", [dagger.Directory, list[dagger.File], dagger.Directory | None, Holder, list[Holder]])
def test_what_holds_one(kind: Any) -> None:
    assert not is_plain(kind)
