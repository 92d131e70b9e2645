"""The digests of an image's files, for its SPDX document.

syft takes them after everything else, one file at a time, with a slow SHA-1: a third of its time. Debian's own programs
take them meanwhile. SPDX 2.3 wants a SHA-1 of every file, and of each package a code over those of its files.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, TypeAlias

Document: TypeAlias = dict[str, Any]

ALGORITHMS: Mapping[str, str] = {"SHA1": "sha1sum", "SHA256": "sha256sum"}
"""The algorithms, in syft's order, and the program for each."""


def path(algorithm: str) -> str:
    """The file that :func:`meanwhile` writes the digests to."""
    return f"/tmp/{ALGORITHMS[algorithm]}"  # noqa: S108  # a container's own


def meanwhile(command: str) -> str:
    """A shell's text: the digests of all files below ``/image`` that are not empty, while a command runs there."""
    started = [
        f"(cd /image && xargs -0r {program} -z </tmp/files >{path(name)}) & {program}=$!"
        for name, program in ALGORITHMS.items()
    ]
    ended = [f"wait ${program}" for program in ALGORITHMS.values()]
    files = "(cd /image && find . -type f ! -empty -printf '%P\\0' >/tmp/files)"
    return "\n".join(["set -e", files, *started, command, *ended])


def read(text: str) -> dict[str, str]:
    """The digests by path, from what a program of coreutils wrote with ``-z``."""
    lines = (line.partition(" ") for line in text.split("\0") if line)
    return {name[1:]: digest for digest, _, name in lines}


def filled(document: Document, digests: Mapping[str, Mapping[str, str]]) -> Document:
    """The document with the digests of its files, by algorithm and path, and with its packages' verification codes.

    https://spdx.github.io/spdx-spec/v2.3/package-information/ tells how a code is made (7.9).
    """
    if "files" not in document:
        return document
    sha1 = digests["SHA1"]
    known = {file["SPDXID"]: sha1[file["fileName"]] for file in document["files"] if file["fileName"] in sha1}
    of_packages: dict[str, list[str]] = {}
    for relation in document["relationships"]:
        if relation["relationshipType"] == "CONTAINS" and relation["relatedSpdxElement"] in known:
            of_packages.setdefault(relation["spdxElementId"], []).append(known[relation["relatedSpdxElement"]])
    return {
        **document,
        "files": [{**file, **_checksums(file["fileName"], digests)} for file in document["files"]],
        "packages": [{**package, **_verified(of_packages.get(package["SPDXID"]))} for package in document["packages"]],
    }


def _checksums(name: str, digests: Mapping[str, Mapping[str, str]]) -> Document:
    sums = [
        {"algorithm": algorithm, "checksumValue": by_path[name]}
        for algorithm, by_path in digests.items()
        if name in by_path
    ]
    return {"checksums": sums} if sums else {}


def _verified(digests: list[str] | None) -> Document:
    if digests is None:
        return {}
    code = hashlib.sha1("".join(sorted(digests)).encode(), usedforsecurity=False).hexdigest()
    return {"filesAnalyzed": True, "packageVerificationCode": {"packageVerificationCodeValue": code}}
