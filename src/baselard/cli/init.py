"""``baselard init``: what makes a stranger's repository work: baselard.yaml, hadolint's rules, a workflow."""

import re
import sys
from pathlib import Path

from baselard.cli import found, naming
from baselard.cli.found import Found, FoundDockerfile
from baselard.engine.errors import UserError
from pipeline.conventions import CONFIG, EXAMPLES, beside

WORKFLOW = ".github/workflows/baselard.yml"
RULES = ".hadolint.yaml"
_SCHEMA = "https://raw.githubusercontent.com/baselard/baselard/main/pipeline/baselard.schema.json"
_UNPINNED = {
    r"apt-get\b[^\n;&|]*\binstall": "DL3008",
    r"apk\b[^\n;&|]*\badd": "DL3018",
    r"yum\b[^\n;&|]*\binstall": "DL3033",
    r"zypper\b[^\n;&|]*\b(install|in)\b": "DL3037",
    r"(micro)?dnf\b[^\n;&|]*\binstall": "DL3041",
}
"""hadolint warns of packages without a version; distributions keep only the newest, so that a pin breaks builds."""


def run(*, github: bool, yes: bool = False) -> int:
    """Write what is wanted, never over what is there: asked on a terminal, all of it with ``yes``. Raises UserError.

    With ``github`` the workflow alone.
    """
    if github:
        _write(WORKFLOW, workflow())
        return 0
    root = Path.cwd()
    there = found.found(root, naming.own(root))
    if not there.bases:
        raise UserError(f"there is no Dockerfile below {root} that could be a base image; write one, then init again")
    if Path(CONFIG).exists():
        raise UserError(f"{CONFIG} is there already")
    if not yes and not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UserError("init asks on a terminal before it writes; elsewhere say `baselard init --yes`")
    _offer(CONFIG, config(root, there), _summary(there), yes=yes)
    if (rules := hadolint(there)) and not any(Path(name).exists() for name in (RULES, ".hadolint.yml")):
        _offer(RULES, rules, "hadolint's rules, without those that packages of a distribution cannot keep", yes=yes)
    if _is_githubs(root) and not Path(WORKFLOW).exists():
        _offer(WORKFLOW, workflow(), "the workflow of one step", yes=yes)
    sys.stderr.write(
        "baselard: `baselard call examples` shows what this means, `baselard call test-examples` runs it\n"
    )
    return 0


def _summary(there: Found) -> str:
    return f"bases: {_paths(there.bases)}; examples: {_paths(there.examples) or 'none yet'}"


def _paths(some: tuple[FoundDockerfile, ...]) -> str:
    few = [one.path for one in some[:6]]
    return ", ".join([*few, f"and {len(some) - len(few)} more"] if len(some) > len(few) else few)


def _offer(path: str, text: str, about: str, *, yes: bool) -> None:
    if not yes:
        sys.stderr.write(f"{path}: {about}\nWrite it? [Y/n] ")
        sys.stderr.flush()
        if sys.stdin.readline().strip().lower() not in ("", "y", "yes"):
            return
    _write(path, text)


# --- the configuration ------------------------------------------------------------------------------------------------


def config(root: Path, there: Found) -> str:
    """A commented configuration that says what was found below ``root``."""
    names = naming.names(there.bases, there.everything, root)
    fallback = f"ghcr.io/owner/{naming.slug(root.name) or 'base'}"
    return (
        f"# yaml-language-server: $schema={_SCHEMA}\n"
        "# What is commented out holds anyway, or is a start; docs/reference/configuration.md has all keys.\n\n"
        "bases:\n"
        + "".join(_base(base, names[base.path], fallback) for base in there.bases)
        + "\n"
        + _examples(there.examples)
        + "".join(f"# Not used: {one.path}, FROM {', '.join(one.froms)}\n" for one in there.others)
    )


def _base(base: FoundDockerfile, name: str, fallback: str) -> str:
    about = "  # what others write in FROM, and where it is published"
    lines = [f"dockerfile: {base.path}", f"name: {name}{about}" if name else f"# name: {fallback}{about}"]
    if base.tag:
        lines.append(f"tags: [{base.tag}]")
    if base.stages:
        lines.append(f"# targets: [{', '.join(base.stages)}]  # the stages that are published; without it the last one")
    lines.append(f"# goss: {beside(base.path, 'goss')}  # the directory of its gossfiles")
    return "".join(f"  {'-' if number == 0 else ' '} {line}\n" for number, line in enumerate(lines))


def _examples(examples: tuple[FoundDockerfile, ...]) -> str:
    rows = [
        f"#   {one.chosen}, FROM {', '.join(one.froms)}, {'goss' if one.tested else 'basic test'}\n" for one in examples
    ]
    usual = [pattern for pattern in EXAMPLES if any(found.is_usual(one) for one in examples)]
    more = list(dict.fromkeys(one.chosen for one in examples if not found.is_usual(one)))
    mark = "" if more else "# "
    return (
        f"# Examples {'found' if rows else 'are looked for, none is there yet'}:\n{''.join(rows)}"
        f"{mark}examples:\n"
        f"{mark}  paths: [{', '.join([*usual, *more] if more else EXAMPLES)}]\n"
        "#   settings:\n"
        '#     NAME: {wait: 60, quarantine: {reason: WHY, until: "2030-01-31"}}\n'
    )


def hadolint(there: Found) -> str:
    """Rules for what would fail a lint though nobody can mend it; empty when nothing would."""
    text = "\n".join(one.text for one in there.bases + there.examples)
    ignored = [rule for command, rule in _UNPINNED.items() if re.search(rf"\b{command}", text)]
    if not ignored:
        return ""
    return (
        "# Read by hadolint itself, so that an editor and CI agree.\nignored:\n"
        "  # Packages without a version: archives keep only the newest, so that a pin breaks the next build.\n"
    ) + "".join(f"  - {rule}\n" for rule in ignored)


# --- the workflow -----------------------------------------------------------------------------------------------------


def _is_githubs(root: Path) -> bool:
    return (root / ".github").is_dir() or naming.published(naming.remote(root)).startswith("ghcr.io/")


def workflow() -> str:
    """The workflow that makes the one call."""
    return """\
name: images
on:
  push: { branches: [main], tags: ["v*"] }
  pull_request: { types: [opened, synchronize, reopened, closed] }
  schedule: [{ cron: "17 4 * * 1" }]
  workflow_dispatch:
permissions: {}
concurrency:
  group: images-${{ github.ref }}
  cancel-in-progress: ${{ github.event_name == 'pull_request' }}
jobs:
  images:
    runs-on: ubuntu-24.04
    permissions: { contents: read, packages: write, pull-requests: write }
    steps:
      - uses: actions/checkout@08c6903cd8c0fde910a37f88322edcfb5dd907a8 # v5.0.0
        with: { fetch-depth: 0, persist-credentials: false }
      - uses: baselard/baselard@v0 # zizmor: ignore[unpinned-uses] -- follows the major version
        with: { registry-token: "${{ github.token }}" }
"""


def _write(name: str, text: str) -> None:
    path = Path(name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise UserError(f"{error.filename} is there already") from None
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}") from error
    sys.stdout.write(f"{path}\n")
