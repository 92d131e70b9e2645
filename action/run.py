#!/usr/bin/env python3
"""The program behind the composite action (action.yml), a step a word: it makes the call and shows what came of it.

Everything comes by environment variables and goes on as words of a program's arguments, or out to the runner's files:
nothing is ever part of a shell's text. Python's standard library alone, as nothing is installed when it starts.
"""

import json
import os
import platform
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LAUNCHER = str(ROOT / "baselard")
env = os.environ.get
# Functions that give a report's directory, by the word that `call` has for them.
REPORTS = {
    "ci": ["ci-report"],
    "lint": ["report", "--check", "lint"],
    "test-base": ["report", "--check", "test-base"],
    "test-examples": ["report", "--check", "test-examples"],
    "hand-over": ["hand-over"],
    "merge-reports": ["merge-reports"],
}
TEXTS = {"matrix": ["matrix"], "cleanup": ["cleanup"]}
# Events whose code is the repository's own. What any other one runs, a pull request's above all, writes no cache.
TRUSTED = ("push", "schedule", "workflow_dispatch", "release")
REGISTRY = ("ci", "test-base", "test-examples", "hand-over", "cleanup")


def main(step: str) -> int:
    steps: dict[str, Callable[[], int]] = {
        "emulate": emulate,
        "import": import_cache,
        "call": call,
        "comment": comment,
        "export": export_cache,
        "verdict": lambda: int(env("BASELARD_EXIT_CODE") or 1),
    }
    return steps[step]()


# --- the call ---------------------------------------------------------------------------------------------------------


def call() -> int:
    """Make the call. Its exit code is an output; this step itself fails only when the runner is broken."""
    name = os.environ["BASELARD_CALL"]
    if name not in REPORTS and name not in TEXTS:
        print(f"::error::call: {_escaped(name)} is none of {', '.join([*REPORTS, *TEXTS])}")
        return 2
    ended = name == "ci" and closed()
    name = "cleanup" if ended else name
    report = _report()
    shutil.rmtree(report, ignore_errors=True)
    command = [*_call(), *(["--allow", allowed] if (allowed := env("BASELARD_ALLOW")) else [])]
    command += [*identity(name), *words(name, ended=ended)]
    if name == "cleanup" and not (env("BASELARD_TOKEN") and may_push()):
        print("Without a token that may push there are no test tags to clean up.")
        _give("exit-code", "0")
        return 0
    if name in TEXTS:
        return _text(command)
    code = subprocess.run([*command, "-o", str(report)], check=False).returncode
    _shown(report, code)
    return 0


def _call() -> Iterator[str]:
    yield from (LAUNCHER, "--engine", os.environ["BASELARD_ENGINE"], "call", "-m", str(ROOT))
    yield from ("--source", os.environ["BASELARD_SOURCE"])


def identity(name: str) -> Iterator[str]:
    """Arguments that ask GitHub for the job's token, if the job may have one: `ci` may sign by it what it publishes."""
    asking = ("ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN")
    if name == "ci" and all(map(env, asking)) and os.environ["GITHUB_EVENT_NAME"] in TRUSTED:
        for one in asking:
            yield from ("--secrets", f"env://{one}")


def words(name: str, *, ended: bool) -> Iterator[str]:
    """The function and its arguments: those of the event, those of the credentials, and the caller's."""
    yield from REPORTS.get(name) or TEXTS[name]
    if name == "ci":
        yield from ("--ref", os.environ["GITHUB_REF"], "--sha", os.environ["GITHUB_SHA"])
        yield from ("--event", os.environ["GITHUB_EVENT_NAME"])
        if env("BASELARD_SIGNING_KEY") and os.environ["GITHUB_EVENT_NAME"] in TRUSTED:  # no other is published
            yield from ("--signing-key", "env://BASELARD_SIGNING_KEY")
    if REPORTS.get(name, [""])[0] == "report":
        yield from ("--sha", os.environ["GITHUB_SHA"])
    if env("BASELARD_TOKEN") and name in REGISTRY and not (name == "hand-over" and not may_push()):
        yield from ("--username", os.environ["GITHUB_ACTOR"], "--password", "env://BASELARD_TOKEN")
    if ended:  # the arguments are those of ci
        yield from ("--pull-request", str(_event()["pull_request"]["number"]), "--apply")
    else:
        yield from (line for line in (env("BASELARD_ARGS") or "").splitlines() if line.strip())


