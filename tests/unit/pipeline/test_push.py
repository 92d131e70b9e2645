"""Tags move one by one, last of all, and `latest` never back."""

from contextlib import asynccontextmanager

import pytest

from pipeline import push
from pipeline.errors import BaselardError
from pipeline.push import Uploaded
from pipeline.references import parse_reference
from pipeline.registry.index import Published
from pipeline.share import Account
from pipeline.tags.events import Event

pytestmark = pytest.mark.anyio


@pytest.fixture
def move(monkeypatch, registry_in_memory):
    """Move tags of a repository that holds `held`, with the new image under `new`; the repository afterwards."""

    async def run(tags, held, candidate="", meanwhile=None, untags=True):
        manifests = {digest: digest.encode() for digest in (*held.values(), "new", "other")}
        repository = registry_in_memory(dict(held), untags, manifests, meanwhile=meanwhile)

        @asynccontextmanager
        async def connect(_reference, _credentials):
            yield repository

        monkeypatch.setattr(push, "connect", connect)
        uploaded = Uploaded(tuple(parse_reference(f"a/b:{tag}") for tag in tags), Published("new", ()), candidate)
        return repository, await push.move(uploaded, Account())

    return run


async def test_where_nothing_can_be_deleted_the_test_tag_stays_and_the_push_is_no_failure(
    monkeypatch, move, registry_in_memory, capsys
):
    """GitHub's registry answers every DELETE with 405; what was published is published all the same."""

    async def refuse(_self, _reference):
        raise BaselardError("this registry does not delete")

    monkeypatch.setattr(registry_in_memory, "delete", refuse)
    repository, moved = await move(["main"], {"main": "old", "test-1": "new"}, "test-1")
    assert repository.held["main"] == "new" and "test-1" in repository.held and moved.count == 1
    assert "test tag test-1 stays for cleanup" in capsys.readouterr().err


async def test_tags_move_and_the_test_tag_goes(move):
    for untags in (True, False):
        held = {"main": "old", "test-1": "new", "v1": "old"}
        repository, moved = await move(["main", "latest"], held, "test-1", untags=untags)
        assert repository.held == {"main": "new", "latest": "new", "v1": "old"}
        assert moved.count == 2


async def test_what_is_there_is_not_put_again(move):
    repository, moved = await move(["main", "latest"], {"main": "new", "latest": "new"})
    assert (repository.puts, moved.count) == ([], 0)


@pytest.mark.parametrize(
    ("mine", "existing", "expected"),
    [
        ("1.1.0", "v1.2.0", False),
        ("1.2.0", "1.1.9", True),
        ("1.2.0", "1.2.0", True),
        ("1.2.0", "v2.0.0-rc1", True),
        ("1.2.0", "2.0.0-dev", True),
        ("main", "9.0.0", True),
    ],
)
async def test_latest_never_moves_back(move, mine, existing, expected):
    repository, moved = await move([mine, "latest"], {existing: "old", "latest": "old"})
    assert repository.held["latest"] == ("new" if expected else "old")
    assert [one.tag for one in moved.references] == [mine, "latest"][: 1 + expected]


async def test_every_target_has_its_own_latest(move):
    repository, _ = await move(["1.2.0-dev", "latest-dev"], {"9.0.0": "old", "latest-dev": "old"})
    assert repository.held["latest-dev"] == "new"
    repository, _ = await move(["1.2.0-dev", "latest-dev"], {"9.0.0-dev": "old", "latest-dev": "old"})
    assert repository.held["latest-dev"] == "old"


@pytest.mark.parametrize(
    ("ref", "tags", "held", "said"),
    [
        ("refs/heads/main", ["main", "latest"], {}, "latest is this image now, by the default branch main"),
        ("refs/tags/v1.2.0", ["v1.2.0", "latest"], {}, "latest is this image now, by the tag v1.2.0"),
        ("refs/tags/v1.2.0", ["v1.2.0-dev", "latest-dev"], {}, "latest-dev is this image now, by the tag v1.2.0"),
        ("refs/tags/v1.2.0", ["v1.2.0", "latest"], {"latest": "new"}, "latest is this image now, by the tag v1.2.0"),
        (
            "refs/tags/v1.2.0",
            ["v1.2.0", "latest"],
            {"v1.3.0": "old", "latest": "old"},
            "latest stays where it is: there is a higher release than the tag v1.2.0",
        ),
        ("refs/tags/v1.2.0-rc1", ["v1.2.0-rc1"], {}, "latest stays where it is: the tag v1.2.0-rc1 is a pre-release"),
        ("refs/heads/main", ["main"], {}, "latest stays where it is: no tag rule gives it to the default branch main"),
        ("refs/heads/dev", ["dev"], {}, "latest stays where it is: no tag rule gives it to the branch dev"),
    ],
)
async def test_who_moved_latest_or_why_it_stays_is_said(move, ref, tags, held, said):
    _, moved = await move(tags, held)
    uploaded = Uploaded(tuple(parse_reference(f"a/b:{tag}") for tag in tags), Published("new", ()))
    assert push.about_latest(uploaded, moved, Event(ref)) == said


async def test_a_higher_release_that_comes_in_between_keeps_latest(move):
    def publish_other(repository, reference):
        if reference == "latest" and "1.3.0" not in repository.held:
            repository.held |= {"1.3.0": "other", "latest": "other"}

    repository, moved = await move(["1.2.0", "latest"], {}, meanwhile=publish_other)
    assert repository.held == {"1.2.0": "new", "1.3.0": "other", "latest": "other"}
    assert [one.tag for one in moved.references] == ["1.2.0"]
