"""A release on Debian's docker-registry, from the command line; skopeo reads the results."""

import hashlib
import json
import os
import re
import shutil
import ssl
import subprocess
import zlib
from pathlib import Path
from xml.etree import ElementTree

import httpx
import pytest

from tests.registry_servers import running_registry

pytestmark = [
    pytest.mark.root,
    pytest.mark.network,
    pytest.mark.skipif(not shutil.which("docker-registry"), reason="needs Debian's docker-registry"),
]

SHA = "0123456789abcdef0123456789abcdef01234567"
PUSH = ("--ref", "refs/heads/main", "--sha", SHA, "--platforms", "linux/amd64")


@pytest.fixture
def repository(registry, write, request):
    name = f"{registry}/acme/base-{zlib.crc32(request.node.name.encode())}"
    user = 'RUN useradd --create-home --uid 1000 agent\nENV HOME=/home/agent\nUSER 1000\nCMD ["bash"]\n'
    source = write(
        {
            "Dockerfile": f"FROM debian:trixie-slim AS standard\n{user}FROM standard AS dev\nENV DEV=1\n",
            "baselard.yaml": f"bases: [{{name: '{name}', targets: [standard, dev]}}]\n",
            "goss/common.yaml": "command: {id -un: {exit-status: 0, stdout: [agent]}}\n",
            "examples/a/Dockerfile": f"FROM {name}\nRUN echo a >~/a\n",
            "examples/a/goss.yaml": "file: {/home/agent/a: {exists: true}}\n",
            "README.md": "<!-- baselard:images -->\n<!-- /baselard:images -->\n",
        }
    )
    return source, name


def tags(name):
    """Those of images: this registry keeps the lists of what refers to one under tags of their own."""
    argv = ["skopeo", "list-tags", "--tls-verify=false", f"docker://{name}"]
    return {tag for tag in json.loads(subprocess.check_output(argv))["Tags"] if not tag.startswith("sha256-")}


def inspect(reference):
    argv = ["skopeo", "inspect", "--tls-verify=false", f"docker://{reference}"]
    return json.loads(subprocess.check_output(argv))


def raw(reference, repository=""):
    where = f"{repository}@{reference}" if repository else reference
    return json.loads(
        subprocess.check_output(["skopeo", "inspect", "--raw", "--tls-verify=false", f"docker://{where}"])
    )


def attached(name, digest):
    """All that this registry has of statements about an image, as text; it lists them under a tag."""
    manifests = [raw(one["digest"], name) for one in raw(f"{name}:{digest.replace(':', '-')}")["manifests"]]
    layers = [manifest["layers"][0]["digest"] for manifest in manifests]
    return "\n".join(httpx.get(f"http://{name.replace('/', '/v2/', 1)}/blobs/{layer}").text for layer in layers)


def outputs(done):
    assert done.code == 0, done.stderr[-3000:]
    return json.loads(done.stdout)["images"]


def test_a_prerelease_needs_no_rules_and_leaves_latest_where_it_is(call, repository):
    source, name = repository
    (source / "README.md").unlink()
    released = outputs(call(source, "publish", "--ref", "refs/tags/v1.0.0", *PUSH[2:]))
    assert released["dev"]["latest"] == "latest-dev is this image now, by the tag v1.0.0"
    (source / "examples/a/Dockerfile").write_text(f"FROM {name}\nRUN echo b >~/a\n")
    (source / "Dockerfile").write_text((source / "Dockerfile").read_text() + "ENV NEXT=1\n")
    done = call(source, "publish", "--ref", "refs/tags/v1.0.1-rc1", *PUSH[2:])
    assert outputs(done)["standard"]["latest"] == "latest stays where it is: the tag v1.0.1-rc1 is a pre-release"
    assert tags(name) == {"v1.0.0", "v1.0.0-dev", "latest", "latest-dev", "v1.0.1-rc1", "v1.0.1-rc1-dev"}
    assert (
        inspect(f"{name}:latest-dev")["Digest"]
        == released["dev"]["digest"]
        != inspect(f"{name}:v1.0.1-rc1-dev")["Digest"]
    )
    documented = call(source, "update-docs", "-o", str(source / "new.md"))
    assert (documented.code, "there is no README.md for the table: write one with" in documented.stderr) == (2, True)


