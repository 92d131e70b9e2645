"""Cases worked out from the documentation of docker/metadata-action."""

from datetime import UTC, datetime

import pytest

from pipeline.errors import BaselardError
from pipeline.tags import events, rules
from pipeline.tags.events import Event
from pipeline.tags.labels import labels
from pipeline.tags.moment import moment
from pipeline.tags.produce import for_target, produce

SHA = "90dd6032fac8bda1b6c4436a2e65de27961ed071"
NOW = datetime(2021, 3, 26, 1, 2, 3, tzinfo=UTC)


def tags(lines, ref, *, flavor=(), event="", sha=SHA, default="master"):
    happened = Event(ref, sha, event, default, now=NOW)
    return list(produce(rules.parse(lines), rules.parse_flavor(flavor), happened).names)


@pytest.mark.parametrize(
    ("ref", "expected"),
    [
        ("refs/pull/2/merge", ["pr-2"]),
        ("refs/heads/master", ["master"]),
        ("refs/heads/releases/v1", ["releases-v1"]),
        ("refs/tags/v1.2.3", ["v1.2.3", "latest"]),
        ("refs/tags/sometag", ["sometag", "latest"]),
        ("refs/tags/v1", ["v1", "latest"]),
        ("refs/tags/2024.1", ["2024.1", "latest"]),
        ("refs/tags/1.2.post1", ["1.2.post1", "latest"]),
    ],
)
def test_the_default_rules(ref, expected):
    assert tags([], ref) == expected


# Tags by which people name what is not yet a release: semver.org, items 9 and 11; PEP 440, "Pre-releases" and
# "Developmental releases", with the spellings that it normalises.
PRERELEASES = ["v1.0.0-rc1", "v1.0.0-rc.1", "1.0.0-0", "v2.0.8-beta.67", "v1.0.0-SNAPSHOT", "v1.0.0-alpha+5"]
PRERELEASES += [
    "1.0rc1",
    "v1.0.0rc1",
    "v1.0.0.RC1",
    "v1.0-rc1",
    "1.0a1",
    "1.0.dev4",
    "2024.1b2",
    "20200110-RC2",
    "v2-beta",
]


@pytest.mark.parametrize("tag", PRERELEASES)
def test_no_default_moves_latest_to_a_prerelease(tag):
    """Unlike the action's own default; written down, the same rule is refused before anything is published."""
    assert tags([], f"refs/tags/{tag}") == [tag.replace("+", "-")]
    with pytest.raises(BaselardError, match=r"tag rule 'type=ref,event=tag' would move `latest` .* of type=semver or"):
        tags(["type=ref,event=tag"], f"refs/tags/{tag}")
    with pytest.raises(BaselardError, match=r"flavor latest=true would move `latest` .* write latest=auto"):
        tags([], f"refs/tags/{tag}", flavor=["latest=true"])


def test_a_default_that_yields_no_tag_is_not_told_as_somebodys_rule():
    with pytest.raises(BaselardError, match=r"'type=ref,event=tag', a default without publish\.tags: it yields '-'"):
        tags([], "refs/tags/日本")


def test_where_a_rule_yields_nothing_no_target_gets_a_tag_of_its_name_alone():
    happened = Event("refs/pull/2/merge", SHA, default_branch="main")
    flavor = for_target(rules.Flavor(), "dev", "standard")
    assert produce(rules.parse(["type=raw,value={{branch}}"]), flavor, happened).names == ()


@pytest.mark.parametrize(
    ("ref", "expected"),
    [
        ("refs/pull/2/merge", ["pr-2"]),
        ("refs/heads/master", ["master"]),
        ("refs/heads/releases/v1", ["releases-v1"]),
        ("refs/tags/v1.2.3", ["1.2.3", "1.2", "latest"]),
        ("refs/tags/v2.0.8-beta.67", ["2.0.8-beta.67"]),
        ("refs/tags/not-a-version", []),
    ],
)
def test_the_documented_semver_set(ref, expected):
    lines = [
        "type=ref,event=branch",
        "type=ref,event=pr",
        "type=semver,pattern={{version}}",
        "type=semver,pattern={{major}}.{{minor}}",
    ]
    assert tags(lines, ref) == expected


