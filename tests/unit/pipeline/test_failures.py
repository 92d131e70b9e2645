"""What went wrong while an image was made: told with the line of the RUN, in the words of the Dockerfile.

Judges: Dockerfiles whose lines are counted by hand, and containers that fail as an engine's do.
"""

from dataclasses import dataclass
from typing import Any, cast

import dagger
import pytest

from baselard.dockerfile.plan.steps import RunStep
from baselard.dockerfile.syntax.errors import DockerfileError, Place
from pipeline.failures import Runs, case_of, told_in_repository
from pipeline.model import Location, Verdict

pytestmark = pytest.mark.anyio
TEST = ("/bin/sh", "-c", "make   test")


class Failed(dagger.ExecError):
    """As dagger-io raises it, without the query that it came from."""

    def __new__(cls, *_arguments):
        return Exception.__new__(cls)

    def __init__(self, command, stdout="", stderr="", exit_code=7):
        self.command, self.stdout, self.stderr, self.exit_code = list(command), stdout, stderr, exit_code


@dataclass
class Container:
    """The container after a command; `error` is why there is none."""

    error: Exception | None = None

    async def sync(self):
        if self.error:
            raise self.error
        return self


def runs(*lines, subject="x", directory="examples/x"):
    noted = Runs()
    for line, command, error in lines:
        step = RunStep(Place("Dockerfile", line), command, {}, {}, (), "default", "sandbox")
        noted.note(subject, directory, step, cast(Any, Container(error)))
    return noted


async def test_the_line_is_that_of_the_command_that_failed():
    noted = runs((2, ("/bin/sh", "-c", "true"), None), (5, TEST, Failed(TEST)))
    assert await noted.failed("x", Failed(TEST)) == Location("examples/x/Dockerfile", 5)
    assert await noted.failed("x", Failed(("goss",))) is None


async def test_of_equal_commands_it_is_the_one_that_fails_again():
    noted = runs((2, TEST, None), (5, TEST, Failed(TEST)), (9, TEST, Failed(TEST)))
    assert (await noted.failed("x", Failed(TEST))).line == 5
    below = runs((2, TEST, Failed(("other",))), (5, TEST, Failed(TEST)))
    assert (await below.failed("x", Failed(TEST))).line == 5


async def test_an_images_own_lines_come_first_then_those_of_what_it_is_built_on():
    noted = runs((2, TEST, Failed(TEST)))
    noted.noted.extend(runs((7, TEST, None), subject="base", directory=".").noted)
    assert (await noted.failed("base", Failed(TEST))) == Location("Dockerfile", 7)
    assert (await noted.failed("y", Failed(TEST))).line == 2


async def test_a_failed_run_is_a_case_with_place_command_and_last_output():
    async def locate(_error):
        return Location("examples/x/Dockerfile", 5)

    output = "".join(f"line {number}\n" for number in range(100))
    case = await case_of("build", Failed(TEST, output, "the reason"), locate)
    assert (case.verdict, str(case.place)) == (Verdict.ERROR, "examples/x/Dockerfile:5")
    assert case.message == "exit code 7: RUN make test"
    assert case.detail.splitlines()[-2:] == ["line 99", "the reason"] and len(case.detail.splitlines()) == 30


async def test_a_line_without_end_is_told_by_its_end():
    case = await case_of("build", Failed(TEST, "x" * 200_000_000 + "the end"))
    assert len(case.detail) == 2000 and case.detail.endswith("the end")


async def test_a_command_of_no_dockerfile_is_told_as_it_is_and_a_long_one_cut():
    case = await case_of("tests", Failed(("pip", "check", "--of", "x" * 500)))
    assert case.place is None and len(case.message) < 200
    assert case.message.startswith("exit code 7: pip check --of xxx") and case.message.endswith("…")


@pytest.mark.parametrize("shell", [("/bin/bash", "-o", "pipefail", "-ec"), ("/bin/sh", "-c")])
async def test_the_shell_is_not_told(shell):
    assert (await case_of("build", Failed((*shell, "make")))).message == "exit code 7: make"


async def test_a_line_that_cannot_be_built_is_told_by_its_place_in_the_repository():
    error = told_in_repository(DockerfileError("unknown flag: x", Place("Dockerfile", 3, "RUN --x")), "examples/x")
    case = await case_of("build", error)
    assert (str(case.place), case.message, case.detail) == ("examples/x/Dockerfile:3", "unknown flag: x", "RUN --x")
    assert told_in_repository(error, ".").file == "examples/x/Dockerfile"
