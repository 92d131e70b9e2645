"""A session of the embedded engine in a process of its own, and the queries sent to it."""

import base64
import contextlib
import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROGRAM = ("-m", "baselard.cli", "session")
"""What Python runs for a session."""

_PATIENCE = 3600
"""Seconds one query may take; cold work on a large base takes minutes."""


class QueryFailed(Exception):  # noqa: N818 -- what failed is the query
    """The engine answered with errors."""


@dataclass
class Client:
    """One open connection to a session."""

    connection: http.client.HTTPConnection
    headers: dict[str, str]
    process: "subprocess.Popen[bytes]"

    def query(self, text: str) -> dict[str, Any]:
        """The response's data. Raises QueryFailed."""
        self.connection.request("POST", "/query", json.dumps({"query": text}), self.headers)
        answer = json.loads(self.connection.getresponse().read())
        if answer.get("errors"):
            raise QueryFailed(answer["errors"][0]["message"])
        data: dict[str, Any] = answer["data"]
        return data

    def ask(self, *calls: str) -> Any:
        """The value at the end of a chain of calls: ``ask("container", 'withExec(args: ["true"])', "stdout")``."""
        value: Any = self.query(nested(*calls))
        for call in calls:
            value = value[call.partition("(")[0]]
        return value

    def timed(self, *calls: str) -> float:
        """Seconds until a chain of calls is answered."""
        began = time.perf_counter()
        self.query(nested(*calls))
        return time.perf_counter() - began

    @property
    def peak(self) -> float:
        """The most memory the engine process itself had, in MB (VmHWM, proc(5))."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) * 1024 / 1e6


@contextlib.contextmanager
def session(store: Path, program: Sequence[str] = PROGRAM, prefix: Sequence[str] = ()) -> Iterator[Client]:
    """A new session on ``store``, of whom ``prefix`` makes it. Raises RuntimeError when the engine does not start; its
    log is beside the store."""
    own = [f"BASELARD_STORE={store}"] if prefix else []
    argv = [*prefix, *own, sys.executable, "-I", *program]
    env = {**os.environ, "BASELARD_STORE": str(store)}
    log = store.parent / "engine.log"
    with log.open("ab") as errors:
        child = subprocess.Popen(argv, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors)
    try:
        told = _told(child, log)
        connection = http.client.HTTPConnection("127.0.0.1", told["port"], timeout=_PATIENCE)
        token = base64.b64encode(f"{told['session_token']}:".encode()).decode()
        yield Client(connection, {"Authorization": f"Basic {token}", "Content-Type": "application/json"}, child)
        connection.close()
    finally:
        child.communicate()  # the end of its input ends it


def _told(child: "subprocess.Popen[bytes]", log: Path) -> dict[str, Any]:
    line = child.stdout.readline() if child.stdout else b""
    if not line:
        raise RuntimeError(f"the engine did not start; see {log}")
    told: dict[str, Any] = json.loads(line)
    return told


def nested(*calls: str) -> str:
    """A query of one chain."""
    return "{" + "{".join(calls) + "}" * len(calls)


def text(value: object) -> str:
    """A string, or a list of strings, as GraphQL writes it."""
    return json.dumps(value)
