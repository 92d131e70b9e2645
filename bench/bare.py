"""The limits: what the same thing takes with nothing around it."""

import json
import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Sequence
from pathlib import Path

from baselard.engine.run.containers import runtime, runtime_spec
from baselard.engine.run.containers.runtime_spec import Spec
from baselard.engine.store import snapshots


def run(lower: Path, args: Sequence[str], scratch: Path) -> None:
    """Mount an overlay on ``lower``, run a program on it with bare runc, and unmount; raises CalledProcessError.

    The bundle is the engine's own, but for the network: a new namespace with nothing in it.
    """
    work = Path(tempfile.mkdtemp(dir=scratch))
    merged = mount(lower, work)
    try:
        spec = Spec(merged, tuple(args), {}, network="", init=runtime.init_program())
        name = f"bench-{uuid.uuid4().hex[:8]}"
        (work / "config.json").write_text(json.dumps(runtime_spec.config(spec, f"/{name}")))
        argv = ["runc", "--root", str(scratch / "runc"), "run", "--bundle", str(work), name]
        subprocess.run(argv, check=True, stdin=subprocess.DEVNULL, capture_output=True)
    finally:
        snapshots.unmount(merged)
        shutil.rmtree(work)


def mount(lower: Path, work: Path) -> Path:
    """An overlay on ``lower`` at ``work/m``."""
    for name in ("m", "u", "w"):
        (work / name).mkdir()
    options = f"lowerdir={lower},upperdir={work}/u,workdir={work}/w,volatile"
    snapshots.mount("overlay", work / "m", "overlay", 0, options)
    return work / "m"


def hardlinked(source: Path, target: Path) -> None:
    """Copy a tree by hard links."""
    for directory, folders, files in os.walk(source):
        there = os.path.join(target, os.path.relpath(directory, source))
        os.makedirs(there, exist_ok=True)
        for name in (*folders, *files):
            path = os.path.join(directory, name)
            if name in files or os.path.islink(path):
                os.link(path, os.path.join(there, name), follow_symlinks=False)


def shell(line: str, **variables: str) -> None:
    """Run a pipeline of other programs. Raises CalledProcessError."""
    argv = ["bash", "-o", "pipefail", "-ec", line]
    subprocess.run(argv, check=True, capture_output=True, env={**os.environ, **variables})
