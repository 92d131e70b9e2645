"""A release on Debian's docker-registry, from the command line; skopeo reads the results."""

import json
import shutil
import socket
import subprocess
import time
import zlib

import httpx
import pytest

pytestmark = [
    pytest.mark.root,
    pytest.mark.network,
    pytest.mark.skipif(not shutil.which("docker-registry"), reason="needs Debian's docker-registry"),
]

SHA = "0123456789abcdef0123456789abcdef01234567"
PUSH = ("--ref", "refs/heads/main", "--sha", SHA, "--platforms", "linux/amd64")


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    """A registry that may delete; its address."""
    place, port = tmp_path_factory.mktemp("registry"), free_port()
    (place / "config.yml").write_text(
        f"version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: {place / 'data'}\n  delete:\n    enabled: true\n"
        f"http:\n  addr: 127.0.0.1:{port}\n"
    )
    with (place / "log").open("wb") as log:
        server = subprocess.Popen(["docker-registry", "serve", str(place / "config.yml")], stdout=log, stderr=log)
    with server:
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield f"localhost:{port}"
        server.terminate()


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
    argv = ["skopeo", "list-tags", "--tls-verify=false", f"docker://{name}"]
    return set(json.loads(subprocess.check_output(argv))["Tags"])


def inspect(reference):
    argv = ["skopeo", "inspect", "--tls-verify=false", f"docker://{reference}"]
    return json.loads(subprocess.check_output(argv))


def raw(reference, repository=""):
    where = f"{repository}@{reference}" if repository else reference
    return json.loads(
        subprocess.check_output(["skopeo", "inspect", "--raw", "--tls-verify=false", f"docker://{where}"])
    )


def outputs(done):
    assert done.code == 0, done.stderr[-3000:]
    return json.loads(done.stdout)["images"]


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


@pytest.mark.parametrize("way", ["registry", "archive", "rebuild"])
def test_each_way_of_sharing_gives_the_same_verdict(call, repository, way):
    source, name = repository
    more = ("--registry", name) if way == "registry" else ()
    done = call(source, "test-examples", "--share", way, *more)
    assert done.code == 0, done.stderr[-3000:]
    assert f"by {way}" in done.stdout
    if way == "registry":
        assert httpx.get(f"http://{name.replace('/', '/v2/', 1)}/tags/list").json()["tags"] is None
