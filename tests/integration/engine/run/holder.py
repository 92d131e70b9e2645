"""An engine process that runs a container for ever; the test kills it."""

import json
import shutil
import sys
import threading
from pathlib import Path

from baselard.engine.host import process, rundir
from baselard.engine.run.containers.runtime import Runtime, init_program
from baselard.engine.run.containers.runtime_spec import Spec
from baselard.engine.run.networks.network import Network
from baselard.engine.store import snapshots

snapshots.private_namespace()
run_dir = rundir.open_run_dir(Path(sys.argv[1]))
network = Network(run_dir, print)
rootfs = Path(sys.argv[2])
(rootfs / "bin").mkdir(parents=True)
shutil.copy(process.which("busybox") or "/bin/busybox", rootfs / "bin/sh")
said = threading.Event()


def show(_stream: int, _data: bytes) -> None:
    if not said.is_set():
        said.set()
        print(json.dumps({"name": run_dir.name}), flush=True)


with network.lease() as namespace:
    line = f"echo up; while true; do sleep 1; done; echo {run_dir.name}"
    spec = Spec(rootfs, ("/bin/sh", "-c", line), {}, namespace.path, init=init_program())
    Runtime(run_dir).run(spec, on_output=show)