@pytest.mark.parametrize(
    ("tag", "pattern", "expected"),
    [
        ("v1.2.3", "{{raw}}", "v1.2.3"),
        ("v1.2.3", "{{version}}", "1.2.3"),
        ("v1.2.3", "{{major}}.{{minor}}", "1.2"),
        ("v1.2.3", "v{{major}}", "v1"),
        ("v1.2.3", "{{minor}}", "2"),
        ("v1.2.3", "{{patch}}", "3"),
        ("v2.0.8-beta.67", "{{raw}}", "v2.0.8-beta.67"),
        ("v2.0.8-beta.67", "{{version}}", "2.0.8-beta.67"),
        ("v2.0.8-beta.67", "{{major}}.{{minor}}", "2.0.8-beta.67"),
        ("1.2.3+build.5", "{{version}}", "1.2.3"),
    ],
)
def test_semver_patterns(tag, pattern, expected):
    assert tags([f"type=semver,pattern={pattern}"], f"refs/tags/{tag}")[0] == expected


@pytest.mark.parametrize(
    ("tag", "pattern", "group", "expected"),
    [
        ("v1.2.3", r"\d.\d.\d", 0, "1.2.3"),
        ("v2.0.8-beta.67", "v(.*)", 1, "2.0.8-beta.67"),
        ("v2.0.8", r"v(\d.\d)", 1, "2.0"),
        ("20200110-RC2", r"\d+", 0, "20200110"),
        ("p1/v1.2.3", r"p1/v(\d.\d.\d)", 1, "1.2.3"),
    ],
)
def test_match(tag, pattern, group, expected):
    flavor = ["latest=false"]
    assert tags([f"type=match,pattern={pattern},group={group}"], f"refs/tags/{tag}", flavor=flavor) == [expected]


@pytest.mark.parametrize(
    ("tag", "pattern", "expected"),
    [
        ("1.2.3", "{{raw}}", "1.2.3"),
        ("1.2.3", "{{version}}", "1.2.3"),
        ("v1.2.3", "{{version}}", "1.2.3"),
        ("1.2.3", "{{major}}.{{minor}}", "1.2"),
        ("1.2.3", "v{{major}}", "v1"),
        ("v1.2.3rc2", "{{raw}}", "v1.2.3rc2"),
        ("1.2.3rc2", "{{version}}", "1.2.3rc2"),
        ("1.2.3rc2", "{{major}}.{{minor}}", "1.2.3rc2"),
        ("1.2.3post1", "{{major}}.{{minor}}", "1.2.3.post1"),
        ("1.2.3beta2", "{{major}}.{{minor}}", "1.2.3b2"),
        ("1.0dev4", "{{major}}.{{minor}}", "1.0.dev4"),
    ],
)
def test_pep440_patterns(tag, pattern, expected):
    assert tags([f"type=pep440,pattern={pattern}"], f"refs/tags/{tag}")[0] == expected


def test_pep440_moves_latest_for_final_releases_only():
    lines = ["type=pep440,pattern={{version}}"]
    assert tags(lines, "refs/tags/1.2.3") == ["1.2.3", "latest"]
    assert tags(lines, "refs/tags/1.2.3.post1") == ["1.2.3.post1"]
    assert tags(lines, "refs/tags/not-a-version") == []


@pytest.mark.parametrize("kind", ["semver", "pep440"])
def test_a_version_out_of_a_longer_tag(kind):
    line = f"type={kind},pattern={{{{version}}}},match=app/v(.*)"
    assert tags([line], "refs/tags/app/v1.2.3") == ["1.2.3", "latest"]
    assert tags([line], "refs/tags/other/v1.2.3") == []


@pytest.mark.parametrize("kind", ["semver", "pep440"])
def test_a_value_takes_the_git_tags_place(kind):
    assert tags([f"type={kind},pattern={{{{version}}}},value=v1.0.0"], "refs/heads/master") == ["1.0.0", "latest"]


def test_match_with_flags():
    assert tags(["type=match,pattern=/rc\\d/i"], "refs/tags/20200110-RC2", flavor=["latest=false"]) == ["RC2"]


def test_match_moves_latest_by_default():
    assert tags([r"type=match,pattern=\d+\.\d+"], "refs/tags/v1.2.3") == ["1.2", "latest"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("type=schedule", "nightly"),
        ("type=schedule,pattern={{date 'YYYYMMDD'}}", "20210326"),
        ("type=schedule,pattern={{date 'YYYYMMDD-HHmmss' tz='Asia/Tokyo'}}", "20210326-100203"),
    ],
)
def test_schedule(line, expected):
    assert tags([line], "refs/heads/master", event="schedule") == [expected]
    assert tags([line], "refs/heads/master", event="push") == []


def test_a_scheduled_run_is_also_one_of_its_branch():
    assert tags([], "refs/heads/master", event="schedule") == ["nightly", "master"]


