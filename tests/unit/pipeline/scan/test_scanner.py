"""osv-scanner's ends, and where its database is.

Judge: exit codes, words and JSON as osv-scanner 2.6.0 gave them without a network, without a database, with a part of
one, and about an empty list. What it prints when it fails looks like a scan that found nothing.
"""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import dagger
import gql
import pytest
from dagger._exceptions import QueryErrorValue

from pipeline.config.config import parse
from pipeline.discovery import discover
from pipeline.errors import ConfigError, UsageError
from pipeline.project import Project
from pipeline.scan import scanner
from pipeline.scan.packages import ListedPackage
from pipeline.scan.scanner import NotRunError, Scanner

pytestmark = pytest.mark.anyio
ANSWER = Path(__file__).with_name("answer.json").read_text()
UNJUDGED = '{"results": [{"packages": [{"package": {"name": "made-up", "version": "1.0", "ecosystem": "PyPI"}}]}]}'
OFFLINE = (
    "Error during extraction: (extracting as vulnmatch/osvlocal) unable to fetch OSV database: "
    "no offline version of the OSV database is available\n"
)
AWAY = (
    "Error during extraction: (extracting as vulnmatch/osvdev) max retries exceeded: attempt 4: request failed: "
    'Post "https://api.osv.dev/v1/querybatch": dial tcp: lookup api.osv.dev on 10.0.0.1:53: no such host\n'
)
BASH = ListedPackage("bash", "5.2", "pkg:deb/debian/bash@5.2?distro=debian-13")


class Container:
    """Ends with a code, words and an answer, whatever is run in it."""

    def __init__(self, code: int, printed: str, answer: str) -> None:
        self.ended, self.printed, self.answer = code, printed, answer

    def with_new_file(self, *_: Any) -> "Container":
        return self

    def with_exec(self, *_: Any, **__: Any) -> "Container":
        return self

    async def exit_code(self) -> int:
        return self.ended

    async def stderr(self) -> str:
        return self.printed

    def file(self, _: str) -> "Container":
        return self

    async def contents(self) -> str:
        return self.answer


async def looked_up(code, printed, answer):
    return await scanner.look_up(Scanner(cast(Any, Container(code, printed, answer)), ("scan",), "osv"), [BASH])


async def test_an_answer_is_read():
    assert (await looked_up(1, "", ANSWER)).looked_up == 3
    assert (await looked_up(0, "", UNJUDGED)).looked_up == 1


@pytest.mark.parametrize(
    ("code", "printed", "answer", "said"),
    [
        (127, OFFLINE, UNJUDGED, "osv: osv-scanner: .*no offline version of the OSV database"),
        (127, AWAY, UNJUDGED, "osv: osv-scanner: .*api.osv.dev"),
        (1, OFFLINE, ANSWER, "no offline version"),
        (0, OFFLINE, UNJUDGED, "no offline version"),
        (129, "", UNJUDGED, "exit code 129"),
        (137, "", "", "exit code 137"),
        (0, "", "no JSON", "cannot be read"),
    ],
)
async def test_what_did_not_end_well_is_no_answer(code, printed, answer, said):
    with pytest.raises(NotRunError, match=said):
        await looked_up(code, printed, answer)


async def test_a_list_of_which_nothing_is_known_looks_nothing_up():
    assert (await looked_up(128, "No package sources found, --help for usage information.\n", "")).looked_up == 0


class Image:
    """An image with these files, or one that cannot be pulled."""

    def __init__(self, files: Any = None, entrypoint: tuple[str, ...] = ()) -> None:
        self.files, self.started = files, entrypoint
        self.mounted: dict[str, Any] = {}
        self.variables: dict[str, str] = {}

    async def entrypoint(self) -> tuple[str, ...]:
        if self.files is None:
            raise dagger.QueryError([QueryErrorValue("resolve x: \nnot found")], gql.GraphQLRequest("{a}"))
        return self.started

    def rootfs(self) -> Any:
        async def glob(_: str) -> list[str]:
            await self.entrypoint()
            return []

        return self.files or SimpleNamespace(glob=glob)

    def with_mounted_directory(self, path: str, directory: Any) -> "Image":
        self.mounted[path] = directory
        return self

    def with_env_variable(self, name: str, value: str) -> "Image":
        self.variables[name] = value
        return self


@pytest.fixture
def ready(repository, monkeypatch):
    """A scanner of these settings, where these are the images that can be had, and these the repository's files."""

    async def made(written, images, files=(), own=None):
        config = parse(written)
        project = Project(cast(Any, repository(dict.fromkeys(files, ""))), config, (), ())
        empty = SimpleNamespace(from_=lambda reference: images.get(reference, Image()))
        monkeypatch.setattr(scanner, "dag", SimpleNamespace(container=lambda: empty))
        return await scanner.scanner(project, config.scan, own, "nonce")

    return made


