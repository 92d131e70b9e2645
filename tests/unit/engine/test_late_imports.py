"""What takes long to import is not imported before it is used."""

import subprocess
import sys

SLOW = {"httpx", "tenacity", "rich"}
SEEN = f"import sys, baselard.cli.session, baselard.engine.api.served; print(*({SLOW} & set(sys.modules)))"


def test_a_session_starts_and_answers_without_the_libraries_for_registries() -> None:
    assert subprocess.run([sys.executable, "-c", SEEN], check=True, capture_output=True, text=True).stdout.strip() == ""
