"""Images for a platform that is emulated: tested, published as one index, read by skopeo and umoci."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import alone

pytestmark = [
    pytest.mark.root,
    pytest.mark.network,
    pytest.mark.skipif(not shutil.which("docker-registry"), reason="needs Debian's docker-registry"),
]

ROOT = Path(__file__).resolve().parents[3]
BINFMT = Path("/proc/sys/fs/binfmt_misc")
SHA = "0123456789abcdef0123456789abcdef01234567"
BOTH = "linux/amd64,linux/arm64"
PUBLISH = ("publish", "--ref", "refs/heads/main", "--sha", SHA)

# A shell of the target's own platform, which is unpacked on the build platform and then runs there.
DOCKERFILE = """\
FROM --platform=$BUILDPLATFORM debian:trixie-slim AS fetch
ARG TARGETARCH
WORKDIR /tmp
RUN dpkg --add-architecture $TARGETARCH && apt-get update && apt-get download busybox-static:$TARGETARCH \
    && dpkg -x busybox-static_*.deb /out
FROM scratch AS standard
COPY --from=fetch /out/usr/bin/busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]
RUN uname -m >/machine && mkdir -p /etc && echo agent:x:1000:1000::/:/bin/sh >/etc/passwd
USER 1000
CMD ["sh"]
FROM standard AS dev
ENV DEV=1
"""


@pytest.fixture(scope="module")
def emulator() -> Iterator[None]:
    """An arm64 emulator that the kernel knows; registered here, and taken back, where the machine has not done so."""
    described = Path("/usr/lib/binfmt.d/qemu-aarch64.conf")
    if (BINFMT / "qemu-aarch64").exists():
        yield
        return
    if not described.exists():
        pytest.skip("needs Debian's qemu-user-static")
    if os.geteuid():
        pytest.skip(f"for root alone: {alone.EMULATOR.args[0]}")
    mounted = not (BINFMT / "register").exists()
    if mounted:
        subprocess.run(["mount", "-t", "binfmt_misc", "binfmt_misc", BINFMT], check=True)
    (BINFMT / "register").write_text(described.read_text())
    try:
        yield
    finally:
        (BINFMT / "qemu-aarch64").write_text("-1")
        if mounted:
            subprocess.run(["umount", BINFMT], check=True)


@pytest.fixture
def tiny(registry, write):
    name = f"{registry}/acme/tiny"
    return name, write(
        {
            "Dockerfile": DOCKERFILE,
            "baselard.yaml": f"bases: [{{name: '{name}', targets: [standard, dev]}}]\n",
            "goss/common.yaml": "command: {id -un: {exit-status: 0, stdout: [agent]}}\n",
            "examples/a/Dockerfile": f"FROM {name}\nENV A=1\n",
            "examples/a/goss.yaml": "command: {echo $A: {exit-status: 0, stdout: ['1']}}\n",
        }
    )


def images(done):
    assert done.code == 0, done.stderr[-3000:]
    return json.loads(done.stdout)["images"]


def machine(reference, architecture, scratch):
    """What `uname -m` said when the image was built; umoci unpacks what skopeo pulled."""
    layout = scratch / f"layout-{architecture}"
    copy = ["skopeo", "--override-arch", architecture, "copy", "-q", "--src-tls-verify=false"]
    subprocess.run([*copy, f"docker://{reference}", f"oci:{layout}:x"], check=True)
    rootless = ["--rootless"] if os.geteuid() else []
    subprocess.run(["umoci", "unpack", *rootless, "--image", f"{layout}:x", scratch / architecture], check=True)
    return (scratch / architecture / "rootfs/machine").read_text().strip()


def test_two_platforms_are_tested_and_published_as_one_index(call, tiny, emulator, tmp_path):
    name, source = tiny
    done = call(source, *PUBLISH, "--platforms", BOTH)
    published = images(done)
    assert {suite["name"] for suite in json.loads(done.stdout)["suites"]} >= {"a (linux/amd64)", "a (linux/arm64)"}
    assert set(published["standard"]["platforms"]) == {"linux/amd64", "linux/arm64"}
    assert machine(f"{name}:main", "arm64", tmp_path) == "aarch64"
    assert machine(f"{name}:main", "amd64", tmp_path) == "x86_64"
    assert call(source, "verify", "--references", f"{name}:main", "--platform", "linux/arm64").code == 0

    alone = call(source, "test-examples", "--platform", "linux/arm64")
    assert (alone.code, "all 2 passed" in alone.stdout) == (0, True), alone.stdout + alone.stderr[-3000:]

    # The same platforms one by one, as two machines would do it, lead to the same index.
    parts = []
    for platform in BOTH.split(","):
        pushed = images(call(source, *PUBLISH, "--platforms", platform, "--by-digest"))
        parts += [f"{target}={one['reference']}" for target, one in pushed.items()]
    merged = images(call(source, "merge", "--ref", "refs/heads/next", "--parts", ",".join(parts)))
    assert {target: one["digest"] for target, one in merged.items()} == {
        target: one["digest"] for target, one in published.items()
    }


@pytest.mark.full
def test_the_base_image_itself_is_tested_and_pushed_for_an_emulated_platform(call, registry, emulator, tmp_path):
    """Both targets whole, and one example on them: what a machine of the other platform would do natively."""
    for name in ("image", "examples/shell-tool"):
        shutil.copytree(ROOT / name, tmp_path / "repository" / name)
    shutil.copy(ROOT / ".hadolint.yaml", tmp_path / "repository")
    name = f"{registry}/acme/base"
    (tmp_path / "repository/baselard.yaml").write_text(
        f"bases: [{{name: '{name}', targets: [standard, dev]}}]\ntest: {{timeout: 10800}}\n"
    )
    recipe = tmp_path / "repository/examples/shell-tool/Dockerfile"
    recipe.write_text(recipe.read_text().replace("ghcr.io/baselard/base", name))
    done = call(tmp_path / "repository", *PUBLISH, "--platforms", "linux/arm64", "--by-digest", timeout=3 * 3600)
    pushed = images(done)
    assert set(pushed) == {"standard", "dev"}
    argv = ["skopeo", "inspect", "--tls-verify=false", f"docker://{pushed['dev']['reference']}"]
    assert json.loads(subprocess.check_output(argv))["Architecture"] == "arm64"
