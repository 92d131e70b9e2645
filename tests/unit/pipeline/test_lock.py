"""`baselard.lock`: what a build takes for a tag, and what is wrong with a lock. Judge: the table of cases."""

import pytest

from pipeline import lock
from pipeline.errors import ConfigError

DIGEST = "sha256:" + "a" * 64
NAME = "docker.io/library/debian:13"


@pytest.mark.parametrize(
    ("written", "pulled"),
    [
        ("debian:13", f"{NAME}@{DIGEST}"),
        ("docker.io/library/debian:13", f"{NAME}@{DIGEST}"),
        ("debian", "debian"),
        ("debian:12", "debian:12"),
        (f"debian:13@sha256:{'b' * 64}", f"debian:13@sha256:{'b' * 64}"),
    ],
)
def test_what_is_pulled_for_an_image(written, pulled):
    assert lock.locked({NAME: DIGEST}, written) == pulled
    assert lock.locked({}, written) == written


def test_a_lock_is_read_as_it_was_written():
    images = {NAME: DIGEST, "a.b/c:1": DIGEST}
    assert lock.parse(lock.render(images)) == images


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "cannot be read"),
        ("[]", r"cannot be read \(\[\] is not a JSON object\)"),
        ("{}", r"cannot be read \(None is not a JSON object\)"),
        ('{"images": {"a": 1}}', "cannot be read"),
        ('{"images": {"docker.io/library/debian:13": "sha256:1"}}', "cannot be read"),
        (f'{{"images": {{"UPPER/": "{DIGEST}"}}}}', "cannot be read"),
        (f'{{"images": {{"debian:13": "{DIGEST}"}}}}', "is written docker.io/library/debian:13"),
    ],
)
def test_a_lock_that_cannot_be_is_told(text, said):
    with pytest.raises(ConfigError, match=f"baselard.lock: .*{said}"):
        lock.parse(text)


@pytest.mark.anyio
async def test_no_lock_is_an_empty_one(repository):
    class Tree:
        async def glob(self, _):
            return []

    assert await lock.read(Tree()) == {}  # type: ignore[arg-type]