@pytest.mark.parametrize(
    ("line", "ref", "expected"),
    [
        ("type=edge", "refs/heads/master", ["edge"]),
        ("type=edge", "refs/heads/other", []),
        ("type=edge,branch=other", "refs/heads/other", ["edge"]),
        ("type=sha", "refs/heads/other", ["sha-90dd603"]),
        ("type=sha,prefix=", "refs/heads/other", ["90dd603"]),
        ("type=sha,format=long", "refs/heads/other", [f"sha-{SHA}"]),
        ("type=raw,value=foo", "refs/heads/other", ["foo"]),
        ("foo", "refs/heads/other", ["foo"]),
        ("type=raw,value={{branch}}-{{sha}}", "refs/heads/my/branch", ["my-branch-90dd603"]),
        ("type=raw,value=a b/c", "refs/heads/other", ["a-b-c"]),
        ("type=raw,foo", "refs/heads/other", ["foo"]),
        ("type=raw,value={{branch}}", "refs/pull/2/merge", []),
        ("type=sha,prefix={{branch}}-", "refs/heads/other", ["other-90dd603"]),
        ("type=raw,value=x,enable={{is_default_branch}}", "refs/heads/other", []),
        ("type=raw,value=x,enable={{is_not_default_branch}}", "refs/heads/other", ["x"]),
        ("type=raw,value={{tag}}", "refs/tags/v1.2.3", ["v1.2.3"]),
        ("type=raw,value=t-{{tag}}", "refs/heads/master", ["t-"]),
        ("type=semver,pattern={{major}},enable=false", "refs/tags/v0.1.2", []),
        ("type=edge", "refs/pull/2/merge", []),
        ("type=ref,event=pr,prefix=", "refs/pull/2/merge", ["2"]),
        ("type=raw,value=x,enable={{is_default_branch}}", "refs/heads/master", ["x"]),
        ("type=ref,event=branch,prefix=b-,suffix=-{{sha}}", "refs/heads/o", ["b-o-90dd603"]),
    ],
)
def test_the_other_kinds(line, ref, expected):
    assert tags([line], ref) == expected


def test_priority_decides_the_order_and_who_decides_about_latest():
    lines = ["type=sha", "type=ref,event=tag"]
    assert tags(lines, "refs/tags/v1") == ["v1", "sha-90dd603", "latest"]
    lines = ["type=sha,priority=2000", "type=ref,event=tag"]
    assert tags(lines, "refs/tags/v1") == ["sha-90dd603", "v1"]


def test_every_type_has_its_default_priority():
    lines = ["type=sha", "type=raw,raw", "type=ref,event=tag,suffix=-ref", "type=edge", r"type=match,pattern=\d+"]
    lines += ["type=pep440,pattern=p{{major}}", "type=semver,pattern=s{{major}}", "type=schedule"]
    assert tags(lines, "refs/tags/v1.2.3", event="schedule") == [
        *("nightly", "p1", "s1", "1", "v1.2.3-ref", "raw", "sha-90dd603")
    ]


@pytest.mark.parametrize(
    ("flavor", "expected"),
    [
        (["latest=false"], ["v1"]),
        (["latest=true", "suffix=-alpine"], ["v1-alpine", "latest"]),
        (["suffix=-alpine,onlatest=true"], ["v1-alpine", "latest-alpine"]),
        (["prefix=foo-,onlatest=true", "suffix=-bar"], ["foo-v1-bar", "foo-latest"]),
    ],
)
def test_flavor(flavor, expected):
    assert tags(["type=ref,event=tag"], "refs/tags/v1", flavor=flavor) == expected


def test_a_rules_own_suffix_replaces_the_flavors():
    assert tags(["type=ref,event=branch,suffix="], "refs/heads/a", flavor=["suffix=-x"]) == ["a"]


def test_other_targets_carry_their_name():
    happened = Event("refs/tags/v1.2.3", SHA, default_branch="main")
    flavor = for_target(rules.Flavor(), "dev", "standard")
    parsed = rules.parse(["type=semver,pattern={{version}}", "type=semver,pattern={{major}}"])
    assert produce(parsed, flavor, happened).names == ("1.2.3-dev", "1-dev", "latest-dev")


