"""A report from elsewhere: its files are found, and nothing of an archive or a page does more than be a report."""

import json
import stat
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from baselard.cli import artifact
from baselard.cli import open as opening
from baselard.engine.errors import UserError
from pipeline.model import Case, Report, Suite, Verdict
from pipeline.report import directory

BAD = Case("port", Verdict.FAILED, message="closed\x1b[2J")
SUITES = (Suite("good", (Case("a", Verdict.PASSED),)), Suite("bad\x1b[31m", (BAD,)))
REPORT = Report("test-examples", SUITES, outputs={"commit": "ab" * 20})
TEXTS = directory.files(REPORT)


def zipped(path: Path, texts: Mapping[str, str] = TEXTS) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in texts.items():
            archive.writestr(name, text)
    return path


def written(path: Path, texts: Mapping[str, str] = TEXTS) -> Path:
    path.mkdir(parents=True)
    for name, text in texts.items():
        (path / name).write_text(text)
    return path


def test_every_file_of_a_report_is_known() -> None:
    assert set(artifact.FILES) == {*TEXTS, "README.md"}


@pytest.mark.parametrize("folder", ["", "baselard-report/"])
def test_an_archive_gives_what_the_directory_held(tmp_path: Path, folder: str) -> None:
    archive = zipped(tmp_path / "a.zip", {f"{folder}{name}": text for name, text in TEXTS.items()} | {"other": "x"})
    found = artifact.found(archive, tmp_path / "cache")
    assert found.root.parent == tmp_path / "cache" / "reports"
    assert {path.name: path.read_text() for path in found.root.iterdir()} == TEXTS
    assert found.page == found.root / "report.html"
    assert artifact.found(archive, tmp_path / "cache").root == found.root


def test_a_directory_is_used_where_it_is(tmp_path: Path) -> None:
    report = written(tmp_path / "here" / "report")
    for path in (report, report.parent, report / "report.html"):
        assert artifact.found(path, tmp_path / "cache").root == report
    assert not (tmp_path / "cache").exists()


def test_no_escape_of_a_report_acts_in_the_terminal(tmp_path: Path) -> None:
    found = artifact.found(written(tmp_path / "report"), tmp_path)
    assert "✗ port: closed[2J" in found.summary
    assert "\x1b" not in found.summary
    assert found.told("bad\x1b[31m") == ("ab" * 20, "port: closed[2J")
    assert found.told("good") == ("ab" * 20, "")


@pytest.mark.parametrize(
    "name", ["../x", "/etc/x", "a/../../x", "..\\x", "C:/x", "C:\\x", "\\\\host\\x", "report/../../../x"]
)
def test_an_archive_that_leads_elsewhere_is_refused_whole(tmp_path: Path, name: str) -> None:
    archive = zipped(tmp_path / "a.zip", {**TEXTS, name: "x"})
    with pytest.raises(UserError, match="leads out of the archive: nothing of it is unpacked"):
        artifact.found(archive, tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_a_link_or_a_device_in_an_archive_is_refused(tmp_path: Path, kind: int) -> None:
    entry = zipfile.ZipInfo("report.json")
    entry.external_attr = (kind | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("report.html", TEXTS["report.html"])
        archive.writestr(entry, "/etc/passwd")
    with pytest.raises(UserError, match=r"report\.json is not a file"):
        artifact.found(tmp_path / "a.zip", tmp_path / "cache")


def test_what_is_larger_than_any_report_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = zipped(tmp_path / "a.zip", {**TEXTS, "junit.xml": "0" * 3_000_000})
    assert archive.stat().st_size < 100_000
    monkeypatch.setattr(artifact, "_LARGEST", 2 << 20)
    with pytest.raises(UserError, match=r"junit.xml has more than 2 MiB"):
        artifact.found(archive, tmp_path / "cache")
    monkeypatch.setattr(artifact, "_ENTRIES", 3)
    with pytest.raises(UserError, match="more than 3 files"):
        artifact.found(archive, tmp_path / "cache")


def test_a_name_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip")
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(archive, "a") as more:
        more.writestr("report.html", "<script>alert(1)</script>")
    with pytest.raises(UserError, match=r"report\.html twice"):
        artifact.found(archive, tmp_path / "cache")


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        ({"junit.xml": ""}, "holds no report.html"),
        ({"a/report.html": "", "b/report.html": ""}, "holds several reports; name one: a, b"),
        ({"a/b/report.html": ""}, "holds no report.html"),
    ],
)
def test_an_archive_without_one_report_is_told(tmp_path: Path, texts: Mapping[str, str], says: str) -> None:
    with pytest.raises(UserError, match=says):
        artifact.found(zipped(tmp_path / "a.zip", texts), tmp_path / "cache")


