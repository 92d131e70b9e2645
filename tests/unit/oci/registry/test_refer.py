"""What refers to an image is kept by the registry, or under a tag where it keeps no such lists.

Judge: the distribution specification's "Pushing Manifests with Subject", played by registries in memory.
"""

import json

import httpx
import pytest

from baselard.oci import digests
from baselard.oci.errors import DistributionError
from baselard.oci.registry.connection import Connection
from baselard.oci.registry.repository import Repository

SUBJECT = "sha256:" + "2" * 64
TAG = SUBJECT.replace(":", "-")


class InMemory:
    """Manifests by tag or digest; with ``knows`` it keeps lists itself. ``meanwhile`` is put when a list is written."""

    def __init__(self, *, knows: bool, meanwhile: list[bytes] | None = None) -> None:
        self.knows, self.meanwhile = knows, meanwhile or []
        self.held: dict[str, bytes] = {}

    def __call__(self, request: httpx.Request) -> httpx.Response:
        name = request.url.path.rpartition("/")[2]
        if request.method == "PUT":
            self.held[name] = request.content
            if name == TAG and self.meanwhile:
                self.held[name] = self.meanwhile.pop()
            subject = json.loads(request.content).get("subject", {}).get("digest", "")
            return httpx.Response(201, headers={"oci-subject": subject} if self.knows and subject else {})
        if name not in self.held:
            return httpx.Response(404)
        return httpx.Response(200, content=self.held[name], headers={"content-type": "application/json"})

    @property
    def listed(self) -> list[dict[str, object]]:
        found: list[dict[str, object]] = json.loads(self.held[TAG])["manifests"]
        return found


def repository(play: InMemory) -> Repository:
    return Repository(Connection("https://reg.example", transport=httpx.MockTransport(play)), "app")


def manifest(text: str) -> dict[str, object]:
    return {"artifactType": "a/b", "annotations": {"x": text}, "layers": [], "subject": {"digest": SUBJECT}}


def test_a_registry_that_keeps_lists_gets_no_tag() -> None:
    play = InMemory(knows=True)
    digest = repository(play).refer(manifest("one"))
    assert list(play.held) == [digest]
    assert digests.of_bytes(play.held[digest]) == digest


def test_another_one_gets_a_list_under_the_subjects_name_and_both_referrers_stay_in_it() -> None:
    play = InMemory(knows=False)
    first, second = (repository(play).refer(manifest(text)) for text in ("one", "two"))
    assert [(one["digest"], one["artifactType"], one["annotations"]) for one in play.listed] == [
        (first, "a/b", {"x": "one"}),
        (second, "a/b", {"x": "two"}),
    ]
    assert [one["digest"] for one in repository(play).referrers(SUBJECT)] == [first, second]
    assert [one["size"] for one in play.listed] == [len(play.held[first]), len(play.held[second])]


def test_the_same_referrer_is_listed_once() -> None:
    play = InMemory(knows=False)
    assert repository(play).refer(manifest("one")) == repository(play).refer(manifest("one"))
    assert len(play.listed) == 1


def test_whoever_overwrites_the_list_at_the_same_time_takes_nothing_away() -> None:
    other = json.dumps({"schemaVersion": 2, "manifests": [{"digest": "sha256:" + "9" * 64}]}).encode()
    play = InMemory(knows=False, meanwhile=[other])
    digest = repository(play).refer(manifest("one"))
    assert [one["digest"] for one in play.listed] == ["sha256:" + "9" * 64, digest]


def test_a_list_that_others_overwrite_all_the_time_is_given_up() -> None:
    other = json.dumps({"schemaVersion": 2, "manifests": []}).encode()
    with pytest.raises(DistributionError, match="others write this list all the time"):
        repository(InMemory(knows=False, meanwhile=[other] * 99)).refer(manifest("one"))


def test_a_small_blob_is_uploaded_in_one_go_and_not_again() -> None:
    held: dict[str, bytes] = {}
    seen: list[tuple[str, str]] = []

    def play(request: httpx.Request) -> httpx.Response:
        seen.append((request.method, request.url.path.rpartition("/blobs/")[2]))
        if request.method == "POST":
            return httpx.Response(202, headers={"location": "/v2/app/blobs/uploads/1?state=x"})
        if request.method == "PUT":
            assert request.url.params["state"] == "x"
            held[request.url.params["digest"]] = request.content
            return httpx.Response(201)
        return httpx.Response(200 if request.url.path.rpartition("/")[2] in held else 404)

    blobs = Repository(Connection("https://reg.example", transport=httpx.MockTransport(play)), "app").blobs
    assert blobs.put(b"text") == blobs.put(b"text") == digests.of_bytes(b"text")
    assert held == {digests.of_bytes(b"text"): b"text"}
    assert [method for method, _ in seen] == ["HEAD", "POST", "PUT", "HEAD"]
