"""`outdated` and `update` beside real registries and a GitHub whose repositories git itself keeps.

Judges: skopeo for digests, on Debian's docker-registry with tags that moved; git for tags, and for what a pull request
holds.
"""

import json
import subprocess
from functools import partial
from pathlib import Path

import pytest

from baselard.cli import main
from baselard.cli import update as command
from baselard.engine.errors import UserError
from baselard.oci.registry import connection
from baselard.oci.registry.credential import Credential
from pipeline import here, lock
from pipeline.errors import BaselardError, UsageError
from pipeline.stale import asking
from tests.github_server import GitHubServer, running_github
from tests.registry_servers import PASSWORD, USER

WHO = Credential(USER, PASSWORD)


@pytest.fixture
def github(tmp_path, monkeypatch):
    with running_github(tmp_path / "github") as served:
        yield served


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A repository on disk: write files into it."""
    root = tmp_path / "tree"

    def write(files):
        for path, text in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
        return root

    return write


@pytest.fixture
def who(guarded, github, monkeypatch):
    """Ask the guarded registry as who may, and GitHub without a token; pauses are noted, not made."""
    patient = partial(connection.Connection, sleep=guarded.slept.append)
    monkeypatch.setattr(asking, "Connection", patient)
    return here.asked(lambda reference: WHO if reference.registry in guarded.name else None, "", github.url)


def digest(guarded, tag):
    return json.loads(guarded.skopeo("inspect", f":{tag}", "--no-tags"))["Digest"]


def states(root, who):
    text, whole = here.outdated(root, who, as_json=True)
    return {(one["kind"], one["path"], one["line"]): one for one in json.loads(text)}, whole


def test_a_tag_that_moved_is_outdated_and_its_digest_is_the_one_that_skopeo_tells(guarded, tree, who):
    guarded.put("v1", text="old")
    old = digest(guarded, "v1")
    root = tree(
        {
            "Dockerfile": f"FROM {guarded.name}:v1@{old} AS a\nFROM {guarded.name}:v1\n",
            "examples/one/Dockerfile": f"FROM {guarded.name}:v1@{old}\n",
            "baselard.yaml": "bases: [{name: ghcr.io/acme/it, dockerfile: Dockerfile}]\n"
            "examples: {settings: {one: {standalone: true}}}\n",
        }
    )
    found, _ = states(root, who)
    assert found["image", "Dockerfile", 1]["state"] == "current"
    assert found["image", "Dockerfile", 2]["state"] == "not pinned"
    guarded.put("v1", text="new")
    found, _ = states(root, who)
    assert (
        found["image", "Dockerfile", 1]["state"] == found["image", "examples/one/Dockerfile", 1]["state"] == "outdated"
    )
    assert {one["newest"] for one in found.values() if one["path"] != "baselard"} == {digest(guarded, "v1")} != {old}


def test_an_update_writes_what_skopeo_tells_and_then_there_is_nothing_left(guarded, tree, who):
    guarded.put("v1", text="old")
    old = digest(guarded, "v1")
    text = f"ARG BASE={guarded.name}:v1@{old}\nFROM $BASE\nRUN true\n"
    root = tree({"Dockerfile": text, "baselard.yaml": "bases: [{name: ghcr.io/acme/it}]\n"})
    assert here.updated(root, who)[1].diff() == ""
    guarded.put("v1", text="new")
    update = here.updated(root, who)[1]
    assert f"-ARG BASE={guarded.name}:v1@{old}\n+ARG BASE={guarded.name}:v1@{digest(guarded, 'v1')}\n" in update.diff()
    command.write(root, update.after)
    assert (root / "Dockerfile").read_text() == text.replace(old, digest(guarded, "v1"))
    assert here.updated(root, who)[1].after == {}


def test_an_image_of_a_named_context_moves_in_the_configuration(guarded, tree, who):
    guarded.put("v1", text="old")
    old = digest(guarded, "v1")
    settings = f"bases:\n- name: ghcr.io/acme/it\n  contexts: {{tools: 'docker-image://{guarded.name}:v1@{old}'}}\n"
    root = tree({"Dockerfile": "FROM tools\n", "baselard.yaml": settings})
    guarded.put("v1", text="new")
    update = here.updated(root, who)[1]
    assert update.after == {"baselard.yaml": settings.replace(old, digest(guarded, "v1"))}


def test_a_lock_holds_what_a_tag_alone_names_and_moves_with_it(guarded, tree, who):
    guarded.put("v1", text="old")
    old = digest(guarded, "v1")
    root = tree({"Dockerfile": f"FROM {guarded.name}:v1 AS a\nFROM {guarded.name}:v1@{old}\n"})
    update = here.updated(root, who, locking=True)[1]
    assert update.after == {"baselard.lock": lock.render({f"{guarded.name}:v1": old})}
    command.write(root, update.after)
    assert states(root, who)[0]["image", "Dockerfile", 1]["state"] == "current"
    guarded.put("v1", text="new")
    found, _ = states(root, who)
    assert (found["image", "Dockerfile", 1]["state"], found["image", "Dockerfile", 1]["at"]) == ("outdated", old)
    update = here.updated(root, who)[1]
    assert update.after == {
        "Dockerfile": f"FROM {guarded.name}:v1 AS a\nFROM {guarded.name}:v1@{digest(guarded, 'v1')}\n",
        "baselard.lock": lock.render({f"{guarded.name}:v1": digest(guarded, "v1")}),
    }


def test_the_scanner_s_image_is_a_tool_that_moves_where_its_digest_is_written(guarded, tree, who):
    guarded.put("v1", text="old")
    old = digest(guarded, "v1")
    settings = f"bases: [{{name: ghcr.io/acme/it}}]\nscan:\n  image: {guarded.name}:v1@{old}\n"
    root = tree({"Dockerfile": "FROM scratch\n", "baselard.yaml": settings})
    assert states(root, who)[0]["tool", "baselard.yaml", 3]["state"] == "current"
    guarded.put("v1", text="new")
    assert states(root, who)[0]["tool", "baselard.yaml", 3]["state"] == "outdated"
    assert here.updated(root, who)[1].after == {"baselard.yaml": settings.replace(old, digest(guarded, "v1"))}
    bare = settings.replace(f"@{old}", "")
    root = tree({"baselard.yaml": bare, "baselard.lock": lock.render({f"{guarded.name}:v1": old})})
    assert states(root, who)[0]["tool", "baselard.yaml", 3]["at"] == old
    moved = {"baselard.lock": lock.render({f"{guarded.name}:v1": digest(guarded, "v1")})}
    assert here.updated(root, who)[1].after == moved


def test_what_nobody_can_tell_stays_locked_as_it_was_and_what_is_no_longer_named_goes(guarded, tree, who):
    gone = f"sha256:{'1' * 64}"
    names = {f"{guarded.name}:gone": gone, f"{guarded.name}:other": gone}
    root = tree({"Dockerfile": f"FROM {guarded.name}:gone\n", "baselard.lock": lock.render(names)})
    assert here.updated(root, who)[1].after == {"baselard.lock": lock.render({f"{guarded.name}:gone": gone})}


def test_a_tag_that_is_gone_is_unknown_and_never_current(guarded, tree, who):
    guarded.put("v1")
    root = tree({"Dockerfile": f"FROM {guarded.name}:v2@{digest(guarded, 'v1')}\n"})
    found, whole = states(root, who)
    assert (found["image", "Dockerfile", 1]["state"], whole) == ("unknown", False)
    assert found["image", "Dockerfile", 1]["problem"] == "the registry has no such tag (any more)"


def test_a_rate_limit_is_waited_for_and_one_that_stays_is_told(guarded, tree, who):
    guarded.put("v1")
    root = tree({"Dockerfile": f"FROM {guarded.name}:v1@{digest(guarded, 'v1')}\n"})
    guarded.proxy.answer(429, times=2, path="/manifests/v1", headers={"Retry-After": "7"})
    found, _ = states(root, who)
    assert found["image", "Dockerfile", 1]["state"] == "current"
    assert len([pause for pause in guarded.slept if 7 <= pause < 8]) == 2
    guarded.proxy.answer(429, times=99, path="/manifests/v1")
    found, _ = states(root, who)
    assert "429, 6 times in a row" in found["image", "Dockerfile", 1]["problem"]


def test_a_registry_that_is_away_is_told_and_the_others_are_asked_all_the_same(guarded, tree, who):
    guarded.put("v1")
    gone, here_ = f"127.0.0.1:1/a/b:v1@sha256:{'0' * 64}", f"{guarded.name}:v1@{digest(guarded, 'v1')}"
    root = tree({"Dockerfile": f"FROM {gone} AS x\nFROM {here_}\n"})
    found, _ = states(root, who)
    assert "127.0.0.1:1 cannot be reached" in found["image", "Dockerfile", 1]["problem"]
    assert found["image", "Dockerfile", 2]["state"] == "current"


def test_nobody_is_told_a_password_of_another_registry(guarded, tree, github):
    guarded.put("v1")
    root = tree({"Dockerfile": f"FROM {guarded.name}:v1@{digest(guarded, 'v1')}\n"})
    found, _ = states(root, here.asked(lambda _: None, "", github.url))
    assert "refuses access (401" in found["image", "Dockerfile", 1]["problem"]


# --- actions ----------------------------------------------------------------------------------------------------------

BASE = {"Dockerfile": "FROM scratch\n"}
WORKFLOW = ".github/workflows/ci.yml"


def using(*uses):
    return {**BASE, WORKFLOW: "jobs: {a: {steps: [" + ", ".join(f"{{uses: {use}}}" for use in uses) + "]}}\n"}


def action(root, who):
    (found,) = [one for key, one in states(root, who)[0].items() if key[0] == "action"]
    return found


@pytest.mark.parametrize("message", ["", "signed"])
def test_an_actions_newest_is_its_highest_version_and_gits_commit_of_it(github, tree, who, message):
    """Whether the tag is one with a message, which is an object of its own, or not."""
    github.repository("acme/do")
    old = github.tag("acme/do", "v1.9.0", message=message)
    newest = github.tag("acme/do", "v1.10.0", message=message)
    for other in ("v1", "nightly", "v2-beta", "bundle-v9.9.9"):
        github.tag("acme/do", other, message=message)
    found = action(tree(using(f"acme/do/sub@{old}")), who)
    assert (found["state"], found["newest"], found["newest-version"]) == ("outdated", newest, "v1.10.0")
    assert newest == github.git("acme/do", "rev-parse", "v1.10.0^{commit}")
    assert action(tree(using(f"acme/do@{newest}")), who)["state"] == "current"


def test_an_action_without_versions_or_that_nobody_shows_is_told(github, tree, who):
    github.repository("acme/do")
    assert action(tree(using(f"acme/do@{'1' * 40}")), who)["problem"] == "none of its tags is a version"
    told = action(tree(using(f"acme/gone@{'1' * 40}")), who)["problem"]
    assert "GitHub does not let this token list the tags of acme/gone (404 Not Found); a token lifts" in told


def test_githubs_limit_for_strangers_is_told_with_what_lifts_it(github, tree, who):
    github.repository("acme/do")
    spent = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1800000000"}
    github.refuse.append(("matching-refs", 403, spent, "API rate limit exceeded for 192.0.2.1."))
    told = action(tree(using(f"acme/do@{'1' * 40}")), who)["problem"]
    assert "403 API rate limit exceeded" in told and "GITHUB_TOKEN" in told


# --- a pull request ---------------------------------------------------------------------------------------------------


@pytest.fixture
def behind(github, tree):
    """A repository on disk and on GitHub, with an action that is behind: where it is, who asks, and the new text."""
    github.repository("acme/do")
    old, new = github.tag("acme/do", "v1.0.0"), github.tag("acme/do", "v1.1.0")
    files = {**BASE, WORKFLOW: f"jobs: {{a: {{steps: [{{uses: acme/do@{old}}}]}}}} # ä\n"}
    github.repository("acme/images", {**files, "README.md": "hello\n"})
    return tree(files), here.asked(lambda _: None, "t0ken", github.url), files[WORKFLOW].replace(old, new)


def propose(root, who, body="why"):
    return here.proposed(here.updated(root, who)[1], who, "acme/images", body)


def test_a_pull_request_holds_one_commit_with_the_change_alone(github: GitHubServer, behind):
    root, who, text = behind
    before = (root / WORKFLOW).read_text()
    assert propose(root, who) == "pull/1"
    assert github.shown("acme/images", f"baselard-update:{WORKFLOW}") == text
    changed = github.git("acme/images", "diff", "--name-only", "main", "baselard-update")
    assert changed == WORKFLOW and github.git("acme/images", "rev-list", "--count", "main..baselard-update") == "1"
    assert [(one["head"], one["base"], one["body"]) for one in github.pulls] == [("baselard-update", "main", "why")]
    assert (root / WORKFLOW).read_text() == before


def test_the_same_again_changes_nothing_and_a_newer_one_renews_it_in_place(github, behind):
    root, who, _ = behind
    propose(root, who)
    first = github.git("acme/images", "rev-parse", "baselard-update")
    assert propose(root, who, "again") == "pull/1"
    assert github.git("acme/images", "rev-parse", "baselard-update") == first
    newer = github.tag("acme/do", "v1.2.0")
    assert propose(root, who) == "pull/1"
    assert newer in github.shown("acme/images", f"baselard-update:{WORKFLOW}")
    assert github.git("acme/images", "rev-list", "--count", "main..baselard-update") == "1"
    assert len(github.pulls) == 1
    github.pulls[0]["state"] = "closed"
    assert propose(root, who) == "pull/2"


def test_a_branch_that_somebody_else_works_on_is_left_alone(github, behind):
    root, who, _ = behind
    propose(root, who)
    theirs = github.git("acme/images", "commit-tree", "main^{tree}", "-p", "baselard-update", "-m", "my own")
    github.git("acme/images", "update-ref", "refs/heads/baselard-update", theirs)
    with pytest.raises(UsageError, match="holds a commit of somebody else"):
        propose(root, who)
    assert github.git("acme/images", "rev-parse", "baselard-update") == theirs


def test_files_that_are_not_githubs_are_not_proposed(github, behind):
    root, who, _ = behind
    (root / WORKFLOW).write_text((root / WORKFLOW).read_text() + "# mine\n")
    with pytest.raises(UsageError, match=f"{WORKFLOW} differs from that of main on GitHub"):
        propose(root, who)
    assert github.pulls == [] and github.git("acme/images", "branch", "--list", "baselard-update") == ""


def test_a_token_that_may_not_is_told_what_it_lacks(github, behind):
    root, who, _ = behind
    github.refuse.append(("POST .*/git/trees", 403, {}, "Resource not accessible by integration"))
    with pytest.raises(BaselardError, match=r"change acme/images \(403 Resource not.*pull-requests: write"):
        propose(root, who)
    assert github.pulls == []


# --- the commands -----------------------------------------------------------------------------------------------------


@pytest.fixture
def baselard(monkeypatch, capsys, tmp_path):
    """Run a command line in a directory; its exit code and what it wrote. No registry is reached from there."""

    def run(root: Path, *words: str, **env: str) -> "subprocess.CompletedProcess[str]":
        monkeypatch.chdir(root)
        for name in ("GITHUB_TOKEN", "GH_TOKEN", "GITHUB_REPOSITORY"):
            monkeypatch.delenv(name, raising=False)
        away = {name: "http://127.0.0.1:9" for name in ("HTTPS_PROXY", "https_proxy")}
        for name, value in {"HOME": str(tmp_path), "GITHUB_API_URL": "", **away, **env}.items():
            monkeypatch.setenv(name, value)
        capsys.readouterr()
        return subprocess.CompletedProcess(words, main.main(words), *capsys.readouterr())

    return run


def test_update_shows_a_diff_asks_and_writes_with_yes(github, behind, baselard):
    root, _, text = behind
    api = {"GITHUB_API_URL": github.url}
    asked = baselard(root, "update", **api)
    assert asked.returncode == 2 and "+jobs: {a: {steps: [{uses: acme/do@" in asked.stdout
    assert "elsewhere say `baselard update --yes`" in asked.stderr
    assert (root / WORKFLOW).read_text() != text
    done = baselard(root, "update", "--yes", **api)
    assert (root / WORKFLOW).read_text() == text and f"wrote {WORKFLOW}" in done.stderr
    assert "nothing to update" in baselard(root, "update", "--yes", **api).stdout


def test_outdated_ends_with_1_where_something_could_not_be_asked(github, behind, baselard):
    root, _, _ = behind
    done = baselard(root, "outdated", "--json", GITHUB_API_URL=github.url)
    found = {one["kind"]: one["state"] for one in json.loads(done.stdout)}
    assert (found, done.returncode) == ({"tool": "unknown", "action": "outdated"}, 1)


def test_a_pull_request_wants_a_token_and_a_repository(github, behind, baselard):
    root, _, text = behind
    api = {"GITHUB_API_URL": github.url}
    without = baselard(root, "update", "--github", **api)
    assert without.returncode == 2 and "set GITHUB_TOKEN" in without.stderr
    nowhere = baselard(root, "update", "--github", GITHUB_TOKEN="t0ken", **api)
    assert nowhere.returncode == 2 and "set GITHUB_REPOSITORY=OWNER/NAME" in nowhere.stderr
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    subprocess.run(["git", "remote", "add", "origin", "git@github.com:acme/images.git"], cwd=root, check=True)
    done = baselard(root, "update", "--github", GITHUB_TOKEN="t0ken", **api)
    assert done.stdout.endswith("pull/1\n")
    assert github.shown("acme/images", f"baselard-update:{WORKFLOW}") == text
    assert "docker.io" in github.pulls[0]["body"]  # of whose image nothing could be known


def test_a_file_that_cannot_be_written_leaves_the_others_as_they_are(tmp_path):
    (tmp_path / "a").write_text("old")
    (tmp_path / "b").mkdir()
    with pytest.raises(UserError, match="b cannot be written: Is a directory"):
        command.write(tmp_path, {"a": "new", "b": "new"})
    assert (tmp_path / "a").read_text() == "old"