def test_what_was_tested_is_published_verified_and_documented(call, repository):
    source, name = repository
    first = outputs(call(source, "publish", *PUSH))
    assert tags(name) == {"main", "main-dev"}
    assert inspect(f"{name}:main")["Digest"] == first["standard"]["digest"]
    assert inspect(f"{name}:main-dev")["Digest"] == first["dev"]["digest"]
    assert inspect(f"{name}:main")["Labels"]["org.opencontainers.image.revision"] == SHA
    annotations = raw(f"{name}:main")["annotations"]
    assert annotations == inspect(f"{name}:main")["Labels"]
    assert annotations == raw(first["standard"]["platforms"]["linux/amd64"]["digest"], name)["annotations"]
    assert annotations["org.opencontainers.image.base.name"] == "docker.io/library/debian:trixie-slim"
    assert annotations["org.opencontainers.image.title"] == name.rpartition("/")[2]
    again = call(source, "publish", *PUSH)
    assert {key: {**one, "state": "published"} for key, one in outputs(again).items()} == first
    assert {one["state"] for one in outputs(again).values()} == {"already published, nothing pushed"}
    assert call(source, "verify", "--references", f"{name}:main,{name}:main-dev").code == 0
    missing = call(source, "verify", "--references", f"{name}:gone")
    assert (missing.code, "it is not in the registry" in missing.stdout + missing.stderr) == (1, True)
    readme = source / "README.new"
    assert call(source, "update-docs", "-o", str(readme)).code == 0
    assert f"`{name}:main`" in readme.read_text()


def test_a_failing_test_publishes_nothing(call, repository):
    source, name = repository
    (source / "examples/a/goss.yaml").write_text("file: {/nowhere: {exists: true}}\n")
    done = call(source, "publish", *PUSH)
    assert done.code == 1
    assert "nothing was published: a check failed" in done.stdout + done.stderr
    assert subprocess.run(["skopeo", "list-tags", "--tls-verify=false", f"docker://{name}"], check=False).returncode


def test_a_release_moves_latest_but_never_back(call, repository):
    source, name = repository
    outputs(call(source, "publish", "--ref", "refs/tags/v1.2.0", "--platforms", "linux/amd64"))
    latest = inspect(f"{name}:latest")["Digest"]
    older = outputs(call(source, "publish", "--ref", "refs/tags/v1.1.9", "--platforms", "linux/amd64"))
    assert older["standard"]["tags"] == [f"{name}:v1.1.9"]
    assert inspect(f"{name}:latest")["Digest"] == latest


def test_platforms_pushed_by_digest_are_merged_and_their_test_tags_cleaned_up(call, repository):
    source, name = repository
    part = outputs(call(source, "publish", *PUSH, "--by-digest"))
    held = {tag.split("-", 2)[2] for tag in tags(name)}
    assert held == {f"{SHA[:12]}-standard-linux-amd64", f"{SHA[:12]}-dev-linux-amd64"}
    parts = ",".join(f"{target}={one['reference']}" for target, one in part.items())
    merged = outputs(call(source, "merge", "--ref", "refs/heads/main", "--parts", parts))
    assert merged["standard"]["platforms"]["linux/amd64"]["digest"] == part["standard"]["digest"]
    dry = call(source, "cleanup", "--older-than-days", "0")
    assert "would delete (dry run; add --apply): 2 tags, 0 manifests" in dry.stdout
    assert len(tags(name)) == 4
    assert "deleted: 2 tags, 0 manifests" in call(source, "cleanup", "--older-than-days", "0", "--apply").stdout
    assert tags(name) == {"main", "main-dev"}
    assert inspect(f"{name}:main")["Digest"]


