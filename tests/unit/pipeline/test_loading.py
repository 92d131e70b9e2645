"""What a fresh interpreter loads with the module. Judge: Python's own `sys.modules`.

An engine starts an interpreter for the registration and for each function, so that everything here is paid each time.
"""

import json
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[3]
# The testers, what is signed and attached, the parser, and what only reports need.
LATE = (
    "pipeline.testers.known",
    "pipeline.proof",
    "pipeline.scan",
    "pipeline.stale",
    "baselard.dockerfile.syntax.text",
    "baselard.dockerfile.apply.apply",
    "xml.etree.ElementTree",
)


def _loaded(statement: str) -> set[str]:
    """The modules of a fresh interpreter after this statement."""
    program = f"import json, sys\n{statement}\nprint(json.dumps(list(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout))


@pytest.fixture(scope="module")
def added() -> set[str]:
    """What the module loads beyond the SDK and its runtime."""
    return _loaded("import pipeline.main") - _loaded("import dagger, dagger.mod")


def test_the_module_itself_is_among_what_is_loaded(added: set[str]) -> None:
    assert {"pipeline.main", "pipeline.checks", "baselard.dockerfile.syntax.errors"} <= added


def test_no_library_is_loaded_that_the_sdk_does_not_load(added: set[str]) -> None:
    installed = packages_distributions()
    libraries = {name.partition(".")[0] for name in added} & set(installed)
    assert {name for name in libraries if "baselard" not in installed[name]} == set()


@pytest.mark.parametrize("name", LATE)
def test_what_registration_does_not_need_is_loaded_late(added: set[str], name: str) -> None:
    assert name not in added


@pytest.mark.parametrize(
    "call",
    [
        "from pipeline.config.config import parse; parse('{}')",
        "from pipeline.goss.files import wrapper; wrapper(['a'])",
        "from baselard import dockerfile; dockerfile.parse('FROM scratch', 'Dockerfile')",
    ],
)
def test_the_same_library_comes_with_the_first_call(call: str) -> None:
    assert _loaded(call) & {"yaml", "e2b_dockerfile_utils"}


def test_a_rehearsed_plan_loads_nothing_more() -> None:
    """Judge: a plan of this very repository, in the process that a fork of the resident engine would be."""
    program = f"""
import sys
from pathlib import Path
from pipeline import here
here.rehearse()
known = set(sys.modules)
here.planned(Path({str(CHECKOUT)!r}))
print(*sorted(set(sys.modules) - known))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
