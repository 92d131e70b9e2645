"""``baselard init``: a first baselard.yaml for a repository, or with ``--github`` the workflow of one step."""

import sys
from pathlib import Path

from engine.cli.options import unknown
from engine.errors import UserError

CONFIG = "baselard.yaml"
WORKFLOW = ".github/workflows/baselard.yml"
_CONVENTIONS = ("image/Dockerfile", "Dockerfile")
_SCHEMA = "https://raw.githubusercontent.com/baselard/baselard/main/baselard.schema.json"


def run(argv: list[str]) -> int:
    """Write what is missing, never over what is there. Raises UserError."""
    if argv and argv[0] in ("-h", "--help"):
        sys.stdout.write("Usage: baselard init [--github]\n")
        return 0
    if others := [word for word in argv if word != "--github"]:
        raise UserError(unknown("option", others[0], ["--github", "--help"]))
    path, text = (WORKFLOW, workflow()) if "--github" in argv else (CONFIG, config(Path.cwd()))
    _write(Path(path), text)
    sys.stdout.write(f"{path}\n")
    return 0


def config(root: Path) -> str:
    """A configuration that says what the conventions found below ``root``. Raises UserError when there is no base."""
    dockerfile = next((name for name in _CONVENTIONS if (root / name).is_file()), None)
    if dockerfile is None:
        raise UserError(f"there is no base image here: none of {', '.join(_CONVENTIONS)} in {root}")
    return (
        f"# yaml-language-server: $schema={_SCHEMA}\n"
        "bases:\n"
        f"  - dockerfile: {dockerfile}\n"
        f"    # name: ghcr.io/OWNER/{root.name.lower()}  # by default what most examples name in FROM\n"
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
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x") as file:
            file.write(text)
    except FileExistsError:
        raise UserError(f"{path} is there already") from None
