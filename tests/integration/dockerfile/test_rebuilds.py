"""What a change reruns, counted by what each RUN wrote: a new random number is a new execution."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import anyio
import dagger
import pytest

from baselard import dockerfile
from tests.conformance.dockerfile import base_image, ours
from tests.conformance.dockerfile.serving import engine_session

pytestmark = pytest.mark.root
STAMP = "cat /proc/sys/kernel/random/uuid >"
DOCKERFILE = f"""
FROM {base_image.BASE} AS build
RUN {STAMP} /before
COPY src /src
RUN {STAMP} /after
ARG MODE=one
RUN {STAMP} /moded
RUN mkdir /out && echo always the same > /out/result
FROM {base_image.BASE}
COPY --from=build /out /out
RUN {STAMP} /last
COPY --from=build /before /after /moded /
"""
NAMES = ("before", "after", "moded", "last")

Change = Callable[[Path], dict[str, str]]


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


async def _stamps(client: dagger.Client, folder: Path, args: dict[str, str]) -> dict[str, str]:
    built = await dockerfile.build(
        client.host().directory(str(folder / "context"), no_cache=True),
        contexts={base_image.BASE: ours.base(client, base_image.BASE, folder)},
        build_args=args,
        client=client,
    )
    return {name: await built.file(f"/{name}").contents() for name in NAMES}


async def _rerun(folder: Path, change: Change) -> set[str]:
    """The commands that ran again after the change."""
    async with dagger.Connection() as client:
        first = await _stamps(client, folder, {})
        second = await _stamps(client, folder, change(folder / "context"))
    return {name for name in NAMES if first[name] != second[name]}


def _edit(context: Path) -> dict[str, str]:
    (context / "src/a.txt").write_text("changed")
    return {}


def _touch(context: Path) -> dict[str, str]:
    for path in (context / "src/a.txt", context / "src", context / "Dockerfile"):
        os.utime(path, (1, 1))
    return {}


def _unrelated(context: Path) -> dict[str, str]:
    (context / "notes.md").write_text("not copied")
    return {}


def _comment(context: Path) -> dict[str, str]:
    (context / "Dockerfile").write_text("# a comment\n" + DOCKERFILE)
    return {}


@pytest.mark.parametrize(
    ("change", "reruns"),
    [
        (_edit, {"after", "moded"}),
        (_touch, set()),
        (_unrelated, set()),
        (_comment, set()),
        (lambda _: {"MODE": "two"}, {"moded"}),
        (lambda _: {"HTTP_PROXY": "http://127.0.0.1:9"}, set()),
    ],
    ids=["edited-file", "new-mtimes", "file-not-copied", "comment", "build-arg", "proxy"],
)
def test_only_what_a_change_concerns_runs_again(
    change: Change, reruns: set[str], session: None, tmp_path: Path
) -> None:
    (tmp_path / "context/src").mkdir(parents=True)
    (tmp_path / "context/Dockerfile").write_text(DOCKERFILE)
    (tmp_path / "context/src/a.txt").write_text("a")
    assert anyio.run(partial(_rerun, tmp_path, change)) == reruns