def closed() -> bool:
    """Whether this is the end of a pull request: then ci tests nothing, and its test tags go."""
    return env("GITHUB_EVENT_NAME") == "pull_request" and _event().get("action") == "closed"


def may_push() -> bool:
    """Whether the run's token may write packages: not for a pull request from a fork, nor for one of Dependabot's."""
    head = (_event().get("pull_request") or {}).get("head") or {}
    foreign = bool(head) and (head.get("repo") or {}).get("full_name") != env("GITHUB_REPOSITORY")
    return not foreign and env("GITHUB_ACTOR") != "dependabot[bot]"


def _text(command: list[str]) -> int:
    """A function that prints: its text is the log's and, where it is JSON, an output."""
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    print(done.stdout)
    _give("exit-code", str(done.returncode))
    if done.returncode == 0 and done.stdout.startswith("{"):
        _give("json", json.dumps(json.loads(done.stdout), separators=(",", ":")))
    return 0


def _shown(report: Path, code: int) -> None:
    """Summary, annotations and outputs; without a report, that there is none."""
    written = (report / "exit-code").exists()
    code = int((report / "exit-code").read_text()) if written else code
    _give("exit-code", str(code))
    _give("report", str(report))
    if not written:
        message = f"The call ended with exit code {code} before there was a report. Its reason is in the step's log."
        _append("GITHUB_STEP_SUMMARY", f"## ❌ {message}\n")
        print(f"::error title=baselard::{message}")
        return
    _append("GITHUB_STEP_SUMMARY", (report / "summary.md").read_text())
    print((report / "annotations").read_text(), end="")
    if may_push():  # a token that may write nothing may hand nothing over
        _give("sarif", str(report / "report.sarif"))
    document = json.loads((report / "outputs.json").read_text())
    images = list(document.get("images", {}).values())
    _give("json", json.dumps(document, separators=(",", ":")))
    _give("digest", next((image.get("digest", "") for image in images), document.get("digest", "")))
    _give("tags", " ".join(tag for image in images for tag in image.get("tags", [])))


# --- the pull request's comment ---------------------------------------------------------------------------------------


def comment() -> int:
    """One comment on the pull request, renewed in place. Where the token may not, the summary has it all anyway."""
    number = (_event().get("pull_request") or {}).get("number")
    text = _report() / "comment.md"
    if not number or not text.exists():
        return 0
    mark = f"<!-- baselard: {env('BASELARD_REPORT_NAME') or 'report'} -->"
    run = f"{env('GITHUB_SERVER_URL')}/{env('GITHUB_REPOSITORY')}/actions/runs/{env('GITHUB_RUN_ID')}"
    body = f"{mark}\n{text.read_text()}\n[The whole run]({run})\n"
    try:
        mine = next((one["url"] for one in _comments(number) if _is_mine(one, mark)), None)
        _ask("PATCH" if mine else "POST", mine or _api(f"issues/{number}/comments"), {"body": body})
    except (OSError, ValueError) as error:
        why = f"{_escaped(str(error))}; the summary has the same. A job's `pull-requests: write` would allow it"
        print(f"::notice title=baselard::No comment on the pull request: {why}")
    return 0


def _is_mine(one: dict[str, Any], mark: str) -> bool:
    """Whether it is the action's own: somebody else's comment is never changed, whatever it begins with."""
    return bool(one["user"]["type"] == "Bot" and one["body"].startswith(mark))


def _comments(number: int) -> Iterator[dict[str, Any]]:
    for page in range(1, 100):
        comments = _ask("GET", _api(f"issues/{number}/comments?per_page=100&page={page}"))
        yield from comments
        if len(comments) < 100:
            return


def _api(path: str) -> str:
    return f"{os.environ['GITHUB_API_URL']}/repos/{os.environ['GITHUB_REPOSITORY']}/{path}"


