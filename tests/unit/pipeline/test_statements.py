"""Statements, bundles and keys as bytes and back.

Judges: the examples of DSSE's protocol.md and RFC 8410, openssl, and the field names of in-toto's and SLSA's pages.
"""

import base64
import json
import subprocess

import dagger
import pytest

from baselard.dockerfile.plan.steps import Git, Url
from pipeline.config.config import BaseSettings, Config, ExampleSettings, TestSettings
from pipeline.conventions import From
from pipeline.errors import UsageError
from pipeline.model import Case, Quarantine, Report, Suite, Verdict
from pipeline.project import Base, Example, Project
from pipeline.proof import bundle, fetched, keys, provenance, results, statement
from pipeline.proof.bundle import SignedStatement
from pipeline.proof.provenance import BuildRecipe, BuildRun, Material, Origin
from pipeline.proof.statement import Statement

DIGEST, OTHER = "sha256:" + "1" * 64, "sha256:" + "2" * 64


def made(digest=DIGEST, predicate=None):
    return Statement("reg.example/acme/base", digest, statement.PROVENANCE, predicate or {"a": 1})


def test_a_statement_comes_back_as_it_was():
    assert statement.read(made().body, DIGEST) == made()
    document = json.loads(made().body)
    assert document["_type"] == "https://in-toto.io/Statement/v1"
    assert document["subject"] == [{"name": "reg.example/acme/base", "digest": {"sha256": "1" * 64}}]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda one: one, f"not about {OTHER}"),
        (lambda one: {**one, "_type": "https://in-toto.io/Statement/v0.1"}, "is of the type"),
        (lambda one: {**one, "subject": []}, "it is about nothing"),
        (lambda one: {**one, "subject": [{"digest": {"gitCommit": "1" * 40}}]}, "it is about nothing"),
        (lambda one: {**one, "subject": [{"digest": {"sha256": "../" * 21 + "1"}}]}, "it is about nothing"),
        (lambda one: {**one, "subject": 3}, "not an in-toto statement"),
        (lambda _: ["x"], "not an in-toto statement"),
    ],
)
def test_another_text_is_no_statement_about_the_image(change, said):
    with pytest.raises(ValueError, match=said):
        statement.read(json.dumps(change(json.loads(made().body))).encode(), OTHER)


@pytest.mark.parametrize("text", [b"", b"\xff", b"[" * 100_000, b"{"])
def test_bytes_that_are_no_json_are_told(text):
    with pytest.raises(ValueError, match="it is no"):
        statement.read(text, DIGEST)
    with pytest.raises(ValueError, match="it is no"):
        bundle.read(text)


def test_what_is_signed_is_type_and_content_each_after_its_length(monkeypatch):
    """The test vector of DSSE's protocol.md."""
    monkeypatch.setattr(bundle, "STATEMENT", "http://example.com/HelloWorld")
    assert bundle.pre_authentication(b"hello world") == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"


def test_a_bundle_comes_back_as_it_was():
    signed = SignedStatement(made().body, b"\x00\xff", "name")
    assert bundle.read(signed.body) == signed


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"dsseEnvelope": {"payload": "e30=", "payloadType": "text/plain", "signatures": []}}, "it holds text/plain"),
        (
            {"dsseEnvelope": {"payload": "e30=", "payloadType": statement.MEDIA_TYPE, "signatures": []}},
            "it has 0 signatures",
        ),
        (
            {"dsseEnvelope": {"payload": "?", "payloadType": statement.MEDIA_TYPE, "signatures": [{"sig": ""}]}},
            "not a bun",
        ),
        ({"verificationMaterial": None}, "not a bundle"),
    ],
)
def test_a_bundle_of_another_kind_is_told(change, said):
    document = json.loads(SignedStatement(made().body, b"x", "name").body)
    with pytest.raises(ValueError, match=said):
        bundle.read(json.dumps({**document, **change}).encode())


def test_a_bundle_that_signs_bytes_is_told():
    document = json.loads(SignedStatement(made().body, b"x", "name").body)
    del document["dsseEnvelope"]
    with pytest.raises(ValueError, match="it signs bytes"):
        bundle.read(json.dumps({**document, "messageSignature": {}}).encode())


# The public key of RFC 8410, section 10.1.
ED25519 = """-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=
-----END PUBLIC KEY-----
"""


def openssl(*argv, stdin=""):
    return subprocess.run(["openssl", *argv], check=True, capture_output=True, text=True, input=stdin).stdout


def pair(*kind):
    private = openssl("genpkey", "-algorithm", *kind)
    return private, openssl("pkey", "-pubout", stdin=private)


