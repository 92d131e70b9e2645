"""The first call on a machine that has nothing but python3: set-up, engine, base, one example, in a tree of its own."""

import pytest

from tests import alone

pytestmark = [alone.MACHINES, pytest.mark.network, pytest.mark.full]


@pytest.fixture(scope="module", params=["bookworm", "trixie", "noble"])
def machine(request, bootstrapped):
    return bootstrapped(request.param, "python3")


def test_the_first_call_sets_up_and_tests_an_example(machine, run):
    first = run(machine, "./baselard", "call", "test-examples", "--only", "shell-tool")
    assert first.returncode == 0, first.stderr[-5000:]
    assert "shell-tool" in first.stdout
    assert "installing" in first.stderr
    again = run(machine, "./baselard", "call", "examples")
    assert again.returncode == 0, again.stderr[-5000:]
    assert "installing" not in again.stderr


def test_no_python_module_of_the_host_is_needed(machine, run):
    listed = run(machine, "./.venv/bin/python", "-c", "import baselard, sys; print(sys.prefix, baselard.__file__)")
    assert listed.stdout.split() == ["/checkout/.venv", "/checkout/src/baselard/__init__.py"], listed.stderr