def _ask(method: str, url: str, document: Any = None) -> Any:
    """https://docs.github.com/rest/issues/comments; an answer other than success is raised, as an OSError."""
    data = None if document is None else json.dumps(document).encode()
    headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
    headers |= {"Authorization": f"Bearer {env('BASELARD_GITHUB_TOKEN')}", "Content-Type": "application/json"}
    request = urllib.request.Request(url, data, headers, method=method)  # noqa: S310  # the runner's own API address
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        return json.load(answer)


# --- the cache, and the machine ---------------------------------------------------------------------------------------


def import_cache() -> int:
    """Take over restored results. A cache that cannot be read costs its time, never the run.

    Without a key it is GitHub that vouches for them: a run is given what runs of its own or the default branch wrote.
    """
    known = env("BASELARD_CACHE_PUBLIC_KEY") or env("BASELARD_CACHE_SIGNING_KEY")
    _cached("import", [LAUNCHER, "cache", "import", *([] if known else ["--unsigned"]), _cache()])
    return 0


def export_cache() -> int:
    """Write down what this run used, if its code is trusted; the key names the content: equal content is kept once."""
    if env("GITHUB_EVENT_NAME") not in TRUSTED or not may_push():
        print("A run of this event reads the cache and writes none.")
        return 0
    if _cached("export", [LAUNCHER, "cache", "export", _cache()]) == 0:
        index = json.loads((Path(_cache()) / "index.json").read_text())
        _give("key", os.environ["BASELARD_CACHE_PREFIX"] + index["manifests"][0]["digest"].partition(":")[2])
    return 0


def _cached(what: str, command: list[str]) -> int:
    code = subprocess.run(command, check=False).returncode  # prints how much it was, and how long it took
    if code:
        print(f"::notice title=baselard::The cache could not be used: {what} ended with exit code {code}")
    return code


def _cache() -> str:
    return f"{os.environ['RUNNER_TEMP']}/baselard-cache"


def emulate() -> int:
    """Install QEMU for other platforms' programs, where such are published and the machine has none yet."""
    if closed() or any(Path("/proc/sys/fs/binfmt_misc").glob("qemu-*")):
        return 0
    if not (wanted := _platforms() - {f"linux/{_OWN.get(platform.machine(), platform.machine())}"}):
        print("Only this runner's own platform is published: no emulator is needed.")
        return 0
    apt = ["apt-get", "-qq"] if os.geteuid() == 0 else ["sudo", "apt-get", "-qq"]
    install = [*apt, "install", "--yes", "--no-install-recommends", "qemu-user-static", "binfmt-support"]
    try:
        subprocess.run([*apt, "update"], check=False)
        subprocess.run(install, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        remedy = 'register QEMU on the runner, or set publish.platforms or emulate: "false"'
        print(f"::error title=baselard::No emulator for {', '.join(sorted(wanted))}: {_escaped(str(error))}; {remedy}")
        return 1
    return 0


_OWN = {"x86_64": "amd64", "aarch64": "arm64"}


def _platforms() -> set[str]:
    """The platforms of the call's --platforms, else those of the plan; some other one where there is no plan."""
    words = [word for line in (env("BASELARD_ARGS") or "").splitlines() for word in line.strip().split("=", 1)]
    if "--platforms" in words[:-1]:
        return set(words[words.index("--platforms") + 1].split(","))
    command = [LAUNCHER, "-C", os.environ["BASELARD_SOURCE"], "plan", "--json"]  # starts no engine
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if not done.stdout.startswith("{"):
        return {"other platforms"}  # why there is no plan is for the call to say
    planned = json.loads(done.stdout)
    builds = [*planned.get("bases", {}).values(), *planned.get("examples", {}).values()]
    return {name for build in builds for name in build.get("platforms", ())}


# --- the runner's files -----------------------------------------------------------------------------------------------


def _report() -> Path:
    return Path(os.environ["RUNNER_TEMP"]) / "baselard-report"


def _event() -> dict[str, Any]:
    path = env("GITHUB_EVENT_PATH")
    document: dict[str, Any] = json.loads(Path(path).read_text()) if path else {}
    return document


def _give(name: str, value: str) -> None:
    """An output of the step; values are single lines, as JSON and all of ours are."""
    _append("GITHUB_OUTPUT", f"{name}={' '.join(value.splitlines())}\n")


def _append(variable: str, text: str) -> None:
    with open(os.environ[variable], "a", encoding="utf-8") as file:
        file.write(text)


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
