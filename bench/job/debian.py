"""The ``debian:trixie-slim`` of the peers, which have no registry to take it from either."""

import shutil
import tempfile
from pathlib import Path

from baselard.engine.run.containers import host
from bench.programs import run

IMAGE = "debian:trixie-slim"


def rootfs(tree: Path) -> tuple[Path, list[str]]:
    """A root file system in ``tree``, made once, and the instructions for the config of its image.

    What this machine lends to every container of ours (certificates, settings of package managers) is in it, since a
    peer lends nothing.
    """
    made = tree / "var/tmp/trixie"
    if not made.exists():
        partial = made.with_name("trixie.partial")
        shutil.rmtree(partial, ignore_errors=True)
        run(["mmdebstrap", "--quiet", "--variant=minbase", "trixie", str(partial)])
        partial.rename(made)
    lending = host.detect()
    variables = dict(lending.variables)
    with tempfile.TemporaryDirectory() as work:
        if lent := lending.lend(made, Path(work)):
            variables |= lent.variables
            shutil.copytree(lent.directory, made / host.TARGET.lstrip("/"), dirs_exist_ok=True)
    return made, ['CMD ["bash"]', *(f"ENV {name}={value}" for name, value in variables.items())]
