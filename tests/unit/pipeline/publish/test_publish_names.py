"""What outputs and parts call a published image, and what its Dockerfile was warned of."""

from types import SimpleNamespace

from baselard.dockerfile.syntax.errors import Place, Warning_
from pipeline.config.config import BaseSettings, Config
from pipeline.model import Report, Verdict
from pipeline.project import Base, Project
from pipeline.publish import publication


def project(**targets):
    bases = (Base(f"ghcr.io/a/{name}", "Dockerfile", ".", one, (), BaseSettings()) for name, one in targets.items())
    return Project(None, Config(), tuple(bases), ())


def names(found):
    return [publication.output_name(found, base, target) for base in found.bases for target in base.targets]


def test_a_target_is_called_by_its_name():
    assert names(project(base=("standard", "dev"))) == ["standard", "dev"]


def test_an_image_without_targets_is_called_by_its_repository():
    assert names(project(base=("",))) == ["ghcr.io/a/base"]


def test_targets_of_one_name_are_told_apart():
    assert names(project(base=("dev",), tools=("dev", "slim"))) == ["ghcr.io/a/base:dev", "ghcr.io/a/tools:dev", "slim"]


def test_warnings_of_dockerfiles_are_repeated_once():
    warning = Warning_("RUN --network=none runs with the engine's usual network", Place("Dockerfile", 3), "RunNetwork")
    call = SimpleNamespace(images=SimpleNamespace(warnings=[warning]))
    (suite,) = publication._repeated(Report("publish", ()), [call, call]).suites  # type: ignore[list-item]
    assert [(case.name, case.verdict) for case in suite.cases] == [("RunNetwork", Verdict.NOTED)]
    assert suite.cases[0].message.startswith("Dockerfile:3: ")
    assert not suite.blocks


def test_nothing_is_repeated_where_nothing_was_warned_of():
    call = SimpleNamespace(images=SimpleNamespace(warnings=[]))
    assert publication._repeated(Report("publish", ()), [call]).suites == ()  # type: ignore[list-item]
