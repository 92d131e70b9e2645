"""An update as a pull request on GitHub: one commit on a branch of its own, renewed in place.

https://docs.github.com/en/rest/git and https://docs.github.com/en/rest/pulls
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx

from pipeline.errors import UsageError
from pipeline.registry.web_api import WebApi
from pipeline.stale.repository import Update

BRANCH = "baselard-update"
TITLE = "Update pinned images and actions"
REMEDY = (
    "a workflow's token needs `permissions: contents: write, pull-requests: write` and may not change workflows; a "
    "personal one needs the same, and the permission workflows where actions move"
)


@dataclass(frozen=True)
class GitHubRepository:
    """A repository by its place in GitHub's API."""

    api: WebApi

    def get(self, path: str) -> Any:
        return self.api.ask("read", "GET", self._at(path))

    def find(self, path: str) -> Any:
        """The same; None for what is not there."""
        reply = self.api.send("GET", self._at(path))
        return None if reply.status_code == httpx.codes.NOT_FOUND else self.get(path)

    def make(self, path: str, body: Mapping[str, Any]) -> Any:
        return self.api.ask("change", "POST", self._at(path), body)

    def change(self, path: str, body: Mapping[str, Any]) -> Any:
        return self.api.ask("change", "PATCH", self._at(path), body)

    def _at(self, path: str) -> str:
        return f"repos/{quote(self.api.subject)}" + (f"/{path}" if path else "")


def propose(api: WebApi, update: Update, body: str) -> str:
    """The address of the pull request that proposes an update, new or renewed.

    Raises UsageError where files differ from GitHub's, or somebody else works on the branch; RefusedError where the
    token may not.
    """
    repository = GitHubRepository(api)
    base = str(repository.get("")["default_branch"])
    head = str(repository.get(f"git/ref/heads/{quote(base)}")["object"]["sha"])
    tree = str(repository.get(f"git/commits/{head}")["tree"]["sha"])
    modes = _modes(repository, tree, update, base)
    files = [
        {"path": path, "mode": modes[path], "type": "blob", "content": text} for path, text in update.after.items()
    ]
    new = str(repository.make("git/trees", {"base_tree": tree, "tree": files})["sha"])
    _commit(repository, new, head)
    return _pull(repository, base, body)


def _modes(repository: GitHubRepository, tree: str, update: Update, base: str) -> dict[str, str]:
    """The modes of the files that change, which must be here what they are there."""
    there = {str(one["path"]): one for one in repository.get(f"git/trees/{tree}?recursive=1")["tree"]}
    for path in update.after:
        here = _blob(update.before[path].encode()) if path in update.before else ""
        if here != there.get(path, {"sha": ""})["sha"]:
            raise UsageError(f"{path} differs from that of {base} on GitHub: push what is here, or check out {base}")
    return {path: str(there[path]["mode"]) if path in there else "100644" for path in update.after}


def _blob(data: bytes) -> str:
    """The name that git has for a file's content."""
    return hashlib.sha1(b"blob %d\0%s" % (len(data), data), usedforsecurity=False).hexdigest()


def _commit(repository: GitHubRepository, tree: str, parent: str) -> None:
    """Have the branch hold this one commit; it is left alone where it does already."""
    known = repository.find(f"git/ref/heads/{BRANCH}")
    if known is not None:
        there = repository.get(f"git/commits/{known['object']['sha']}")
        if (there["tree"]["sha"], [one["sha"] for one in there["parents"]]) == (tree, [parent]):
            return
        if there["message"] != TITLE:
            raise UsageError(f"the branch {BRANCH} holds a commit of somebody else: merge it, or delete the branch")
    commit = repository.make("git/commits", {"message": TITLE, "tree": tree, "parents": [parent]})["sha"]
    if known is None:
        repository.make("git/refs", {"ref": f"refs/heads/{BRANCH}", "sha": commit})
    else:
        repository.change(f"git/refs/heads/{BRANCH}", {"sha": commit, "force": True})


def _pull(repository: GitHubRepository, base: str, body: str) -> str:
    owner = repository.api.subject.partition("/")[0]
    there = repository.get(f"pulls?state=open&base={quote(base)}&head={quote(f'{owner}:{BRANCH}')}")
    said = {"title": TITLE, "body": body}
    if there:
        return str(repository.change(f"pulls/{there[0]['number']}", said)["html_url"])
    return str(repository.make("pulls", {**said, "head": BRANCH, "base": base})["html_url"])
