"""Every recorded case without any engine: what docker refuses is refused, with a line; configs and histories agree.

The files are compared where an engine runs (test_recorded_files.py).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from baselard.dockerfile.apply.driver import BuildRequest, build_with
from baselard.dockerfile.apply.state import Contexts
from baselard.dockerfile.dagger.config import as_lowered
from baselard.dockerfile.syntax.errors import DockerfileError
from baselard.oci.image_config import ImageConfig
from tests.conformance.dockerfile import base_image
from tests.conformance.dockerfile.cases import Case, load_cases, load_expected, write_files
from tests.conformance.dockerfile.serving import ALLOWED
from tests.unit.dockerfile.recording import Box, Recorder, Tree

pytestmark = pytest.mark.anyio

# Refused only once something runs: the command fails, or files stand in each other's way.
REFUSED_LATER = {
    "copy-dir-over-file",
    "add-tar-through-its-own-link",
    "copy-dir-over-symlinked-dir",
    "copy-file-onto-link-loop",
    "copy-file-over-dir-of-same-name",
    "owner-passwd-is-a-directory",
    "parents-name-follows-no-link",
    "pattern-bad",
    "pattern-below-missing-directory-of-stage",
    "pattern-matches-dangling-link",
    "pattern-through-link-to-ignored",
    "run-fails",
    "run-shell-instruction",
    "run-user-unknown",
    "stage-copy-from-missing",
    "workdir-over-file",
}
# What docker writes here names its own internal copy of the context.
INTERNAL_HISTORY = {"context-named-directory-from", "owner-of-named-context-base"}
# The recorder's context is a folder of this machine, where an absolute link leads out of it.
ABSOLUTE_LINKS = {"pattern-through-absolute-link-of-context"}
CASES = {case.name: case for case in load_cases() if case.name not in ABSOLUTE_LINKS}
SUCCEEDING = [
    pytest.param(name, marks=[pytest.mark.root] if case.is_roots else [])
    for name, case in CASES.items()
    if case.oracle and not case.fails
]
REFUSED = [name for name, case in CASES.items() if case.fails and name not in REFUSED_LATER]


def config_from(config: dict[str, Any]) -> ImageConfig:
    document = {"architecture": "amd64", "config": config, "author": config.get("Author", "")}
    return as_lowered(ImageConfig.from_json(document))


BASES = {
    base_image.BASE: config_from(base_image.PLAIN),
    base_image.RICH: config_from(base_image.RICH_CONFIG),
    base_image.TRIGGERS: config_from(base_image.TRIGGERED),
}


async def build(case: Case, folder: Path) -> Box:
    case.write(folder / "context")
    containers, directories = {}, {}
    for name, what in case.contexts.items():
        if isinstance(what, str):
            containers[name] = Box(what)
        else:
            write_files(folder / name, what)
            directories[name] = Tree(name, folder / name)
    contexts = Contexts(Tree("context", folder / "context"), containers, directories)
    recorder = Recorder(BASES, tuple(case.secrets))
    request = BuildRequest(case.path, case.target, case.args, allow=frozenset({ALLOWED}))
    return await build_with(recorder, contexts, request)


@pytest.mark.parametrize("name", SUCCEEDING)
async def test_config_and_history(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    expected = load_expected(case.group)[name]
    config = (await build(case, tmp_path)).config
    apart = ("history", "labels", "platform")
    found = {key: getattr(config, key) for key in ImageConfig.__dataclass_fields__ if key not in apart}
    wanted = config_from(expected["config"])
    assert found == {key: getattr(wanted, key) for key in found}
    assert dict(config.labels) == dict(wanted.labels)
    if name in INTERNAL_HISTORY:
        return
    added = [entry.created_by for entry in config.history]
    assert added == expected["history"][len(expected["history"]) - len(config.history) :]


@pytest.mark.parametrize("name", REFUSED)
async def test_refused_before_anything_runs(name: str, tmp_path: Path) -> None:
    with pytest.raises(DockerfileError) as caught:
        await build(CASES[name], tmp_path)
    assert str(caught.value).startswith(caught.value.file)


@pytest.mark.parametrize("name", sorted(REFUSED_LATER))
async def test_nothing_to_see_before_it_runs(name: str, tmp_path: Path) -> None:
    assert CASES[name].fails
    await build(CASES[name], tmp_path)


def test_every_case_is_recorded() -> None:
    missing = [c.name for c in CASES.values() if c.oracle and c.name not in load_expected(c.group)]
    assert not missing
