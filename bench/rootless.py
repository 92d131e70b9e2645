"""The engine of a plain user beside root's: the same commands, networks and files on the same machine."""

import contextlib
import functools
import http.server
import os
import threading
from collections.abc import Callable, Iterator, Mapping

from bench import user
from bench.client import Client, text
from bench.lab import Lab, loaded, mounted, touch
from bench.method import Goal, Scenario, Side

_UID, _FIRST = 59_999, 2_090_000_000
Making = Callable[[Client, Lab], Side]


@contextlib.contextmanager
def both(lab: Lab, *, side: Making) -> Iterator[Mapping[str, Side]]:
    """The same side on an engine of a plain user, and on one of root's; each with a store of its own."""
    with contextlib.ExitStack() as stack:
        theirs = stack.enter_context(_users(lab))
        roots = stack.enter_context(lab.session(stack.enter_context(lab.fresh_store())))
        yield {"rootless": side(theirs, lab), "root": side(roots, lab)}


@contextlib.contextmanager
def _users(lab: Lab) -> Iterator[Client]:
    if reason := user.lacking():
        raise RuntimeError(reason)
    with lab.scratch() as place:
        somebody = user.made(place, _UID, _FIRST)
        with lab.session(somebody.home / "store", prefix=somebody.login(os.environ)) as opened:
            yield opened


def exec_(opened: Client, lab: Lab) -> Side:
    """One more command on top of a chain that grows by one each round."""
    chain = [mounted(opened, lab.tiny())]

    def side(number: int) -> float:
        took = opened.timed(loaded(chain[-1]), touch(f"more{number}"), "sync")
        chain.append(opened.ask(loaded(chain[-1]), touch(f"more{number}"), "sync"))
        return took

    return side


@contextlib.contextmanager
def network(lab: Lab) -> Iterator[Mapping[str, Side]]:
    """A command that gets a page from a port of this machine, by the way that both have."""
    with _page() as port, both(lab, side=functools.partial(_fetch, port=port)) as sides:
        yield sides


def _fetch(opened: Client, lab: Lab, *, port: int) -> Side:
    start = loaded(mounted(opened, lab.tiny()))
    host = opened.ask("host", f"service(ports: [{{frontend: 80, backend: {port}}}])", "id")
    bound = f'withServiceBinding(alias: "machine", service: {text(host)})'

    def side(number: int) -> float:
        get = ["busybox", "wget", "-q", "-O", "/page", f"http://machine/{number}"]
        return opened.timed(start, bound, f"withExec(args: {text(get)})", "sync")

    return side


class _Says(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"hello\n")

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def _page() -> Iterator[int]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Says) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def files(opened: Client, lab: Lab) -> Side:
    """A large directory of the machine's put into a tree, each round into another one."""
    tree = lab.tree(lab.sizes.host_files)
    opened.ask("host", f"directory(path: {text(str(tree))})", "sync")

    def side(number: int) -> float:
        directory = opened.ask("host", f"directory(path: {text(str(tree))})", "id")
        start = loaded(opened.ask("container", f'withNewFile(path: "/{number}", contents: "")', "id"))
        copied = f'withDirectory(path: "/copy", source: {text(directory)})'
        return opened.timed(start, copied, "sync")

    return side


SCENARIOS = (
    Scenario(
        "rootless-exec",
        "a plain user's exec",
        functools.partial(both, side=exec_),
        Goal("ratio", 1.3),
        rounds=15,
        itself=True,
    ),
    Scenario(
        "rootless-network",
        "a plain user's exec that gets a page",
        network,
        Goal("difference", 0.02),
        rounds=15,
        itself=True,
    ),
    Scenario(
        "rootless-files",
        "a plain user's copy of many files",
        functools.partial(both, side=files),
        Goal("ratio", 1.3),
        itself=True,
    ),
)
