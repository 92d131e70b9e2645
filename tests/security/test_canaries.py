"""A secret is looked for, in every spelling, wherever a run leaves something: output, store, cache, report, registry.

The advisory is Unit 42's of August 2024 on artifacts of workflows that held tokens. What is looked through is all that
the commands below wrote; that a spelling would be found is tried first.
"""

import contextlib
import gzip
import os
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import pytest

from baselard.cli import crash, main
from baselard.engine.errors import UserError, without_passwords
from tests.e2e.cli.conftest import module  # noqa: F401 -- a fixture
from tests.integration.engine.conftest import Client
from tests.registry_servers import PASSWORD, USER, running_registry
from tests.security.traces import spellings, traces

CANARY = "cAnArY/9f3+7=z&pw"  # other characters in base64, in a URL and in JSON
LEFT = "tokens were left in artifacts, logs and caches that others could read"


@pytest.mark.parametrize("how", spellings(CANARY))
def test_a_secret_is_found_however_it_is_written(how: str, tmp_path: Path) -> None:

    (tmp_path / "packed").write_bytes(gzip.compress(b"before " + spellings(CANARY)[how] + b" after"))
    assert any(how in found for found in traces(CANARY, tmp_path))
    assert traces(CANARY, b"before " + spellings(CANARY)[how] + b" after")
    assert not traces(CANARY, b"something else")


@dataclass
class Machine:
    """A home, a store and a place for everything else that is written; ``said`` is what went to streams and clients."""

    root: Path
    said: list[bytes | str] = field(default_factory=list)

    @property
    def places(self) -> dict[str, str]:
        inside = {name: str(self.root / name.lower()) for name in ("HOME", "TMPDIR")}
        return inside | {f"BASELARD_{name}": str(self.root / name.lower()) for name in ("STORE", "CACHE", "RUN")}

    def baselard(self, *argv: str, **env: str) -> int:
        """Run a command; its exit code."""
        done = subprocess.run(
            [sys.executable, "-m", "baselard.cli", *argv],
            env={**os.environ, **self.places, "CANARY": CANARY, **env},
            capture_output=True,
            timeout=120,
            check=False,
            cwd=self.root,
        )
        self.said += [done.stdout, done.stderr]
        return done.returncode

    def left(self, secret: str = CANARY) -> list[str]:
        """Where the secret is."""
        return traces(secret, self.root, *self.said)


@pytest.fixture
def place(tmp_path: Path) -> Machine:
    for name in ("home", "tmpdir"):
        (tmp_path / "machine" / name).mkdir(parents=True)
    return Machine(tmp_path / "machine")


