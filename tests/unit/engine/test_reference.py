"""References are read as docker reads them."""

import pytest

from engine.errors import UserError
from engine.images import reference

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("debian", "docker.io/library/debian:latest"),
        ("debian:trixie-slim", "docker.io/library/debian:trixie-slim"),
        ("docker.io/library/debian:12", "docker.io/library/debian:12"),
        ("index.docker.io/x/y", "docker.io/x/y:latest"),
        ("user/app", "docker.io/user/app:latest"),
        ("ghcr.io/o/r/base:v1", "ghcr.io/o/r/base:v1"),
        ("localhost:5000/x", "localhost:5000/x:latest"),
        ("localhost/x", "localhost/x:latest"),
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
    with pytest.raises(UserError, match=part):
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
