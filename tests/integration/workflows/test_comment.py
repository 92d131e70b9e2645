"""The pull request's one comment, against a stand-in for GitHub's API on loopback."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.actions_runner.runner import Event

PULL = Event("pull_request")
MARK = "<!-- baselard: baselard-report -->\n"


class GitHub(ThreadingHTTPServer):
    """Comments of one pull request; ``refuses`` is a method that the token may not use."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.comments: list[dict[str, Any]] = []
        self.refuses = ""
        self.tokens: set[str] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def say(self, body: str, who: str = "Bot") -> None:
        url = f"{self.url}/repos/acme/images/issues/comments/{len(self.comments)}"
        self.comments.append({"url": url, "body": body, "user": {"type": who}})


class Handler(BaseHTTPRequestHandler):
    server: GitHub

    def log_message(self, *_: object) -> None:
        pass

    def answer(self) -> None:
        github, parts = self.server, urlsplit(self.path)
        sent = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or "null")
        github.tokens.add(self.headers["Authorization"])
        if self.command == github.refuses:
            return self.give(403, {"message": "Resource not accessible by integration"})
        if self.command == "GET":
            assert parts.path == "/repos/acme/images/issues/7/comments"
            page = int(parse_qs(parts.query)["page"][0]) - 1
            return self.give(200, github.comments[100 * page : 100 * page + 100])
        if self.command == "POST":
            assert parts.path == "/repos/acme/images/issues/7/comments"
            github.say(sent["body"])
        else:
            github.comments[int(parts.path.rpartition("/")[2])]["body"] = sent["body"]
        return self.give(200, {})

    do_GET = do_POST = do_PATCH = answer  # noqa: N815

    def give(self, status: int, document: object) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def github():
    with GitHub() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_results_and_sizes_are_one_comment_renewed_in_place(github, step):
    github.say("a person's words", "User")
    assert step(PULL, api=github.url).status == "success"
    _, mine = [one["body"] for one in github.comments]
    assert mine.startswith(f"{MARK}## ✅")
    assert "| `base` | 30.0 MB | 11.0 MB | +1.0 MB (+10.0 %) | against base:main |" in mine
    assert "[The whole run](https://github.example/acme/images/actions/runs/1)" in mine
    assert step(PULL, api=github.url, FAILING="ci-report").status == "failure"
    assert len(github.comments) == 2
    assert github.comments[1]["body"].startswith(f"{MARK}## ❌")
    assert github.tokens == {"Bearer t"}


def test_its_own_comment_is_found_on_a_later_page_and_nobody_elses_is_changed(github, step):
    for _ in range(120):
        github.say(f"{MARK}not yours", "User")
    step(PULL, api=github.url)
    step(PULL, api=github.url)
    assert len(github.comments) == 121
    assert {one["body"] for one in github.comments[:120]} == {f"{MARK}not yours"}


def test_reports_of_other_names_are_other_comments(github, step):
    step(PULL, api=github.url)
    step(PULL, api=github.url, report_name="nightly")
    assert len(github.comments) == 2


@pytest.mark.parametrize("refused", ["GET", "POST"])
def test_a_token_that_may_not_leaves_it_to_the_summary(github, step, refused):
    github.refuses = refused
    job = step(PULL, api=github.url)
    assert job.status == "success" and not github.comments
    assert "::notice title=baselard::No comment on the pull request: HTTP Error 403" in job.log
    assert "+1.0 MB (+10.0 %)" in job.summary


def test_an_unreachable_api_fails_nothing(step):
    assert step(PULL, api="http://127.0.0.1:9").status == "success"


@pytest.mark.parametrize("event", [Event(), Event("schedule"), Event("workflow_dispatch")])
def test_other_events_have_no_comment(github, step, event):
    step(event, api=github.url)
    assert not github.comments and not github.tokens