def test_keys_are_read_from_pem_and_written_as_it_was():
    _, p256 = pair("EC", "-pkeyopt", "ec_paramgen_curve:P-256")
    assert [one.pem for one in keys.public(f"words\n{p256}\r\n{ED25519}", "place")] == [p256, ED25519]
    digest = subprocess.run(
        ["sh", "-c", "openssl pkey -pubin -outform DER | openssl dgst -sha256 -binary | openssl base64"],
        check=True,
        capture_output=True,
        text=True,
        input=p256,
    )
    assert keys.public(p256, "place")[0].name == digest.stdout.strip()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "there is no public key"),
        (pair("EC", "-pkeyopt", "ec_paramgen_curve:P-384")[1], "only keys of ECDSA P-256 and Ed25519"),
        (pair("ED25519")[0], "holds a PRIVATE KEY; write the public half"),
        ("-----BEGIN PUBLIC KEY-----\nA\n-----END PUBLIC KEY-----", "not base64"),
    ],
)
def test_what_is_no_key_of_these_kinds_is_refused(text, said):
    with pytest.raises(UsageError, match=said):
        keys.public(text, "cosign.pub")


RUN = BuildRun("id", "2026-01-31T12:00:00+00:00", "2026-01-31T12:05:00+00:00")


def test_provenance_names_source_recipe_and_materials_but_no_secret():
    origin = Origin("https://example.com/acme/base", "refs/heads/main", "0123abc")
    recipe = BuildRecipe("image/Dockerfile", "image", "dev", "linux/amd64", {"WORD": "x", "API_TOKEN": "s3cret"})
    materials = [Material("debian:trixie", "pkg:docker/debian@trixie", DIGEST), Material("debian:13", note="made here")]
    said = provenance.of_image(origin, recipe, materials, RUN)
    built = said["buildDefinition"]
    assert built["externalParameters"]["buildArgs"] == {"WORD": "x", "API_TOKEN": "(left out)"}
    assert "s3cret" not in json.dumps(said)
    assert built["resolvedDependencies"] == [
        {
            "name": "source",
            "uri": "git+https://example.com/acme/base@refs/heads/main",
            "digest": {"gitCommit": "0123abc"},
        },
        {"name": "debian:trixie", "uri": "pkg:docker/debian@trixie", "digest": {"sha256": "1" * 64}},
        {"name": "debian:13", "annotations": {"baselard_note": "made here"}},
    ]
    assert said["runDetails"]["metadata"] == {
        "invocationId": "id",
        "startedOn": RUN.started,
        "finishedOn": RUN.finished,
    }
    assert provenance.source(said) == "https://example.com/acme/base"


@pytest.mark.parametrize(
    ("uri", "meant"),
    [
        ("git+https://github.com/octocat/hello-world@refs/heads/main", "https://github.com/octocat/hello-world"),
        ("git+ssh://git@github.com/acme/base", "ssh://git@github.com/acme/base"),
        ("pkg:docker/debian", ""),
    ],
)
def test_the_source_of_another_builders_provenance_is_understood(uri, meant):
    assert provenance.source({"buildDefinition": {"resolvedDependencies": [{"uri": "x"}, {"uri": uri}]}}) == meant
    assert provenance.source({}) == ""


def test_what_an_add_checked_out_is_not_the_source():
    added = Material("https://example.com/tool", "git+https://example.com/tool@main", commit="f" * 40)
    recipe = BuildRecipe("Dockerfile", ".", "", "linux/amd64", {})
    nowhere = provenance.of_image(Origin(), recipe, [added], RUN)
    assert provenance.source(nowhere) == ""
    (listed,) = nowhere["buildDefinition"]["resolvedDependencies"]
    assert listed["digest"] == {"gitCommit": "f" * 40}


@pytest.mark.anyio
async def test_what_an_add_fetched_is_a_material_once_with_its_digest_or_its_commit():
    class Revision(dagger.GitRef):
        def __init__(self) -> None:
            pass

        async def commit(self) -> str:
            return "f" * 40

    class File(dagger.File):
        def __init__(self) -> None:
            pass

    url = Url("https://me:token@example.com/a.tar", "a.tar", DIGEST)
    git = Git("https://example.com/a.git", "main", "", keep_git_dir=False, checksum="")
    made = await fetched.materials([(url, File()), (git, Revision()), (git, Revision())])
    assert [one.dependency() for one in made] == [
        {
            "name": "https://example.com/a.tar",
            "uri": "https://example.com/a.tar",
            "digest": {"sha256": DIGEST.partition(":")[2]},
        },
        {
            "name": "https://example.com/a.git@main",
            "uri": "git+https://example.com/a.git@main",
            "digest": {"gitCommit": "f" * 40},
        },
    ]


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://me:token@example.com:8443/a?b=c", "https://example.com:8443/a?b=c"),
        ("ssh://git@example.com/a.git", "ssh://example.com/a.git"),
        ("https://example.com/a@b", "https://example.com/a@b"),
        ("git@example.com:a/b.git", "git@example.com:a/b.git"),
    ],
)
def test_addresses_are_told_without_who_asked(address, shown):
    assert fetched.public(address) == shown


