"""Which runtime is taken; the machine is told here as processes would find it."""

from pathlib import Path

import pytest

from baselard.engine.errors import HostError
from baselard.engine.host import process
from baselard.engine.run.containers import cgroups, runtime, runtime_spec, runtimes
from baselard.engine.run.containers.limits import Limits
from baselard.engine.run.containers.runtime_spec import Spec
from baselard.engine.run.containers.runtimes import Program
from baselard.engine.store import ids


@pytest.fixture
def machine(monkeypatch):
    """One with both; a test takes things away."""
    monkeypatch.setattr(process, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(ids, "are_all", lambda: True)
    monkeypatch.setattr(cgroups, "unlike_crun", lambda: "")
    monkeypatch.setattr(runtimes, "_version", lambda path: (1, 14))
    monkeypatch.delenv("BASELARD_RUNTIME", raising=False)
    return monkeypatch


def test_crun_where_it_is_there(machine):
    assert runtimes.wanted() == ("crun", "")
    assert runtimes.chosen() == Program("crun", "/usr/bin/crun")
    assert runtimes.chosen(terminal=True) == Program("runc", "/usr/bin/runc")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ((process, "which", lambda name: "/usr/bin/runc" if name == "runc" else None), "not installed"),
        ((runtimes, "_version", lambda path: (1, 7)), "older than 1.8"),
        ((runtimes, "_version", lambda path: (0,)), "older than 1.8"),
    ],
    ids=["missing", "old", "unknown"],
)
def test_else_runc_and_why(machine, change, why):
    machine.setattr(*change)
    name, lacks = runtimes.wanted()
    assert (name, runtimes.chosen().name) == ("runc", "runc")
    assert why in lacks
    machine.setenv("BASELARD_RUNTIME", "crun")
    with pytest.raises(HostError, match=why):
        runtimes.chosen()


@pytest.mark.parametrize("ours", [True, False])
def test_crun_is_told_where_it_may_make_no_control_group(machine, ours):
    """As its makers' podman tells it without root: crun(1), --cgroup-manager."""
    machine.setattr(cgroups, "are_ours", lambda: ours)
    assert runtimes.named("crun").options == (() if ours else ("--cgroup-manager=disabled",))
    assert runtimes.named("runc").options == ()


def test_a_machine_whose_groups_crun_refuses(machine):
    machine.setattr(cgroups, "unlike_crun", lambda: "both versions")
    assert runtimes.chosen().name == "runc"


def test_what_is_asked_for(machine):
    machine.setenv("BASELARD_RUNTIME", "runc")
    assert runtimes.chosen().name == "runc"
    machine.setenv("BASELARD_RUNTIME", "podman")
    with pytest.raises(HostError, match="there is runc, and there is crun"):
        runtimes.wanted()


def test_a_rehearsal_compiles_the_filter_of_the_containers_to_come(machine):
    before = runtime_spec._program.cache_info()
    runtime.rehearse()
    runtime_spec.compiled_filter(
        runtime_spec.config(Spec(Path("/some"), ("true",), {}, "/net", limits=Limits(1)), "/x")
    )
    after = runtime_spec._program.cache_info()
    assert (after.hits - before.hits, after.misses - before.misses) in ((1, 1), (2, 0))


def test_versions_as_crun_tells_them(monkeypatch, tmp_path):
    """Recorded: Debian 12's, and a build of its makers'."""
    for said, version in (("crun version 1.8.1\ncommit: f8a0", (1, 8)), ("crun version 1.28\n", (1, 28)), ("?", (0,))):
        program = tmp_path / said[-4:].strip()
        program.write_text(f"#!/bin/sh\necho '{said}'\n")
        program.chmod(0o755)
        assert runtimes._version(str(program)) == version
