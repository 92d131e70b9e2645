"""``baselard init``: a first baselard.yaml for a repository, or with ``--github`` the workflow of one step."""

import sys
from pathlib import Path

from baselard.cli import found
from baselard.cli.found import FoundDockerfile
from baselard.engine.errors import UserError
from pipeline.conventions import BASE_DOCKERFILES, CONFIG, EXAMPLES, beside

WORKFLOW = ".github/workflows/baselard.yml"
_SCHEMA = "https://raw.githubusercontent.com/baselard/baselard/main/pipeline/baselard.schema.json"


def run(*, github: bool) -> int:
    """Write the configuration, or with ``github`` the workflow, never over what is there. Raises UserError."""
    path, text = (WORKFLOW, workflow()) if github else (CONFIG, config(Path.cwd()))
    _write(Path(path), text)
    sys.stdout.write(f"{path}\n")
    return 0


def config(root: Path) -> str:
    """A commented configuration that says what was found below ``root``. Raises UserError when there is no base."""
    bases, examples = found.bases(root), found.examples(root)
    if not bases:
        raise UserError(
            f"there is no base image here: neither {' nor '.join(BASE_DOCKERFILES)} nor a Dockerfile below {root}"
        )
    named = zip(bases, found.names(bases, [*bases, *examples]), strict=True)
    return (
        f"# yaml-language-server: $schema={_SCHEMA}\n"
        "# What is commented out holds anyway, or is a start; docs/reference/configuration.md has all keys.\n\n"
        "bases:\n" + "".join(_base(base, root, name) for base, name in named) + "\n" + _examples(examples)
    )


def _base(base: FoundDockerfile, root: Path, name: str) -> str:
    usual = f"ghcr.io/OWNER/{(Path(base.folder).name or root.name).lower()}"
    named = [f"name: {name}  # what others write in FROM, and where it is published"] if name else []
    lines = [f"dockerfile: {base.path}", *named]
    lines += [] if name else [f"# name: {usual}  # what examples write in FROM, and where it is published"]
    if base.stages:
        lines.append(f"# targets: [{', '.join(base.stages)}]  # the stages that are published; without it the last one")
    lines.append(f"# goss: {beside(base.path, 'goss')}  # the directory of its gossfiles")
    return "".join(f"  {'-' if number == 0 else ' '} {line}\n" for number, line in enumerate(lines))


def _examples(examples: list[FoundDockerfile]) -> str:
    rows = [
        f"#   {one.folder}, FROM {', '.join(one.froms)}, {'goss' if one.tested else 'basic test'}\n" for one in examples
    ]
    return (
        f"# Examples {'found' if rows else 'are looked for, none is there yet'}:\n{''.join(rows)}"
        "# examples:\n"
        f"#   paths: [{', '.join(EXAMPLES)}]\n"
        "#   settings:\n"
        '#     NAME: {wait: 60, quarantine: {reason: WHY, until: "2030-01-31"}}\n'
    )


def workflow() -> str:
    """The workflow that makes the one call."""
    return """\
name: images
on:
  push: { branches: [main], tags: ["v*"] }
  pull_request:
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
      - uses: actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683 # v4.2.2
        with: { fetch-depth: 0, persist-credentials: false }
      - uses: baselard/baselard@v1 # zizmor: ignore[unpinned-uses] -- follows the major version
        with: { registry-token: "${{ github.token }}" }
"""


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise UserError(f"{error.filename} is there already") from None
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}") from error
