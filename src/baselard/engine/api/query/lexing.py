"""String values of queries read by regular expression.

graphql-core looks at every letter of a string by itself: a file of 50 MB sent as an argument takes it 20 seconds. What
the expression does not match, it is left to read, and to explain.
"""

import json
import re

from graphql.language import Lexer, Token, TokenKind

_STRING = re.compile(r'"((?:[^"\\\r\n\ud800-\udfff]++|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*+)"')
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_decode = json.JSONDecoder(strict=False).decode  # GraphQL's escapes are JSON's, and control characters may stand


def install() -> None:
    """Have all lexers of this process read strings so."""
    if Lexer.read_string is not _read_string:
        Lexer.read_string = _read_string  # type: ignore[method-assign]


_by_letter = Lexer.read_string


def _read_string(self: Lexer, start: int) -> Token:
    match = _STRING.match(self.source.body, start)
    if not match or _SURROGATE.search(match[1]):
        return _by_letter(self, start)
    return self.create_token(TokenKind.STRING, start, match.end(), _value(match))


def value(literal: str) -> str | None:
    """The text that a string literal stands for; None for one that is left to graphql-core."""
    match = _STRING.fullmatch(literal)
    return _value(match) if match and not _SURROGATE.search(match[1]) else None


def _value(match: "re.Match[str]") -> str:
    text: str = _decode(match[0]) if "\\" in match[1] else match[1]
    return text
