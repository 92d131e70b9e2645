"""A small build that ends, by SIGKILL, right before its n-th operation on files, mounts, processes or the database.

Usage: killed.py CONTEXT TARGET POINT [SIZE KEPT]. With point 0 it runs to its end and prints, in JSON, what came out
and how many points there were. Operations are seen by Python's audit hooks, SQLite's trace, and wrappers of mount and
unmount. With SIZE the store is on a disk of so many bytes, of which KEPT becomes a copy. An error is told on stderr,
and the exit code is 2.
"""

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from baselard.cli import places, start
from baselard.engine.api.query import replies
from baselard.engine.errors import EngineError
from baselard.engine.progress.plain import Plain
from baselard.engine.store import schema, snapshots

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
WRITES = ("BEGIN", "COMMIT", "ROLLBACK", "INSERT", "UPDATE", "DELETE", "CREATE", "PRAGMA")
_OS = "rename mkdir link remove rmdir symlink chmod chown utime setxattr truncate"
EVENTS = {"subprocess.Popen", "sqlite3.connect", "fcntl.flock", *(f"os.{name}" for name in _OS.split())}
TOLD = 2


class Points:
    """Counts operations and ends the process before the one that was asked for."""

    def __init__(self, fatal: int) -> None:
        self.fatal = fatal
        self.kinds: Counter[str] = Counter()
        self._mutex = threading.Lock()
        self._on = False

    def watch(self) -> None:
        """Begin to count."""
        sys.addaudithook(self._audit)
        snapshots.mount = self._counted("mount", snapshots.mount)
        snapshots.unmount = self._counted("unmount", snapshots.unmount)
        usual = schema.opened

        def traced(path: Path) -> sqlite3.Connection:
            db = usual(path)
            db.set_trace_callback(lambda text: self.point("sql") if text.lstrip().startswith(WRITES) else None)
            return db

        schema.opened = traced
        self._on = True

    def point(self, kind: str) -> None:
        if not self._on:
            return
        with self._mutex:
            self.kinds[kind] += 1
            if self.kinds.total() == self.fatal:
                os.kill(os.getpid(), signal.SIGKILL)

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in EVENTS or (event == "open" and isinstance(arguments[2], int) and arguments[2] & _WRITING):
            self.point(event)

    def _counted(self, kind: str, act: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any, **named: Any) -> Any:
            self.point(kind)
            return act(*arguments, **named)

        return counted


def main(context: str, target: str, fatal: int) -> dict[str, Any]:
    """Build, write an archive and export; says what came out."""
    points = Points(fatal)
    points.watch()
    with start.engine(Plain(sys.stderr)) as engine:
        session = engine.session(Path(context))
        asked = session.context(session.enter())
        assert asked is not None
        fields = f'stdout export(path:"{target}/image.tar") rootfs{{digest export(path:"{target}/tree")}}'
        query = f'{{host{{directory(path:"."){{dockerBuild{{{fields}}}}}}}}}'
        answer = json.loads(asyncio.run(replies.reply(asked, query)))
    return {"answer": answer, "points": points.kinds.total(), "kinds": points.kinds}


def on_a_small_disk(size: str, kept: str, act: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Act with the store on a tmpfs of its own, and keep a copy of what it then holds."""
    place = places.store_root()
    snapshots.private_namespace()
    snapshots.mount("tmpfs", place, "tmpfs", 0, f"size={size},mode=0755")
    try:
        return act()
    finally:
        subprocess.run(["cp", "-a", f"{place}/.", kept], check=True)


def told(act: Callable[[], dict[str, Any]]) -> int:
    try:
        said = act()
    except EngineError as error:
        sys.stderr.write(f"{error}\n")
        return TOLD
    print(json.dumps(said))
    return TOLD if "errors" in said["answer"] else 0


if __name__ == "__main__":
    build = partial(main, sys.argv[1], sys.argv[2], int(sys.argv[3]))
    sys.exit(told(partial(on_a_small_disk, *sys.argv[4:6], build) if sys.argv[4:] else build))  # type: ignore[arg-type, call-arg]
