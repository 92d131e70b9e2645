"""``baselard open``: a report that a call or a CI run left, and a shell in an example of it."""

import contextlib
import io
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from baselard.cli import artifact, call, places, start
from baselard.cli.artifact import ReportFiles
from baselard.engine.errors import UserError
from baselard.engine.host import checkout, git
from baselard.engine.host.git_command import Access
from baselard.engine.run import terminal


def run(place: str, line: Sequence[str], *, example: str = "", commit: str = "") -> int:
    """Print the report's verdicts and the path of its page, which a desktop's browser opens. Raises UserError.

    With ``example`` open a shell in that example as it was at ``commit``, or at the report's own. ``line`` is the
    command line, to become root with.
    """
    if not example and commit:
        raise UserError("--commit says what --shell is about: name the example by --shell")
    if example:
        terminal.require()
        start.require_privilege(line)
    report = artifact.found(Path(place), places.cache_root())
    if example:
        return _shell(report, example, commit)
    page = report.page
    sys.stdout.write(f"{report.summary}{page}\n")
    if sys.stdout.isatty() and (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        import webbrowser  # most are at a terminal alone

        webbrowser.open(page.as_uri())
    return 0


def _shell(report: ReportFiles, example: str, commit: str) -> int:
    """Build the example and open a shell in it, or where its build fails."""
    told, why = report.told(example) if not commit else ("", "")
    commit = commit or told
    _say(f"{example} failed: {why}" if why else "")
    if not commit:
        _say("the report names no commit: the tree is built as it is now")
        return _called(Path.cwd(), example)
    _say(f"{example} is built at {commit}")
    with tempfile.TemporaryDirectory(prefix="baselard-open-") as directory:
        _check_out(commit, Path(directory))
        return _called(Path(directory), example)


def _called(source: Path, example: str) -> int:
    words = ["--interactive", "-m", str(checkout.ROOT), "--source", str(source)]
    with contextlib.redirect_stdout(io.StringIO()):  # a container's identity is nothing to whoever looked into it
        return call.run([*words, "example", "--name", example, "terminal"])


def _check_out(commit: str, into: Path) -> None:
    """The commit of the repository that the working directory is in. Raises UserError where it does not have it."""
    root = next((path for path in (Path.cwd(), *Path.cwd().parents) if (path / ".git").exists()), None)
    if root is None:
        raise UserError("this directory is in no git repository: call it where the report's repository is cloned")
    try:
        git.check_out(Access(str(root)), commit, into=into, depth=1, tags=False)
    except UserError as error:
        raise UserError(f"{root} does not have {commit}: git fetch origin {commit} brings it ({error})") from error


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n" if text else "")
    sys.stderr.flush()
