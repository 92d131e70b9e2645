"""osv-scanner in a tool container: its image, the database that it asks, and one list of packages looked up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import dagger
from dagger import dag

from pipeline import spans
from pipeline.config.config import ScanSettings
from pipeline.conventions import IMAGE_CONTEXT
from pipeline.errors import BaselardError, UsageError
from pipeline.lock import locked
from pipeline.project import Project
from pipeline.scan import answers, packages
from pipeline.scan.answers import Findings
from pipeline.scan.packages import ListedPackage

PUBLIC = "api.osv.dev"
_PROGRAM = "osv-scanner"
_LIST = "/baselard/list.cdx.json"
_ANSWER = "/baselard/answer.json"
_DATABASE = "/database"
# The scanner looks for its database in a directory of one of these names, the older versions in the first.
_NAMED = ("osv-scanner", "osv-scalibr")
_FILE = "all.zip"
_NO_PACKAGES = 128  # https://google.github.io/osv-scanner/output/#return-codes


class NotRunError(BaselardError):
    """Nothing was looked up; the message says why."""

    __module__ = "builtins"


@dataclass(frozen=True)
class Scanner:
    """The scanner's container, the words that start it, and what its database is called."""

    container: dagger.Container
    words: tuple[str, ...]
    database: str


async def scanner(project: Project, settings: ScanSettings, database: dagger.Directory | None, nonce: str) -> Scanner:
    """The scanner of these settings, with a database of the call's own if there is one.

    UsageError for a database that is none, NotRunError where the scanner's image cannot be had.
    """
    held, name = await _database(project, settings, database)
    image = dag.container().from_(locked(project.lock, settings.image))
    try:
        program = () if await image.entrypoint() else (_PROGRAM,)
    except dagger.QueryError as error:
        raise NotRunError(f"the scanner's image {settings.image} cannot be had: {_line(str(error))}") from error
    words = (*program, "scan", "source", "--format=json", "--verbosity=error", "--all-packages", "--all-vulns")
    if held is None:  # what the public one knows changes from hour to hour
        return Scanner(image.with_env_variable("ASKED", nonce), words, name)
    for directory in _NAMED:
        image = image.with_mounted_directory(f"{_DATABASE}/{directory}", held)
    return Scanner(image, (*words, "--offline", f"--local-db-path={_DATABASE}"), name)


async def _database(
    project: Project, settings: ScanSettings, own: dagger.Directory | None
) -> tuple[dagger.Directory | None, str]:
    """The directory that has a file for each ecosystem, None for the public database; and its name for reports."""
    if own is not None:
        return await _files(own, "", "--database"), "--database"
    written = settings.database
    if not written:
        return None, PUBLIC
    place = f"{project.config.place(('scan', 'database'))}: {written}"
    if not written.startswith(IMAGE_CONTEXT):
        return await _files(project.source, written.rstrip("/"), place), written
    reference = locked(project.lock, written.removeprefix(IMAGE_CONTEXT))
    try:
        return await _files(dag.container().from_(reference).rootfs(), "", place), reference
    except dagger.QueryError as error:
        raise NotRunError(f"the database {reference} cannot be had: {_line(str(error))}") from error


async def _files(tree: dagger.Directory, path: str, place: str) -> dagger.Directory:
    """The directory at a path, or one in it, that holds ECOSYSTEM/all.zip; UsageError where there is none."""
    for name in ("", *_NAMED):
        directory = "/".join(filter(None, (path, name)))
        if await tree.glob(f"{directory}/*/{_FILE}".lstrip("/")):
            return tree.directory(directory) if directory else tree
    raise UsageError(f"{place} holds no database: osv.dev's is ECOSYSTEM/{_FILE}, such as Debian/{_FILE}")


async def look_up(scanner: Scanner, listed: Sequence[ListedPackage]) -> Findings:
    """The vulnerabilities that are known of these packages. NotRunError where the scanner or its database fails."""
    held = scanner.container.with_new_file(_LIST, packages.as_cyclonedx(listed))
    words = [*scanner.words, f"--lockfile={_LIST}"]
    ran = held.with_exec(
        words, use_entrypoint=scanner.words[0] != _PROGRAM, redirect_stdout=_ANSWER, expect=dagger.ReturnType.ANY
    )
    try:
        with spans.task("look up vulnerabilities", folded=True):
            code, printed = await ran.exit_code(), await ran.stderr()
        if code == _NO_PACKAGES:
            return Findings(0, frozenset((package.name, package.version) for package in listed), ())
        if code not in (0, 1) or printed.strip():
            raise NotRunError(f"{scanner.database}: {_PROGRAM}: {_line(printed) or f'exit code {code}'}")
        return answers.read(await ran.file(_ANSWER).contents())
    except dagger.QueryError as error:
        raise NotRunError(f"{_PROGRAM} cannot be run: {_line(str(error))}") from error
    except ValueError as error:
        raise NotRunError(f"the answer of {_PROGRAM} cannot be read: {error}") from error


def _line(printed: str) -> str:
    """The last line of a program's words, which has the reason."""
    return (printed.strip().splitlines() or [""])[-1]