def test_ci_publishes_verifies_and_brings_the_docs_up_to_date_once(call, repository, tmp_path, monkeypatch):
    source, name = repository
    monkeypatch.setenv("TOKEN", "x")
    ci = ("ci-report", *PUSH[:4], "--platforms", "linux/amd64", "--username", "me", "--password", "env://TOKEN")
    done = call(source, *ci, "-o", str(tmp_path / "first"))
    assert done.code == 0, done.stderr[-3000:]
    assert (tmp_path / "first/exit-code").read_text() == "0\n", (tmp_path / "first/summary.txt").read_text()
    said = json.loads((tmp_path / "first/outputs.json").read_text())
    assert f"{name}:main tested on linux/amd64" in {suite["name"] for suite in said["suites"]}
    assert said["images"]["standard"]["state"] == "published"
    readme = (tmp_path / "first/README.md").read_text()
    assert f"`{name}:main`" in readme
    digest = said["images"]["standard"]["platforms"]["linux/amd64"]["digest"]
    assert hashlib.sha256((tmp_path / "first/tested.json").read_bytes()).hexdigest() in attached(name, digest)
    (source / "README.md").write_text(readme)
    assert call(source, *ci, "-o", str(tmp_path / "second")).code == 0
    assert not (tmp_path / "second/README.md").exists()
    said = json.loads((tmp_path / "second/outputs.json").read_text())
    assert said["images"]["standard"]["state"] == "already published, nothing pushed"


def test_a_pull_request_is_shown_what_it_adds_to_the_published_images(call, repository, tmp_path):
    source, name = repository
    outputs(call(source, "publish", *PUSH))
    images = [raw(raw(f"{name}:{tag}")["manifests"][0]["digest"], name) for tag in ("main", "main-dev")]
    layers = [sum(layer["size"] for layer in image["layers"]) for image in images]
    with (source / "Dockerfile").open("a") as dockerfile:
        dockerfile.write("RUN head -c 3000000 /dev/urandom >~/large\n")
    pull_request = ("--ref", "refs/pull/7/merge", "--event", "pull_request", "--platforms", "linux/amd64")
    done = call(source, "ci-report", *pull_request, "-o", str(tmp_path / "report"))
    assert done.code == 0, done.stderr[-3000:]
    sizes = json.loads((tmp_path / "report/outputs.json").read_text())["sizes"]
    assert [one["published"] for one in sizes] == layers
    assert [sum(layer["compressed"] for layer in one["layers"]) for one in sizes] == [
        one["compressed"] for one in sizes
    ]
    for document in ("summary.md", "comment.md"):
        same, more = re.findall(r"MB \|([^|]*) \| against (\S+) ", (tmp_path / "report" / document).read_text())
        assert same == (" +0.0 MB (+0.0 %)", f"{name}:main")
        assert more[0].startswith(" +3.0 MB (+") and more[1] == f"{name}:main-dev"
    assert tags(name) == {"main", "main-dev"}


def test_sizes_name_what_is_large_and_a_budget_fails(call, repository, tmp_path):
    source, name = repository
    with (source / "Dockerfile").open("a") as dockerfile:
        dockerfile.write("RUN head -c 3000000 /dev/urandom >~/large\n")
    done = call(source, "size")
    assert done.code == 0, done.stderr[-3000:]
    standard, dev = done.stdout.split(f"## {name}:dev: ")
    assert re.search(r"\| `head -c 3000000 /dev/urandom >~/large` +\| 3.0 MB +\|", dev)
    assert "head -c" not in standard and re.search(r"\| `FROM debian:trixie-slim` +\| [1-9]\d", standard)
    assert re.search(r"\| `perl-base` +\|", standard) and "| `/usr/lib` " in standard
    assert call(source, "size-chart", "-o", str(tmp_path / "size.svg")).code == 0
    assert ElementTree.parse(tmp_path / "size.svg").getroot().tag == "{http://www.w3.org/2000/svg}svg"
    budget = f"bases: [{{name: '{name}', targets: [standard, dev], budgets: {{dev: 20MB}}}}]\n"
    (source / "baselard.yaml").write_text(budget)
    over = call(source, "size")
    assert (over.code, "dev\n  ✗ at most 20MB: 83." in over.stderr) == (1, True), over.stderr[-2000:]


