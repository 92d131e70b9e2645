"""`ci --when-stale`: published only if a base moved, and whatever cannot be known counts as moved.

Judge: Debian's docker-registry, whose tags skopeo moves; a published image names its base as OCI's annotations have it.
"""

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest

from baselard.oci.media_types import OCI_MANIFEST
from baselard.oci.registry.credential import Credential
from pipeline import delivery
from pipeline.config.config import BaseSettings, Config
from pipeline.model import Case, Report, Suite, Verdict
from pipeline.project import Base, Project
from pipeline.publish.publication import PublishRequest
from pipeline.references import parse_reference
from pipeline.registry.client import connect
from pipeline.share import Account
from pipeline.stale import when
from pipeline.tags.events import Event
from tests.registry_servers import PASSWORD, USER

pytestmark = pytest.mark.anyio
WHO = Credential(USER, PASSWORD)
PREFIX = "org.opencontainers.image.base"


class Secret:
    async def plaintext(self):
        return PASSWORD


class Source:
    """A repository's directory with one Dockerfile."""

    def __init__(self, text):
        self.text = text

    def file(self, _):
        return self

    async def contents(self):
        return self.text


def asked(guarded, text, platforms=("linux/amd64",)):
    base = Base(f"{guarded.name}-built", "Dockerfile", ".", ("",), (), BaseSettings())
    account = Account(base.name, USER, Secret())  # type: ignore[arg-type]
    request = PublishRequest(Event("refs/heads/main"), account, platforms)
    return Project(Source(text), Config(), (base,), ()), request  # type: ignore[arg-type]


async def reasons(guarded, text, **more):
    return (await when.look(*asked(guarded, text, **more))).reasons


async def digest(guarded, tag):
    async with connect(parse_reference(guarded.name), WHO) as repository:
        return (await repository.manifest(tag)).digest


async def publish(guarded, **said):
    """Publish an image that says this of its base; tags of it are `latest` and `main`."""
    where = parse_reference(f"{guarded.name}-built")
    async with connect(parse_reference(guarded.name), WHO) as base:
        body = json.loads((await base.manifest("v1")).body)
        config = await base.blob(body["config"]["digest"])
        layers = [await base.blob(one["digest"]) for one in body["layers"]]
    async with connect(where, WHO) as repository:
        for blob in (config, *layers):
            await repository.put_blob(blob)
        annotations = {f"{PREFIX}.{key}": value for key, value in said.items()}
        document = {**body, "mediaType": OCI_MANIFEST, "annotations": annotations}
        for tag in ("latest", "main"):
            await repository.put_manifest(tag, OCI_MANIFEST, json.dumps(document).encode())


async def test_nothing_is_stale_until_the_bases_tag_moves(guarded):
    guarded.put("v1", text="old")
    text = f"FROM {guarded.name}:v1\n"
    await publish(guarded, name=f"{guarded.name}:v1", digest=await digest(guarded, "v1"))
    assert await reasons(guarded, text) == ()
    guarded.put("v1", text="new")
    (reason,) = await reasons(guarded, text)
    assert reason.startswith(f"{guarded.name}:v1 has moved since {guarded.name}-built:")


async def test_the_base_of_a_stage_between_counts_and_one_that_is_only_copied_from_does_not(guarded):
    guarded.put("v1")
    guarded.put("tools", text="tools")
    text = f"FROM {guarded.name}:v1 AS first\nFROM first\nCOPY --from={guarded.name}:tools /text /text\n"
    await publish(guarded, name=f"{guarded.name}:v1", digest=await digest(guarded, "v1"))
    guarded.put("tools", text="other tools")
    assert await reasons(guarded, text) == ()
    guarded.put("v1", text="new")
    assert "has moved" in (await reasons(guarded, text))[0]


async def test_a_base_that_is_held_by_its_digest_is_stale_when_the_dockerfile_says_another(guarded):
    guarded.put("v1", text="old")
    old = await digest(guarded, "v1")
    await publish(guarded, name=f"{guarded.name}:v1", digest=old)
    guarded.put("v1", text="new")
    assert await reasons(guarded, f"FROM {guarded.name}:v1@{old}\n") == ()
    assert "has moved" in (await reasons(guarded, f"FROM {guarded.name}:v1@{await digest(guarded, 'v1')}\n"))[0]


async def test_a_base_that_the_lock_holds_is_stale_when_the_lock_moves(guarded):
    guarded.put("v1", text="old")
    old = await digest(guarded, "v1")
    await publish(guarded, name=f"{guarded.name}:v1", digest=old)
    guarded.put("v1", text="new")
    project, request = asked(guarded, f"FROM {guarded.name}:v1\n")
    held = replace(project, lock={f"{guarded.name}:v1": old})
    assert (await when.look(held, request)).reasons == ()
    moved = replace(project, lock={f"{guarded.name}:v1": await digest(guarded, "v1")})
    assert "has moved" in (await when.look(moved, request)).reasons[0]


async def test_whatever_cannot_be_known_is_stale_and_told(guarded):
    guarded.put("v1")
    text = f"FROM {guarded.name}:v1\n"
    assert "is not published" in (await reasons(guarded, text))[0]
    await publish(guarded, name=f"{guarded.name}:v1")
    assert "does not say which base" in (await reasons(guarded, text))[0]
    await publish(guarded, name=f"{guarded.name}:v0", digest=await digest(guarded, "v1"))
    assert "and its Dockerfile says" in (await reasons(guarded, text))[0]
    await publish(guarded, name=f"{guarded.name}:gone", digest=await digest(guarded, "v1"))
    assert "is not in the registry" in (await reasons(guarded, f"FROM {guarded.name}:gone\n"))[0]
    await publish(guarded, name=f"{guarded.name}:v1", digest=await digest(guarded, "v1"))
    more = await reasons(guarded, text, platforms=("linux/amd64", "linux/arm64"))
    assert more == (f"{guarded.name}-built:main is not published for linux/arm64",)


async def test_an_image_on_scratch_has_no_base_that_moves(guarded):
    assert await reasons(guarded, "FROM scratch\n") == ()


@pytest.mark.parametrize("moved", [True, False])
async def test_only_a_base_that_moved_has_everything_done(guarded, monkeypatch, moved):
    guarded.put("v1", text="old")
    await publish(guarded, name=f"{guarded.name}:v1", digest=await digest(guarded, "v1"))
    if moved:
        guarded.put("v1", text="new")
    project, request = asked(guarded, f"FROM {guarded.name}:v1\n")
    done = []

    async def delivered(*_):
        done.append(True)
        return delivery.Ended(Report("ci", (Suite("work", (Case("it", Verdict.PASSED),)),)))

    monkeypatch.setattr(delivery, "_delivered", delivered)
    call = SimpleNamespace(project=project, clock=SimpleNamespace(started=""))
    ended = await delivery.deliver(call, request, when_stale=True)  # type: ignore[arg-type]
    assert bool(done) == moved and not ended.report.failed
    said = ended.report.suites[0].cases[0].message
    assert ("has moved" in said) if moved else ("nothing was built" in said)
    await delivery.deliver(call, request)  # type: ignore[arg-type]
    assert len(done) == moved + 1
