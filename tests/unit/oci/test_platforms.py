"""Platforms in normal form, as containerd's platforms package has them."""

import pytest

from baselard.oci import platforms
from baselard.oci.errors import InvalidPlatformError
from baselard.oci.platforms import Platform

OWN = Platform("linux", "arm64")


def parse(text: str) -> Platform:
    return platforms.parse(text, OWN)


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("linux/amd64", "linux/amd64"),
        ("LINUX/x86_64", "linux/amd64"),
        ("linux/x86_64", "linux/amd64"),
        ("amd64", "linux/amd64"),
        ("arm64", "linux/arm64"),
        ("linux/arm64/v8", "linux/arm64"),
        ("linux/aarch64", "linux/arm64"),
        ("linux/aarch64/v8", "linux/arm64"),
        ("linux/arm", "linux/arm/v7"),
        ("linux/armhf", "linux/arm/v7"),
        ("linux/arm/6", "linux/arm/v6"),
        ("linux/amd64/v1", "linux/amd64"),
        ("linux/amd64/v3", "linux/amd64/v3"),
        ("linux", "linux/arm64"),
        ("windows", "windows/arm64"),
        ("plan9/vax", "plan9/vax"),
    ],
)
def test_spellings_meet_in_one_form(text: str, normal: str) -> None:
    assert str(parse(text)) == normal


@pytest.mark.parametrize(
    "text", ["", "nothing", "foo", "linux/", "a/b/c/d", "linux/amd64/v1/x", "linux/am d64", "../x", "linux/\u0661"]
)
def test_what_is_no_platform(text: str) -> None:
    with pytest.raises(InvalidPlatformError, match=r"is an invalid platform|unknown operating system or architecture"):
        parse(text)


def test_an_older_arm_variant_stands_in_but_no_other_architecture() -> None:
    offered = [parse(text) for text in ("linux/amd64", "linux/arm/v5", "linux/arm/v6", "linux/arm64")]
    assert platforms.choose(parse("linux/arm/v7"), offered) == Platform("linux", "arm", "v6")
    assert platforms.choose(parse("linux/s390x"), offered) is None
    assert platforms.choose(parse("linux/amd64/v3"), offered) == Platform("linux", "amd64")
    assert platforms.choose(parse("linux/amd64/odd"), offered) == Platform("linux", "amd64")
    newer = [parse("linux/amd64"), parse("linux/amd64/v2"), parse("linux/amd64/v4")]
    assert platforms.choose(parse("linux/amd64/v3"), newer) == Platform("linux", "amd64", "v2")


def test_debian_has_names_of_its_own() -> None:
    names = [parse(text).debian_architecture for text in ("linux/arm/v7", "linux/arm/v6", "linux/386", "linux/arm64")]
    assert names == ["armhf", "armel", "i386", "arm64"]