def test_without_credentials_ci_tests_everything_and_pushes_nothing(call, repository):
    source, name = repository
    done = call(source, "ci", *PUSH)
    assert done.code == 0, done.stderr[-3000:]
    assert "nothing was published: there are no credentials" in done.stdout
    assert subprocess.run(["skopeo", "list-tags", "--tls-verify=false", f"docker://{name}"], check=False).returncode


@pytest.mark.parametrize(
    ("words", "yaml", "said"),
    [
        (("--ref", "main"), "", "'main' is not a git ref"),
        (("--ref", "refs/heads/main", "--sha", "xyz"), "", "is not a commit"),
        (("--ref", "refs/heads/main", "--platforms", "linux/vax"), "", "there is no platform 'linux/vax'"),
        (("--ref", "refs/heads/main", "--platforms", "linux/amd64,linux/amd64"), "", "a platform is named twice"),
        (("--ref", "refs/heads/main", "--by-digest"), "", "--by-digest pushes one platform"),
        (("--ref", "refs/heads/main"), "bases: [{name: localhost:1/Acme/Base}]", "Acme/Base"),
        (("--ref", "refs/heads/main"), "bases: [{name: localhost:1/acme/base}]", "cannot be reached"),
        (("--ref", "refs/heads/main"), "publish: {tags: ['type=raw,value=-x']}", "yields '-x', which is not a tag"),
        (("--ref", "refs/heads/main"), "publish: {tags: ['type=raw,value=x,suffix=']}", "duplicate tag"),
        (("--ref", "refs/heads/next"), "publish: {tags: ['type=raw,value=latest']}", "would move `latest`"),
        (("--ref", "refs/heads/main"), "publish: {tags: ['type=tag']}", "there is no type 'tag'"),
    ],
)
def test_what_cannot_be_published_is_said_before_any_build(call, repository, words, yaml, said):
    source, _ = repository
    given = (source / "baselard.yaml").read_text()
    (source / "baselard.yaml").write_text(yaml if "bases" in yaml else given + yaml)
    done = call(source, "publish", *words)
    assert done.code == (1 if "reached" in said else 2), done.stderr[-2000:]
    assert said in done.stderr
    assert done.executions("") == 0


def test_a_registry_that_refuses_says_so_before_any_build(call, write, tmp_path, monkeypatch):
    with running_registry(tmp_path / "guarded", tls=True, auth=True) as server:
        monkeypatch.setenv("SSL_CERT_FILE", str(server.certificate))
        yaml = f"bases: [{{name: '{server.host}/acme/base'}}]\n"
        source = write({"Dockerfile": "FROM scratch\n", "baselard.yaml": yaml, "README.md": ""})
        done = call(source, "publish", *PUSH)
        assert done.code == 1
        assert "Give --username and --password" in done.stderr
        assert done.executions("") == 0
        monkeypatch.setenv("TOKEN", "wrong")
        done = call(source, "publish", *PUSH, "--username", server.user, "--password", "env://TOKEN")
        assert "refuses access (401" in done.stderr
        assert "wrong" not in done.stderr


