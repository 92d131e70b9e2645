"""Failed tests are told with the line of the gossfile that they stand in."""

import pytest

from pipeline.goss.files import GossFiles
from pipeline.goss.places import line_of, located
from pipeline.goss.results import Outcome
from pipeline.model import Case, Location, Verdict
from tests.unit.pipeline.conftest import FakeDirectory

GOSSFILE = """\
# port: of the service
file:
  /etc/passwd:
    exists: true
  "/etc/a b":
    exists: true
port: # what listens
  tcp:3000:
    listening: true
command:
  echo port:
    exit-status: 0
  'python --version':
    exit-status: 0
http: {"http://localhost:3000/health": {status: 200}}
kernel-param:
  kernel.ostype: {value: Linux}
{{ range .Vars.users }}
user:
  {{ . }}: {exists: true}
{{ end }}
"""


@pytest.mark.parametrize(
    ("kind", "name", "line"),
    [
        ("file", "/etc/passwd", 3),
        ("file", "/etc/a b", 5),
        ("port", "tcp:3000", 8),
        ("command", "echo port", 11),
        ("command", "python --version", 13),
        ("http", "http://localhost:3000/health", 15),
        ("kernel-param", "kernel.ostype", 17),
        ("user", "alice", 0),
        ("file", "tcp:3000", 0),
        ("port", "/etc/passwd", 0),
    ],
)
def test_a_resource_is_found_in_its_section(kind, name, line):
    assert line_of(GOSSFILE, kind, name) == line


def failed(name: str, code: str) -> Case:
    return Case(name, Verdict.FAILED, code=code)


@pytest.mark.anyio
async def test_failures_get_places_in_the_file_that_has_them():
    directory = FakeDirectory({"goss/goss.yaml": "file:\n  /a: {exists: true}\n", "goss/dev.yaml": GOSSFILE})
    cases = (
        failed("Port tcp:3000 listening", "goss/port"),
        failed("File /a exists", "goss/file"),
        failed("User alice exists", "goss/user"),
        Case("Port tcp:3000 listening", Verdict.PASSED, code="goss/port"),
        Case("process", Verdict.FAILED),
    )
    names = ("goss/goss.yaml", "goss/dev.yaml")
    found = await located(Outcome(cases), GossFiles(directory, names, path="image/"))  # type: ignore[arg-type]
    places = [case.place for case in found.cases]
    assert places == [Location("image/goss/dev.yaml", 8), Location("image/goss/goss.yaml", 2), None, None, None]
    alone = await located(Outcome(cases[2:3]), GossFiles(directory, names[1:], path=""))  # type: ignore[arg-type]
    assert alone.cases[0].place == Location("goss/dev.yaml")


@pytest.mark.anyio
async def test_nothing_is_read_where_nothing_failed_or_the_file_was_made_here():
    passed, bad = (Case("File /a exists", verdict, code="goss/file") for verdict in (Verdict.PASSED, Verdict.FAILED))
    for case, path in ((passed, ""), (bad, None)):
        outcome = Outcome((case,))
        assert await located(outcome, GossFiles(None, ("not-there",), path=path)) == outcome