def _used(place: Machine, tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Use a secret in every way: shown, mounted, failed with, in a Dockerfile, pushed with, handed over."""
    for name, value in {**place.places, "CANARY": CANARY, "PASSWORD": PASSWORD}.items():
        monkeypatch.setenv(name, value)
    client = Client(place.root)
    base = (*client.container(tree), 'withEnvVariable(name:"PATH",value:"/bin")')
    token = client.get('{secret(uri:"env://CANARY"){id}}')
    named = client.get(f'{{setSecret(name:"token",plaintext:"{CANARY}"){{id}}}}')
    variable, mounted = (
        f'withSecretVariable(name:"T",secret:"{token}")',
        f'withMountedSecret(path:"/t",source:"{named}")',
    )
    shown = client.ask(client.chain(*base, variable, _sh("echo $T; echo x${T}y >&2"), "stdout"))
    assert "***" in str(shown)
    failed = client.ask(client.chain(*base, mounted, _sh("cat /t; cat /t /t >&2; exit 3"), "stdout"))
    assert "exit code: 3" in str(failed)
    archive = client.ask(
        client.chain(*base, mounted, variable, _sh("cat /t | wc -c > /n"), f'export(path:"{place.root}/i.tar")')
    )
    (tree / "Dockerfile").write_text(
        "FROM scratch\nCOPY bin /bin\nENV PATH=/bin\n"
        "RUN --mount=type=secret,id=token,env=T cat /run/secrets/token; echo $T\n"
        "RUN --mount=type=secret,id=token false\n"
    )
    context = f'host{{directory(path:"{tree}",noCache:true){{dockerBuild(secrets:["{named}"]){{stdout}}}}}}'
    built = client.ask("{" + context + "}")
    assert "errors" in built
    place.said += [str(answer) for answer in (shown, failed, archive, built)]
    with running_registry(place.root.with_name("registry"), auth=True) as server:
        for uri, fine in (("env://PASSWORD", True), ("env://CANARY", False)):
            secret = client.get(f'{{secret(uri:"{uri}"){{id}}}}')
            signed = f'withRegistryAuth(address:"{server.host}",username:"{USER}",secret:"{secret}")'
            pushed = client.ask(client.chain(*base, signed, f'publish(address:"{server.host}/app:1")'))
            assert ("errors" not in pushed) == fine
            place.said.append(str(pushed))
    client.close()
    assert place.baselard("cache", "export", str(place.root / "exported")) == 0


def _sh(line: str) -> str:
    return f'withExec(args:["sh","-c","{line}"])'


@pytest.mark.root
@pytest.mark.advisory("ArtiPACKED", LEFT)
def test_a_secret_is_left_nowhere(place: Machine, tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In no answer, log, error, store, cache, archive, exported cache, home or temporary directory."""
    _used(place, tree, monkeypatch)
    for name in ("store/store.db", "i.tar", "exported/index.json", "log"):
        assert (place.root / name).exists(), "this is looked through"
    assert place.left() == []
    assert traces(f"{USER}:{PASSWORD}", place.root, *place.said) == []
    assert [found for found in place.left(PASSWORD) if found.endswith("plain")] == []


@pytest.mark.root
@pytest.mark.full
@pytest.mark.advisory("ArtiPACKED", LEFT)
def test_the_command_line_leaves_a_secret_nowhere(place: Machine, module: Path) -> None:  # noqa: F811
    """Runs that end well, that fail, and that are refused, with all that the command line keeps of them."""
    call = ("call", "-m", str(module), "--progress=plain", "base")
    variable = ("with-secret-variable", "--name", "TOKEN", "--secret", "env://CANARY")
    mounted = ("with-mounted-secret", "--path", "/run/token", "--source", "env://CANARY")
    assert place.baselard(*call, *variable, "with-exec", "--args", "sh,-c,echo $TOKEN >&2; echo $TOKEN", "stdout") == 0
    assert place.baselard(*call, *mounted, "with-exec", "--args", "sh,-c,cat /run/token >&2; exit 3", "stdout") == 1
    assert place.baselard(*call, *mounted, "with-exec", "--args", "sh,-c,true", "as-tarball", "-o", "i.tar") == 0
    assert place.baselard(*call, *mounted, "with-exec", "--args", "nothing-like-it", DEBUG="1") == 1
    assert place.baselard("cache", "export", str(place.root / "exported")) == 0
    assert b"***" in b"".join(said for said in place.said if isinstance(said, bytes))
    assert place.left() == []


@pytest.mark.advisory("ArtiPACKED", LEFT)
def test_a_crash_report_holds_no_value_of_a_variable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CANARY", CANARY)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def fail() -> None:
        local = os.environ["CANARY"]
        raise RuntimeError(f"something with {len(local)} letters")

    with pytest.raises(RuntimeError) as caught:
        fail()
    text = crash.report(["call", "x"], caught.value)
    text += Path(text.rpartition(" ")[2]).read_text()
    assert "CANARY" in text
    assert traces(CANARY, text) == []


@pytest.mark.advisory("ArtiPACKED", LEFT)
@pytest.mark.parametrize(
    "words",
    [
        ["call", "f", "--password", CANARY],
        ["call", "f", f"--password={CANARY}"],
        ["call", "f", "--list", f"a,{CANARY}"],
        ["call", "-m", f"https://me:{quote(CANARY, safe='')}@host/repo.git", "f"],
        ["cache", "export", f"https://{quote(CANARY, safe='')}@host/a:b"],
    ],
)
def test_a_crash_report_holds_no_value_of_a_flag(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Nor what the error says of one; with a file and where none can be written."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(main, "_dispatch", lambda argv: (_ for _ in ()).throw(KeyError(" ".join(argv))))
    for _ in range(2):
        assert main.main([*words, "--jobs", "3", "--key", "env://TOKEN"]) == 3
        told = capsys.readouterr().err + "".join(path.read_text() for path in tmp_path.glob("baselard-crash-*"))
        assert "--jobs 3 --key env://TOKEN" in told
        assert "KeyError" in told
        assert traces(CANARY, told) == []
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "none"))


@pytest.mark.root
@pytest.mark.advisory("ArtiPACKED", LEFT)
def test_a_secret_is_no_part_of_a_command_line_that_others_see(engine: Client, tree: Path) -> None:
    """While a command with a secret runs, no command line of this machine has it (proc(5), cmdline)."""
    secret = engine.get(f'{{setSecret(name:"t",plaintext:"{CANARY}"){{id}}}}')
    steps = (
        *engine.container(tree),
        'withEnvVariable(name:"PATH",value:"/bin")',
        f'withSecretVariable(name:"T",secret:"{secret}")',
        f'withMountedSecret(path:"/t",source:"{secret}")',
        _sh("sleep 0.5; test $T"),
        "stdout",
    )
    lines: list[bytes] = []
    thread = threading.Thread(target=lambda: engine.value(*steps))
    thread.start()
    while thread.is_alive():
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):  # it has ended
                lines.append(path.read_bytes())
        thread.join(0.05)
    assert any(b"sleep 0.5" in line for line in lines)
    assert traces(CANARY, *lines) == []


URLS = {
    "https://user:pass@example.org/x": "https://***@example.org/x",
    "see http://token@h:1/p?q=a@b, and git://u:p@h": "see http://***@h:1/p?q=a@b, and git://***@h",
    "ssh://git@example.org/x": "ssh://git@example.org/x",
    "https://example.org/a@b": "https://example.org/a@b",
    "a/b://": "a/b://",
}


@pytest.mark.advisory("ArtiPACKED", LEFT)
@pytest.mark.parametrize("text", URLS)
def test_a_url_is_shown_without_its_password(text: str) -> None:
    assert without_passwords(text) == URLS[text]
    assert str(UserError(text)) == URLS[text]


@pytest.mark.root
@pytest.mark.advisory("ArtiPACKED", LEFT)
@pytest.mark.parametrize("field", ["http", "git"])
def test_an_address_with_a_password_shows_it_in_no_error_and_no_log(engine: Client, field: str) -> None:
    """BuildKit had such addresses in its provenance (CVE-2023-26054)."""
    address = "http://user:cAnArY%2F9f3%2B7%3Dz%26pw@127.0.0.1:1/x.git"
    wanted = {"http": "contents", "git": "head{commit}"}[field]
    answer = engine.ask(f'{{{field}(url:"{address}"){{{wanted}}}}}')
    assert "errors" in answer
    assert traces(CANARY, str(answer), (engine.run.parent / "log").read_bytes()) == []
