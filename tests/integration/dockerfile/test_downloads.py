"""ADD of web addresses and repositories, from a web server of this test's own."""

from __future__ import annotations

import functools
import hashlib
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import anyio
import dagger
import pytest

from baselard import dockerfile
from tests.conformance.dockerfile import base_image, ours
from tests.conformance.dockerfile.cases import write_files
from tests.conformance.dockerfile.serving import engine_session

pytestmark = pytest.mark.root
TEXT = "from the web\n"
DIGEST = "sha256:" + hashlib.sha256(TEXT.encode()).hexdigest()


@pytest.fixture(scope="module")
def session(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    name = request.config.getoption("--engine", "baselard")
    with (
        pytest.MonkeyPatch.context() as patch,
        engine_session(name, tmp_path_factory.mktemp("engine")) as found,
    ):
        for key, value in found.items():
            patch.setenv(key, value)
        yield


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Tests' requests are nobody's news."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    root = tmp_path_factory.mktemp("site")
    write_files(root, {"file.txt": TEXT, "pack.tar": {"tar": {"inside.txt": "1"}}})
    handler = functools.partial(Quiet, directory=str(root))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


async def _listed(folder: Path, instruction: str) -> list[str]:
    """The paths that one ADD made below /x, with their modes."""
    write_files(folder / "context", {"Dockerfile": f"FROM {base_image.BASE}\n{instruction}\n"})
    async with dagger.Connection() as client:
        built = await dockerfile.build(
            client.host().directory(str(folder / "context"), no_cache=True),
            contexts={base_image.BASE: ours.base(client, base_image.BASE, folder)},
            client=client,
        )
        listing = await built.with_exec(
            ["find", "/x", "-type", "f", "-exec", "stat", "-c", "%n %a", "{}", "+"]
        ).stdout()
    return sorted(listing.split("\n")[:-1])


def listed(folder: Path, instruction: str) -> list[str]:
    return anyio.run(_listed, folder, instruction)


@pytest.mark.parametrize(
    ("instruction", "files"),
    [
        ("ADD SITE/file.txt /x/", ["/x/file.txt 600"]),
        ("ADD SITE/file.txt?version=2 /x/", ["/x/file.txt 600"]),
        ("ADD SITE/file.txt /x/renamed", ["/x/renamed 600"]),
        ("ADD --chmod=755 SITE/file.txt /x/", ["/x/file.txt 755"]),
        (f"ADD --checksum={DIGEST} SITE/file.txt /x/", ["/x/file.txt 600"]),
        ("ADD SITE/pack.tar /x/", ["/x/pack.tar 600"]),
        ("ADD --unpack=true SITE/pack.tar /x/", ["/x/inside.txt 644"]),
    ],
)
def test_web_addresses(instruction: str, files: list[str], session: None, site: str, tmp_path: Path) -> None:
    assert listed(tmp_path, instruction.replace("SITE", site)) == files


@pytest.mark.parametrize(
    "instruction", [f"ADD --checksum=sha256:{'0' * 64} SITE/file.txt /x/", "ADD SITE/missing.txt /x/"]
)
def test_what_is_not_what_was_asked_for(instruction: str, session: None, site: str, tmp_path: Path) -> None:
    with pytest.raises(dagger.QueryError):
        listed(tmp_path, instruction.replace("SITE", site))


@pytest.mark.parametrize(
    ("instruction", "files"),
    [
        ("ADD REPO#main /x/", ["/x/README 644", "/x/sub/deep.txt 644"]),
        ("ADD REPO#side:sub /x/", ["/x/deep.txt 644"]),
        ("ADD --chmod=600 REPO#side /x/", ["/x/README 600", "/x/side.txt 600", "/x/sub/deep.txt 600"]),
    ],
)
def test_repositories(instruction: str, files: list[str], session: None, repositories: str, tmp_path: Path) -> None:
    assert listed(tmp_path, instruction.replace("REPO", repositories)) == files


def test_a_repository_keeps_its_git_folder_on_request(session: None, repositories: str, tmp_path: Path) -> None:
    assert "/x/.git/HEAD 644" in listed(tmp_path, f"ADD --keep-git-dir=true {repositories}#main /x/")


def test_a_branch_that_is_not_there(session: None, repositories: str, tmp_path: Path) -> None:
    with pytest.raises(dagger.QueryError):
        listed(tmp_path, f"ADD {repositories}#nothing /x/")
