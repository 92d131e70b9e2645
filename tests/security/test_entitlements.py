"""A stranger's Dockerfile is not given this machine's network, nor all capabilities, unless somebody said so."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.engine.conftest import Client
from tests.security.conftest import BUSYBOX

pytestmark = pytest.mark.root
FLAGS = {"--network=host": "network.host", "--security=insecure": "security.insecure"}
CAPABILITIES = 'file(path: "/seen") { contents }'


@pytest.mark.parametrize("flag", FLAGS)
def test_a_command_that_asks_for_more_is_refused(build: Callable[..., Any], flag: str) -> None:
    (error,) = build(f"FROM busybox\nRUN {flag} true")["errors"]
    assert f"Dockerfile:5: {FLAGS[flag]} is not allowed" in error["message"]


@pytest.mark.parametrize("flag", FLAGS)
def test_a_base_cannot_ask_for_it_either(build: Callable[..., Any], flag: str) -> None:
    (error,) = build(f"FROM busybox AS base\nONBUILD RUN {flag} true\nFROM base\nRUN true")["errors"]
    assert f"Dockerfile:6: {FLAGS[flag]} is not allowed" in error["message"]


@pytest.fixture(params=["security.insecure", "network.host,security.insecure", "security"])
def allowing(request: pytest.FixtureRequest, _own_mounts: None, tmp_path: Path) -> Iterator[tuple[str, Client]]:
    """An engine that is told to allow something."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BASELARD_ALLOW", request.param)
        (tmp_path / "engine").mkdir()
        client = Client(tmp_path / "engine")
    yield request.param, client
    client.close()


def test_what_is_allowed_is_given_and_no_more(allowing: tuple[str, Client], tree: Path) -> None:
    """proc(5): the bounding set is all that this process has, and no filter is on."""
    said, client = allowing
    for flag, name in FLAGS.items():
        line = f"RUN {flag} grep -e ^CapBnd: -e ^Seccomp: /proc/self/status >/seen"
        (tree / "Dockerfile").write_text(f"{BUSYBOX}FROM busybox\n{line}\n")
        query = f'{{host{{directory(path:"{tree}",noCache:true){{dockerBuild{{{CAPABILITIES}}}}}}}}}'
        answer = client.ask(query)
        if said == "security":
            assert "BASELARD_ALLOW: there is no entitlement security" in answer["errors"][0]["message"]
        elif name in said.split(","):
            seen = answer["data"]["host"]["directory"]["dockerBuild"]["file"]["contents"]
            assert ("Seccomp:\t0" in seen) == (flag == "--security=insecure")
        else:
            assert f"{name} is not allowed" in answer["errors"][0]["message"]