def test_latest_is_protected():
    line = ["type=raw,value=latest"]
    with pytest.raises(BaselardError, match=r"only for the default branch .* add enable=..is_default_branch.. to it"):
        tags(line, "refs/heads/feature")
    with pytest.raises(BaselardError, match="only for the default branch"):
        tags(line, "refs/tags/v1.0.0-rc1")
    assert tags(line, "refs/heads/master") == ["latest"]
    assert tags(line, "refs/tags/v1.0.0") == ["latest"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("type=semvr,pattern=x", "there is no type 'semvr'"),
        ("type=pep440", "needs pattern="),
        ("type=semver,pattern={{version}},match=(", "tag rule 'type=semver,pattern={{version}},match=('"),
        ("type=semver", "needs pattern="),
        ("type=ref,event=push", "event must be one of branch, tag, pr"),
        ("type=sha,format=tiny", "format must be one of"),
        ("type=raw,value=x,priority=high", "priority must be a number"),
        ("type=raw,value=x,enable=maybe", "enable must come out as true or false"),
        ("type=raw,value={{brunch}}", "{{brunch}}: there is no brunch here; there are base_ref, branch"),
        ("type=raw,value=-x", "yields '-x', which is not a tag"),
        ("type=raw,value=" + "x" * 129, "which is not a tag"),
        ("type=raw,value=x,colour=red", "unknown attribute 'colour'"),
        ("type=raw,value={{date 'YYYY' tz='Mars/Base'}}", "no time zone 'Mars/Base'"),
        ("type=match,pattern=(", "tag rule 'type=match,pattern=('"),
        ("type=match,pattern=v,group=x", "group must be a number, not 'x'"),
        ("type=match,pattern=/v/g,group=1", "with the flag g there are no groups"),
        ("type=match,pattern=/v/q", "only d, g, i, m, s, y are known"),
        ("type=semver,pattern={{raw}},match=v.*", "match needs a group around the version"),
        ("type=raw,value={{#each x}}y{{/each}}", "{{#each x}} is not known here; known are names, {{#if name}}"),
        ("type=raw,value={{#if tag}}y", "{{#if tag}} has no end"),
        ("type=raw,value={{#if tag}}y{{/unless}}", "{{#if tag}} ends with {{/unless}}"),
        ("type=raw,value={{/if}}", "{{/if}} has no beginning"),
        ("type=raw,value={{#if is_default_branch}}y{{/if}}", "is_default_branch always counts as true here"),
        ("type=raw,value={{sha 7}}", "is not known here"),
        ("type=raw,value={{sha '7'}}", "sha takes no arguments"),
        ("type=raw,value={{> sha}}", "{{> sha}} is not known here"),
        ("type=raw,value={{date 'YYYY,MM'}}", "a comma parts attributes, also within braces"),
        ("type=raw,value={{date}}", "a time takes one format and at most tz"),
        ("type=raw,value={{date 'YYYY' zone='UTC'}}", "a time takes one format and at most tz"),
        ('type=raw,"value=a,b"', "may stand around a whole attribute only"),
    ],
)
def test_bad_rules(line, said):
    with pytest.raises(BaselardError) as error:
        tags([line], "refs/tags/v1.0.0")
    assert said in str(error.value)


@pytest.mark.parametrize("line", ["latest=maybe", "latest", "onlatest=true", "colour=red", "prefix=a=b"])
def test_bad_flavors(line):
    with pytest.raises(BaselardError, match="flavor"):
        rules.parse_flavor([line])


@pytest.mark.parametrize(("ref", "sha"), [("main", SHA), ("refs/heads/main", "xyz"), ("", "")])
def test_bad_events(ref, sha):
    with pytest.raises(BaselardError):
        events.parse(events.Named(ref, sha))


def test_moment_formats():
    documented = datetime(2020, 1, 10, 15, 25, 50, 123000, tzinfo=UTC)
    assert moment(documented, "dddd, MMMM Do YYYY, h:mm:ss a") == "Friday, January 10th 2020, 3:25:50 pm"
    assert moment(documented, "YYYY-MM-DDTHH:mm:ss.SSS[Z]") == "2020-01-10T15:25:50.123Z"
    assert [moment(NOW.replace(day=day), "Do") for day in (1, 2, 3, 4, 11, 12, 13, 21, 22, 23)] == [
        *("1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "22nd", "23rd")
    ]
    assert moment(NOW, "[v]YYYY.MM.DD D/M HH:mm X") == "v2021.03.26 26/3 01:02 1616720523"


def test_labels():
    happened = Event("refs/tags/v1", SHA, commit_time=NOW)
    lines = ["maintainer=me", "org.opencontainers.image.title=at {{sha}}"]
    made = labels(happened, "v1", {"source": "https://x", "licenses": "", "title": "base"}, lines)
    assert made == {
        "maintainer": "me",
        "org.opencontainers.image.created": "2021-03-26T01:02:03+00:00",
        "org.opencontainers.image.revision": SHA,
        "org.opencontainers.image.version": "v1",
        "org.opencontainers.image.source": "https://x",
        "org.opencontainers.image.title": "at 90dd603",
    }
    assert list(made) == sorted(made)
    with pytest.raises(BaselardError, match="write KEY=VALUE"):
        labels(happened, "v1", {}, ["maintainer"])
