"""JavaScript's regular expressions. The judge is node 20 (V8), whose answers are recorded here."""

import re

import pytest

from pipeline.errors import UsageError
from pipeline.tags.regex import compile_

# Pattern, flags, text, and what `text.match(new RegExp(pattern, flags))` gives: the whole and its groups, or None.
ANSWERS = [
    ("v(.*)", "", "v1.2.3", ("v1.2.3", "1.2.3")),
    ("V(.*)", "i", "v1.2", ("v1.2", "1.2")),
    ("\\d+", "", "20200110-RC2", ("20200110",)),
    ("^p1/v(\\d)", "", "p1/v1.2", ("p1/v1", "1")),
    ("v(?<maj>\\d+)", "", "v12", ("v12", "12")),
    ("v(a)?", "", "v12", ("v", None)),
    ("\\p{L}+", "", "äbc", None),
    ("\\p{L}+", "", "p{L}}", ("p{L}}",)),
    ("a{2}", "", "baab", ("aa",)),
    ("a{,2}", "", "a{,2}", ("a{,2}",)),
    ("a{", "", "a{", ("a{",)),
    ("a}", "", "a}", ("a}",)),
    ("]", "", "a]", ("]",)),
    ("[]", "", "a", None),
    ("[^]", "", "\\n", ("\\",)),
    ("[\\w-]+", "", "a-b_c.d", ("a-b_c",)),
    ("[\\d-z]+", "", "4-z", ("4-z",)),
    ("[a-]+", "", "-a-", ("-a-",)),
    ("[[a]", "", "[", ("[",)),
    ("[a&&b]+", "", "&a", ("&a",)),
    ("\\A", "", "xA", ("A",)),
    ("\\Z", "", "xZ", ("Z",)),
    ("\\x41\\u0042", "", "AB", ("AB",)),
    ("\\cA|\\0", "", "a", None),
    ("$", "", "a\n", ("",)),
    ("a$", "", "a\nb", None),
    ("a$", "m", "a\nb", ("a",)),
    ("^b", "m", "a\rb", ("b",)),
    (".+", "", "a\u2028b", ("a",)),
    (".+", "s", "a\nb", ("a\nb",)),
    ("\\bv", "", "x v", ("v",)),
    ("\\Bv", "", "xv", ("v",)),
    ("\\D+", "", "12ab", ("ab",)),
    ("\\W", "i", "release/2", ("/",)),
    ("[^\\W\\d]+", "", "12ab", ("ab",)),
    ("(?:a|b)+?c", "", "abc", ("abc",)),
    ("(?=v)v", "", "v", ("v",)),
    ("(?!x)v", "", "v", ("v",)),
    ("(?<=v)\\d", "", "v1", ("1",)),
    ("(?<!v)\\d", "", "v12", ("2",)),
    ("\\d", "y", "v1", None),
    ("v\\d+", "g", "v1v2", ("v1",)),
    ("é", "i", "É", ("É",)),
    ("#", "", "a#", ("#",)),
    (" ", "", "a b", (" ",)),
    ("\\/", "", "a/b", ("/",)),
    ("\\-", "", "a-b", ("-",)),
    ("x*", "", "y", ("",)),
    ("(x)|(y)", "", "y", ("y", None, "y")),
    ("", "", "a", ("",)),
    ("[\\b]", "", "b", None),
    ("\\a", "", "a", ("a",)),
    ("a|", "", "b", ("",)),
]
# What JavaScript refuses, too: Python would take some of it for something else.
REFUSED = [
    ("(", ""),
    ("a**", ""),
    ("a*+", ""),
    ("a++", ""),
    ("(?P<n>a)", ""),
    ("(?i)a", ""),
    ("(?>a)", ""),
    ("(?#a)", ""),
    ("a", "q"),
    ("a", "ii"),
    ("*a", ""),
    ("[b-a]", ""),
    ("a{3,2}", ""),
    ("(?<a", ""),
    ("^*", ""),
]
# What only this module refuses, since Python means something else by it or has nothing like it.
UNKNOWN = [("(a)\\1", ""), ("(?<n>a)\\k<n>", ""), ("(?<=a+)b", ""), ("a", "u"), ("\\c", "")]


@pytest.mark.parametrize(("pattern", "flags", "text", "found"), ANSWERS)
def test_matches(pattern, flags, text, found):
    assert compile_(pattern, flags).find(text) == found


@pytest.mark.parametrize(("pattern", "flags"), [*REFUSED, *UNKNOWN])
def test_what_cannot_be_meant_is_told_with_the_pattern(pattern, flags):
    with pytest.raises(UsageError, match=re.escape(repr(pattern))):
        compile_(pattern, flags)
