"""GitHub's REST API on loopback, as its documentation has the shapes; git itself keeps the repositories behind it.

https://docs.github.com/en/rest/git and https://docs.github.com/en/rest/pulls
"""

import http.server
import json
import os
import re
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

WHO = {f"GIT_{role}_{what}": "x@example.com" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


@dataclass
class GitHubServer:
    """``refuse`` answers paths that match with a status, headers and a message; ``pulls`` are those of everybody."""

    root: Path
    port: int = 0
    token: str = "t0ken"
    refuse: list[tuple[str, int, dict[str, str], str]] = field(default_factory=list)
    pulls: list[dict[str, Any]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def repository(self, name: str, files: dict[str, str] | None = None) -> None:
        """A repository with one commit on main."""
        place = self.root / f"{name}.git"
        place.mkdir(parents=True)
        self.git(name, "init", "-q", "--bare", "-b", "main")
        entries = {"tree": [{"path": path, "mode": "100644", "content": text} for path, text in (files or {}).items()]}
        tree = self.made_tree(name, entries)
        self.git(name, "update-ref", "refs/heads/main", self.git(name, "commit-tree", tree, "-m", "first"))

    def tag(self, name: str, tag: str, *, message: str = "", text: str = "") -> str:
        """Tag a new commit; the commit."""
        tree = self.made_tree(name, {"tree": [{"path": "action.yml", "mode": "100644", "content": text or tag}]})
        commit = self.git(name, "commit-tree", tree, "-m", tag)
        self.git(name, "tag", *(["-a", "-m", message] if message else []), tag, commit)
        return commit

    def git(self, name: str, *argv: str, text: str | None = None, index: str = "") -> str:
        env = {**os.environ, **WHO, **({"GIT_INDEX_FILE": index} if index else {})}
        command = ["git", "-C", str(self.root / f"{name}.git"), *argv]
        done = subprocess.run(command, input=text, env=env, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def shown(self, name: str, what: str) -> str:
        """A file of a commit, byte for byte, as git has it."""
        command = ["git", "-C", str(self.root / f"{name}.git"), "show", what]
        return subprocess.run(command, capture_output=True, check=True).stdout.decode()

    def made_tree(self, name: str, body: dict[str, Any]) -> str:
        with tempfile.TemporaryDirectory() as place:
            index = f"{place}/index"
            self.git(name, "read-tree", body.get("base_tree") or "--empty", index=index)
            for one in body["tree"]:
                blob = self.git(name, "hash-object", "-w", "--stdin", text=one["content"])
                said = f"{one['mode']},{blob},{one['path']}"
                self.git(name, "update-index", "--add", "--cacheinfo", said, index=index)
            return self.git(name, "write-tree", index=index)

    # --- the API --------------------------------------------------------------------------------------------------

    def answer(self, method: str, target: str, body: Any, headers: Any) -> tuple[int, Any, dict[str, str]]:
        self.asked.append(f"{method} {target}")
        for pattern, status, more, message in self.refuse:
            if re.search(pattern, f"{method} {target}"):
                return status, {"message": message}, more
        given = headers.get("Authorization", "")
        if given and given != f"Bearer {self.token}":
            return 401, {"message": "Bad credentials"}, {}
        if method != "GET" and not given:
            return 404, {"message": "Not Found"}, {}
        url = urlsplit(target)
        found = re.fullmatch(r"/repos/([^/]+/[^/]+)(?:/(.*))?", url.path)
        if not found or not (self.root / f"{found[1]}.git").exists():
            return 404, {"message": "Not Found"}, {}
        try:
            status, document = self.served(method, found[1], found[2] or "", parse_qs(url.query), body)
        except subprocess.CalledProcessError:
            return 404, {"message": "Not Found"}, {}
        return status, document, {}

    def served(  # noqa: C901, PLR0911  # the API, a line each
        self, method: str, name: str, path: str, query: dict[str, list[str]], body: Any
    ) -> tuple[int, Any]:
        kind, _, rest = path.removeprefix("git/").partition("/")
        match method, kind:
            case "GET", "":
                return 200, {"full_name": name, "default_branch": "main"}
            case "GET", "matching-refs":
                return 200, self.refs(name, rest)
            case "GET", "tags":
                lines = self.git(name, "cat-file", "tag", rest).splitlines()
                return 200, {"sha": rest, "object": {"sha": lines[0].split()[1], "type": lines[1].split()[1]}}
            case "GET", "ref":
                sha = self.git(name, "rev-parse", "--verify", f"refs/{rest}")
                return 200, {"ref": f"refs/{rest}", "object": {"type": "commit", "sha": sha}}
            case "GET", "commits":
                return 200, self.commit(name, rest)
            case "GET", "trees":
                return 200, self.tree(name, rest)
            case "POST", "trees":
                return 201, {"sha": self.made_tree(name, body)}
            case "POST", "commits":
                parents = [word for one in body["parents"] for word in ("-p", one)]
                sha = self.git(name, "commit-tree", body["tree"], *parents, "-m", body["message"])
                return 201, {"sha": sha}
            case "POST", "refs":
                if any(one["ref"] == body["ref"] for one in self.refs(name, "heads/")):
                    return 422, {"message": "Reference already exists"}
                self.git(name, "update-ref", body["ref"], body["sha"])
                return 201, {"ref": body["ref"]}
            case "PATCH", "refs":
                self.git(name, "update-ref", f"refs/{rest}", body["sha"])
                return 200, {"ref": f"refs/{rest}"}
            case _, "pulls":
                return self.pull(method, rest, query, body)
        return 404, {"message": "Not Found"}

    def refs(self, name: str, prefix: str) -> list[dict[str, Any]]:
        form = "%(refname) %(objecttype) %(objectname)"
        listed = self.git(name, "for-each-ref", f"--format={form}", f"refs/{prefix}").splitlines()
        return [{"ref": ref, "object": {"type": kind, "sha": sha}} for ref, kind, sha in map(str.split, listed)]

    def commit(self, name: str, sha: str) -> dict[str, Any]:
        tree, parents, message = self.git(name, "show", "-s", "--format=%T%n%P%n%B", sha).split("\n", 2)
        return {"tree": {"sha": tree}, "parents": [{"sha": one} for one in parents.split()], "message": message.strip()}

    def tree(self, name: str, sha: str) -> dict[str, Any]:
        entries = [line.split(None, 3) for line in self.git(name, "ls-tree", "-r", sha).splitlines()]
        listed = [{"mode": mode, "type": kind, "sha": one, "path": path} for mode, kind, one, path in entries]
        return {"sha": sha, "tree": listed, "truncated": False}

    def pull(self, method: str, number: str, query: dict[str, list[str]], body: Any) -> tuple[int, Any]:
        if method == "GET":
            branch = query["head"][0].partition(":")[2]
            return 200, [one for one in self.pulls if one["state"] == "open" and one["head"] == branch]
        if method == "POST":
            one = {**body, "number": len(self.pulls) + 1, "state": "open", "html_url": f"pull/{len(self.pulls) + 1}"}
            self.pulls.append(one)
            return 201, one
        one = self.pulls[int(number) - 1]
        one.update(body)
        return 200, one


@contextmanager
def running_github(root: Path) -> Iterator[GitHubServer]:
    served = GitHubServer(root)

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            status, document, more = served.answer(self.command, self.path, body, self.headers)
            data = json.dumps(document).encode()
            self.send_response(status)
            for key, value in {"Content-Type": "application/json", "Content-Length": str(len(data)), **more}.items():
                self.send_header(key, value)
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PATCH = _answer  # noqa: N815 -- http.server's names

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
