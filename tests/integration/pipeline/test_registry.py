"""The pipeline's own requests to Debian's docker-registry, with TLS, a password, and trouble on the way."""

import json

import pytest

from baselard.oci.digests import of_bytes
from baselard.oci.media_types import OCI_INDEX
from baselard.oci.registry.credential import Credential
from pipeline import push
from pipeline.errors import BaselardError
from pipeline.publish import publication
from pipeline.push import Uploaded
from pipeline.references import parse_reference
from pipeline.registry import cleaning, index
from pipeline.registry.cleaning import CleaningPolicy
from pipeline.registry.client import connect
from pipeline.share import Account
from tests.registry_servers import PASSWORD, USER, answer, changed, cut

pytestmark = pytest.mark.anyio
WHO = Credential(USER, PASSWORD)


class Secret:
    async def plaintext(self):
        return PASSWORD


def account(guarded):
    return Account(guarded.name, USER, Secret())  # type: ignore[arg-type]


def tags(guarded):
    return set(json.loads(guarded.skopeo("list-tags", ""))["Tags"])


async def digests(guarded, *wanted):
    async with connect(parse_reference(guarded.name), WHO) as repository:
        return [(await repository.manifest(tag)).digest for tag in wanted]


async def test_without_a_password_the_registry_says_no_and_the_message_what_to_give(guarded):
    async with connect(parse_reference(guarded.name), None) as repository:
        with pytest.raises(BaselardError, match="Give --username and --password"):
            await repository.tags()
    async with connect(parse_reference(guarded.name), Credential(USER, "wrong")) as repository:
        with pytest.raises(BaselardError, match=f"signed in as {USER}"):
            await repository.tags()


async def test_trouble_passes_and_is_waited_for_as_long_as_the_registry_asks(guarded, capsys):
    guarded.put("v1")
    guarded.proxy.answer(429, times=2, path="/tags/list", headers={"Retry-After": "7"})
    guarded.proxy.answer(500, times=2, method="GET", path="/manifests/")
    guarded.proxy.faults.append(cut(method="GET", path="/blobs/"))
    async with connect(parse_reference(guarded.name), WHO) as repository:
        assert await repository.tags() == ["v1"]
        found = await index.read(repository, "v1")
    assert [one.platform for one in found.platforms] == ["linux/amd64"]
    assert [7 <= pause < 8 for pause in guarded.slept] == [True, True, False, False, False]
    assert capsys.readouterr().err.count("trying again") == 5


async def test_an_error_that_stays_ends_with_its_status(guarded):
    guarded.proxy.answer(503, times=99, path="/tags/list")
    async with connect(parse_reference(guarded.name), WHO) as repository:
        with pytest.raises(BaselardError, match="503, 6 times in a row"):
            await repository.tags()


async def test_a_slow_answer_is_read_to_its_end(guarded):
    guarded.put("v1")
    guarded.proxy.faults.append(changed(guarded.server, bytes, times=9, path="/manifests/", piece=0.05))
    async with connect(parse_reference(guarded.name), WHO) as repository:
        assert await index.read(repository, "v1")


@pytest.mark.parametrize("part", ["/manifests/", "/blobs/"])
async def test_other_bytes_than_the_digest_says_are_an_error(guarded, part):
    guarded.put("v1")
    guarded.proxy.faults.append(changed(guarded.server, lambda data: data + b" ", times=9, path=part))
    async with connect(parse_reference(guarded.name), WHO) as repository:
        with pytest.raises(BaselardError, match=r"with bytes of sha256:|other bytes, of sha256:"):
            await index.read(repository, "v1")


async def joined(guarded, *names):
    """An index over these images, stored by its digest alone."""
    async with connect(parse_reference(guarded.name), WHO) as repository:
        images = [one for name in names for one in (await index.read(repository, name)).platforms]
        body = index.compose(images)
        return await index.read(repository, await repository.put_manifest(of_bytes(body), OCI_INDEX, body))


