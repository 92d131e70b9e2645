"""The same build in two stores, at different times, is the same image.

Judge: the digests of the two images. docker's answer to ADD of a web address is the time in Last-Modified, or 1970
(BuildKit, source/http); it took the hour of the download for the file's.
"""

from __future__ import annotations

import functools
import http.server
import json
import os
import tarfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import anyio
import dagger
import pytest

from tests.conformance.dockerfile import base_image, ours
from tests.conformance.dockerfile.cases import write_files
from tests.conformance.dockerfile.serving import engine_session

pytestmark = pytest.mark.root
CHANGED = 1_600_000_000  # what the web server says, where it does
DOCKERFILE = f"""
FROM {base_image.BASE} AS tools
WORKDIR /made/for/tools
COPY --chown=app:staff tree tree
ADD archive.tar unpacked/
RUN ["/bin/sh", "-c", "test -e tree/sub/deep"]

FROM tools
ADD SITE/dated.txt SITE/bare/undated.txt /web/
ADD --chmod=644 SITE/bare/undated.txt /web/mode.txt
ADD REPO#main /repo/
COPY <<ONE <<TWO /inline/
1
ONE
2
TWO
COPY --from=tools /made/for/tools/tree/*.txt /etc/../etc/new/
COPY --link --parents tree/./sub/de* /parents/
USER app
WORKDIR /home/app/mine
ENV A=1
LABEL b=2
VOLUME /data
HEALTHCHECK CMD true
"""
WRITING = "USER root\nRUN mkdir /ran && date > /dev/null && touch /ran/file /etc/passwd && rm /etc/group\n"


class Server(http.server.SimpleHTTPRequestHandler):
    def send_header(self, keyword: str, value: str) -> None:
        if not (keyword.lower() == "last-modified" and "/bare/" in self.path):
            super().send_header(keyword, value)

    def log_message(self, format: str, *args: object) -> None:
        """Tests' requests are nobody's news."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    root = tmp_path_factory.mktemp("site")
    write_files(root, {"dated.txt": "dated", "bare/undated.txt": "undated"})
    for path in root.rglob("*.txt"):
        os.utime(path, (CHANGED, CHANGED))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Server, directory=str(root))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory, site: str, repositories: str) -> Path:
    root = tmp_path_factory.mktemp("build")
    archive = {"tar": {"im/plied/file": "f", "top": {"link": "im"}}}
    files = {"tree/a.txt": "a", "tree/sub/deep": "d", "archive.tar": archive}
    text = DOCKERFILE.replace("SITE", site).replace("REPO", repositories)
    write_files(root / "context", {**files, "Dockerfile": text, "Writing": text + WRITING})
    return root / "context"


async def _built(context: Path, folder: Path, name: str) -> Path:
    async with dagger.Connection() as client:
        source = client.host().directory(str(context), no_cache=True)
        base = ours.base(client, base_image.BASE, folder).rootfs()
        whole = client.container().with_rootfs(base)
        built = await ours.dockerfile.build(
            source, dockerfile=name, contexts={base_image.BASE: whole}, client=client, on_warning=lambda _: None
        )
        await built.as_tarball().export(str(folder / "image.tar"))
    return folder / "image.tar"


def _image(context: Path, folder: Path, name: str) -> tuple[str, dict[str, float]]:
    """The digest of the image, and the times of modification in its layers."""
    folder.mkdir()
    with pytest.MonkeyPatch.context() as patch, engine_session("baselard", folder) as found:
        for key, value in found.items():
            patch.setenv(key, value)
        archive = anyio.run(_built, context, folder, name)
    times: dict[str, float] = {}
    with tarfile.open(archive) as outer:
        index = json.load(outer.extractfile("index.json"))
        for member in outer.getmembers():
            data = outer.extractfile(member) if member.name.startswith("blobs/") else None
            if data and data.read(2) == b"\x1f\x8b":
                data.seek(0)
                with tarfile.open(fileobj=data) as layer:
                    times.update({entry.name: entry.mtime for entry in layer.getmembers()})
    return str(index["manifests"][0]["digest"]), times


@pytest.mark.parametrize("name", ["Dockerfile", "Writing"])
def test_two_stores_make_one_image(name: str, context: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a RUN writes has its own times, which SOURCE_DATE_EPOCH holds down, as with docker."""
    if name == "Writing":
        monkeypatch.setenv("SOURCE_DATE_EPOCH", str(CHANGED + 10))
    first, times = _image(context, tmp_path / "first", name)
    began = int(time.time())
    second, later = _image(context, tmp_path / "second", name)
    assert int(time.time()) > began
    assert later == times
    assert second == first
    assert (times["web/dated.txt"], times["web/undated.txt"], times["web/mode.txt"]) == (CHANGED, 0, 0)
