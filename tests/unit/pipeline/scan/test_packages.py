"""Lists of packages as databases of vulnerabilities name them.

Judge: addresses as syft 1.18.1 writes them, and the names and releases of https://ossf.github.io/osv-schema/.
"""

import json

import pytest

from pipeline.scan import packages


def listed(*purls):
    entries = [
        {
            "name": name,
            "versionInfo": version,
            "externalRefs": [
                {"referenceType": "cpe23Type", "referenceLocator": "cpe:2.3:a:x:x:1:*:*:*:*:*:*:*"},
                {"referenceType": "purl", "referenceLocator": purl},
            ],
        }
        for name, version, purl in purls
    ]
    return packages.of_spdx({"packages": [*entries, {"name": "an image", "externalRefs": []}, {"name": "a file"}]})


@pytest.mark.parametrize(
    ("name", "version", "purl", "known"),
    [
        ("libssl3t64", "3.5.1-1", "pkg:deb/debian/libssl3t64@3.5.1-1?arch=amd64&distro=debian-13&upstream=openssl",
         ("openssl", "3.5.1-1", "pkg:deb/debian/openssl@3.5.1-1?distro=debian-13")),
        ("bash", "5.2-2+b7", "pkg:deb/debian/bash@5.2-2%2Bb7?arch=amd64&distro=debian-13&upstream=bash%405.2-2",
         ("bash", "5.2-2", "pkg:deb/debian/bash@5.2-2?distro=debian-13")),
        ("passwd", "1:4.17-3", "pkg:deb/debian/passwd@1%3A4.17-3?arch=amd64&distro=debian-13&upstream=shadow",
         ("shadow", "1:4.17-3", "pkg:deb/debian/shadow@1%3A4.17-3?distro=debian-13")),
        ("libstdc++", "14.2.0-r4", "pkg:apk/alpine/libstdc%2B%2B@14.2.0-r4?arch=x86_64&distro=alpine-3.21&upstream=gcc",
         ("gcc", "14.2.0-r4", "pkg:apk/alpine/gcc@14.2.0-r4?distro=alpine-3.21")),
        ("bash", "5.1", "pkg:deb/debian/bash@5.1", ("bash", "5.1", "pkg:deb/debian/bash@5.1")),
        ("requests", "2.0", "pkg:pypi/requests@2.0", ("requests", "2.0", "pkg:pypi/requests@2.0")),
        ("@a/b", "1", "pkg:npm/%40a/b@1?x=upstream", ("@a/b", "1", "pkg:npm/%40a/b@1?x=upstream")),
    ],
)  # fmt: skip
def test_a_distribution_s_package_is_known_by_its_source(name, version, purl, known):
    (package,) = listed((name, version, purl))
    assert (package.name, package.version, package.purl) == known
    assert package.installed == {name}


def test_packages_of_one_source_are_one_and_keep_their_names():
    address = "pkg:deb/debian/{}@3.5.1-1?arch=amd64&distro=debian-13{}"
    both = listed(
        ("openssl", "3.5.1-1", address.format("openssl", "")),
        ("libssl3t64", "3.5.1-1", address.format("libssl3t64", "&upstream=openssl")),
    )
    assert [(package.name, package.installed) for package in both] == [("openssl", {"openssl", "libssl3t64"})]
    document = json.loads(packages.as_cyclonedx(both))
    assert [component["name"] for component in document["components"]] == ["openssl"]


def test_a_list_of_nothing_is_empty():
    assert packages.of_spdx({}) == ()
