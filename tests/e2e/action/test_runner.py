"""The action on a runner of GitHub's workflows, with GitHub's own checkout, cache and upload. Judge: nektos/act.

It runs every step of the workflow that `init` writes on this machine, as a self-hosted runner does: without Docker.
BASELARD_ACTIONS names a directory with the actions that ours uses, as `actions/checkout` and so on.
"""

import json
import os
import re
import subprocess
import sys
import urllib.request

import pytest

pytestmark = [pytest.mark.root, pytest.mark.network, pytest.mark.full]

PUSH = {"ref": "refs/heads/main"}
PULL = {"number": 7, "pull_request": {"number": 7, "head": {"repo": {"full_name": "acme/images"}}}}
CACHE = 95  # MB; 90 on 28 November 2026: a Debian, the linters, goss and syft, beside an image of 1 MB


@pytest.fixture(scope="module")
def pushed(runner):
    return runner.run("push", PUSH, "store-1")


@pytest.fixture(scope="module")
def pulled(runner, pushed):
    """A pull request that breaks the example, on a machine with nothing but the cache of the push."""
    runner.git("checkout", "--quiet", "-b", "change")
    gossfile = runner.repository / "examples/greeter/goss.yaml"
    gossfile.write_text(gossfile.read_text().replace("hello", "good morning"))
    runner.git("commit", "--quiet", "--all", "--message=two")
    runner.git("push", "--quiet", str(runner.root / "origin.git"), "change:refs/pull/7/merge")
    take_over(runner)
    return runner.run("pull_request", PULL, "store-2")


def take_over(runner) -> None:
    """What the push saved, imported as the action does it: act's own restoring asks for the path of an earlier run."""
    (saved,) = (path for path in (runner.root / "caches/cache").rglob("*") if path.is_file())
    place = runner.root / "restored"
    place.mkdir()
    subprocess.run(
        ["tar", "--zstd", "-P", "-xf", saved, "--transform", "s,.*/baselard-cache/,,", "-C", place], check=True
    )
    command = [sys.executable, "-m", "baselard.cli", "cache", "import", "--unsigned", place]
    subprocess.run(command, env={**os.environ, "BASELARD_STORE": str(runner.root / "store-2")}, check=True)


def test_a_push_is_green_and_published(runner, pushed) -> None:
    assert pushed.code == 0, pushed.log[-5000:]
    with urllib.request.urlopen(f"http://{runner.registry.host}/v2/acme/images/tags/list") as answer:
        assert "main" in json.load(answer)["tags"]
    assert "report.html" in pushed.artifacts["baselard-report"].namelist()


def test_where_one_platform_is_published_nothing_is_installed_for_others(pushed) -> None:
    assert "no emulator is needed" in pushed.step("Emulate other platforms")


def test_the_cache_holds_little_beside_the_image(pushed) -> None:
    exported = re.search(r"exported .* ([\d.]+) MB new", pushed.step("Write down the results"))
    assert exported and float(exported[1]) < CACHE
    assert "Cache saved successfully" in pushed.step("Keep the results")


def test_a_log_without_a_terminal_has_no_control_codes(pushed) -> None:
    assert "\x1b" not in pushed.step("Make the call")


def test_a_pull_request_with_a_broken_example_is_red_at_its_line(pulled) -> None:
    assert pulled.code == 1
    assert re.search(r"::error .*file=examples/greeter/goss.yaml,line=2", pulled.step("Make the call"))
    junit = pulled.artifacts["baselard-report"].read("junit.xml").decode()
    assert "good morning" in junit and 'failures="1"' in junit


def test_a_pull_request_installs_nothing_that_the_push_has_saved_and_saves_nothing(pushed, pulled) -> None:
    for what in ("is being made from the Debian archive", "running apt-get update"):
        assert what in pushed.log and what not in pulled.log
    assert "writes none" in pulled.step("Write down the results")


def test_a_comment_that_may_not_be_is_a_notice(pulled) -> None:
    """There is no GitHub that would take it."""
    assert "::notice title=baselard::No comment on the pull request" in pulled.step("Comment on the pull request")
