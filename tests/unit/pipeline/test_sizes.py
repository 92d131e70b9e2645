"""Sizes beside those of published images, in the summary and in a pull request's comment."""

from pipeline.model import Case, Report, Suite, Verdict
from pipeline.report import sizes, summary

LARGER = {"name": "base:dev", "compressed": 12e6, "unpacked": 30e6, "published": 10e6, "note": "against base:main"}
NEW = {"name": "base", "compressed": 1e6, "unpacked": 2e6, "published": None, "note": "a|b\n is not there yet"}
BAD = Suite("web", tuple(Case(f"c{n}", Verdict.FAILED, message="x" * 50, detail="d") for n in range(30)), log="log")


def report(*suites, **outputs):
    return Report("ci", suites, "2026-01-01T00:00:00+00:00", 1.0, outputs)


def test_a_difference_is_signed_and_a_new_image_has_none():
    lines = sizes.render(report(sizes=[LARGER, NEW])).splitlines()[2:]
    assert lines[0] == "| `base:dev` | 30.0 MB | 12.0 MB | +2.0 MB (+20.0 %) | against base:main |"
    assert lines[1] == "| `base` | 2.0 MB | 1.0 MB |  | a\\|b is not there yet |"


def test_without_sizes_there_is_no_table():
    assert sizes.render(report(BAD)) == ""


def test_summary_and_comment_have_them():
    whole = report(BAD, sizes=[LARGER])
    assert "+20.0 %" in summary.render(whole) and "+20.0 %" in summary.comment(whole)


def test_a_comment_is_short():
    said = summary.comment(report(BAD))
    assert "- and 10 more" in said and "log" not in said and "mermaid" not in said
    many = summary.comment(report(*(Suite(f"s{n}", BAD.cases) for n in range(200))))
    assert len(many) < 65_536 and many.endswith("The rest is in the run's summary.\n")