@pytest.mark.full
def test_a_bootstrapped_base_is_published_elsewhere_only_when_asked_for(call, write, tmp_path, monkeypatch):
    """Elsewhere is a name that is not loopback's own; a tag of no other test, so that it is made here everywhere."""
    (tmp_path / "registries.conf").write_text('[[registry]]\nprefix = "docker.io"\nlocation = "localhost:1"\n')
    monkeypatch.setenv("CONTAINERS_REGISTRIES_CONF", str(tmp_path / "registries.conf"))
    with running_registry(tmp_path / "elsewhere", tls=True) as server:
        trusted = os.environ.get("SSL_CERT_FILE") or ssl.get_default_verify_paths().openssl_cafile
        for_both = "\n".join(Path(file).read_text() for file in (trusted, server.certificate) if Path(file).exists())
        (tmp_path / "trusted.pem").write_text(for_both)
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "trusted.pem"))
        name = f"{server.host}/acme/base"
        source = write(
            {
                "Dockerfile": "FROM debian:trixie\n",
                "baselard.yaml": f"bases: [{{name: '{name}'}}]\n",
                "examples/a/Dockerfile": f"FROM {name}\n",
                "examples/a/goss.yaml": "file: {/etc: {exists: true}}\n",
            }
        )
        refused = call(source, "publish", *PUSH)
        assert refused.code == 1
        assert f"{name}" in refused.stderr
        assert "bootstrapped here as debian:trixie (linux/amd64)" in refused.stderr
        assert "unless BASELARD_PUBLISH_BOOTSTRAPPED=1 is set" in refused.stderr
        assert "Traceback" not in refused.stderr
        assert not (tmp_path / "elsewhere/data").exists() or not list((tmp_path / "elsewhere/data").rglob("link"))
        monkeypatch.setenv("BASELARD_PUBLISH_BOOTSTRAPPED", "1")
        (published,) = outputs(call(source, "publish", *PUSH)).values()
        assert published["tags"] == [f"{name}:main"]


def shared(done, way):
    """The short digest of the base as it arrived, when the example passed; all from what the call printed."""
    assert done.code == 0, done.stderr[-3000:]
    found = re.search(rf":standard by {way} .* ([\d.]+) MB, given in [\d.]+ s, taken in [\d.]+ s, (\S+)", done.stdout)
    assert found
    assert float(found[1]) > 0
    assert re.search(r"passed +a ", done.stdout)
    return found[2]


def test_the_base_travels_by_registry_to_an_empty_store(call, repository, kept_store):
    source, name = repository
    done = call(source, "test-examples", "--share", "registry", "--registry", name)
    assert done.executions("useradd") <= 1
    shared(done, "registry")
    assert tags(name) == set()
    assert not list(kept_store.parent.glob("*-other-*"))


@pytest.mark.full
def test_all_ways_bring_the_same_base(call, repository, tmp_path):
    source, name = repository
    assert call(source, "archive", "-o", str(tmp_path / "base.tar")).code == 0
    plain = subprocess.check_output(["skopeo", "inspect", f"oci-archive:{tmp_path / 'base.tar'}"])
    for way in ("archive", "rebuild", "registry"):
        done = call(source, "test-examples", "--share", way, *(["--registry", name] if way == "registry" else []))
        assert json.loads(plain)["Digest"].startswith(shared(done, way))
        assert done.executions("useradd") == 0


def test_a_base_that_does_not_build_is_not_handed_over(call, repository):
    source, _ = repository
    (source / "Dockerfile").write_text("FROM debian:trixie-slim AS standard\nRUN false\nFROM standard AS dev\n")
    done = call(source, "test-examples", "--share", "archive")
    assert done.code == 1
    assert "Dockerfile:2: build: exit code 1: RUN false" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--share", "sneaker-net"), "unknown way to share 'sneaker-net'"),
        (("--share", "registry"), "--share registry needs --registry REPOSITORY"),
    ],
)
def test_a_way_that_cannot_work_is_refused_before_any_build(call, repository, words, said):
    done = call(repository[0], "test-examples", *words)
    assert done.code != 0
    assert said in done.stderr
    assert done.executions("") == 0
