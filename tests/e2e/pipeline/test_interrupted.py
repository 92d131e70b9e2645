"""Publishing that is cut off, and two at once: nothing is lost, and no tag leads to half an image."""

import json
import os
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.registry_servers import running_proxy, running_registry

ROOT = Path(__file__).resolve().parents[3]
pytestmark = [
    pytest.mark.root,
    pytest.mark.network,
    pytest.mark.skipif(not shutil.which("docker-registry"), reason="needs Debian's docker-registry"),
]


@pytest.fixture(scope="module")
def proxy(tmp_path_factory):
    with running_registry(tmp_path_factory.mktemp("registry") / "it") as server, running_proxy(server) as running:
        yield running


@pytest.fixture
def publish(proxy, write, kept_store, request):
    """Start publishing a version of an image for a ref; the process."""
    name = f"{proxy.host}/acme/{request.node.name.partition('[')[0].replace('_', '-')}"
    files = {
        "baselard.yaml": f"bases: [{{name: '{name}', targets: [standard, dev]}}]\n"
        "publish: {tags: ['type=ref,event=branch', 'type=semver,pattern={{version}}']}\n",
        "goss/common.yaml": "file: {/version: {exists: true}}\n",
        "examples/a/Dockerfile": f"FROM {name}\n",
        "examples/a/goss.yaml": "file: {/version: {exists: true}}\n",
    }

    def start(version, ref="refs/heads/main"):
        text = f"FROM debian:trixie-slim AS standard\nCOPY version /\nFROM standard AS dev\nENV V={version}\n"
        source = write({**files, "Dockerfile": text, "version": version, "README.md": ""})
        copy = source.with_name(f"copy-{version}")
        shutil.copytree(source, copy, dirs_exist_ok=True)
        environment = {**os.environ, "BASELARD_STORE": str(kept_store), "PYTHONPATH": str(ROOT)}
        argv = [sys.executable, "-m", "baselard.cli", "call", "--progress", "plain", "--source", str(copy), "publish"]
        argv += ["--ref", ref, "--platforms", "linux/amd64"]
        pipe = subprocess.PIPE
        return subprocess.Popen(argv, cwd=ROOT, env=environment, stdout=pipe, stderr=pipe, start_new_session=True)

    start.name = name  # type: ignore[attr-defined]
    return start


def ended(child):
    out, err = child.communicate(timeout=900)
    assert child.returncode == 0, err.decode()[-3000:]
    return json.loads(out)["images"]


def whole(name, scratch):
    """The digest behind each tag; skopeo fetches all that each of them leads to."""
    argv = ["skopeo", "list-tags", "--tls-verify=false", f"docker://{name}"]
    listed = subprocess.run(argv, check=False, capture_output=True, text=True)
    every = json.loads(listed.stdout)["Tags"] or [] if listed.returncode == 0 else []
    tags = [tag for tag in every if not tag.startswith("sha256-")]  # lists of what refers to an image
    found = {}
    for tag in tags:
        copy = ["skopeo", "copy", "-q", "--all", "--src-tls-verify=false", f"docker://{name}:{tag}"]
        subprocess.run([*copy, f"dir:{scratch / tag}"], check=True)
        inspect = ["skopeo", "inspect", "--tls-verify=false", f"docker://{name}:{tag}"]
        found[tag] = json.loads(subprocess.check_output(inspect))["Digest"]
    return found


def test_killed_at_any_step_it_leaves_whole_images_and_the_next_call_ends_the_work(publish, proxy, tmp_path):
    before = {target: one["digest"] for target, one in ended(publish("1")).items()}

    steps = ("/blobs/uploads/", "/manifests/test-", "/manifests/sha256:", "/manifests/sha256-")
    for at in (*steps, "/manifests/main", "/manifests/main-dev"):
        child = publish("2")

        def kill(handler, _body, at=at, child=child):
            if handler.command not in ("PUT", "PATCH", "POST") or not handler.path.partition("?")[0].startswith(
                f"/v2/{publish.name.partition('/')[2]}{at}"
            ):
                return False
            if at == "/manifests/main" and not handler.path.endswith("/main"):
                return False
            os.killpg(child.pid, signal.SIGKILL)
            handler.close_connection = True
            return True

        proxy.faults.append(kill)
        child.communicate(timeout=900)
        assert child.returncode == -signal.SIGKILL, f"nobody asked for {at}"
        proxy.faults.clear()
        now = {tag: digest for tag, digest in whole(publish.name, tmp_path).items() if not tag.startswith("test-")}
        if at != "/manifests/main-dev":
            assert now == {"main": before["standard"], "main-dev": before["dev"]}

    assert now["main"] != before["standard"]
    assert now["main-dev"] == before["dev"]
    after = {target: one["digest"] for target, one in ended(publish("2")).items()}
    kept = {tag: digest for tag, digest in whole(publish.name, tmp_path).items() if not tag.startswith("test-")}
    assert kept == {"main": after["standard"], "main-dev": after["dev"]}
    assert [len(attached(publish.name, digest)) for digest in after.values()] == [2, 2]


def attached(name, digest):
    """The kinds of what refers to an image; this registry keeps the list under a tag."""
    listed = f"docker://{name}:{digest.replace(':', '-')}"
    raw = subprocess.check_output(["skopeo", "inspect", "--raw", "--tls-verify=false", listed])
    return {one["annotations"]["in-toto.io/predicate-type"] for one in json.loads(raw)["manifests"]}


def test_two_at_once_leave_both_releases_whole_and_latest_at_the_higher(publish, tmp_path):
    with ThreadPoolExecutor() as pool:
        children = [publish(version, f"refs/tags/v{version}") for version in ("1.3.0", "1.2.0")]
        higher, lower = pool.map(ended, children)
    assert whole(publish.name, tmp_path) == {
        "1.2.0": lower["standard"]["digest"],
        "1.2.0-dev": lower["dev"]["digest"],
        "1.3.0": higher["standard"]["digest"],
        "1.3.0-dev": higher["dev"]["digest"],
        "latest": higher["standard"]["digest"],
        "latest-dev": higher["dev"]["digest"],
    }


def test_the_same_twice_at_once_is_published_once(publish, tmp_path):
    with ThreadPoolExecutor() as pool:
        one, other = pool.map(ended, [publish("7"), publish("7")])
    assert {target: found["digest"] for target, found in one.items()} == {
        target: found["digest"] for target, found in other.items()
    }
    assert set(whole(publish.name, tmp_path)) == {"main", "main-dev"}