@pytest.mark.parametrize(
    ("name", "uri"),
    [
        ("docker.io/library/debian:trixie", "pkg:docker/debian@trixie?platform=linux%2Farm64"),
        ("localhost:5000/acme/base:1", "pkg:docker/localhost:5000/acme/base@1?platform=linux%2Farm64"),
    ],
)
def test_images_are_named_as_package_urls(name, uri):
    assert provenance.image_uri(name, "linux/arm64") == uri


def passed(name, verdict=Verdict.PASSED, **more):
    return Suite(name, (Case("case", verdict),), **more)


WEB = (TestSettings("goss", ("goss.yaml",)), TestSettings("script", ("test.sh",)))
PLAIN = (TestSettings("basic"),)


def project():
    tests = (TestSettings("goss", ("image/goss/a.yaml", "image/goss/dev.yaml")),)
    base = Base("acme/base", "image/Dockerfile", "image", ("", "dev"), tests, BaseSettings())
    examples = [
        Example(name, f"examples/{name}", ExampleSettings(), (From(f"acme/base:{tag}", 1),), tests)
        for name, tag, tests in (("web", "latest", WEB), ("cli", "1", PLAIN), ("tool", "dev", PLAIN))
    ]
    return Project(None, Config(), (base,), tuple(examples)), base


def test_a_result_is_about_the_suites_of_this_image_on_this_platform():
    whole, base = project()
    names = ("acme/base", "acme/base:dev", "web", "cli", "tool")
    suites = [passed(f"{name} ({on})") for on in ("linux/amd64", "linux/arm64") for name in names]
    report = Report("publish", (passed("image/Dockerfile", group="lint"), passed("ci.yml", group="lint"), *suites))
    found = results.about(report, whole, base, "", "linux/amd64")
    assert [(one.suite.name, one.tester, one.files) for one in found] == [
        ("image/Dockerfile", "hadolint", ("image/Dockerfile",)),
        ("acme/base (linux/amd64)", "goss", ("image/goss/a.yaml",)),
        ("web (linux/amd64)", "goss, script", ("examples/web/goss.yaml", "examples/web/test.sh")),
        ("cli (linux/amd64)", "basic", ()),
    ]
    dev = results.about(report, whole, base, "dev", "linux/arm64")
    assert [one.suite.name for one in dev][1:] == ["acme/base:dev (linux/arm64)", "tool (linux/arm64)"]
    assert dev[1].files == ("image/goss/a.yaml", "image/goss/dev.yaml")


def predicate(*suites):
    return results.predicate([results.TestedWith(one, "goss", ("a.yaml",)) for one in suites], {"a.yaml": "x"}, b"{}")


def test_every_case_is_in_the_list_of_what_became_of_it():
    excuse = Quarantine("slow", "", "2030-01-01")
    said = predicate(
        passed("a"),
        passed("b", Verdict.FLAKY),
        passed("c", Verdict.SKIPPED),
        passed("d", Verdict.FAILED, quarantine=excuse),
    )
    assert (said["passedTests"], said["warnedTests"], said["failedTests"]) == (["a: case"], ["b: case"], [])
    assert (said["baselard_skippedTests"], said["baselard_quarantinedTests"]) == (["c: case"], ["d: case"])
    assert said["result"] == "WARNED"
    assert said["configuration"] == [
        {"name": "a.yaml", "digest": {"sha256": "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"}}
    ]
    assert said["baselard_report"]["digest"]["sha256"].startswith("44136fa355b3678a")
    assert predicate(passed("a"))["result"] == "PASSED"
    assert predicate(passed("a"), passed("b", Verdict.ERROR))["result"] == "FAILED"


def test_an_indexs_result_is_that_of_all_its_images():
    amd, arm = predicate(passed("a (amd64)")), predicate(passed("a (arm64)", Verdict.FLAKY))
    joined = results.joined([amd, arm])
    assert (joined["result"], joined["passedTests"], joined["warnedTests"]) == (
        "WARNED",
        ["a (amd64): case"],
        ["a (arm64): case"],
    )
    assert len(joined["configuration"]) == 1
    assert results.joined([amd, {**arm, "result": "FAILED"}])["result"] == "FAILED"
    assert results.joined([amd, amd])["result"] == "PASSED"


def test_the_public_point_is_what_base64_says():
    assert keys.public(ED25519, "x")[0].der[-32:] == base64.b64decode(ED25519.splitlines()[1])[-32:]
