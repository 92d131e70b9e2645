"""``baselard update``: pins that are behind, moved: shown as a diff, written when asked, or proposed on GitHub."""

import os
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from baselard.cli import naming, outdated
from baselard.engine.errors import EngineError, UserError
from pipeline import errors, here


def run(*, yes: bool, github: bool, lock: bool) -> int:
    """Show what would change, and write it: asked on a terminal, without a question with ``yes``.

    With ``github`` it becomes a pull request, and no file here changes. 1 when something could not be asked about or
    moved. Raises UserError, and EngineError when GitHub refuses.
    """
    root, who = Path.cwd(), outdated.asked()
    repository = _repository(root, who.github_token) if github else ""
    try:
        standings, update = here.updated(root, who, locking=lock)
        unknown = [f"{one.pin.name}: {one.newest.problem}" for one in standings if one.state == "unknown"]
        problems = list(dict.fromkeys([*unknown, *update.problems]))
        sys.stdout.write(update.diff() or "nothing to update\n")
        sys.stdout.flush()
        _say(problems)
        if update.after and github:
            sys.stdout.write(f"{here.proposed(update, who, repository, _body(problems))}\n")
    except errors.UsageError as error:
        raise UserError(str(error)) from error
    except errors.BaselardError as error:
        raise EngineError(str(error)) from error
    if update.after and not github and (yes or _wanted()):
        write(root, update.after)
    return 1 if problems else 0


def _say(lines: list[str]) -> None:
    for line in lines:
        sys.stderr.write(f"baselard: {line}\n")


def _body(problems: list[str]) -> str:
    """The pull request's text; what is not known is said there as well, as the diff does not tell."""
    about = "Written by `baselard update --github`: what the tags and the newest versions are now.\n"
    return about + "".join(f"\n- {line}" for line in problems)


def _repository(root: Path, token: str) -> str:
    """Owner and name on GitHub. Raises UserError."""
    if not token:
        raise UserError(
            "--github proposes as somebody: set GITHUB_TOKEN to a token that may push and open pull requests"
        )
    if given := os.environ.get("GITHUB_REPOSITORY"):
        return given
    host, path = naming.place(naming.remote(root))
    if path.count("/") != 1:
        raise UserError(
            f"the git remote of {root} names no repository of GitHub ({host or 'there is none'}); "
            "set GITHUB_REPOSITORY=OWNER/NAME"
        )
    return path


def _wanted() -> bool:
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UserError("update asks on a terminal before it writes; elsewhere say `baselard update --yes`")
    sys.stderr.write("Write it? [Y/n] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("", "y", "yes")


def write(root: Path, texts: Mapping[str, str]) -> None:
    """Write files that are there, all or none as far as the disk allows. Raises UserError."""
    path = root
    try:
        with ExitStack() as stack:
            files = []
            for name in texts:
                path = root / name
                files.append(stack.enter_context(path.open("r+b" if path.exists() else "x+b")))
            for file, text in zip(files, texts.values(), strict=True):
                file.write(text.encode())
                file.truncate()
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}") from error
    for name in texts:
        sys.stderr.write(f"baselard: wrote {name}\n")
