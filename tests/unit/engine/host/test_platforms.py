"""Platforms in normal form, as containerd's platforms package has them."""

import pytest

from baselard.engine.errors import UserError
from baselard.engine.host import platforms
from baselard.engine.host.platforms import Platform


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("linux/amd64", "linux/amd64"),
        ("LINUX/x86_64", "linux/amd64"),
        ("amd64", "linux/amd64"),
        ("linux/arm64/v8", "linux/arm64"),
        ("linux/aarch64", "linux/arm64"),
        ("linux/arm", "linux/arm/v7"),
        ("linux/armhf", "linux/arm/v7"),
        ("linux/arm/6", "linux/arm/v6"),
        ("linux/amd64/v1", "linux/amd64"),
        ("linux/amd64/v3", "linux/amd64/v3"),
    ],
)
def test_spellings_meet_in_one_form(text: str, normal: str) -> None:
    assert str(platforms.parse(text)) == normal


@pytest.mark.parametrize(
    "text", ["", "linux/", "plan9/amd64", "foo", "linux/amd65", "linux/amd64/v1/x", "linux/am d64", "../x"]
)
def test_what_is_no_platform_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(
        UserError, match="unknown operating system or architecture: write the platform like linux/amd64"
    ):
        platforms.parse(text)


def test_an_older_arm_variant_stands_in_but_no_other_architecture() -> None:
    offered = [platforms.parse(text) for text in ("linux/amd64", "linux/arm/v5", "linux/arm/v6", "linux/arm64")]
    assert platforms.choose(platforms.parse("linux/arm/v7"), offered) == Platform("linux", "arm", "v6")
    assert platforms.choose(platforms.parse("linux/s390x"), offered) is None
    assert platforms.choose(platforms.parse("linux/amd64/v3"), offered) == Platform("linux", "amd64")
    assert platforms.choose(platforms.parse("linux/amd64/odd"), offered) == Platform("linux", "amd64")
    newer = [platforms.parse("linux/amd64"), platforms.parse("linux/amd64/v2"), platforms.parse("linux/amd64/v4")]
    assert platforms.choose(platforms.parse("linux/amd64/v3"), newer) == Platform("linux", "amd64", "v2")


def test_debian_has_names_of_its_own() -> None:
    names = [
        platforms.parse(text).debian_architecture
        for text in ("linux/arm/v7", "linux/arm/v6", "linux/386", "linux/arm64")
    ]
    assert names == ["armhf", "armel", "i386", "arm64"]
