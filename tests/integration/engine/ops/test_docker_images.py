"""Images into Docker and out of it again, by the API: a program that plays Docker, and Docker itself."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench import dockerd

pytestmark = pytest.mark.root
PLAYED = """#!/bin/sh
case "$1" in
load) cat >"$0.tar" ;;
image) cksum "$0.tar" ;;
save) cat "$0.tar" ;;
esac
"""
IN_ITS_TREE = '#!/bin/sh\nexec chroot {tree} docker "$@"\n'


@pytest.fixture
def real() -> Iterator[str]:
    """Debian's docker, which sees no file of this machine."""
    with dockerd.borrowed(dockerd.DEFAULT_ROOT) as tree:
        yield IN_ITS_TREE.format(tree=tree)


@pytest.fixture(params=["played", pytest.param("real", marks=[pytest.mark.full, pytest.mark.network])])
def docker(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "bin" / "docker"
    program.parent.mkdir()
    program.write_text(PLAYED if request.param == "played" else request.getfixturevalue("real"))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")


@pytest.mark.usefixtures("docker")
def test_an_image_goes_into_docker_and_comes_back(open_client: Any, tree: Path) -> None:
    client = open_client()
    labelled = (*client.container(tree), 'withLabel(name: "made", value: "here")')
    client.value(*labelled, 'exportImage(name: "baselard/there:1")')
    client.close()
    fresh = open_client()
    back = ("host", 'containerImage(name: "baselard/there:1")')
    assert fresh.value(*back, 'label(name: "made")') == "here"
    assert fresh.value(*back, 'withExec(args: ["sh", "-c", "echo ran"])', "stdout") == "ran\n"
    fresh.close()


def test_a_machine_without_docker_says_what_else_there_is(
    open_client: Any, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/usr/sbin:/sbin")
    client = open_client()
    with pytest.raises(AssertionError, match="use export or publish"):
        client.value(*client.container(tree), 'exportImage(name: "baselard/there:1")')
    client.close()
