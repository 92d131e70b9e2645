"""container-structure-test: its files of schema version 2, without its program and without Docker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dagger

from pipeline import spans
from pipeline.config.document import Document
from pipeline.goss.results import Outcome
from pipeline.model import Case, Location, Verdict
from pipeline.testers.structure import metadata, patterns, reading, tests
from pipeline.testers.structure.patterns import PatternCheck
from pipeline.testers.structure.tests import StructureTest
from pipeline.testers.tester import Exam

CODE = "tester/container-structure-test"


class StructureTests:
    """The tester `container-structure-test`."""

    name = "container-structure-test"

    async def judge(self, exam: Exam) -> Outcome:
        texts = [await exam.source.file(path).contents() for path in exam.paths]
        documents = {path: reading.parse(text, path) for path, text in zip(exam.paths, texts, strict=True)}
        with spans.task(self.name, folded=True):
            config = await metadata.configuration(exam)
            return Outcome(
                tuple([one for path in documents for one in await _judged(exam, path, documents[path], config)])
            )


async def _judged(exam: Exam, path: str, document: Document, config: Mapping[str, Any]) -> list[Case]:
    """The cases of one file, in the order in which container-structure-test has them."""
    said: Mapping[str, Any] = document.value
    image = exam.image.with_env_variable("BASELARD_NONCE", exam.nonce)
    base = tests.setting(_as_wanted(image, said), metadata.environment(config), said.get("globalEnvVars") or ())
    found = await tests.commands(base, said.get("commandTests") or ())
    found += await tests.of_files(exam, said, base.env)
    found += tests.of_metadata(said.get("metadataTest") or {}, config)
    told = await patterns.failing(exam, _checks(found))
    return list(_cases(path, document, found, told))


def _as_wanted(image: dagger.Container, said: Mapping[str, Any]) -> dagger.Container:
    user = (said.get("containerRunOptions") or {}).get("user")
    return image.with_user(user) if user else image


def _checks(found: Sequence[StructureTest]) -> list[PatternCheck]:
    return [one for test in found for one in test.found if isinstance(one, PatternCheck)]


def _cases(path: str, document: Document, found: Sequence[StructureTest], told: Sequence[str]) -> list[Case]:
    """Each test with all that does not hold of it; `told` is what patterns found, in the order of their checks."""
    answers = iter(told)
    cases = []
    for test in found:
        problems = [next(answers) if isinstance(one, PatternCheck) else one for one in test.found]
        problems = [one for one in problems if one]
        if not problems:
            cases.append(Case(test.name, Verdict.PASSED, test.seconds))
            continue
        place = Location(path, document.line_of(test.where))
        message, detail = problems[0], "\n".join(problems[1:])
        cases.append(Case(test.name, Verdict.FAILED, test.seconds, message, detail, place, CODE))
    return cases
