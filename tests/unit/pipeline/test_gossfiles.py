"""Which gossfiles are mounted, and how none is ignored."""

import pytest
import yaml

from pipeline.goss import files
from pipeline.goss.files import GossFiles, for_target


def mounted(repository, **given):
    return files.mount(GossFiles(repository({"a.yaml": "x"}), **given)).files


def test_one_gossfile_includes_all(repository):
    main = yaml.safe_load(mounted(repository, tests=("a.yaml", "b.yaml"))["goss-main.yaml"])
    assert main == {"gossfile": {"a.yaml": {}, "b.yaml": {}}}


def test_without_ports_or_wait_file_nothing_is_waited_for(repository):
    assert "goss-main-wait.yaml" not in mounted(repository, tests=("a.yaml",))


def test_ports_are_waited_for(repository):
    wait = yaml.safe_load(mounted(repository, tests=("a.yaml",), ports=(80,))["goss-main-wait.yaml"])
    assert wait == {"addr": {"tcp://localhost:80": {"reachable": True}}}


def test_a_wait_file_of_its_own_comes_first(repository):
    given = mounted(repository, tests=("a.yaml",), wait="goss_wait.yaml", ports=(80,))
    assert yaml.safe_load(given["goss-main-wait.yaml"]) == {"gossfile": {"goss_wait.yaml": {}}}


@pytest.mark.parametrize(("target", "expected"), [("standard", ("common.yaml",)), ("dev", ("common.yaml", "dev.yaml"))])
def test_a_file_named_for_another_target_does_not_apply(target, expected):
    assert for_target(("common.yaml", "dev.yaml"), target, ("standard", "dev")) == expected
