"""One call over every way in which an example can go wrong: each is told apart, and the others go on."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.root, pytest.mark.network]

ROOT = Path(__file__).resolve().parents[3]

# busybox-static: a program that also runs in an image that holds nothing else.
BASE = """\
FROM debian:trixie-slim
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends busybox-static >/dev/null
RUN useradd --create-home agent
ENV HOME=/home/agent
USER agent
CMD ["bash"]
"""
FROM = "FROM example.test/acme/base\n"
SERVES = FROM + 'EXPOSE 8000\nCMD ["busybox", "httpd", "-f", "-p", "{port}"]\n'
TRUE = "command: {'true': {exit-status: 0}}\n"

REPOSITORY = {
    "Dockerfile": BASE,
    "baselard.yaml": """\
examples:
  settings:
    never-ready: {wait: 2}
    never-healthy: {wait: 2}
    half-ready: {wait: 2}
    own-wait: {wait: 2}
    variables: {vars: [values.yaml, {who: agent}]}
    no-shell: {run: service}
    excused: {quarantine: {reason: mirror is down, until: "2999-01-01"}}
    expired: {quarantine: {reason: mirror was down, until: "2001-01-01"}}
""",
    "examples/good/Dockerfile": FROM,
    "examples/good/goss.yaml": "command: {id -un: {exit-status: 0, stdout: [agent]}}\n",
    "examples/several/Dockerfile": FROM,
    "examples/several/goss.yaml": "gossfile: {../goss-shared.yaml: {}}\n",
    "examples/several/goss/more.yaml": "file: {/forgotten: {exists: true}}\n",
    "examples/goss-shared.yaml": "file: {/shared: {exists: true}}\n",
    "examples/basic/Dockerfile": FROM,
    "examples/variables/Dockerfile": SERVES.format(port=8000),
    "examples/variables/values.yaml": "who: nobody\nport: 8000\n",
    "examples/variables/goss.yaml": "command: {id -un: {exit-status: 0, stdout: ['{{ .Vars.who }}']}}\n",
    "examples/variables/goss_wait.yaml": "addr: {'tcp://localhost:{{ .Vars.port }}': {reachable: true}}\n",
    "examples/no-value/Dockerfile": FROM,
    "examples/no-value/goss.yaml": "command: {id -un: {exit-status: 0, stdout: ['{{ .Vars.who }}']}}\n",
    "examples/serves/Dockerfile": SERVES.format(port=8000),
    "examples/serves/goss.yaml": "port: {tcp6:8000: {listening: true}}\n",
    "examples/serves-untested/Dockerfile": SERVES.format(port=8000),
    "examples/no-shell/Dockerfile": FROM.rstrip()
    + ' AS build\nFROM scratch\nCOPY --from=build /bin/busybox /sleep\nCMD ["/sleep", "60"]\n',
    "examples/no-shell/goss.yaml": "file: {/sleep: {exists: true}, /bin/sh: {exists: false}}\n",
    "examples/no-shell-serves/Dockerfile": FROM.rstrip()
    + " AS build\nFROM scratch\nCOPY --from=build /bin/busybox /busybox\nEXPOSE 8000\n"
    + 'HEALTHCHECK CMD ["/busybox", "wget", "-q", "-O", "/dev/null", "http://localhost:8000/busybox"]\n'
    + 'CMD ["/busybox", "httpd", "-f", "-p", "8000"]\n',
    "examples/no-shell-serves/goss.yaml": "command: {/busybox true: {exit-status: 0}}\n",
    # A program of another libc, whose loader even stands where glibc's would: what runs goss must not meet it.
    "examples/other-libc/Dockerfile": FROM.rstrip()
    + """ AS build
USER 0
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends tcc musl-dev >/dev/null
RUN echo 'int puts(const char*); int main() {return puts("hello") < 0;}' >/says.c && tcc -c -o /says.o /says.c \\
    && cd /usr/lib/*-linux-musl && mkdir /out && tcc -nostdlib -o /out/says crt1.o crti.o /says.o libc.so crtn.o \\
    && loader=$(grep -a -o '/lib[0-9]*/ld-linux[-a-z0-9_]*.so.[0-9]' /out/says) \\
    && install -D libc.so /out$loader && ln -s $loader /out/loader
FROM scratch
COPY --from=build /out /
CMD ["/says"]
""",
    "examples/other-libc/goss.yaml": """\
command:
  /says: {exit-status: 0, stdout: [hello]}
  /loader: {exit-status: 1, stderr: [musl libc]}