async def test_tags_move_through_trouble_and_lead_to_the_whole_index(guarded):
    guarded.put("test-1", "amd64")
    guarded.put("test-2", "arm64")
    published = await joined(guarded, "test-1", "test-2")
    guarded.proxy.answer(500, times=2, method="PUT", path="/manifests/")
    guarded.proxy.faults.append(cut(method="PUT", path="/manifests/latest"))
    guarded.proxy.answer(429, method="DELETE", headers={"Retry-After": "1"})
    references = tuple(parse_reference(f"{guarded.name}:{tag}") for tag in ("1.2.0", "latest"))
    moved = await push.move(Uploaded(references, published, "test-1"), account(guarded))
    assert moved.count == 2
    assert tags(guarded) == {"1.2.0", "latest", "test-2"}
    assert json.loads(guarded.skopeo("inspect", ":latest", "--override-arch", "arm64"))["Architecture"] == "arm64"
    assert json.loads(guarded.skopeo("inspect", ":latest"))["Digest"] == published.digest


async def test_a_failure_between_the_tags_leaves_old_ones_and_new_ones_and_the_next_call_ends_it(guarded):
    guarded.put("1.0.0", text="old")
    guarded.put("test-1", text="new")
    old, _ = await digests(guarded, "1.0.0", "test-1")
    published = await joined(guarded, "test-1")
    references = tuple(parse_reference(f"{guarded.name}:{tag}") for tag in ("1.0.0", "1.0"))
    guarded.proxy.answer(403, method="PUT", path="/manifests/1.0.0")
    with pytest.raises(BaselardError, match="403"):
        await push.move(Uploaded(references, published, "test-1"), account(guarded))
    assert await digests(guarded, "1.0.0") == [old]
    guarded.proxy.faults.clear()
    guarded.proxy.faults.append(answer(403, method="PUT", path="/manifests/1.0", times=1))
    with pytest.raises(BaselardError, match="403"):
        await push.move(Uploaded(references, published, "test-1"), account(guarded))
    guarded.proxy.faults.clear()
    await push.move(Uploaded(references, published, "test-1"), account(guarded))
    assert await digests(guarded, "1.0.0", "1.0") == [published.digest] * 2
    assert tags(guarded) == {"1.0.0", "1.0"}


async def test_cleanup_of_shared_digests_is_dry_first_and_then_real(guarded):
    guarded.put("v1", text="kept")
    guarded.put("test-shared", text="kept")
    guarded.put("test-alone", text="alone")
    await joined(guarded, "v1")
    chosen = CleaningPolicy(("test-*",))
    said = await cleaning.clean_up(parse_reference(guarded.name), WHO, chosen, apply=False)
    assert "would delete (dry run; add --apply): 2 tags, 1 manifests" in said
    planned = await cleaning.removed(parse_reference(guarded.name), WHO, chosen, apply=False)
    entry = cleaning.entry(parse_reference(guarded.name), planned, applied=False)
    assert (entry["repository"], entry["applied"], len(entry["manifests"])) == (guarded.name, False, 1)
    assert [(one["tag"], one["only-the-name"]) for one in entry["tags"]] == [
        *(("test-alone", False), ("test-shared", True))
    ]
    assert guarded.proxy.count("DELETE") + guarded.proxy.count("PUT", "/manifests/test") == 0
    guarded.proxy.answer(500, method="DELETE")
    said = await cleaning.clean_up(parse_reference(guarded.name), WHO, chosen, apply=True)
    assert "deleted: 2 tags, 1 manifests" in said
    assert tags(guarded) == {"v1"}
    guarded.skopeo("inspect", ":v1")
    assert "nothing to clean up" in await cleaning.clean_up(parse_reference(guarded.name), WHO, chosen, apply=True)


async def test_a_signature_goes_with_its_image_and_stays_with_a_kept_one(guarded):
    guarded.put("v1", text="kept")
    guarded.put("test-1", text="gone")
    kept, gone = await digests(guarded, "v1", "test-1")
    guarded.put(f"{kept.replace(':', '-')}.sig", text="signature of v1")
    guarded.put(f"{gone.replace(':', '-')}.sig", text="signature of test-1")
    await cleaning.clean_up(
        parse_reference(guarded.name), WHO, CleaningPolicy(("*-1*", "sha256-*", "test-*")), apply=True
    )
    assert tags(guarded) == {"v1", f"{kept.replace(':', '-')}.sig"}


async def test_parts_of_a_merge_that_are_not_there_change_nothing(guarded):
    guarded.put("v1")
    missing = f"{guarded.name}@sha256:{'0' * 64}"
    async with connect(parse_reference(guarded.name), WHO) as repository:
        with pytest.raises(BaselardError, match="is not in the registry"):
            await publication._found(repository, missing)
    assert tags(guarded) == {"v1"}
