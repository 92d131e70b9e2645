"""The packages of an image for a scanner: each by the name that databases of vulnerabilities know it by."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs, quote

# Of these, databases know source packages; their addresses (purl) name them as `upstream`.
_BUILT_FROM_SOURCE = ("pkg:deb/", "pkg:apk/")


@dataclass(frozen=True)
class ListedPackage:
    """A package of a list, with its address (purl); ``installed`` are the names by which the image has it."""

    name: str
    version: str
    purl: str
    installed: frozenset[str] = field(default_factory=frozenset)

    @property
    def kind(self) -> str:
        return self.purl.removeprefix("pkg:").partition("/")[0]


def of_spdx(document: Mapping[str, Any]) -> tuple[ListedPackage, ...]:
    """The packages in a document of SPDX 2.3 that have an address; those of one source package are one."""
    listed: dict[str, ListedPackage] = {}
    for entry in document.get("packages", ()):
        locators = [ref["referenceLocator"] for ref in entry.get("externalRefs", ()) if ref["referenceType"] == "purl"]
        for purl in locators[:1]:
            package = _by_source(str(entry["name"]), str(entry.get("versionInfo", "")), purl)
            before = listed.get(package.purl, package).installed
            listed[package.purl] = replace(package, installed=package.installed | before)
    return tuple(listed.values())


def _by_source(name: str, version: str, purl: str) -> ListedPackage:
    """A distribution's package as the source package that it was built from."""
    installed = frozenset({name})
    if not purl.startswith(_BUILT_FROM_SOURCE):
        return ListedPackage(name, version, purl, installed)
    address, _, qualifiers = purl.partition("?")
    about = parse_qs(qualifiers.partition("#")[0])
    source, _, built_from = about.get("upstream", [name])[0].partition("@")
    known = built_from or version
    distro = f"?distro={quote(about['distro'][0])}" if "distro" in about else ""
    place = address.rpartition("/")[0]
    return ListedPackage(source, known, f"{place}/{quote(source)}@{quote(known)}{distro}", installed)


def as_cyclonedx(packages: Sequence[ListedPackage]) -> str:
    """The list as osv-scanner reads it (https://cyclonedx.org/docs/1.6/json/)."""
    components = [
        {
            "type": "library",
            "bom-ref": str(number),
            "name": package.name,
            "version": package.version,
            "purl": package.purl,
        }
        for number, package in enumerate(packages)
    ]
    return json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": components})
