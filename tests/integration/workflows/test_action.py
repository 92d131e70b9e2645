"""The action's steps, each run in order in a clean environment: what is called, what comes out, also when it fails."""

import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from unittest.mock import ANY

import pytest
import yaml

from tests.actions_runner.runner import Event

CHECKOUT = Path(__file__).resolve().parents[3]
ACTION = yaml.safe_load((CHECKOUT / "action.yml").read_text())
WORKFLOWS = sorted((CHECKOUT / ".github" / "workflows").glob("*.yml"))
FORK = Event("pull_request", fork="someone/images")


def outputs(job):
    return job.results["it"]["outputs"]


def test_a_push_calls_ci_with_the_event_and_the_token(repository, step):
    assert step(registry_token="t").status == "success"
    (words,) = repository.calls
    assert words[:7] == ["--engine", "embedded", "call", "-m", str(repository.root), "--source", "."]
    assert words[7:14] == ["ci-report", "--ref", "refs/heads/main", "--sha", "1" * 40, "--event", "push"]
    assert words[14:19] == ["--username", "somebody", "--password", "env://BASELARD_TOKEN", "-o"]


@pytest.mark.parametrize(("event", "signs"), [("push", True), ("pull_request", False)])
def test_the_key_is_named_where_something_may_be_published_and_its_text_nowhere(repository, step, event, signs):
    job = step(Event(event), registry_token="t", signing_key="-----BEGIN PRIVATE KEY-----")
    (words,) = repository.calls
    assert ("--signing-key" in words) == signs
    if signs:
        assert words[words.index("--signing-key") + 1] == "env://BASELARD_SIGNING_KEY"
    assert "PRIVATE KEY" not in " ".join(words) and "PRIVATE KEY" not in job.log


@pytest.mark.parametrize(("event", "signs"), [("push", True), ("pull_request", False)])
def test_a_job_that_may_ask_for_a_token_hands_it_to_what_may_publish(repository, step, event, signs):
    """The names: docs.github.com/actions/reference/security/oidc."""
    asking = {"ACTIONS_ID_TOKEN_REQUEST_URL": "https://x/?a=b", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "it"}
    step(Event(event), registry_token="t", **asking)
    (words,) = repository.calls
    named = [word for word in words if word.startswith("env://ACTIONS_")]
    assert named == ([f"env://{one}" for one in asking] if signs else [])
    assert not signs or words.index("--secrets") < words.index("ci-report")


def test_what_dockerfiles_may_ask_for_is_said_before_the_function(repository, step):
    step(allow="network.host,security.insecure")
    (words,) = repository.calls
    assert words[5:10] == ["--source", ".", "--allow", "network.host,security.insecure", "ci-report"]


# --- other platforms --------------------------------------------------------------------------------------------------


NO_EMULATOR = '/bin/mount -t tmpfs none /proc/sys/fs/binfmt_misc; exec "$@"'


def emulate(repository, args="", programs=True):
    """The step itself, on a machine that has the prepared programs alone."""
    if os.geteuid() and any(Path("/proc/sys/fs/binfmt_misc").glob("qemu-*")):
        pytest.skip("this machine has an emulator already")
    place = repository.noted / "alone"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    for name in ("env", "basename", "sh", *(["sudo", "apt-get"] if programs else [])):
        found = repository.noted / "bin" / name
        (place / name).symlink_to(found if found.exists() else shutil.which(name) or name)
    (place / "python3").symlink_to(Path(sys.executable).resolve())
    env = {"PATH": str(place), "FAKE": str(repository.noted), "BASELARD_ENGINE": "embedded"}
    env |= {"BASELARD_SOURCE": ".", "BASELARD_ARGS": args}
    argv = [sys.executable, "-I", str(repository.root / "action/run.py"), "emulate"]
    if not os.geteuid():  # who sees none, whatever is registered
        argv = ["/usr/bin/unshare", "--mount", "/bin/sh", "-c", NO_EMULATOR, "sh", *argv]
    done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
    noted = repository.noted / "programs"
    return done, noted.read_text() if noted.exists() else ""


def publishing(repository, *platforms):
    planned = {"bases": {"b": {"platforms": platforms}}, "examples": {"e": {}}}
    (repository.noted / "planned").write_text(json.dumps(planned))


