"""A thousand sessions in a row, each with a command and each tenth with a service; prints what they left, as JSON.

``row COUNT ROOTFS``: each session is an engine of its own, as an SDK starts it, forked here so that imports cost
nothing. ``one COUNT ROOTFS``: one session does the work of all.
"""

import asyncio
import contextlib
import gc
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from baselard.cli import displays, start
from baselard.engine.api import server
from baselard.engine.host import process

SERVICE = """
    withServiceBinding(alias: "web", service: "%s") { withExec(args: ["sh", "-c", "wget -qO- http://web:8080/"]) {
"""


async def leaf(context: Any, query: str) -> Any:
    value: Any = await context.session.api.answer(context, "{" + query + "}")
    while isinstance(value, dict):
        (value,) = value.values()
    return value


async def use(ctx: Any, rootfs: str, number: int) -> None:
    """One client's work: a command that was never run, and now and then a service."""
    directory = await leaf(ctx, f'host{{directory(path:"{rootfs}"){{id}}}}')
    base = f'container{{withRootfs(directory:"{directory}"){{withEnvVariable(name:"N",value:"{number}"){{'
    assert await leaf(ctx, base + 'withExec(args:["sh","-c","echo $N"]){stdout}}}}') == f"{number}\n"
    if number % 10 == 0:
        page = 'withNewFile(path:"/www/index.html",contents:"up"){withExposedPort(port:8080){'
        args = 'asService(args:["httpd","-f","-p","8080","-h","/www"]){id}'
        service = await leaf(ctx, base + page + args + "}}}}}")
        assert await leaf(ctx, base + SERVICE % service + "stdout}}}}}") == "up"
        await leaf(ctx, f'node(id:"{service}"){{... on Service{{stop(kill:true)}}}}')


async def served(engine: start.Engine, rootfs: str, number: int) -> None:
    session = engine.session(Path.cwd())
    async with server.running(session) as (_, token):
        await use(session.context(token), rootfs, number)


def session(rootfs: str, number: int) -> None:
    """One engine with one session."""
    display = displays.display("quiet")
    with contextlib.closing(display), start.engine(display) as engine:
        asyncio.run(served(engine, rootfs, number))


def row(count: int, rootfs: str) -> dict[str, Any]:
    before: dict[str, Any] = {}
    for number in range(count):
        if number == 10:  # by now whatever is made once is there
            before = left_behind()
        if not (pid := os.fork()):
            code = 1
            with contextlib.suppress(BaseException):
                session(rootfs, number)
                code = 0
            os._exit(code)
        assert os.waitpid(pid, 0)[1] == 0, f"session {number} failed"
    deadline = time.monotonic() + 20
    while (after := left_behind()) != before and time.monotonic() < deadline:
        time.sleep(0.02)  # the kernel takes namespaces apart in its own time
    return {"before": before, "after": after}


def left_behind() -> dict[str, Any]:
    """What is there of the machine's things that sessions use; namespaces of our own keep others' out."""
    store, run = Path(os.environ["BASELARD_STORE"]), Path(os.environ["BASELARD_RUN"])
    return {
        "processes": sorted(name for name in os.listdir("/proc") if name.isdigit()),
        "mounts": len(Path("/proc/self/mounts").read_text().splitlines()),
        "links": process.run(["ip", "-oneline", "link"]).stdout.decode().count("\n"),
        "rules": process.run(["iptables-save"]).stdout.decode().count("\n-A "),
        "run": sorted(path.name for path in run.iterdir()),
        "work": sorted(path.name for path in (store / "work").iterdir()),
        "temporary": sorted(os.listdir(os.environ["TMPDIR"])),
    }


def one(count: int, rootfs: str) -> dict[str, Any]:
    display = displays.display("quiet")
    with contextlib.closing(display), start.engine(display) as engine:
        return asyncio.run(_one(engine, count, rootfs))


async def _one(engine: start.Engine, count: int, rootfs: str) -> dict[str, Any]:
    held: dict[int, dict[str, Any]] = {}
    session = engine.session(Path.cwd())
    async with server.running(session) as (_, token):
        for number in range(count):
            await use(session.context(token), rootfs, number)
            if number + 1 in (count // 2, count):
                await asyncio.sleep(0)
                gc.collect()
                held[number + 1] = _held()
    return {"before": held[count // 2], "after": held[count]}


def _held() -> dict[str, Any]:
    status = dict(line.split(":\t", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return {
        "descriptors": len(os.listdir("/proc/self/fd")),
        "threads": int(status["Threads"]),
        "kilobytes": int(status["VmRSS"].split()[0]),
        "mounts": len(Path("/proc/self/mounts").read_text().splitlines()),
        "processes": len([name for name in os.listdir("/proc") if name.isdigit()]),
    }


if __name__ == "__main__":
    print(json.dumps({"row": row, "one": one}[sys.argv[1]](int(sys.argv[2]), sys.argv[3])))
