"""References are read as docker reads them."""

import pytest

from baselard.engine.errors import UserError
from baselard.engine.images import reference as pulled
from baselard.oci import reference
from baselard.oci.errors import InvalidReferenceError
from pipeline.errors import BaselardError
from pipeline.references import parse_reference as configured

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("debian", "docker.io/library/debian"),
        ("debian:trixie-slim", "docker.io/library/debian:trixie-slim"),
        ("docker.io/library/debian:12", "docker.io/library/debian:12"),
        ("index.docker.io/x/y", "docker.io/x/y"),
        ("user/app", "docker.io/user/app"),
        ("ghcr.io/o/r/base:v1", "ghcr.io/o/r/base:v1"),
        ("ghcr.io/a/b__c.d-e:v1", "ghcr.io/a/b__c.d-e:v1"),
        ("Registry/x", "Registry/x"),
        ("localhost:5000/x", "localhost:5000/x"),
        ("localhost/x", "localhost/x"),
        ("[::1]:5000/x:1", "[::1]:5000/x:1"),
        (f"debian@{DIGEST}", f"docker.io/library/debian@{DIGEST}"),
        (f"debian:13@{DIGEST}", f"docker.io/library/debian:13@{DIGEST}"),
    ],
)
def test_normal_form(text: str, whole: str) -> None:
    assert str(reference.parse(text)) == whole
    assert reference.parse(whole) == reference.parse(text)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "repository"),
        ("Debian", "lower case"),
        ("ghcr.io/Org/app", "lower case"),
        ("debian:", "tag"),
        ("debian:-x", "tag"),
        ("debian:" + "x" * 129, "tag"),
        ("debian@sha256:abc", "digest"),
        ("debian@", "digest"),
        ("debian@sha256:" + "A" * 64, "digest"),
        ("debian@md5:" + "a" * 32, "digest"),
        ("a//b", "repository"),
        ("a/-b", "repository"),
        ("ex ample.com/x", "host"),
        ("../x", "host"),
        ("-bad-.com:99/x", "host"),
        ("x" * 260, "longer"),
        ("debian\n", "repository"),
        ("docker://debian", "host"),
    ],
)
def test_the_message_names_the_wrong_part(text: str, part: str) -> None:
    with pytest.raises(InvalidReferenceError, match=part):
        reference.parse(text)


@pytest.mark.parametrize(
    ("text", "local"),
    [
        ("localhost:5000/x", True),
        ("127.0.0.1/x", True),
        ("[::1]:80/x", True),
        ("x.localhost/y", True),
        ("debian", False),
        ("10.0.0.1:5000/x", False),
    ],
)
def test_only_this_machine_is_local(text: str, local: bool) -> None:
    assert reference.parse(text).is_local is local


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("debian", "https://registry-1.docker.io"),
        ("ghcr.io/a/b", "https://ghcr.io"),
        ("localhost:5000/a", "http://localhost:5000"),
    ],
)
def test_where_the_registry_answers(text: str, url: str) -> None:
    assert reference.parse(text).api_url == url


def test_what_is_pulled_without_a_tag_is_latest() -> None:
    assert pulled.parse("debian") == reference.parse("debian:latest")
    assert not pulled.parse(f"debian@{DIGEST}").tag


def test_each_room_says_it_in_its_own_error() -> None:
    with pytest.raises(UserError, match="must be lower case: 'library/debian'"):
        pulled.parse("Debian")
    with pytest.raises(BaselardError, match="must be lower case: 'library/debian'"):
        configured("Debian")
