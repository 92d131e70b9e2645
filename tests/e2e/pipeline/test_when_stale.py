"""`ci --when-stale` on a real publish. Judge: skopeo, which tells what the tags lead to before and after."""

import json
import shutil
import subprocess

import pytest

pytestmark = [
    pytest.mark.root,
    pytest.mark.network,
    pytest.mark.full,
    pytest.mark.skipif(not shutil.which("docker-registry"), reason="needs Debian's docker-registry"),
]
PUSH = ("--ref", "refs/heads/main", "--platforms", "linux/amd64", "--username", "x", "--password", "cmd://echo x")


def digest(name):
    argv = ["skopeo", "inspect", "--tls-verify=false", "--no-tags", "--format", "{{.Digest}}", f"docker://{name}:main"]
    return subprocess.check_output(argv, text=True).strip()


def test_only_a_base_that_moved_has_an_image_published_anew(call, registry, tmp_path):
    under, name = f"{registry}/acme/under", f"{registry}/acme/on-it"

    def write(place, base, text):
        (tmp_path / place / "examples/a").mkdir(parents=True, exist_ok=True)
        (tmp_path / place / "examples/a/Dockerfile").write_text(f"FROM {base}\nENV A=1\n")
        (tmp_path / place / "Dockerfile").write_text(text)
        (tmp_path / place / "baselard.yaml").write_text(json.dumps({"bases": [{"name": base}]}))
        return tmp_path / place

    def ci(source, *more):
        done = call(source, "ci", *PUSH, *more)
        assert done.code == 0, (done.stdout + done.stderr)[-3000:]
        return done.stdout

    ci(write("under", under, "FROM debian:trixie-slim\n"))
    source = write("on-it", name, f"FROM {under}:main\nENV ON=it\n")
    assert "is not published" in ci(source, "--when-stale")
    first = digest(name)
    assert "nothing was built" in ci(source, "--when-stale")
    assert digest(name) == first
    ci(write("under", under, "FROM debian:trixie-slim\nENV NEW=1\n"))
    assert "has moved since" in ci(source, "--when-stale")
    assert digest(name) != first
