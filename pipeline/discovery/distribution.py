"""Fan-out over CI runners: which examples, on which platform, on which runner, balanced by expected minutes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline import references
from pipeline.errors import UsageError
from pipeline.project import Example

# GitHub's labels for machines of that platform: no emulation.
RUNNERS = {"linux/amd64": "ubuntu-24.04", "linux/arm64": "ubuntu-24.04-arm"}


@dataclass(frozen=True)
class Job:
    """One runner's share. `examples` are names; `minutes` what they are expected to take one after the other."""

    examples: tuple[str, ...]
    platform: str
    runner: str
    minutes: float


def plan(
    examples: Sequence[Example], platforms: Sequence[str], runners: Mapping[str, str], shards: int = 0
) -> tuple[Job, ...]:
    """A job for each example and platform, or `shards` jobs of about equal length for each platform."""
    missing = [platform for platform in platforms if platform not in runners]
    if missing:
        raise UsageError(f"no runner is known for {', '.join(missing)}; set matrix.runners in baselard.yaml")
    groups = {platform: _groups([one for one in examples if one.runs_on(platform)], shards) for platform in platforms}
    return tuple(
        Job(
            tuple(example.name for example in group),
            platform,
            runners[platform],
            round(sum(example.settings.minutes for example in group), 2),
        )
        for platform in platforms
        for group in groups[platform]
    )


def _groups(examples: Sequence[Example], shards: int) -> list[list[Example]]:
    return _shards(examples, shards) if shards else [[example] for example in examples]


def _shards(examples: Sequence[Example], count: int) -> list[list[Example]]:
    """Longest first, each to the group that has least so far: within 4/3 of the best possible (Graham, 1969)."""
    groups: list[list[Example]] = [[] for _ in range(min(count, len(examples)))]
    for example in sorted(examples, key=lambda one: (-one.settings.minutes, one.name)):
        min(groups, key=lambda group: sum(one.settings.minutes for one in group)).append(example)
    return groups


def render(jobs: Sequence[Job], base: str = "") -> str:
    """One line of JSON: `matrix` for the test jobs' strategy and `builds` for that of the jobs that build for them.

    `reference` and `digest` are those of the base, when it is known already.
    """
    include = [
        {
            "example": ",".join(job.examples),
            "platform": job.platform,
            "runner": job.runner,
            "minutes": job.minutes,
        }
        for job in jobs
    ]
    digest = references.parse_reference(base).digest if base else ""
    builds = {"include": _builds(jobs)}
    return json.dumps({"matrix": {"include": include}, "builds": builds, "reference": base, "digest": digest})


def _builds(jobs: Sequence[Job]) -> list[dict[str, str]]:
    """One build for each platform, of whatever its examples start from, on a runner of that platform."""
    runners = {job.platform: job.runner for job in jobs}
    return [
        {
            "platform": platform,
            "runner": runner,
            "examples": ",".join(name for job in jobs if job.platform == platform for name in job.examples),
        }
        for platform, runner in runners.items()
    ]
