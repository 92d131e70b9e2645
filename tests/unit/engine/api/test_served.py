"""What is imported of the API, and when. Judge: the interpreter's own table of modules."""

import subprocess
import sys

import pytest

_LOADED = """
import sys
from baselard.engine.api import served
fields = served.core().fields
{then}
print(*(name for name in sys.modules if name.startswith("baselard.engine.api.more")))
"""


def _imported(then: str) -> set[str]:
    argv = [sys.executable, "-c", _LOADED.format(then=then)]
    return set(subprocess.run(argv, capture_output=True, text=True, check=True).stdout.split())


@pytest.mark.parametrize("name", ["withExec", "withNewFile", "stdout", "id", "from"])
def test_what_the_pipeline_asks_for_imports_nothing_that_it_does_not(name: str) -> None:
    assert _imported(f'assert fields.get(served.core().schema.type_map["Container"], "{name}").served') == set()


def test_what_it_never_asks_for_is_imported_when_somebody_does() -> None:
    asked = _imported('assert fields.get(fields.root, "changeset").served')
    assert "baselard.engine.api.more.objects.changeset" in asked
