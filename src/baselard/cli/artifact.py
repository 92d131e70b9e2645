"""The directory of a report, as a call or a CI run left it: found in a directory, or taken out of a zip archive.

An archive is somebody else's word: its names may lead elsewhere, and it may be larger than it says.
"""

import contextlib
import json
import re
import shutil
import stat
import zipfile
import zlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from baselard.engine.errors import UserError
from baselard.engine.files import bounded
from baselard.engine.progress.text import printable
from baselard.oci import digests

PAGE, SUMMARY, RECORD = "report.html", "summary.txt", "report.json"
FILES = (
    *(PAGE, SUMMARY, RECORD, "summary.md", "comment.md", "junit.xml", "report.sarif", "annotations", "outputs.json"),
    *("exit-code", "README.md"),
)
_LARGEST = 64 << 20  # bytes of one file
_ENTRIES = 10_000
_KEPT = 10  # unpacked archives
# What this page's own policy begins with (pipeline/report/html/page.py): it loads nothing and sends nothing.
_POLICY = re.compile(
    rb'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" '
    rb'content="default-src &#x27;none&#x27;; style-src &#x27;sha256-[\w+/=]+&#x27;; '
    rb"script-src &#x27;sha256-[\w+/=]+&#x27;; base-uri &#x27;none&#x27;; form-action &#x27;none&#x27;\">"
)


@dataclass(frozen=True)
class ReportFiles:
    """The directory in which a report's files are."""

    root: Path

    @property
    def page(self) -> Path:
        """report.html. Raises UserError for a page that could do more than show a report."""
        path = self.root / PAGE
        if not _POLICY.match(self._read(PAGE)):
            raise UserError(
                f"{path} is not a report that Baselard wrote, and is not opened: a browser would run what is in it"
            )
        return path.resolve()

    @property
    def summary(self) -> str:
        """The verdicts as text, which no terminal takes for more than that; empty where there are none."""
        with contextlib.suppress(FileNotFoundError):
            text = self._read(SUMMARY).decode(errors="replace")
            return "".join(f"{printable(line)}\n" for line in text.splitlines())
        return ""

    def told(self, example: str) -> tuple[str, str]:
        """The commit that the report is about, and why the example failed; empty where it does not say.

        Raises UserError for an example that is not in it.
        """
        try:
            record = json.loads(self._read(RECORD))
            suites = {str(suite["name"]): suite["cases"] for suite in record["suites"]}
            bad = [case for case in suites.get(example, []) if case["verdict"] in ("failed", "error")]
            why = "; ".join(printable(f"{case['name']}: {case['message']}") for case in bad)
            commit = str(record["outputs"].get("commit", ""))
        except FileNotFoundError:
            raise UserError(f"{self.root} holds no {RECORD}: name the commit by --commit") from None
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise UserError(f"{self.root / RECORD} is not a report that Baselard wrote") from error
        if example not in suites:
            raise UserError(f"the report has no {printable(example)}; there is {', '.join(map(printable, suites))}")
        return commit, why

    def _read(self, name: str) -> bytes:
        return bounded.read(self.root / name, most=_LARGEST)


def found(path: Path, cache: Path) -> ReportFiles:
    """The report at ``path``: a directory that holds one, or an archive, which is unpacked below ``cache``.

    Raises UserError where there is none, or more than one.
    """
    try:
        if path.is_dir():
            return ReportFiles(_alone([file.parent for file in (*path.glob(PAGE), *path.glob(f"*/{PAGE}"))], path))
        if path.name == PAGE:
            return ReportFiles(path.parent)
        with open(bounded.opened(path), "rb") as file:
            name = digests.parse(digests.of_file(file)).hex[:16]
            with zipfile.ZipFile(file) as archive:
                return ReportFiles(_unpacked(archive, path, cache / "reports" / name))
    except zipfile.BadZipFile:
        raise UserError(f"{path} is neither a directory nor a zip archive of a report") from None
    except (NotImplementedError, RuntimeError, EOFError, zlib.error) as error:
        raise UserError(f"{path} cannot be unpacked: {error}") from error
    except OSError as error:
        raise UserError(f"{error.filename or path}: {error.strerror or error}") from error


def _alone(places: list[Path], path: Path) -> Path:
    if len(places) == 1:
        return places[0]
    if not places:
        raise UserError(f"{path} holds no {PAGE}")
    raise UserError(f"{path} holds several reports; name one: {', '.join(sorted(str(place) for place in places))}")


def _unpacked(archive: zipfile.ZipFile, path: Path, into: Path) -> Path:
    """The directory with the report's files; what else is in the archive stays there."""
    entries = archive.infolist()
    if len(entries) > _ENTRIES:
        raise UserError(f"{path} holds more than {_ENTRIES} files, too many for a report")
    names = Counter(_checked(entry, path) for entry in entries)
    if twice := [name for name, count in names.items() if count > 1]:
        raise UserError(f"{path} holds {printable(str(twice[0]))} twice")
    folder = _alone([Path(name.parent) for name in names if name.name == PAGE and len(name.parts) < 3], path)
    shutil.rmtree(into, ignore_errors=True)
    into.mkdir(parents=True, mode=0o700)
    for entry in entries:
        name = PurePosixPath(entry.filename)
        if name.parent == PurePosixPath(folder) and name.name in FILES and not entry.is_dir():
            (into / name.name).write_bytes(_content(archive, entry, path))
    _forget_old(into.parent)
    return into


def _checked(entry: zipfile.ZipInfo, path: Path) -> PurePosixPath:
    """The name of an entry. Raises UserError for one that leads out of the archive, or is no file of its own."""
    name = PurePosixPath(entry.filename)
    if name.is_absolute() or ".." in name.parts or "\\" in entry.filename or ":" in entry.filename.partition("/")[0]:
        raise UserError(f"{path}: {printable(entry.filename)} leads out of the archive: nothing of it is unpacked")
    if stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise UserError(f"{path}: {printable(entry.filename)} is not a file: nothing of the archive is unpacked")
    return name


def _content(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path) -> bytes:
    """The content of an entry, whatever size it claims."""
    with archive.open(entry) as file:
        data = file.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise UserError(f"{path}: {printable(entry.filename)} has more than {_LARGEST >> 20} MiB, too much here")
    return data


def _forget_old(folder: Path) -> None:
    """Leave the archives that were unpacked last."""
    for old in sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)[_KEPT:]:
        shutil.rmtree(old, ignore_errors=True)
