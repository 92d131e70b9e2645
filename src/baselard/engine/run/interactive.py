"""A program in a sandbox at the user's terminal."""

import os
from dataclasses import replace

from baselard.engine.run.sandbox import Sandbox
from baselard.engine.run.worker import Worker


def attach(worker: Worker, box: Sandbox, args: tuple[str, ...], why: str) -> None:
    """Run ``args`` in ``box`` until it ends, whatever its exit code; ``why`` is shown before.

    Raises UserError when there is no terminal, or no such program.
    """
    env = {"TERM": os.environ.get("TERM", "xterm"), **box.spec.env}
    with worker.terminal.taken(why) as terminal:
        spec = replace(box.spec, args=args, env=env, terminal=True)
        worker.runtime.attach(spec, terminal, on_start=box.inside.started)
