"""What outputs and parts call a published image."""

from pipeline import publish
from pipeline.config import BaseSettings, Config
from pipeline.discover import Base, Project


def project(**targets):
    bases = (Base(f"ghcr.io/a/{name}", "Dockerfile", ".", one, (), BaseSettings()) for name, one in targets.items())
    return Project(None, Config(), tuple(bases), ())


def names(found):
    return [publish.output_name(found, base, target) for base in found.bases for target in base.targets]


def test_a_target_is_called_by_its_name():
    assert names(project(base=("standard", "dev"))) == ["standard", "dev"]


def test_an_image_without_targets_is_called_by_its_repository():
    assert names(project(base=("",))) == ["ghcr.io/a/base"]


def test_targets_of_one_name_are_told_apart():
    assert names(project(base=("dev",), tools=("dev", "slim"))) == ["ghcr.io/a/base:dev", "ghcr.io/a/tools:dev", "slim"]
