"""The sources of a COPY or ADD → copy items: paths, documents, downloads, checkouts.

Rules: BuildKit frontend/dockerfile/dockerfile2llb/convert_copy.go and frontend/dockerfile/dfgitutil.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl, unquote, urlsplit

from baselard.dockerfile.plan.stages import MainContext, Source
from baselard.dockerfile.plan.steps import CopyItem, Git, Inline, Url
from baselard.dockerfile.syntax.errors import DockerfileError
from baselard.dockerfile.syntax.instructions import Copy, Heredoc
from baselard.dockerfile.syntax.modes import parse_mode
from baselard.dockerfile.syntax.paths import relative
from baselard.dockerfile.syntax.words import expand_document
from baselard.oci import digests
from baselard.oci.errors import InvalidDigestError

GIT_SSH = re.compile(r"[\w.-]+@[\w.-]+:[^/].*")
COMMIT = re.compile(r"[0-9a-f]{7,64}")
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def copy_items(copy: Copy, scope: Mapping[str, str], find: Callable[[str], Source]) -> tuple[CopyItem, ...]:
    """The items of an expanded instruction, in docker's order: paths and URLs first, then documents."""
    _check_mode(copy)
    tree = find(copy.source_stage) if copy.source_stage else MainContext()
    items = [_item(copy, source, tree) for source in copy.sources]
    return (*items, *(_document(copy, doc, scope) for doc in copy.heredocs))


def _check_mode(copy: Copy) -> None:
    try:
        parse_mode(copy.chmod)
    except ValueError as error:
        raise DockerfileError(str(error), copy.place) from None


def _document(copy: Copy, doc: Heredoc, scope: Mapping[str, str]) -> CopyItem:
    text = expand_document(doc.text, scope, copy.place) if doc.expand else doc.text
    return CopyItem(Inline(((doc.name, text),)), "/" + doc.name, literal=True)


def _item(copy: Copy, source: str, tree: Source) -> CopyItem:
    remote = _git(copy, source) if is_git(source) else _url(copy, source) if is_url(source) else None
    if remote is None:
        if copy.checksum:
            raise DockerfileError("checksum requires HTTP(S) or Git sources", copy.place)
        unpack = copy.add if copy.unpack is None else copy.unpack
        base, keep = _parents(source) if copy.parents else (source, "")
        return CopyItem(tree, base, unpack=unpack, keep=keep)
    if not copy.add:
        kind = "a git ref" if isinstance(remote, Git) else "a URL"
        raise DockerfileError(f"source can't be {kind} for COPY", copy.place)
    if isinstance(remote, Git):
        return CopyItem(remote, "/", literal=True)
    return CopyItem(remote, "/" + remote.name, literal=True, unpack=bool(copy.unpack))


def _parents(source: str) -> tuple[str, str]:
    """A `--parents` source cut at its pivot `/./`: the directory to copy from, and what to keep of it."""
    base, pivot, kept = source.partition("/./")
    return (base or "/", relative(kept)) if pivot else ("/", relative(source))


def is_url(source: str) -> bool:
    return source.startswith(("http://", "https://"))


def _path(url: str) -> str:
    try:
        return urlsplit(url).path
    except ValueError:  # an odd host; whoever downloads it will say so
        return ""


def is_git(source: str) -> bool:
    """Whether ADD would clone it: a git or ssh address, `user@host:path`, or a web address of a `.git`."""
    address = source.partition("#")[0]
    if source.startswith(("git://", "ssh://", "github.com/")) or GIT_SSH.fullmatch(address):
        return True
    return is_url(source) and _path(address).endswith(".git")


def _git(copy: Copy, source: str) -> Git:
    address, _, fragment = source.partition("#")
    address, _, query = address.partition("?")
    ref, _, subdir = fragment.partition(":")
    options = dict(parse_qsl(query, keep_blank_values=True))
    if address.startswith("github.com/"):
        address = "https://" + address
    checksum = copy.checksum or options.get("checksum") or options.get("commit") or ""
    if checksum and not COMMIT.fullmatch(checksum):
        raise DockerfileError(f'invalid checksum "{checksum}": a git source takes a commit id', copy.place)
    return Git(
        remote=address,
        ref=ref or options.get("ref") or options.get("branch") or options.get("tag") or "",
        subdir=subdir or options.get("subdir") or "",
        keep_git_dir=bool(copy.keep_git_dir),
        checksum=checksum,
    )


def _url(copy: Copy, source: str) -> Url:
    try:
        if copy.checksum:
            digests.parse(copy.checksum)
    except InvalidDigestError:
        raise DockerfileError(f'invalid checksum digest format: "{copy.checksum}"', copy.place) from None
    return Url(source, _file_name(unquote(_path(source))), copy.checksum)


def _file_name(path: str) -> str:
    """The name that BuildKit gives a download (dockerfile2llb/convert_copy.go; source/util/pathutil, SafeFileName)."""
    name = posixpath.basename(path.rstrip("/"))
    if name in ("", "."):
        return "__unnamed__"
    return "download" if name.strip() in ("", "..") or CONTROL.search(name) else name
