"""The test of an image without gossfiles: what each of its checks is for, broken once, is what it tells, alone."""

import json

import pytest

pytestmark = [pytest.mark.root, pytest.mark.network]

# The package managers are scripts, since the real ones are large; tests of this repository's own base have those.
BASE = """\
FROM debian:trixie-slim
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends busybox-static tzdata >/dev/null
RUN useradd --create-home agent && mkdir /srv/app && echo {} >/srv/app/package.json \\
    && printf '#!/bin/sh\\n[ "$*" = check ] && ! cat /etc/pip-says 2>/dev/null\\n' >/usr/local/bin/pip \\
    && printf '#!/bin/sh\\n[ "$1 $2" = "ls --all" ] && ! cat /etc/npm-says >&2 2>/dev/null\\n' >/usr/local/bin/npm \\
    && chmod 755 /usr/local/bin/*
ENV HOME=/home/agent
USER agent
WORKDIR /srv/app
CMD ["bash"]
"""
CHECKS = {
    *("user exists", "home is writable", "PATH has no broken link", "shell starts"),
    *("command starts", "pip check", "npm ls", "dpkg --audit"),
    *("clock is UTC", "no user has a password", "apt-get check"),
}
# What an init does when it is told to end: it ends everybody else first.
INIT = """CMD ["sh", "-c", "trap 'kill -TERM -1; exit' TERM; sleep 60 & wait"]\n"""
SERVES = 'CMD ["busybox", "httpd", "-f", "-p", "8000"]\n'

# What the example adds, the check that fails and what it says.
BROKEN = {
    "no-user": ("USER 4242\nENV HOME=/tmp\n", "user exists", "uid 4242 is not in /etc/passwd"),
    "home-of-another": ("ENV HOME=/root\n", "home is writable", "cannot write in HOME=/root as uid 1000"),
    "home-missing": ("ENV HOME=/nowhere\n", "home is writable", "cannot write in HOME=/nowhere as uid 1000"),
    "broken-link": (
        "USER 0\nRUN ln -s /gone /usr/local/bin/tool\nUSER agent\n",
        "PATH has no broken link",
        "broken links: /usr/local/bin/tool",
    ),
    "broken-shell": (
        "USER 0\nRUN mkdir /first && printf '#!/gone\\n' >/first/sh && chmod 755 /first/sh\nUSER agent\n"
        "ENV PATH=/first:$PATH\n",
        "shell starts",
        "/first/sh: not found",
    ),
    "no-such-command": ('CMD ["nowhere"]\n', "command starts", "nowhere: not found in PATH=/usr/local/sbin:"),
    "command-without-interpreter": (
        "USER 0\nRUN printf '#!/gone\\n' >/usr/bin/other && chmod 755 /usr/bin/other\nUSER agent\nCMD [\"other\"]\n",
        "command starts",
        "timeout: can't execute '/usr/bin/other': No such file or directory",
    ),
    "pip": (
        "USER 0\nRUN echo a 1.0 requires b, which is not installed. >/etc/pip-says\nUSER agent\n",
        "pip check",
        "a 1.0 requires b, which is not installed.",
    ),
    "npm": ("USER 0\nRUN echo missing: b@1 >/etc/npm-says\nUSER agent\n", "npm ls", "missing: b@1"),
    "dpkg": (
        "USER 0\nRUN sed -i '0,/ok installed/s//ok half-configured/' /var/lib/dpkg/status\nUSER agent\n",
        "dpkg --audit",
        "apt",
    ),
    "clock": (
        "USER 0\nRUN ln -sf /usr/share/zoneinfo/Asia/Tokyo /etc/localtime\nUSER agent\n",
        "clock is UTC",
        "its time zone is JST, and no TZ says that it is to be",
    ),
    "password": (
        "USER 0\nRUN echo 'agent:secret' | chpasswd\nUSER agent\n",
        "no user has a password",
        "anybody who has the image has the password's hash of: agent",
    ),
    "sources": (
        "USER 0\nRUN echo 'deb nonsense' >/etc/apt/sources.list.d/x.list\nUSER agent\n",
        "apt-get check",
        "The list of sources could not be read.",
    ),
    "port": ("EXPOSE 8001\n" + SERVES, "Addr tcp://localhost:8001 reachable", "expected true, got false"),
    "healthcheck": (
        "HEALTHCHECK CMD busybox wget -q -O - http://localhost:8000/healthz\n" + SERVES,
        "Command healthcheck exit-status",
        "expected 0, got 1",
    ),
}


@pytest.fixture
def tested(call, write, tmp_path):
    """The cases of every example's suite, from one call."""
    files = {"Dockerfile": BASE, "examples/sound/Dockerfile": "FROM example.test/base\n"}
    for name, (added, _, _) in BROKEN.items():
        files[f"examples/{name}/Dockerfile"] = f"FROM example.test/base\n{added}"
    files["examples/init/Dockerfile"] = f"FROM example.test/base\n{INIT}"
    files["baselard.yaml"] = "examples: {settings: {port: {wait: 1}, healthcheck: {wait: 1}}}\n"
    done = call(write(files), "report", "--check", "test-examples", "--output", str(tmp_path / "report"))
    assert done.code == 0, done.stderr[-3000:]
    return json.loads((tmp_path / "report/outputs.json").read_text())["suites"]


def test_a_base_must_run_what_its_entrypoint_is_given(call, write):
    """As docker-library/official-images asks; an image that others build on has commands of theirs."""
    entry = "RUN printf '#!/bin/sh\\n%s\\n' '{}' >/entry && chmod 755 /entry\nENTRYPOINT [\"/entry\"]\n"
    base = f"FROM debian:trixie-slim\n{entry}"
    fine = call(write({"Dockerfile": base.format('exec "$@"')}), "test-base")
    assert (fine.code, "base  10/10" in fine.stdout) == (0, True), fine.stdout + fine.stderr[-3000:]
    shut = call(write({"Dockerfile": base.format("echo welcome")}), "test-base")
    assert shut.code == 1
    assert (
        "command can be overridden: its entrypoint, given `echo WORD`, prints 'welcome\\n'" in shut.stdout + shut.stderr
    )


def test_each_check_fails_alone_and_says_why(tested):
    suites = {suite["name"]: suite for suite in tested}
    assert (suites["sound"]["failures"], suites["sound"]["cases"]) == ([], len(CHECKS))
    assert (suites["init"]["failures"], suites["init"]["cases"]) == ([], len(CHECKS))
    assert {check for _, check, _ in BROKEN.values()} > CHECKS
    for name, (_, check, reason) in BROKEN.items():
        (said,) = [one for one in suites[name]["failures"] if not one.startswith("ready: never became ready")]
        assert said.startswith(f"{check}: ") and reason in said