def test_what_is_no_archive_is_told(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("PK")
    broken = zipped(tmp_path / "broken.zip")
    broken.write_bytes(broken.read_bytes()[:-1000])
    for path in (tmp_path / "text", broken):
        with pytest.raises(UserError, match="neither a directory nor a zip archive of a report"):
            artifact.found(path, tmp_path / "cache")
    with pytest.raises(UserError, match="No such file"):
        artifact.found(tmp_path / "nowhere", tmp_path / "cache")
    damaged = zipped(tmp_path / "damaged.zip")
    damaged.write_bytes(
        damaged.read_bytes().replace(b"report.html", b"report.html", 1)[:100] + damaged.read_bytes()[130:]
    )
    with pytest.raises(UserError):
        artifact.found(damaged, tmp_path / "cache")


@pytest.mark.parametrize(
    "page",
    [
        "",
        "<script>alert(1)</script>",
        TEXTS["report.html"].replace("default-src &#x27;none", "default-src &#x27;self", 1),
        TEXTS["report.html"].replace("<meta charset", "<script>1</script><meta charset", 1),
    ],
)
def test_a_page_of_somebody_elses_is_not_opened(tmp_path: Path, page: str) -> None:
    found = artifact.found(written(tmp_path / "report", {**TEXTS, "report.html": page}), tmp_path)
    with pytest.raises(UserError, match="not a report that Baselard wrote, and is not opened"):
        _ = found.page


@pytest.mark.parametrize("record", ["", "[]", "{}", '{"suites": [7]}', '{"suites": [], "outputs": 3}', "[" * 99_999])
def test_a_record_that_is_none_is_told(tmp_path: Path, record: str) -> None:
    found = artifact.found(written(tmp_path / "report", {**TEXTS, "report.json": record}), tmp_path)
    with pytest.raises(UserError, match=r"report.json is not a report that Baselard wrote"):
        found.told("good")


def test_an_example_that_is_not_in_the_report_is_told(tmp_path: Path) -> None:
    found = artifact.found(written(tmp_path / "report"), tmp_path)
    with pytest.raises(UserError, match=r"the report has no goood; there is good, bad\[31m"):
        found.told("goood")
    without = artifact.found(written(tmp_path / "other", {"report.html": ""}), tmp_path)
    with pytest.raises(UserError, match="name the commit by --commit"):
        without.told("good")
    assert without.summary == ""


def test_old_archives_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artifact, "_KEPT", 2)
    for number in range(4):
        artifact.found(zipped(tmp_path / f"{number}.zip", {**TEXTS, "comment.md": str(number)}), tmp_path / "cache")
    assert len(list((tmp_path / "cache" / "reports").iterdir())) == 2


# --- the command ------------------------------------------------------------------------------------------------------


def test_opening_prints_the_verdicts_and_the_path_of_the_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = written(tmp_path / "report")
    assert opening.run(str(report), ["open"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("passed  good")
    assert lines[-1] == str(report / "report.html")


def test_a_commit_without_an_example_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="name the example by --shell"):
        opening.run(str(tmp_path), ["open"], commit="main")


def test_a_commit_that_is_not_here_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="in no git repository"):
        opening._check_out("ab" * 20, tmp_path / "into")


def test_the_record_is_that_of_a_report(tmp_path: Path) -> None:
    assert json.loads(TEXTS["report.json"])["outputs"]["commit"] == "ab" * 20
