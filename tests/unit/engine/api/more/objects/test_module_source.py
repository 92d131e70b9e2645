"""What a module's dagger.json says, as the API shows it; whoever wrote it may have written anything."""

import json

import pytest

from baselard.engine.api.more.objects.module_source import ModuleSource
from baselard.engine.errors import UserError


def source(**config: object) -> ModuleSource:
    return ModuleSource("LOCAL_SOURCE", "/srv", "ci", json.dumps(config), "ci")


def test_other_modules_are_named_by_where_they_come_from() -> None:
    """As in dagger.json's schema: a list of objects, or of mere sources as older ones had it."""
    listed = [{"name": "a", "source": "../a"}, "./b", {"source": "github.com/c/d@v1"}, {"source": "/e"}]
    assert source(dependencies=listed).others("dependencies") == [
        "/srv/ci/../a",
        "/srv/ci/b",
        "github.com/c/d@v1",
        "/e",
    ]
    assert source().others("dependencies") == source(toolchains=None).others("toolchains") == []


@pytest.mark.parametrize("listed", [3, "a", {"source": "a"}, [3], [{"name": "a"}], [["a"]]])
def test_a_list_that_names_none_is_refused(listed: object) -> None:
    with pytest.raises(UserError, match=r"/srv/ci/dagger.json: dependencies must be a list"):
        source(dependencies=listed).others("dependencies")


@pytest.mark.parametrize(("sdk", "shown"), [("go", "go"), ({"source": "python"}, "python"), ({}, None), (None, None)])
def test_what_it_is_written_with(sdk: object, shown: str | None) -> None:
    found = source(sdk=sdk).sdk
    assert (found.source if found else None) == shown
