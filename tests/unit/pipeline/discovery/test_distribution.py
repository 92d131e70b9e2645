"""Jobs for CI runners."""

import json

import pytest

from pipeline.config.config import ExampleSettings
from pipeline.discovery.distribution import RUNNERS, plan, render
from pipeline.errors import BaselardError
from pipeline.project import Example

DIGEST = "sha256:" + "a" * 64


def examples(**minutes):
    return [Example(name, f"examples/{name}", ExampleSettings(minutes=length)) for name, length in minutes.items()]


def test_a_job_for_each_example_and_platform():
    jobs = plan(examples(a=1, b=2), ["linux/amd64", "linux/arm64"], RUNNERS)
    assert [(job.examples, job.platform, job.runner) for job in jobs] == [
        (("a",), "linux/amd64", "ubuntu-24.04"),
        (("b",), "linux/amd64", "ubuntu-24.04"),
        (("a",), "linux/arm64", "ubuntu-24.04-arm"),
        (("b",), "linux/arm64", "ubuntu-24.04-arm"),
    ]


def test_shards_are_of_about_equal_length():
    jobs = plan(examples(rails=5, go=2, node=2, react=3, cli=1), ["linux/amd64"], RUNNERS, shards=2)
    assert sorted(job.minutes for job in jobs) == [6, 7]
    assert sorted(name for job in jobs for name in job.examples) == ["cli", "go", "node", "rails", "react"]


def test_there_are_no_empty_shards():
    assert len(plan(examples(a=1, b=1), ["linux/amd64"], RUNNERS, shards=9)) == 2


def test_a_platform_without_a_runner_is_an_error():
    with pytest.raises(BaselardError, match="no runner is known for linux/riscv64"):
        plan(examples(a=1), ["linux/riscv64"], RUNNERS)


def test_the_json_holds_matrix_and_base():
    document = json.loads(render(plan(examples(a=1), ["linux/amd64"], RUNNERS), f"ghcr.io/a/b:test-1@{DIGEST}"))
    assert document["matrix"]["include"] == [
        {"example": "a", "platform": "linux/amd64", "runner": "ubuntu-24.04", "minutes": 1}
    ]
    assert document["digest"] == DIGEST
    assert "\n" not in render([])
