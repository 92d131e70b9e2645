"""Facts about the image's files that the tests ask for, looked up in one command as root."""

from __future__ import annotations

import base64
import stat
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.goss.run import SHELL, prepared, report
from pipeline.testers.tester import Exam

Request = tuple[str, ...]
"""A word of look.sh with its argument."""


@dataclass(frozen=True)
class Status:
    """A file as it stands there: mode with its type, and who owns it."""

    mode: int
    uid: int
    gid: int

    @property
    def permissions(self) -> str:
        """As Go writes them: marks of the type and of set bits, then nine letters."""
        kinds = {stat.S_IFDIR: "d", stat.S_IFLNK: "L", stat.S_IFIFO: "p", stat.S_IFSOCK: "S"}
        kinds |= {stat.S_IFBLK: "D", stat.S_IFCHR: "Dc"}
        bits = ((stat.S_ISUID, "u"), (stat.S_ISGID, "g"), (stat.S_ISVTX, "t"))
        marks = sorted(
            kinds.get(stat.S_IFMT(self.mode), "") + "".join(mark for bit, mark in bits if self.mode & bit),
            key="dLDpSugct".index,
        )
        letters = "".join(letter if self.mode & 0o400 >> at else "-" for at, letter in enumerate("rwxrwxrwx"))
        return f"{''.join(marks) or '-'}{letters}"


async def looked(exam: Exam, requests: Sequence[Request]) -> dict[Request, str]:
    """The answer to each request, a line as look.sh writes it."""
    if not requests:
        return {}
    asked = list(dict.fromkeys(requests))
    words = [word for request in asked for word in request]
    image = prepared(exam.image.with_user("0"), exam.tools, exam.nonce)
    printed = await report(image.with_exec([*SHELL, "/.goss/look.sh", *words]))
    return dict(zip(asked, printed.split("\n"), strict=False))


def status(line: str) -> Status | None:
    """What `stat` answered; None for a file that there is not."""
    mode, *owners = line.split()
    return None if mode == "-" else Status(int(mode, 16), int(owners[0]), int(owners[1]))


def content(line: str) -> tuple[str, str]:
    """What `read` answered: the text, and why there is none."""
    if line.startswith("+"):
        return base64.b64decode(line[1:]).decode(errors="replace"), ""
    return "", line.removeprefix("-").strip()


def terms(line: str) -> list[tuple[str, str]]:
    """What `debian` answered: packages, each with the word in its terms, "-" where it has no terms."""
    return [(name, word) for name, _, word in (one.partition(" ") for one in line.split(",") if one)]
