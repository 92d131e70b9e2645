"""A platform that no image can have is said before any build."""

import pytest

from pipeline.errors import UsageError
from pipeline.platforms import check_platform


@pytest.mark.parametrize("platform", ["", "linux/amd64", "linux/arm64", "linux/arm/v7", "linux/s390x"])
def test_known(platform):
    assert check_platform(platform) == platform


@pytest.mark.parametrize(
    ("platform", "hint"),
    [
        ("linux/vax", "write it like linux/arm64"),
        ("linux/amd46", "did you mean linux/amd64?"),
        ("arm64", "did you mean linux/arm64?"),
        ("windows/amd64", "there is no platform 'windows/amd64'"),
        ("linux/arm/", "there is no platform 'linux/arm/'"),
        ("Linux/amd64", "did you mean linux/amd64?"),
    ],
)
def test_unknown(platform, hint):
    with pytest.raises(UsageError) as error:
        check_platform(platform)
    assert hint in str(error.value)
