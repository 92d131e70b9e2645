"""goss: all gossfiles of an image as one run, beside the image's own command if that is a service."""

from __future__ import annotations

from pathlib import PurePosixPath

from pipeline.goss import run
from pipeline.goss.files import GossFiles
from pipeline.goss.results import Outcome
from pipeline.testers.tester import Exam


class Goss:
    """The tester `goss`."""

    name = "goss"

    async def judge(self, exam: Exam) -> Outcome:
        """Of the repository only gossfiles are mounted, and what they may include."""
        tree = exam.source.filter(include=["**/goss*", "**/goss*/**", *beside(exam)])
        files = GossFiles(tree, exam.paths, path="", **exam.waiting)
        return await run.attempt(exam.image, exam.tools, files, exam.how, exam.nonce)


def beside(exam: Exam) -> list[str]:
    """What lies in directories of their own for gossfiles, whatever they are called."""
    places = {str(PurePosixPath(path).parent) for path in exam.paths} - {str(PurePosixPath(exam.directory))}
    return [f"{place}/**" for place in sorted(places)]