OSV = {"osv:1": Image({}, ("/osv-scanner",))}


async def test_the_public_database_is_asked_anew_by_each_call(ready):
    made = await ready("scan: {image: 'osv:1'}", OSV)
    assert (made.database, made.words[0]) == ("api.osv.dev", "scan")
    assert cast(Any, made.container).variables == {"ASKED": "nonce"}
    assert not [word for word in made.words if "offline" in word]


async def test_an_image_without_an_entrypoint_has_the_program_in_its_path(ready):
    assert (await ready("scan: {image: 'osv:1'}", {"osv:1": Image({})})).words[0] == "osv-scanner"


@pytest.mark.parametrize("at", ["osv", "osv/osv-scanner", "osv/osv-scalibr"])
async def test_a_directory_is_asked_offline_under_both_names_that_versions_look_for(ready, at):
    made = await ready("scan: {image: 'osv:1', database: osv/}", OSV, [f"{at}/Debian/all.zip"])
    assert made.words[-2:] == ("--offline", "--local-db-path=/database")
    mounted = cast(Any, made.container).mounted
    assert {path: list(held.files) for path, held in mounted.items()} == {
        "/database/osv-scanner": ["Debian/all.zip"],
        "/database/osv-scalibr": ["Debian/all.zip"],
    }


async def test_a_call_s_own_directory_and_an_image_are_databases_too(ready, repository):
    own = repository({"PyPI/all.zip": ""})
    assert (await ready("scan: {image: 'osv:1', database: gone}", OSV, own=own)).database == "--database"
    images = {**OSV, "reg.io/db:1": Image(own)}
    assert (
        await ready("scan: {image: 'osv:1', database: 'docker-image://reg.io/db:1'}", images)
    ).database == "reg.io/db:1"


async def test_what_holds_no_database_is_told_with_its_line(ready, repository):
    with pytest.raises(UsageError, match=r"baselard\.yaml:2: osv holds no database"):
        await ready("scan:\n  database: osv\n", OSV, ["osv/all.zip"])
    with pytest.raises(UsageError, match="--database holds no database"):
        await ready("scan: {}", OSV, own=repository({}))


async def test_images_that_cannot_be_had_are_told(ready):
    with pytest.raises(
        NotRunError, match=r"the scanner's image ghcr\.io/google/osv-scanner:v.* cannot be had: not found"
    ):
        await ready("scan: {}", {})
    with pytest.raises(NotRunError, match="the database x:1 cannot be had: not found"):
        await ready("scan: {image: 'osv:1', database: 'docker-image://x:1'}", OSV)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("scan:\n  severity: bad", "baselard.yaml:2: scan.severity: must be low or medium or high or critical"),
        ("scan:\n  unknown: maybe", "baselard.yaml:2: scan.unknown: must be fail or note"),
        ("scan:\n  fixed-only: maybe", "baselard.yaml:2: scan.fixed-only: must be boolean"),
        ("scan:\n  fixed_only: true", "baselard.yaml:2: scan: unknown key 'fixed_only'; did you mean 'fixed-only'?"),
        ("scan:\n  ignore:\n  - {id: CVE-1}", "baselard.yaml:3: scan.ignore.0: lacks"),
        ("scan:\n  ignore:\n  - {id: CVE-1, until: 2026-01-01, reason: ''}", "baselard.yaml:3: scan.ignore.0.reason: "),
        ("scan:\n  ignore:\n  - {id: CVE-1, until: soon, reason: x}", "baselard.yaml:3: scan.ignore.0.until: "),
        ("scan:\n  ignore:\n  - {id: CVE-1, until: 2026-02-30, reason: x}", "baselard.yaml:3: scan.ignore.0.until: "),
        ("scan:\n  ignore: CVE-1", "baselard.yaml:2: scan.ignore: must be array"),
        ("scan:\n  database: ../osv", "baselard.yaml:2: scan.database: "),
        ("scan:\n  database: https://osv.dev/db", "baselard.yaml:2: scan.database: "),
        ("scan:\n  image: 'A B'", "baselard.yaml:2: scan.image: "),
        ("scan:\n  required: 'no'", "baselard.yaml:2: scan.required: must be boolean"),
        ("scan: high", "baselard.yaml:1: scan: must be object"),
    ],
)
async def test_what_is_written_wrongly_is_told_with_its_line(repository, written, said):
    with pytest.raises(ConfigError) as error:
        await discover.project(repository({"Dockerfile": "FROM scratch\n", "baselard.yaml": f"{written}\n"}))
    assert str(error.value).startswith(said)
