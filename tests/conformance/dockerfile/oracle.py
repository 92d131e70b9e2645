"""Start, ask and stop a real Docker on a machine that has none: the judge of the differential suite.

    python -m tests.conformance.dockerfile.oracle start     # about a minute the first time, 2 s later
    python -m tests.conformance.dockerfile.oracle record [--only NAME]
    python -m tests.conformance.dockerfile.oracle stop

How Docker gets here and runs is told in bench/dockerd.py. The small test base needs a statically linked busybox.
"""

from __future__ import annotations

import argparse
import functools
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench.dockerd import DEFAULT_ROOT, SUITE, docker, launch, make_tree, running, stop
from tests.conformance.dockerfile import base_image
from tests.conformance.dockerfile.answers import compact
from tests.conformance.dockerfile.cases import Case, agent, load_cases, load_expected, save_expected, write_files
from tests.conformance.dockerfile.image_reader import add_attributes, read_archive

# What differs between two runs of the same build.
RANDOM = re.compile(
    r"[0-9a-f-]{36}::[a-z0-9]{25}|[a-z0-9]{25}::[a-z0-9]{25}|\b[a-z0-9]{25}\b"
    r"|/var/lib/docker/(?:\S+?/(?:merged|diff)|tmp/buildkit-mount\d+)"
)


def import_bases(root: Path) -> None:
    """The suite's own tiny images and, for builds of real ones, `debian:trixie-slim`."""
    for archive in base_image.images().values():
        docker(root, "load", stdin=archive)
    if docker(root, "image", "inspect", "debian:trixie-slim", check=False).returncode:
        tar = subprocess.run(["mmdebstrap", "--variant=minbase", SUITE, "-"], check=True, capture_output=True).stdout
        docker(root, "import", "--change", 'CMD ["bash"]', "-", "debian:trixie-slim", stdin=tar)


@functools.cache
def live_answer(name: str) -> dict[str, Any]:
    """What docker makes of the case of this name now; asked once, since both ways in compare with it."""
    return answer(DEFAULT_ROOT, next(case for case in load_cases() if case.name == name))


def answer(root: Path, case: Case) -> dict[str, Any]:
    """What docker makes of a case: its difference from the base, or `{"error": …}`."""
    tag = f"baselard-test/case:{os.getpid()}"
    work = Path(tempfile.mkdtemp(prefix="case-", dir=root / "tree/tmp"))
    try:
        case.write(work / "context")
        options = [*_options(case, work, root), "-t", tag, _inside(work / "context", root)]
        with agent(work / "agent"):
            built = docker(root, "buildx", "build", *options, check=False)
        if b"Cannot connect to the Docker daemon" in built.stderr:
            raise RuntimeError(f"{case.name}: docker is gone")
        if built.returncode:
            return {"error": _reason(built.stderr.decode(errors="replace"))}
        docker(root, "save", "-o", _inside(work / "image.tar", root), tag)
        read = read_archive(work / "image.tar")
        if case.name.startswith("xattr-"):
            docker(root, "buildx", "build", *options, "-o", f"type=tar,dest={_inside(work / 'files.tar', root)}")
            add_attributes(read["files"], work / "files.tar")
        return compact(read)
    finally:
        docker(root, "image", "rm", "-f", tag, check=False)
        shutil.rmtree(work)


def _inside(path: Path, root: Path) -> str:
    return "/" + str(path.relative_to(root / "tree"))


def _options(case: Case, work: Path, root: Path) -> list[str]:
    options = ["--network", "host", "--provenance=false", "-f", _inside(work / "context" / case.path, root)]
    options += ["--target", case.target] if case.target else []
    options += ["--ssh", f"default={_inside(work / 'agent', root)}"] if case.ssh else []
    for key, value in case.args.items():
        options += ["--build-arg", f"{key}={value}"]
    for number, (name, files) in enumerate(case.contexts.items()):
        where = f"docker-image://{files}"
        if isinstance(files, dict):
            write_files(work / f"named{number}", files)
            where = _inside(work / f"named{number}", root)
        options += ["--build-context", f"{name}={where}"]
    for name, text in case.secrets.items():
        (work / name).write_text(text)
        options += ["--secret", f"id={name},src={_inside(work / name, root)}"]
    return options


def _reason(output: str) -> str:
    """The last line that says what went wrong, without what changes from run to run."""
    lines = [line for line in output.splitlines() if line.startswith("ERROR: ")]
    reason = (lines or output.splitlines() or [""])[-1].removeprefix("ERROR: ")
    return RANDOM.sub("…", reason)


def record(root: Path, only: str) -> None:
    """Ask docker about every case whose name contains `only`, and write the answers down."""
    groups: dict[str, list[Case]] = {}
    for case in load_cases():
        groups.setdefault(case.group, []).append(case)
    for group, cases in groups.items():
        asked = {case.name for case in cases if case.oracle}
        answers = {name: found for name, found in load_expected(group).items() if name in asked}
        for case in cases:
            if case.oracle and only in case.name:
                answers[case.name] = answer(root, case)
                if ("error" in answers[case.name]) != case.fails:
                    print(f"{group}/{case.name}: {answers[case.name]}", file=sys.stderr)
        save_expected(group, answers)


def start(root: Path) -> None:
    if not running(root):
        make_tree(root)
        launch(root)
    import_bases(root)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["start", "record", "stop"])
    parser.add_argument("--root", type=Path, default=DEFAULT_ROOT)
    parser.add_argument("--only", default="", help="record only cases whose name contains this")
    args = parser.parse_args()
    if args.command == "stop":
        stop(args.root)
        return 0
    start(args.root)
    if args.command == "record":
        record(args.root, args.only)
    return 0


if __name__ == "__main__":
    sys.exit(main())