OWN = f"linux/{ {'x86_64': 'amd64', 'aarch64': 'arm64'}[platform.machine()] }"
BOTH = ("linux/amd64", "linux/arm64")


@pytest.mark.parametrize(
    ("configured", "args", "installed"),
    [
        (BOTH, "", True),
        ([OWN], "", False),
        (BOTH, f"--platforms={OWN}", False),
        (BOTH, f"--platforms\n{OWN}\n", False),
        ([OWN], "--platforms=linux/s390x", True),
    ],
)
def test_an_emulator_is_installed_where_another_platform_is_published(repository, configured, args, installed):
    publishing(repository, *configured)
    done, programs = emulate(repository, args)
    assert (done.returncode, "qemu-user-static" in programs) == (0, installed), done.stderr


def test_the_question_for_the_platforms_is_one_that_the_real_command_line_answers(repository):
    """Judge: the command line itself, asked with the words that the step used."""
    emulate(repository)
    called = (repository.noted / "called").read_text().splitlines()
    (words,) = (words for words in map(json.loads, called) if "plan" in words)
    (repository.root / "Dockerfile").write_text("FROM scratch\n")
    (repository.root / "baselard.yaml").write_text("publish: {platforms: [linux/s390x]}\n")
    argv = [sys.executable, "-m", "baselard.cli", *words]
    done = subprocess.run(argv, cwd=repository.root, capture_output=True, text=True, check=True)
    (repository.noted / "planned").write_text(done.stdout)
    _, programs = emulate(repository)
    assert "qemu-user-static" in programs
    (repository.noted / "planned").write_text(done.stdout.replace("linux/s390x", OWN))
    (repository.noted / "programs").unlink()
    assert emulate(repository) == (ANY, "")


def test_a_runner_without_sudo_and_apt_is_told_so_in_a_sentence(repository):
    done, _ = emulate(repository, programs=False)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("::error")]
    assert "No emulator for linux/" in line and "publish.platforms" in line


def test_without_a_plan_an_emulator_is_installed_as_before(repository):
    (repository.noted / "planned").unlink()
    done, programs = emulate(repository)
    assert done.returncode == 0 and "qemu-user-static" in programs


# --- the call ---------------------------------------------------------------------------------------------------------


def test_without_a_token_none_is_named(repository, step):
    step(Event("pull_request"))
    (words,) = repository.calls
    assert "--password" not in words and "refs/pull/7/merge" in words


@pytest.mark.parametrize("check", ["lint", "test-base", "test-examples"])
def test_a_check_is_called_with_the_given_arguments_as_they_are(repository, step, check):
    hostile = "$(touch pwned) a b"
    job = step(call=check, args=f"--only\n{hostile}\n\n", source="`touch pwned`; x", report_name='"; touch pwned #')
    (words,) = repository.calls
    assert words[words.index("report") :][:4] == ["report", "--check", check, "--sha"]
    assert words[words.index("report") :][5:7] == ["--only", hostile]
    assert "`touch pwned`; x" in words
    assert not list(job.root.rglob("pwned"))


def test_an_event_with_hostile_names_reaches_no_shell(repository, step):
    job = step(Event("push", ref='refs/heads/"$(touch pwned)`touch pwned`', actor="$(touch pwned)"), registry_token="t")
    (words,) = repository.calls
    assert 'refs/heads/"$(touch pwned)`touch pwned`' in words and "$(touch pwned)" in words
    assert not list(job.root.rglob("pwned"))


@pytest.mark.parametrize("failing", ["", "ci-report"])
def test_report_and_outputs_are_there_whatever_the_verdict(repository, step, failing):
    job = step(FAILING=failing)
    assert job.status == ("failure" if failing else "success")
    given = outputs(job)
    assert given["exit-code"] == ("1" if failing else "0")
    assert given["digest"] == "sha256:abc"
    assert given["tags"] == "ghcr.io/o/r:latest ghcr.io/o/r:1"
    assert json.loads(given["json"])["images"]
    assert (Path(given["report"]) / "junit.xml").exists()
    assert ("::error file=Dockerfile,line=3" in job.log) == bool(failing)
    assert "\n::error::x" not in job.log
    assert job.summary.startswith("## ❌" if failing else "## ✅")
    kept = repository.noted / "artifacts-1" / "baselard-report"
    assert (kept / "summary.md").exists() and not (kept / "bases").exists()
    assert len(repository.calls) == 1
    assert job.ran[-1] == "The verdict"


