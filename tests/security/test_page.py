"""docs/reference/security.md tells what the tests guard against, and nothing of the list is left out."""

import pytest

from tests.security.page import ADVISORIES, PAGE, guards, page


def test_the_page_is_what_the_tests_say() -> None:
    """``python tests/security/page.py`` writes it anew."""
    assert PAGE.read_text() == page(PAGE.read_text())


@pytest.mark.parametrize("advisory", ADVISORIES)
def test_each_advisory_has_a_test(advisory: str) -> None:
    mine = [guard for guard in guards() if guard.advisory == advisory]
    assert mine
    assert len({guard.what for guard in mine}) == 1


def test_no_test_guards_against_something_that_is_not_listed() -> None:
    assert {guard.advisory for guard in guards()} <= set(ADVISORIES)