file: {/bin/sh: {exists: false}}
""",
    "examples/missing-file/Dockerfile": FROM,
    "examples/missing-file/goss.yaml": "file: {/nowhere: {exists: true}}\n",
    "examples/failing-run/Dockerfile": FROM + "RUN echo no such luck >&2; exit 7\n",
    "examples/bad-from/Dockerfile": "FROM alpine:3\n",
    "examples/bad-dockerfile/Dockerfile": FROM + "RUNN true\n",
    "examples/bad-reference/Dockerfile": "FROM example.test/acme/base:1:2\n",
    "examples/port-taken/Dockerfile": FROM
    + 'EXPOSE 8000 8001\nCMD ["sh", "-c", "busybox httpd -f -p 8000 & sleep 1; exec busybox httpd -f -p 8000"]\n',
    "examples/port-taken/goss.yaml": TRUE,
    "examples/never-healthy/Dockerfile": FROM
    + 'EXPOSE 8000\nCMD ["sh", "-c", "echo still loading; exec busybox httpd -f -p 8000"]\n'
    + "HEALTHCHECK CMD busybox wget -q -O - http://localhost:8000/healthz\n",
    "examples/bad-goss/Dockerfile": FROM,
    "examples/bad-goss/goss.yaml": "file: [\n",
    "examples/empty-goss/Dockerfile": FROM,
    "examples/empty-goss/goss.yaml": "{}\n",
    "examples/half-ready/Dockerfile": SERVES.format(port=8000).replace("8000", "8000 8443", 1),
    "examples/half-ready/goss.yaml": TRUE,
    "examples/own-wait/Dockerfile": SERVES.format(port=8000),
    "examples/own-wait/goss.yaml": TRUE,
    "examples/own-wait/goss_wait.yaml": "file: {/ready: {exists: true}}\n",
    "examples/never-ready/Dockerfile": SERVES.format(port=9999),
    "examples/never-ready/goss.yaml": TRUE,
    "examples/dies/Dockerfile": FROM + 'EXPOSE 80\nCMD ["sh", "-c", "echo cannot bind >&2; exit 3"]\n',
    "examples/dies/goss.yaml": TRUE,
    "examples/no-command/Dockerfile": FROM + 'CMD ["nowhere-to-be-found"]\n',
    "examples/excused/Dockerfile": FROM,
    "examples/excused/goss.yaml": "file: {/nowhere: {exists: true}}\n",
    "examples/expired/Dockerfile": FROM,
    "examples/expired/goss.yaml": "file: {/nowhere: {exists: true}}\n",
    "examples/twice/Dockerfile": FROM,
    "docs/cookbooks/twice/Dockerfile": FROM,
}

BAD = {
    "no-value": "goss cannot use this file: examples/no-value/goss.yaml asks for {{ .Vars.who }}, and who has no "
    "value: give it one by `vars` of this example",
    "several": "File /forgotten exists: expected true, got false",
    "missing-file": "File /nowhere exists: expected true, got false",
    "failing-run": "examples/failing-run/Dockerfile:2: build: exit code 7: RUN echo no such luck >&2; exit 7",
    "bad-from": "starts FROM alpine:3 (line 1), not from example.test/acme/base",
    "bad-dockerfile": "examples/bad-dockerfile/Dockerfile:2",
    "bad-reference": "example.test/acme/base:1:2",
    "port-taken": "ended with exit code 1 before it was ready",
    "never-healthy": "never became ready: its healthcheck does not pass (expected 0, got 1);",
    "bad-goss": "goss cannot use this file",
    "empty-goss": "goss cannot use this file: found 0 tests",
    "never-ready": "never became ready: nothing answers on port 8000, which the image declares by EXPOSE;",
    "half-ready": "nothing answers on port 8443, which the image declares by EXPOSE (port 8000 answers); "
    "if that is as it should be, a goss_wait.yaml",
    "own-wait": "examples/own-wait/goss_wait.yaml did not pass in time: File /ready exists;",
    "dies": "ended with exit code 3 before it was ready",
    "no-command": "nowhere-to-be-found: not found in PATH",
    "excused": "File /nowhere exists: expected true, got false",
    "expired": "File /nowhere exists: expected true, got false",
}


@pytest.fixture
def repository(write):
    return write(REPOSITORY)


def suites(report: Path):
    return {suite["name"]: suite for suite in json.loads((report / "outputs.json").read_text())["suites"]}


def test_every_bad_example_is_told_apart_and_the_others_pass(call, repository, tmp_path):
    report = tmp_path / "report"
    done = call(repository, "report", "--check", "test-examples", "--output", str(report))
    assert done.code == 0, done.stderr[-3000:]
    found = suites(report)
    assert {name for name, suite in found.items() if suite["failures"]} == set(BAD)
    wrong = {
        name: found[name]["failures"] for name, said in BAD.items() if said not in " ".join(found[name]["failures"])
    }
    assert not wrong
    assert {name for name in found if name.endswith("twice")} == {"examples/twice", "cookbooks/twice"}
    assert "File /shared exists: expected true, got false" in found["several"]["failures"]
    assert (report / "exit-code").read_text() == "1\n"
    listed = json.loads((report / "outputs.json").read_text())["suites"]
    verdict = f"<h1>{sum(suite['blocks'] for suite in listed)} of {len(listed)} failed"
    assert verdict in (report / "report.html").read_text()
    assert '"uri": "examples/missing-file/goss.yaml"' in (report / "report.sarif").read_text()
    summary = (report / "summary.md").read_text()
    for log in ("cannot bind", "no such luck", "Address already in use", "still loading"):
        assert log in summary
    assert {name for name, suite in found.items() if suite["failures"] and not suite["blocks"]} == {"excused"}


def test_the_good_ones_alone_pass_and_again_nothing_is_built_but_all_is_tested(call, repository):
    only = "good,basic,serves,serves-untested,no-shell,no-shell-serves,other-libc,excused"
    first = call(repository, "test-examples", "--only", only)
    assert (first.code, "examples: 8 passed, 1 quarantined (8 examples and the base) in" in first.stdout) == (
        0,
        True,
    ), first.stderr[-3000:]
    again = call(repository, "test-examples", "--only", only)
    assert again.code == 0
    assert again.executions("apt-get") == 0
    assert again.executions("goss") == 7
    kept = call(repository, "test-examples", "--only", only, "--cached-tests")
    assert kept.code == 0
    kept = call(repository, "test-examples", "--only", only, "--cached-tests")
    assert kept.executions("goss") == 0


def test_a_failing_call_prints_the_summary_and_exits_1(call, repository):
    done = call(repository, "test-examples", "--only", "good,missing-file")
    assert done.code == 1
    shown = done.stdout + done.stderr
    assert "/missing-file/goss.yaml:1: File /nowhere exists: expected true, got false" in shown
    assert "1 of 3 failed (missing-file)" in shown
    assert "Traceback" not in shown


def test_an_empty_repository_says_what_to_write(call, write):
    done = call(write({"README.md": ""}), "test-examples")
    assert done.code == 2
    assert "no base image found" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_a_typing_error_in_the_configuration_has_its_line(call, write):
    done = call(write({"Dockerfile": BASE, "baselard.yaml": "exmples: {}\n"}), "examples")
    assert done.code == 2
    assert "baselard.yaml:1: the file: unknown key 'exmples'; did you mean 'examples'?" in done.stdout + done.stderr


def test_checks_that_cannot_be_made_are_wrong_use(write, tmp_path):
    source = write({"Dockerfile": BASE, "baselard.yaml": "exmples: {}\n"})
    environment = {**os.environ, "BASELARD_STORE": str(tmp_path / "store"), "PYTHONPATH": str(ROOT)}
    argv = [sys.executable, "-m", "baselard.cli", "check"]
    done = subprocess.run(argv, cwd=source, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.count("baselard.yaml:1: the file: unknown key 'exmples'; did you mean 'examples'?") == 3
    assert done.stdout.endswith("3 of 3 failed: lint, test-base, test-examples\n")


@pytest.mark.parametrize("reference", ["Debian:::x", "docker.io/Acme/x", "debian:trixie-slim:2"])
def test_a_base_of_a_malformed_reference_is_told_once_and_is_every_examples_reason(call, write, reference):
    example = "FROM example.test/base\n"
    texts = {"Dockerfile": f"FROM {reference}\n", "examples/a/Dockerfile": example, "examples/b/Dockerfile": example}
    done = call(write(texts), "test-examples")
    shown = done.stdout + done.stderr
    assert (done.code, shown.count(f'Dockerfile:1: build: failed to parse stage name "{reference}"')) == (1, 1)
    assert shown.count("its base example.test/base does not build") == 2
    assert "3 of 3 failed" in shown


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["test-examples", "--only", "goood"], "no example matches 'goood'; did you mean 'good'?"),
        (["test-examples", "--exclude", "nothing"], "no example matches 'nothing'; there are "),
        (["test-examples", "--jobs", "0"], "--jobs must be at least 1"),
        (["test-examples", "--share", "post"], "unknown way to share 'post'; there are"),
        (["test-examples", "--changed-since", "main"], "--changed-since needs the history: add `--history .git`"),
        (["test-example", "--name", "nobody"], "no example matches 'nobody'"),
        (["test-base", "--targets", "nosuch"], "the base has no target 'nosuch'"),
        (["base", "--target", "nosuch"], "the base has no target 'nosuch'"),
        (["report", "--check", "tests"], "there is no check 'tests'; there are lint, test-base, test-examples"),
        (["lint", "--threshold", "loud"], "unknown threshold 'loud'; there are error, warning, info, style"),
    ],
)
def test_a_wrong_name_is_wrong_use(call, repository, args, says):
    done = call(repository, *args, inside=True)
    assert (done.code, done.stdout) == (2, "")
    assert says in done.stderr
    assert "Error" not in done.stderr