def test_a_call_that_never_got_to_a_report_fails_and_says_so(repository, step):
    job = step(BROKEN="all")
    assert (job.status, outputs(job)["exit-code"]) == ("failure", "1")
    assert "no such thing" in job.log and "::error title=baselard::The call ended with exit code 1" in job.log
    assert "before there was a report" in job.summary
    assert not list(repository.noted.glob("artifacts-*"))


@pytest.mark.parametrize(
    "event", [Event(), Event("pull_request"), FORK, Event("schedule"), Event("workflow_dispatch")], ids=str
)
def test_a_call_that_is_cancelled_leaves_no_results(repository, step, event):
    job = step(event, cancel_at="call", HANG="1", registry_token="t")
    assert job.status == "cancelled"
    assert len(repository.calls) == 1 and len(repository.all_calls) == 1
    assert job.ran == ["baselard/baselard@v0", *job.ran[1:-1], "The verdict"]
    assert not list(repository.noted.glob("artifacts-*")) and not (repository.noted / "caches").exists()


@pytest.mark.parametrize("event", [Event(), FORK], ids=str)
def test_findings_go_to_code_scanning_when_that_is_asked_for_and_may_be(repository, step, event):
    kept = repository.noted / "baselard-report.sarif"
    assert "Hand the findings to code scanning" not in step().ran
    job = step(event, code_scanning="true", FAILING="ci-report")
    assert (job.status, outputs(job)["exit-code"]) == ("failure", "1")
    assert kept.exists() != event.fork and "not accessible" not in job.log
    assert event.fork or json.loads(kept.read_text())["version"] == "2.1.0"
    assert "Hand the findings to code scanning" not in step(code_scanning="true", BROKEN="all").ran


def test_another_word_is_refused_with_those_that_there_are(repository, step):
    job = step(call="ci\n::set-env::x")
    assert job.status == "failure" and not repository.calls
    assert "::error::call: ci%0A::set-env::x is none of ci, lint" in job.log


def test_without_an_artifact_or_a_cache_nothing_is_kept(repository, step):
    job = step(report_name="", cache="false", comment="false")
    assert job.status == "success" and len(repository.all_calls) == 1
    assert not list(repository.noted.glob("artifacts-*")) and not (repository.noted / "caches").exists()


def test_on_a_real_engine_the_same_words_are_called(repository, step):
    step(engine="dagger", call="test-examples")
    (words,) = repository.all_calls
    assert words[:3] == ["--engine", "dagger", "call"]


# --- the cache --------------------------------------------------------------------------------------------------------


def test_results_are_kept_once_and_restored(repository, step):
    def caches():
        return sorted(one.name for one in (repository.noted / "caches").iterdir())

    step()
    key = f"baselard-Linux-X64-baselard-report-{'1' * 64}"
    assert caches() == [key]
    assert [words[:2] for words in repository.all_calls][-1] == ["cache", "export"]
    second = step()
    assert [words[1] for words in repository.all_calls if words[0] == "cache"] == ["export", "import", "export"]
    assert caches() == [key] and "Keep the results" not in second.ran
    broken = step(NOCACHE="1")
    assert broken.status == "success" and "The cache could not be used: import ended with exit code 2" in broken.log
    (repository.noted / "digest").write_text("2" * 64)
    assert "Keep the results" in step(FAILING="ci-report").ran
    assert len(caches()) == 2
    step(report_name="another")  # begins with the results of any job of this kind of machine
    assert "import" in repository.all_calls[-3]


@pytest.mark.parametrize(
    "event",
    [
        Event("pull_request"),
        FORK,
        Event("pull_request_target", ref="refs/heads/main"),
        Event("issue_comment", ref="refs/heads/main"),
        Event("push", ref="refs/heads/dependabot/pip/x", actor="dependabot[bot]"),
    ],
    ids=str,
)
def test_a_strangers_run_reads_the_cache_and_never_writes_it(repository, step, event):
    step()
    kept = list((repository.noted / "caches").iterdir())
    (repository.noted / "digest").write_text("2" * 64)
    job = step(event, cache_key="a key")
    words = [words for words in repository.all_calls if words[0] == "cache"]
    assert [word[1] for word in words] == ["export", "import"]
    assert job.status == "success" and "writes none" in job.log and "Keep the results" not in job.ran
    assert list((repository.noted / "caches").iterdir()) == kept


