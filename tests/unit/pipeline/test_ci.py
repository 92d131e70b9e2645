"""What an event may do."""

import pytest

from pipeline.ci import why_not
from pipeline.tags.event import Event


@pytest.mark.parametrize(
    ("ref", "password", "said"),
    [
        ("refs/heads/main", True, ""),
        ("refs/tags/v1.0.0", True, ""),
        ("refs/heads/main", False, "there are no credentials"),
        ("refs/pull/7/merge", True, "this is a pull request"),
        ("refs/heads/feature", True, "refs/heads/feature is neither the default branch (main) nor a tag"),
    ],
)
def test_who_publishes(ref, password, said):
    reason = why_not(Event(ref), has_password=password)
    assert reason.startswith(said)
    assert bool(reason) == bool(said)
