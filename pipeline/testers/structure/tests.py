"""The tests of one file, each as what does not hold and what patterns are still to decide."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dagger

from baselard.oci.together import each
from pipeline.testers.structure import files, metadata
from pipeline.testers.structure.expand import expand
from pipeline.testers.structure.files import Request
from pipeline.testers.structure.patterns import PatternCheck
from pipeline.testers.tester import Exam

_SHOWN = 200  # characters of an output, where it is told
_BITS = {"owner": 0o100, "group": 0o010, "other": 0o001, "any": 0o111}


@dataclass(frozen=True)
class StructureTest:
    """One test: its name as container-structure-test tells it, where in the file it stands, and what it found."""

    name: str
    where: tuple[str, ...]
    found: tuple[str | PatternCheck, ...]
    seconds: float = 0.0


@dataclass(frozen=True)
class Setting:
    """The image as commands see it, and the variables that paths and commands may name."""

    image: dagger.Container
    env: Mapping[str, str]


def setting(image: dagger.Container, env: Mapping[str, str], given: Sequence[Mapping[str, str]]) -> Setting:
    """The image with more variables, whose values may name those that there were."""
    values = {one["key"]: expand(one["value"], env) for one in given}
    for key, value in values.items():
        image = image.with_env_variable(key, value)
    return Setting(image, {**env, **values})


async def commands(base: Setting, tests: Sequence[Mapping[str, Any]]) -> list[StructureTest]:
    """Each in a container of its own, after its setup: what setup left is there, whatever it ended with."""
    return await each(list(enumerate(tests)), lambda one: _command(base, *one))


async def _command(base: Setting, number: int, test: Mapping[str, Any]) -> StructureTest:
    own = setting(base.image, base.env, test.get("envVars") or ())
    name, where, began = f"Command Test: {test['name']}", ("commandTests", str(number)), time.monotonic()
    image = own.image
    for words in test.get("setup") or ():
        image = image.with_exec(list(words), expect=dagger.ReturnType.ANY)
    words = [expand(word, own.env) for word in (test["command"], *(test.get("args") or ()))]
    ran = image.with_exec(words, expect=dagger.ReturnType.ANY)
    try:
        code, stdout, stderr = await ran.exit_code(), await ran.stdout(), await ran.stderr()
    except dagger.QueryError as error:
        return StructureTest(
            name, where, (f"cannot be run: {str(error).partition(chr(10))[0]}",), time.monotonic() - began
        )
    found: list[str | PatternCheck] = [*_streams(test, stdout, stderr), *_code(test.get("exitCode") or 0, code)]
    return StructureTest(name, where, tuple(found), time.monotonic() - began)


def _streams(test: Mapping[str, Any], stdout: str, stderr: str) -> Iterator[PatternCheck]:
    for key, text, called in (("Output", stdout, "output"), ("Error", stderr, "error output")):
        yield from checks(test.get(f"expected{key}") or (), test.get(f"excluded{key}") or (), text, called)


def _code(wanted: int, code: int) -> Iterator[str]:
    if code != wanted:
        yield f"exit code {code}, not {wanted}"


def checks(expected: Sequence[str], excluded: Sequence[str], text: str, called: str) -> Iterator[PatternCheck]:
    """What a text must match and must not."""
    shown = repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…")
    for pattern in expected:
        yield PatternCheck(pattern, text, wanted=True, said=f"its {called} has no match of {pattern!r}: {shown}")
    for pattern in excluded:
        yield PatternCheck(pattern, text, wanted=False, said=f"its {called} matches {pattern!r}: {shown}")


Reading = Callable[[Mapping[Request, str]], Iterator[str | PatternCheck]]


@dataclass(frozen=True)
class FileTest:
    """A test of files: what it wants looked up, and how the answers are read."""

    name: str
    where: tuple[str, ...]
    requests: tuple[Request, ...]
    read: Reading


def existence(test: Mapping[str, Any], number: int, env: Mapping[str, str]) -> FileTest:
    """Whether a file is there, and how."""
    request = ("stat", expand(test["path"], env))

    def read(answers: Mapping[Request, str]) -> Iterator[str | PatternCheck]:
        there = files.status(answers[request])
        if not test.get("shouldExist", True):
            yield from [f"{request[1]} is there"] if there else []
        elif there is None:
            yield f"{request[1]} is not there"
        else:
            yield from _status(test, there)

    return FileTest(f"File Existence Test: {test['name']}", ("fileExistenceTests", str(number)), (request,), read)


def _status(test: Mapping[str, Any], there: files.Status) -> Iterator[str]:
    if (wanted := test.get("permissions")) and wanted != there.permissions:
        yield f"its permissions are {there.permissions}, not {wanted}"
    if (whom := test.get("isExecutableBy")) and not there.mode & _BITS[whom]:
        yield f"it is not executable by {whom}: {there.permissions}"
    for key, is_ in (("uid", there.uid), ("gid", there.gid)):
        wanted = test.get(key)
        if wanted is not None and wanted not in {-1, is_}:
            yield f"its {key} is {is_}, not {wanted}"


def content(test: Mapping[str, Any], number: int) -> FileTest:
    """What is in a file; a link leads to another."""
    request = ("read", test["path"])

    def read(answers: Mapping[Request, str]) -> Iterator[str | PatternCheck]:
        text, problem = files.content(answers[request])
        if problem:
            yield f"{test['path']} cannot be read: {problem}"
        else:
            yield from checks(test.get("expectedContents") or (), test.get("excludedContents") or (), text, "content")

    return FileTest(f"File Content Test: {test['name']}", ("fileContentTests", str(number)), (request,), read)


def licence(test: Mapping[str, Any], number: int) -> FileTest:
    """Whether the terms of Debian's packages, and of other files, name a licence that is not wanted."""
    debian: tuple[Request, ...] = (("debian",),) if test.get("debian") else ()
    others: tuple[Request, ...] = tuple(("terms", path) for path in test.get("files") or ())

    def read(answers: Mapping[Request, str]) -> Iterator[str | PatternCheck]:
        found = [one for request in debian for one in files.terms(answers[request])]
        found += [(request[1], answers[request]) for request in others if answers[request]]
        for name, word in found:
            yield f"{name}: its terms cannot be read" if word == "-" else f"{name}: its terms say {word}"

    return FileTest("License Test", ("licenseTests", str(number)), (*debian, *others), read)


async def of_files(exam: Exam, document: Mapping[str, Any], env: Mapping[str, str]) -> list[StructureTest]:
    """All tests of files, by one look into the image."""
    asked = [content(one, number) for number, one in enumerate(document.get("fileContentTests") or ())]
    asked += [existence(one, number, env) for number, one in enumerate(document.get("fileExistenceTests") or ())]
    asked += [licence(one, number) for number, one in enumerate(document.get("licenseTests") or ())]
    answers = await files.looked(exam, [request for one in asked for request in one.requests])
    return [StructureTest(one.name, one.where, tuple(one.read(answers))) for one in asked]


def of_metadata(wanted: Mapping[str, Any], config: Mapping[str, Any]) -> list[StructureTest]:
    """The metadata test, if there is one."""
    return (
        [StructureTest("Metadata Test", ("metadataTest",), tuple(metadata.problems(wanted, config)))] if wanted else []
    )
