"""Redirects for apt."""

import pytest

from baselard.engine.run.networks import redirect

MIRRORS = {"http://deb.debian.org/debian": "http://m/d", "http://deb.debian.org/debian-security": "http://m/s"}


@pytest.mark.parametrize(
    ("asked", "location"),
    [
        ("http://deb.debian.org/debian/dists/trixie/InRelease", "http://m/d/dists/trixie/InRelease"),
        ("http://deb.debian.org/debian-security/x", "http://m/s/x"),
        ("http://deb.debian.org/debian", "http://m/d"),
    ],
)
def test_the_mirrors_url_is_the_answer(asked, location):
    answer = redirect.answer(f"GET {asked} HTTP/1.1\r\nHost: deb.debian.org\r\n\r\n", MIRRORS)
    assert answer.startswith("HTTP/1.1 302 ")
    assert f"\r\nLocation: {location}\r\n" in answer


@pytest.mark.parametrize("asked", ["http://deb.debian.org/debian-debug/x", "http://other/debian", "/debian", ""])
def test_anything_else_is_not_found(asked):
    assert redirect.answer(f"GET {asked} HTTP/1.1\r\n\r\n", MIRRORS).startswith("HTTP/1.1 404 ")
