"""Image references by distribution's grammar."""

import pytest

from pipeline.errors import BaselardError
from pipeline.references import parse


@pytest.mark.parametrize(
    ("text", "full"),
    [
        ("debian", "docker.io/library/debian"),
        ("debian:trixie-slim", "docker.io/library/debian:trixie-slim"),
        ("me/base", "docker.io/me/base"),
        ("localhost:5000/base", "localhost:5000/base"),
        ("ghcr.io/a/b__c.d-e:v1", "ghcr.io/a/b__c.d-e:v1"),
        ("ghcr.io/a/b:1@sha256:" + "0" * 64, "ghcr.io/a/b:1@sha256:" + "0" * 64),
    ],
)
def test_normalised(text, full):
    assert str(parse(text)) == full


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ghcr.io/Acme/base", "upper case"),
        ("", "not a repository path"),
        ("a//b", "not a repository path"),
        ("a:", "is not a tag"),
        ("a:-b", "is not a tag"),
        ("a:" + "t" * 129, "is not a tag"),
        ("a@sha256:12", "is not a digest"),
        ("a@", "is not a digest"),
    ],
)
def test_malformed(text, said):
    with pytest.raises(BaselardError, match=said):
        parse(text)
