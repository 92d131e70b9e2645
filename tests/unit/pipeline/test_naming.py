"""References of all targets of a project."""

import pytest

from pipeline.config import BaseSettings, Config, PublishSettings
from pipeline.discover import Base, Project
from pipeline.errors import BaselardError
from pipeline.tags.event import Event
from pipeline.tags.naming import references

RULES = ("type=semver,pattern={{version}}", "type=raw,value=latest,enable={{is_default_branch}}")


def project(*targets, rules=RULES, flavor=()):
    base = Base("ghcr.io/a/base", "Dockerfile", ".", targets, (), BaseSettings())
    return Project(None, Config(publish=PublishSettings(tags=rules, flavor=flavor)), (base,), ())


def names(found):
    return [str(reference) for reference in found]


def test_each_target_has_its_own():
    found = references(project("standard", "dev"), Event("refs/tags/v1.0.0"))
    assert names(found) == [
        "ghcr.io/a/base:1.0.0",
        "ghcr.io/a/base:latest",
        "ghcr.io/a/base:1.0.0-dev",
        "ghcr.io/a/base:latest-dev",
    ]


def test_latest_of_another_target_keeps_its_suffix_in_a_raw_rule():
    found = references(project("standard", "dev"), Event("refs/heads/main"))
    assert names(found) == ["ghcr.io/a/base:latest", "ghcr.io/a/base:latest-dev"]


def test_two_targets_under_one_tag_are_an_error():
    with pytest.raises(BaselardError, match=r"duplicate tag: ghcr\.io/a/base:x would be both .* standard and .* dev"):
        references(project("standard", "dev", rules=("type=raw,value=x,suffix=",)), Event("refs/heads/main"))


def test_no_tag_at_all_is_an_error():
    with pytest.raises(BaselardError, match="no tag rule applies to refs/heads/other"):
        references(project("standard"), Event("refs/heads/other"))