@pytest.mark.parametrize(
    "event", [Event(), Event("schedule"), Event("workflow_dispatch")], ids=lambda event: event.name
)
def test_a_trusted_run_writes_it(repository, step, event):
    step(event)
    assert (repository.noted / "caches").exists()


@pytest.mark.parametrize("key", ["cache-key", "cache-public-key"])
def test_with_a_key_nothing_unsigned_is_read(repository, step, key):
    step()
    step()
    assert repository.all_calls[-3][:3] == ["cache", "import", "--unsigned"]
    step(**{key: "a key"})
    assert repository.all_calls[-3][:2] == ["cache", "import"] and "--unsigned" not in repository.all_calls[-3]


# --- parts of a fan-out -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "event", [Event(), Event("pull_request"), FORK, Event("pull_request", actor="dependabot[bot]")]
)
@pytest.mark.parametrize("call", ["hand-over", "cleanup"])
def test_only_a_token_that_may_push_is_used_for_it(repository, step, event, call):
    job = step(event, call=call, registry_token="t")
    may = not event.fork and event.actor == "somebody"
    assert job.status == "success"
    assert [("--password" in words) for words in repository.calls] == ([may] if may or call == "hand-over" else [])


def test_the_end_of_a_pull_request_takes_its_test_tags_away_and_tests_nothing(repository, step):
    job = step(Event("pull_request", action="closed"), registry_token="t", args="--platforms=linux/amd64")
    (words,) = repository.calls
    assert words[7:] == [
        *("cleanup", "--username", "somebody", "--password", "env://BASELARD_TOKEN"),
        *("--pull-request", "7", "--apply"),
    ]
    assert job.status == "success" and "uses: actions/upload-artifact" not in job.log


@pytest.mark.parametrize("event", [Event("pull_request", fork="someone/images", action="closed"), Event("push")])
def test_a_pull_request_of_a_fork_has_no_test_tags_and_a_push_has_no_end(repository, step, event):
    assert step(event, registry_token="t").status == "success"
    assert [words[7] for words in repository.calls] == ([] if event.fork else ["ci-report"])


def test_a_check_is_no_clean_up_at_the_end_of_a_pull_request(repository, step):
    step(Event("pull_request", action="closed"), call="lint", registry_token="t")
    assert [words[7] for words in repository.calls] == ["report"]


def test_the_plan_is_an_output(repository, step):
    job = step(call="matrix", args="--shards=2")
    assert json.loads(outputs(job)["json"])["builds"] and "--shards=2" in repository.calls[0]
    broken = step(call="matrix", BROKEN="matrix")
    assert (broken.status, outputs(broken)["exit-code"]) == ("failure", "1")


# --- the files --------------------------------------------------------------------------------------------------------


def test_no_expression_is_part_of_a_script():
    jobs = [job for path in WORKFLOWS for job in yaml.safe_load(path.read_text())["jobs"].values()]
    steps = [step for job in jobs for step in job["steps"]] + ACTION["runs"]["steps"]
    scripts = [step["run"] for step in steps if "run" in step]
    assert scripts and not [script for script in scripts if "${{" in script]


def test_actions_are_pinned():
    for path in [CHECKOUT / "action.yml", *WORKFLOWS]:
        for line in path.read_text().splitlines():
            if "uses:" in line and "uses: ./" not in line and "uses: baselard/baselard@v0 " not in line:
                assert len(line.split("@")[1].split()[0]) == 40, f"{path.name}: {line.strip()}"


def test_the_action_is_named_by_the_major_version():
    """Judge: the convention of GitHub's own actions, whose tag vX follows the releases vX.Y.Z."""
    version = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]["version"]
    naming = [
        *WORKFLOWS,
        CHECKOUT / "README.md",
        *CHECKOUT.glob("docs/how-to/*.md"),
        CHECKOUT / "src/baselard/cli/init.py",
    ]
    named = {tag for path in naming for tag in re.findall(r"baselard/baselard\S*@(\S+)", path.read_text())}
    assert named == {f"v{version.partition('.')[0]}"}


def test_every_output_is_one_the_step_gives(repository, step):
    given = outputs(step())
    assert set(given) == set(ACTION["outputs"]) and all(given.values())
