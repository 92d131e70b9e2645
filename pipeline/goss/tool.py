"""goss as a directory that runs in any image: the program, its own loader and libc, and a static shell."""

from __future__ import annotations

from pathlib import Path

import dagger
from dagger import dag

# Debian's goss is dynamically linked, and the image under test may have another libc or none.
_COLLECT = """\
set -eu
apt-get update -qq
apt-get install -y -qq --no-install-recommends busybox-static goss >/dev/null
mkdir -p /.goss/lib
cp -L "$(command -v goss)" /.goss/goss
cp -L "$(command -v busybox)" /.goss/busybox
ldd /.goss/goss | while read -r name arrow path _; do
  case "$name$arrow" in
    /*) cp -L "$name" /.goss/ld.so ;;
    *'=>') cp -L "$path" /.goss/lib/ ;;
  esac
done
chmod -R a+rX /.goss
"""


def directory(platform: str = "") -> dagger.Directory:
    """The tool directory, to be mounted at `/.goss`: goss, lib/, ld.so, busybox, and the scripts beside this module."""
    tools = (
        dag.container(platform=dagger.Platform(platform) if platform else None)
        .from_("debian:trixie-slim")
        .with_exec(["sh", "-c", _COLLECT])
        .directory("/.goss")
    )
    here = Path(__file__).parent
    for script in ("run.sh", "basic.sh", "find.sh"):
        tools = tools.with_new_file(script, (here / script).read_text(), permissions=0o755)
    return tools
