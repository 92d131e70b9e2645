"""A build takes the digest that baselard.lock has for a tag. Judge: skopeo, which moves the tag and tells digests."""

import json
import shutil
import subprocess

import pytest

from pipeline import lock

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(not shutil.which("docker-registry"), reason="needs Debian's docker-registry"),
]


def run(*argv):
    return subprocess.run([str(word) for word in argv], check=True, capture_output=True, text=True).stdout


def put(registry, place, text):
    """Move the tag v1 to an image that holds this text; its digest."""
    layout = f"{place / text}:it"
    (place / "text").write_text(text)
    run("umoci", "init", "--layout", place / text)
    run("umoci", "new", "--image", layout)
    # umoci's own of one file ends too early
    run("tar", "--owner=0", "--group=0", "-C", place, "-cf", place / "layer.tar", "text")
    run("umoci", "raw", "add-layer", "--image", layout, place / "layer.tar")
    target = f"docker://{registry}/acme/under:v1"
    run("skopeo", "copy", "-q", "--dest-tls-verify=false", f"oci:{layout}", target)
    return json.loads(run("skopeo", "inspect", "--tls-verify=false", "--no-tags", target))["Digest"]


def test_a_locked_tag_is_built_on_as_it_was_and_without_the_lock_as_it_is(call, registry, write, tmp_path):
    name = f"{registry}/acme/under:v1"
    old = put(registry, tmp_path, "old")
    new = put(registry, tmp_path, "new")
    files = {"Dockerfile": f"FROM {name} AS first\nFROM first\nCOPY --from={name} /text /copied\n"}
    source = write({**files, lock.FILE: lock.render({name: old})})
    done = call(source, "base", "file", "--path", "/copied", "contents")
    assert (done.stdout, done.code) == ("old", 0), done.stderr[-2000:]
    patch = call(source, "update", "as-patch", "contents").stdout
    assert f'-    "{name}": "{old}"' in patch and f'+    "{name}": "{new}"' in patch
    (source / lock.FILE).unlink()
    assert call(source, "base", "file", "--path", "/text", "contents").stdout == "new"
