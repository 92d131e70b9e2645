"""Cleaning up never takes what is still in use."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config.config import CleanupSettings
from pipeline.errors import BaselardError
from pipeline.registry.cleaning import CleaningPolicy, carry_out, plan, policy, render
from pipeline.registry.contents import Contents, StoredManifest, parse, reachable
from pipeline.registry.removal import ByRegistry

NOW = datetime(2026, 1, 31, tzinfo=UTC)


def image(digest, days=30, *, blobs=(), subject="", children=()):
    made = NOW - timedelta(days=days) if not children else None
    return StoredManifest(digest, tuple(children), subject, made, ((digest, 1), *blobs))


def contents(tags, *manifests):
    return Contents(tags, {one.digest: one for one in manifests})


def planned(tags, *manifests, **policy):
    return plan(contents(tags, *manifests), CleaningPolicy(("test-*",), **policy), NOW)


def test_only_matching_tags_go():
    made = planned({"test-1": "a", "v1": "b"}, image("a"), image("b"))
    assert (made.tags, made.delete, made.untag) == (("test-1",), ("a",), ())


def test_a_digest_that_a_kept_tag_shares_stays():
    made = planned({"test-1": "a", "latest": "a"}, image("a"))
    assert (made.delete, made.untag) == ((), ("test-1",))


def test_a_child_of_a_kept_index_stays():
    made = planned(
        {"test-arm": "arm", "v1": "index"}, image("index", children=["arm", "amd"]), image("arm"), image("amd")
    )
    assert (made.delete, made.untag) == ((), ("test-arm",))


def test_an_index_goes_before_its_children():
    made = planned({"test-1": "index"}, image("index", children=["a", "b"]), image("a"), image("b"))
    assert made.delete == ("index", "a", "b")


def test_a_child_shared_with_a_kept_index_stays():
    made = planned(
        {"test-1": "i1", "v1": "i2"},
        image("i1", children=["a", "b"]),
        image("i2", children=["b"]),
        image("a"),
        image("b"),
    )
    assert made.delete == ("i1", "a")


def test_what_refers_to_a_kept_image_stays_and_to_a_deleted_one_goes():
    made = planned({"test-1": "a", "v1": "b"}, image("a"), image("b"), image("s", subject="a"), image("t", subject="b"))
    assert set(made.delete) == {"a", "s"}


def test_age_and_keep_last():
    tags = {f"test-{n}": f"d{n}" for n in range(4)}
    images = [image(f"d{n}", days=n) for n in range(4)]
    assert planned(tags, *images, age=timedelta(days=2)).tags == ("test-2", "test-3")
    assert planned(tags, *images, keep_last=3).tags == ("test-3",)


def test_an_image_of_unknown_age_stays_where_age_matters():
    assert planned({"test-1": "a"}, StoredManifest("a"), age=timedelta(days=1)).tags == ()
    assert planned({"test-1": "a"}, StoredManifest("a")).tags == ("test-1",)


def test_freed_bytes_are_those_that_nothing_else_uses():
    shared, own = ("layer", 100), ("own", 10)
    made = planned({"test-1": "a", "v1": "b"}, image("a", blobs=[shared, own]), image("b", blobs=[shared]))
    assert made.freed == 11


def test_a_manifest_document():
    made = parse("d", {"config": {"digest": "c", "size": 2}, "layers": [{"digest": "l", "size": 3}]}, 5, None)
    assert made.blobs == (("d", 5), ("l", 3), ("c", 2))
    assert parse("i", {"manifests": [{"digest": "x"}], "subject": {"digest": "s"}}, 1, None).subject == "s"


DIGESTS = [f"d{n}" for n in range(6)]


@given(
    st.dictionaries(st.sampled_from(["test-1", "test-2", "test-3", "v1", "latest"]), st.sampled_from(DIGESTS)),
    # Children have a higher number than their parent, as real indexes can hold no cycle.
    st.dictionaries(st.sampled_from(DIGESTS), st.sets(st.sampled_from(DIGESTS), max_size=3)),
    st.dictionaries(st.sampled_from(DIGESTS), st.sampled_from(DIGESTS)),
)
def test_nothing_reachable_from_a_kept_tag_ever_goes(tags, children, subjects):
    manifests = [
        StoredManifest(one, tuple(c for c in sorted(children.get(one, ())) if c > one), subjects.get(one, ""), NOW)
        for one in DIGESTS
    ]
    held = contents(tags, *manifests)
    made = plan(held, CleaningPolicy(("test-*",)), NOW)
    kept = reachable(held, (digest for tag, digest in tags.items() if not tag.startswith("test-")))
    assert not kept & set(made.delete)
    assert {digest for tag, digest in tags.items() if tag.startswith("test-")} <= kept | set(made.delete)
    for position, digest in enumerate(made.delete):
        assert not {one for one in made.delete[:position] if digest in children.get(one, ())} - set(made.delete)


@pytest.mark.anyio
@pytest.mark.parametrize("untags", [True, False])
async def test_a_shared_image_loses_its_name_only(registry_in_memory, untags):
    made = planned({"test-1": "a", "v1": "a", "test-2": "b"}, image("a"), image("b"))
    repository = registry_in_memory({"test-1": "a", "v1": "a", "test-2": "b"}, untags=untags)
    await carry_out(ByRegistry(repository), made)
    assert repository.held == {"v1": "a"}
    assert set(repository.manifests) == {"a"}


def test_a_test_tag_of_publish_tells_its_age_itself():
    old, new = ((NOW - timedelta(days=days)).strftime("test-%Y%m%dT%H%M%SZ-dev") for days in (9, 1))
    made = planned(
        {old: "a", new: "b", "test-x-dev": "c"}, *(StoredManifest(one) for one in "abc"), age=timedelta(days=7)
    )
    assert made.tags == (old,)


def test_the_report_says_how_much_and_that_it_is_a_dry_run():
    made = planned({"test-1": "a"}, image("a", blobs=[("l", 2_500_000)]))
    assert render(made, applied=False).splitlines() == [
        "would delete (dry run; add --apply): 1 tags, 1 manifests, 2.5 MB",
        "  TAG     IMAGE  GOES",
        "  test-1  a      with its image",
    ]
    both = render(planned({"test-1": "a", "v1": "a"}, image("a")), applied=True)
    assert both.splitlines()[2] == "  test-1  a      only the name: its image has another tag"
    assert render(planned({}), applied=True) == "nothing to clean up"


def test_the_tags_of_a_pull_request_go_at_any_age():
    tags = dict.fromkeys(["pr-7", "pr-7-dev", "test-pr-7-1", "pr-70", "pr-8", "test-1", "main"], "x")
    chosen = policy(CleanupSettings(), pull_request="7")
    held = contents({tag: tag for tag in tags}, *(image(tag, days=0) for tag in tags))
    assert set(plan(held, chosen, NOW).tags) == {"pr-7", "pr-7-dev", "test-pr-7-1"}


def test_what_the_call_says_wins_over_the_configuration():
    settings = CleanupSettings(tags="ci-*", older_than_days=3, keep_last=2)
    assert policy(settings) == CleaningPolicy(("ci-*",), timedelta(days=3), 2)
    assert policy(settings, "x-*", 0, 0) == CleaningPolicy(("x-*",), timedelta(), 0)


@pytest.mark.parametrize("wrong", [{"pull_request": "x"}, {"pull_request": "7", "tags": "x"}, {"keep_last": -1}])
def test_a_wrong_policy_is_refused(wrong):
    with pytest.raises(BaselardError):
        policy(CleanupSettings(), **wrong)
