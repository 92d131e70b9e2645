"""Cases of pytest's JUnit XML. Judge: recorded files of pytest 8.3.5 with testinfra 10.2.2, Debian trixie's."""

from pathlib import Path

import pytest

from pipeline.testers.pytest import junit, tester

HERE = Path(__file__).parent
TESTS, UNREAD = ((HERE / name).read_text() for name in ("tests.xml", "unread.xml"))
LATE = "was ended, not done in time; `timeout` of this test in baselard.yaml allows more"
FILE = "examples/a/test_image.py"


def told(xml: str):
    return [(case.name, str(case.verdict), case.message, str(case.place or "")) for case in junit.cases(xml)]


def test_each_test_is_a_case_whose_place_is_the_line_that_failed():
    assert told(TESTS) == [
        ("test_there[/etc/passwd]", "passed", "", ""),
        ("test_there[/etc/nothing]", "failed", "AssertionError: assert False", f"{FILE}:15"),
        ("test_package", "failed", "AssertionError: assert False", f"{FILE}:5"),
        ("test_setup", "error", 'failed on setup with "RuntimeError: no such thing"', f"{FILE}:10"),
        ("TestMore.test_net", "skipped", "no network", ""),
        ("TestMore.test_later", "noted", "fails as expected: one day", ""),
        ("TestMore.test_said", "failed", "AssertionError: assert 'a' == 'b'", f"{FILE}:35"),
    ]


def test_the_detail_is_the_traceback_in_the_repository_s_words_and_what_was_printed():
    said = junit.cases(TESTS)[-1].detail.splitlines()
    assert said[0] == f"{FILE}:35: in test_said"
    assert said[-2:] == ["it printed:", "said this"]
    assert "printed" not in junit.cases(TESTS)[2].detail


def test_a_file_that_is_no_python_is_a_case_at_its_line():
    place = "examples/a/tests/test_syntax.py:4"
    assert told(UNREAD) == [("test_syntax.py", "error", "SyntaxError: invalid syntax", place)]


def test_without_a_traceback_the_place_is_that_of_the_test():
    case = '<testcase name="a" file="b/test_a.py" line="2"><failure message="Failed: no"/></testcase>'
    assert told(f"<testsuites>{case}</testsuites>") == [("a", "failed", "no", "b/test_a.py:3")]


@pytest.mark.parametrize(
    ("status", "junit_xml", "said", "message"),
    [
        ("5", "", "no tests ran", "collected no tests"),
        ("late", "", "", LATE),
        (
            "late",
            "<testsuites",
            "at a",
            f"{LATE}: at a",
        ),
        ("139", "<testsuites/>", "", "exit code 139"),
    ],
)
def test_an_exit_code_that_no_case_explains_is_an_error(status, junit_xml, said, message):
    (case,) = tester.cases("a/test_b.py", {"status": f"{status}\n", "said": said, "junit": junit_xml})
    assert (str(case.verdict), case.message, str(case.place)) == ("error", message, "a/test_b.py")


def test_a_conftest_that_cannot_be_read_is_told_with_its_line():
    """Recorded: pytest says it on stderr, and writes no XML."""
    said = (
        "ImportError while loading conftest '/.goss-tests/examples/conf/conftest.py'.\n"
        ".goss-tests/examples/conf/conftest.py:1: in <module>\n"
        "    import docker\n"
        "E   ModuleNotFoundError: No module named 'docker'\n"
    )
    (case,) = tester.cases("examples/conf/test_a.py", {"status": "4", "said": said, "junit": ""})
    assert case.message == "exit code 4: ModuleNotFoundError: No module named 'docker'"
    assert (str(case.place), case.detail.splitlines()[1]) == (
        "examples/conf/conftest.py:1",
        "examples/conf/conftest.py:1: in <module>",
    )


@pytest.mark.parametrize(("status", "xml"), [("1", TESTS), ("2", UNREAD), ("0", "<testsuites/>")])
def test_one_that_they_explain_is_none(status, xml):
    assert tester.cases("x", {"status": status, "said": "", "junit": xml}) == junit.cases(xml)
