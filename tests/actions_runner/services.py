"""What GitHub's own actions do, with directories in the place of its services."""

import fnmatch
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any


class Failed(Exception):  # noqa: N818
    """The action would have failed."""


def checkout(job: Any, given: Mapping[str, str]) -> dict[str, str]:
    assert given.get("persist-credentials") == "false", "the token would stay in the work tree"
    leave_out = shutil.ignore_patterns(".venv", "__pycache__", ".*_cache")
    shutil.copytree(job.run.source, job.workspace, symlinks=True, dirs_exist_ok=True, ignore=leave_out)
    return {}


def restore(job: Any, given: Mapping[str, str]) -> dict[str, str]:
    kept = sorted((job.run.place / "caches").glob("*"), key=lambda one: one.stat().st_mtime_ns, reverse=True)
    names = {one.name: one for one in kept}
    wanted = [given["key"], *given.get("restore-keys", "").split()]
    for position, prefix in enumerate(wanted):
        found = [name for name in names if name == prefix or (position and name.startswith(prefix))]
        if found:
            shutil.copytree(names[found[0]], given["path"], dirs_exist_ok=True)
            return {"cache-hit": str(position == 0).lower(), "cache-matched-key": found[0]}
    return {}


def save(job: Any, given: Mapping[str, str]) -> dict[str, str]:
    target = job.run.place / "caches" / given["key"]
    if not target.exists():
        shutil.copytree(given["path"], target)
        os.utime(target)
    return {}


def upload(job: Any, given: Mapping[str, str]) -> dict[str, str]:
    """Everything below the paths, relative to the directory they have in common."""
    lines = given["path"].split()
    without = [Path(line[1:]) for line in lines if line.startswith("!")]
    roots = [Path(job.workspace, line) for line in lines if not line.startswith("!")]
    assert len(roots) == 1
    files = [path for path in roots[0].rglob("*") if path.is_file()]
    kept = [path for path in files if not any(path.is_relative_to(other) for other in without)]
    if not kept:
        return {}
    target = job.run.place / f"artifacts-{job.run.number}" / given["name"]
    if target.exists():
        raise Failed(f"an artifact named {given['name']} is there already")
    for path in kept:
        (target / path.relative_to(roots[0])).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target / path.relative_to(roots[0]))
    return {}


def download(job: Any, given: Mapping[str, str]) -> dict[str, str]:
    """One artifact by name into the path, or all that match into a directory each."""
    there = job.run.place / f"artifacts-{job.run.number}"
    if "name" in given:
        if not (there / given["name"]).exists():
            raise Failed(f"there is no artifact named {given['name']}")
        shutil.copytree(there / given["name"], Path(job.workspace, given["path"]), dirs_exist_ok=True)
        return {}
    for one in there.glob("*"):
        if fnmatch.fnmatchcase(one.name, given["pattern"]):
            shutil.copytree(one, Path(given["path"]) / one.name)
    Path(given["path"]).mkdir(exist_ok=True)
    return {}


def scanned(job: Any, given: Mapping[str, str]) -> dict[str, str]:
    """What code scanning was given, by category."""
    if job.run.event.fork:
        raise Failed("Resource not accessible by integration")
    shutil.copy(given["sarif_file"], job.run.place / f"{given['category']}.sarif")
    return {}


def attested(job: Any, given: Mapping[str, str]) -> dict[str, str]:
    """A statement about files, which have to be there."""
    if not list(Path(job.workspace).glob(given["subject-path"])):
        raise Failed(f"there is no {given['subject-path']}")
    return {}


def pages(job: Any, given: Mapping[str, str]) -> dict[str, str]:
    return upload(job, {"name": "github-pages", "path": given["path"]})


def deployed(job: Any, given: Mapping[str, str]) -> dict[str, str]:
    """The site that an earlier job of the run has uploaded."""
    if not (job.run.place / f"artifacts-{job.run.number}" / "github-pages").exists():
        raise Failed("there is no artifact named github-pages")
    return {"page_url": "https://pages.example"}


ACTIONS: dict[str, Callable[[Any, Mapping[str, str]], dict[str, str]]] = {
    "actions/checkout": checkout,
    "actions/cache/restore": restore,
    "actions/cache/save": save,
    "actions/upload-artifact": upload,
    "actions/download-artifact": download,
    "github/codeql-action/upload-sarif": scanned,
    "actions/attest-build-provenance": attested,
    "actions/upload-pages-artifact": pages,
    "actions/deploy-pages": deployed,
}
