"""References of all targets of a project."""

import pytest

from pipeline.config.config import BaseSettings, Config, PublishSettings
from pipeline.errors import BaselardError
from pipeline.lint import publishing
from pipeline.project import Base, Project
from pipeline.tags.events import Event
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


@pytest.mark.parametrize(
    ("ref", "expected"),
    [
        ("refs/heads/main", ["13", "stable", "13-full", "stable-full"]),
        ("refs/tags/v1.0.0", ["1.0.0-13", "13", "stable", "1.0.0-13-full", "13-full", "stable-full"]),
        ("refs/tags/v1.0.0-rc.1", ["1.0.0-rc.1-13", "1.0.0-rc.1-13-full"]),
    ],
)
def test_tags_of_its_own_stand_where_latest_would(ref, expected):
    base = Base("ghcr.io/a/base", "Dockerfile", ".", ("slim", "full"), (), BaseSettings(), tags=("13", "stable"))
    found = references(Project(None, Config(publish=PublishSettings(tags=RULES)), (base,), ()), Event(ref))
    assert names(found) == [f"ghcr.io/a/base:{tag}" for tag in expected]


def test_two_targets_under_one_tag_are_an_error():
    with pytest.raises(BaselardError, match=r"duplicate tag: ghcr\.io/a/base:x would be both .*:standard and .*:dev"):
        references(project("standard", "dev", rules=("type=raw,value=x,suffix=",)), Event("refs/heads/main"))


def test_a_base_that_nobody_names_is_told_before_it_is_pushed_to_docker_hub():
    base = Base("base", "Dockerfile", ".", ("",), (), BaseSettings())
    with pytest.raises(BaselardError, match="the base has no name to publish under; write `bases:"):
        references(Project(None, Config(), (base,), ()), Event("refs/heads/main"))


# Rules, flavor, and what lint says of publishing with them: information concerns pre-releases alone.
FORESEEN = [
    ((), (), []),
    (RULES, (), []),
    (("type=semver,pattern={{version}}", "type=semver,pattern={{major}}.{{minor}}"), (), []),
    (("type=pep440,pattern={{version}}",), (), []),
    (("type=ref,event=tag",), (), [("info", "refs/tags/v1.2.3-rc.1", "would move `latest`")]),
    (("type=match,pattern=v(.*),group=1",), (), [("info", "refs/tags/v1.2.3-rc.1", "would move `latest`")]),
    ((), ("latest=true",), [("info", "refs/tags/v1.2.3-rc.1", "flavor latest=true would move `latest`")]),
    (("type=raw,value=latest",), (), [("info", "refs/tags/v1.2.3-rc.1", "add enable={{is_default_branch}} to it")]),
    (("type=raw,value={{brnch}}",), (), [("error", "refs/heads/main", "there is no brnch here")]),
    (("type=semver,pattern={{branch}}",), (), [("error", "refs/tags/v1.2.3", "there is no branch here")]),
    (("type=schedule,pattern={{date 'YYYY' tz='X'}}",), (), [("error", "refs/heads/main", "no time zone 'X'")]),
    (("type=sha", "type=raw,value=-x"), (), [("error", "refs/heads/main", "it yields '-x', which is not a tag")]),
    (("type=raw,value=x,suffix=",), (), [("error", "refs/heads/main", "duplicate tag")]),
]


@pytest.mark.parametrize(("rules", "flavor", "said"), FORESEEN)
def test_what_publishing_would_refuse_is_said_by_lint(rules, flavor, said):
    found = publishing.findings(project("standard", "dev", rules=rules, flavor=flavor))
    assert len(found) == len(said)
    for finding, (severity, ref, part) in zip(found, said, strict=True):
        assert (finding.severity, str(finding.place)) == (severity, "baselard.yaml")
        assert finding.message.startswith(f"publishing {ref} would fail: ")
        assert part in finding.message


def test_no_tag_at_all_is_an_error():
    with pytest.raises(BaselardError, match="no tag rule applies to refs/heads/other"):
        references(project("standard"), Event("refs/heads/other"))
