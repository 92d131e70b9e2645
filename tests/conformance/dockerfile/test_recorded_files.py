"""Every recorded case on an engine, both ways in, compared with docker file by file and config key by key.

All cases are built beside each other, once; each test then looks at one answer. `--live` asks a real docker
again instead of the record.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import anyio
import dagger
import pytest

from tests import alone
from tests.conformance.dockerfile import oracle, ours
from tests.conformance.dockerfile.cases import Case, agent, load_cases, load_expected
from tests.conformance.dockerfile.serving import engine_session, registry_of_bases

pytestmark = pytest.mark.root

OBJECTS, DOCKER_BUILD = "objects", "dockerBuild"
AT_ONCE = 4
PATIENCE = 120
NEEDS_NETWORK = {"add-url"}
# docs/reference/dockerfile.md says why.
UNLIKE = {"xattr-capability", "add-tar-climbs-out"}
CASES = {case.name: case for case in load_cases() if case.name not in NEEDS_NETWORK | UNLIKE}
# Through objects: the API follows a link that docker refuses, and does not tell which directories an archive lists.
UNLIKE_OBJECTS = {"copy-dir-over-symlinked-dir", "add-tar-implicit-directories"}
# Built with a warning: the API has no call for it.
WARNED = {"run-network-none", "run-mount-cache-readonly", "run-mount-ssh-target-and-owner"}
# A Dagger engine takes no user's attributes from the host and writes none into a layer, as `docker push`; and
# its images have no author.
NOT_ON_DAGGER = {name for name in CASES if name.startswith("xattr-")} | {"maintainer"}
# References put together from ARGs cannot be pointed at the test's registry.
UNMOVABLE = {"arg-global-uses-global", "stage-from-arg", "stage-from-arg-given"}
# A Dagger engine's dockerBuild has an init as the first process.
UNLIKE_DOCKER_BUILD = {"run-pid-one"}
WITHOUT_CONTEXTS = [
    name for name, case in CASES.items() if not case.contexts and name not in UNMOVABLE | UNLIKE_DOCKER_BUILD
]

# A plain user's engine refuses what they make.
ALONE = {"run-file-kinds": alone.DEVICES, "owner-number-largest": alone.OWNERS}

Answers = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("suite")


@pytest.fixture(scope="module")
def environment(request: pytest.FixtureRequest, folder: Path) -> Iterator[None]:
    with (
        pytest.MonkeyPatch.context() as patch,
        engine_session(request.config.getoption("--engine"), folder) as found,
    ):
        for key, value in found.items():
            patch.setenv(key, value)
        yield


def _selected(request: pytest.FixtureRequest, test: str) -> list[Case]:
    items = [item for item in request.session.items if getattr(item, "originalname", "") == test]
    return [CASES[item.callspec.params["name"]] for item in items]  # type: ignore[attr-defined]


async def _answers(cases: list[Case], folder: Path, registry: str = "") -> Answers:
    answers: Answers = {}
    limit = anyio.CapacityLimiter(AT_ONCE)

    async def one(client: dagger.Client, case: Case, place: Path) -> None:
        async with limit:
            place.mkdir(parents=True)
            answers[case.name] = await _answer(client, case, place, registry)

    async with dagger.Connection() as client, anyio.create_task_group() as group:
        for number, case in enumerate(cases):  # names would be too long for the path of a socket
            group.start_soon(one, client, case, folder / str(number))
    return answers


async def _answer(client: dagger.Client, case: Case, folder: Path, registry: str) -> dict[str, Any]:
    try:
        with agent(folder / "agent"), anyio.fail_after(PATIENCE):
            if registry:
                built = ours.through_docker_build(client, case, folder, registry)
            else:
                built = await ours.through_objects(client, case, folder)
            return await ours.answer(built, folder)
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}


@pytest.fixture(scope="module")
def object_answers(request: pytest.FixtureRequest, folder: Path, environment: None) -> Answers:
    cases = _selected(request, test_through_objects.__name__)
    return anyio.run(_answers, cases, folder / OBJECTS)


@pytest.fixture(scope="module")
def docker_build_answers(request: pytest.FixtureRequest, folder: Path, environment: None) -> Answers:
    if request.config.getoption("--engine") == "dagger":  # 0.21.8 dies of a bind mount with `rw`, for all its clients
        pytest.skip("dockerBuild is Dagger's own there, and one of the cases ends its engine")
    cases = _selected(request, test_through_docker_build.__name__)
    with registry_of_bases(folder) as registry:
        return anyio.run(_answers, cases, folder / DOCKER_BUILD, registry)


def _expected(case: Case, request: pytest.FixtureRequest) -> dict[str, Any]:
    if request.config.getoption("--live") and case.oracle:
        return oracle.live_answer(case.name)
    return {"error": "by the documentation"} if case.fails else load_expected(case.group)[case.name]


def compare(
    case: Case, found: dict[str, Any], expected: dict[str, Any], unlike: str = "", *, history: bool = False
) -> None:
    """Fail with every difference; `unlike` names a file that cannot be the same."""
    if case.fails:
        assert "error" in expected, "docker accepts it after all"
        assert "error" in found, "docker refuses it"
        assert "not served" not in found["error"]
        return
    assert "error" not in found, found["error"]
    files = {name: row for name, row in found["files"].items() if name.rpartition("/")[2] != unlike}
    wanted = {name: row for name, row in expected["files"].items() if name.rpartition("/")[2] != unlike}
    assert files == wanted
    assert found["config"] == expected["config"]
    if history and case.oracle:
        assert found["history"] == expected["history"]


def _named(names: Iterable[str]) -> list[Any]:
    return [pytest.param(name, marks=ALONE.get(name, ())) for name in names]


@pytest.mark.parametrize("name", _named(name for name in CASES if name not in WARNED | UNLIKE_OBJECTS))
def test_through_objects(name: str, object_answers: Answers, request: pytest.FixtureRequest) -> None:
    case = CASES[name]
    if name in NOT_ON_DAGGER and request.config.getoption("--engine") == "dagger":
        pytest.skip("a Dagger engine's images hold no user's attributes and no author")
    compare(case, object_answers[name], _expected(case, request))


@pytest.mark.usefixtures("environment")
def test_directories_that_an_archive_may_not_list_are_warned_of(folder: Path) -> None:
    warned: list[str] = []

    async def build() -> None:
        (place := folder / "warned/case").mkdir(parents=True)
        async with dagger.Connection() as client:
            case = CASES["add-tar-implicit-directories"]
            await ours.through_objects(client, case, place, lambda warning: warned.append(str(warning)))

    anyio.run(build)
    said = "becomes 0755 here, even if the archive has no entry for it"
    assert warned == [f"Dockerfile:2: {path} {said}" for path in ("/tmp", "/home/app")]


@pytest.mark.parametrize("name", _named(WITHOUT_CONTEXTS))
def test_through_docker_build(name: str, docker_build_answers: Answers, request: pytest.FixtureRequest) -> None:
    case = CASES[name]
    compare(case, docker_build_answers[name], _expected(case, request), unlike=Path(case.path).name, history=True)
