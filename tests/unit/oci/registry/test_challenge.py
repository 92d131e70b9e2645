"""Challenges of WWW-Authenticate. The judges are the examples of the RFCs, and fields as registries send them."""

from typing import Any

import pytest

from baselard.oci.registry.challenge import parse

Parsed = list[tuple[str, dict[str, str]]]
DIGEST_256 = (
    'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=SHA-256, '
    'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
)
EXAMPLES: list[tuple[str, list[str], Parsed]] = [
    (
        "RFC 9110, 11.6.1",
        [r'Basic realm="simple", Newauth realm="apps", type=1, title="Login to \"apps\""'],
        [("basic", {"realm": "simple"}), ("newauth", {"realm": "apps", "type": "1", "title": 'Login to "apps"'})],
    ),
    ("RFC 7617, 2.1", ['Basic realm="foo", charset="UTF-8"'], [("basic", {"realm": "foo", "charset": "UTF-8"})]),
    (
        "RFC 6750, 3",
        ['Bearer realm="example", error="invalid_token", error_description="The access token expired"'],
        [
            (
                "bearer",
                {"realm": "example", "error": "invalid_token", "error_description": "The access token expired"},
            )
        ],
    ),
    (
        "RFC 7616, 3.9.1: a comma in quotes, several fields",
        [DIGEST_256, 'Basic realm="b"'],
        [
            (
                "digest",
                {
                    "realm": "http-auth@example.org",
                    "qop": "auth, auth-int",
                    "algorithm": "SHA-256",
                    "nonce": "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
                    "opaque": "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS",
                },
            ),
            ("basic", {"realm": "b"}),
        ],
    ),
    (
        "distribution, token specification",
        ['Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push"'],
        [
            (
                "bearer",
                {
                    "realm": "https://auth.docker.io/token",
                    "service": "registry.docker.io",
                    "scope": "repository:a/b:pull,push",
                },
            )
        ],
    ),
    (
        "names in any case, a query, blanks around commas",
        ['BEARER realm="http://h/tok?x=1,2" , Service="a, b=c"'],
        [("bearer", {"realm": "http://h/tok?x=1,2", "service": "a, b=c"})],
    ),
    ("unquoted", ["Bearer realm=x , service=gcr.io"], [("bearer", {"realm": "x", "service": "gcr.io"})]),
    (
        "an unquoted address, which is not a token",
        ["Bearer realm=https://h/t?a=b,service=s"],
        [("bearer", {"realm": "https://h/t?a=b", "service": "s"})],
    ),
    ("blanks around the equals sign", ['Basic realm = "x"'], [("basic", {"realm": "x"})]),
    ("empty elements of a list", [', ,Basic realm="x", , Bearer ,'], [("basic", {"realm": "x"}), ("bearer", {})]),
    ("a tab", ['Basic\trealm="x",\tcharset=u'], [("basic", {"realm": "x", "charset": "u"})]),
    ("a scheme alone", ["Negotiate"], [("negotiate", {})]),
    ("two schemes alone", ["Negotiate, NTLM"], [("negotiate", {}), ("ntlm", {})]),
    ("an empty value", ['Basic realm=""'], [("basic", {"realm": ""})]),
    ("nothing", [""], []),
    ("no field", [], []),
    ("an escaped backslash", [r'Basic realm="a\\b\c"'], [("basic", {"realm": r"a\bc"})]),
    (
        "a mistake ends its field, not the next",
        ['Basic realm="x', 'Bearer realm="y"'],
        [("basic", {}), ("bearer", {"realm": "y"})],
    ),
]


@pytest.mark.parametrize(("fields", "challenges"), [pytest.param(*rest, id=name) for name, *rest in EXAMPLES])
def test_challenges(fields: list[str], challenges: Any) -> None:
    assert [(one.scheme, one.parameters) for one in parse(fields)] == challenges


@pytest.mark.parametrize("padded", ["a87421000492aa874209af8bc028", "YII=", "YI+/-._~=="])
def test_a_token68_stands_in_the_place_of_parameters(padded: str) -> None:
    """RFC 4559 has the first; the others are of RFC 9110's alphabet for it."""
    negotiate, basic = parse([f'Negotiate {padded}, Basic realm="x"'])
    assert (negotiate.scheme, negotiate.token68, negotiate.parameters) == ("negotiate", padded, {})
    assert (basic.scheme, basic.parameters) == ("basic", {"realm": "x"})
