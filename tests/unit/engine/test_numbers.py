"""Numbers in what others wrote: images, Dockerfiles, addresses, variables. Each reader takes plain decimals in range.

Docker's range for users and groups is that of runc's libcontainer/user (0 to 2147483647; a larger one wrapped round to
root in CVE-2024-40635); Go's strconv, which docker reads them with, knows neither underscores nor spaces nor the digits
of other scripts.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from baselard.dockerfile.plan.lower import lower_stage
from baselard.dockerfile.plan.stages import BuildOptions, make_plan
from baselard.dockerfile.syntax.errors import DockerfileError
from baselard.dockerfile.syntax.text import parse
from baselard.engine.api.objects.values import Port
from baselard.engine.errors import EngineError, UserError
from baselard.engine.files import owners
from baselard.engine.host import caller
from baselard.engine.images import writing
from baselard.engine.modules import addresses
from baselard.engine.modules.addresses import ObjectAddress
from baselard.engine.run.containers import host, users
from baselard.engine.run.containers.users import User
from baselard.engine.store import collect
from baselard.oci.digits import decimal, octal
from baselard.oci.image_config import ImageConfig

ODD = ["\u00b2", "\u0663", "\uff11", "+0", "-1", "-0", " 0", "0 ", "1_000", "0x10", "1e3", "1.0", "9" * 5000]
TOO_LARGE = ["2147483648", "4294967295", "4294967296", "18446744073709551616"]


def _lowered(line: str) -> object:
    plan = make_plan(parse(f"FROM x\n{line}\n"), BuildOptions({}))
    return lower_stage(plan, plan.stages[0], ImageConfig())


def _limited(**settings: str) -> object:
    return host.detect({f"BASELARD_{name}": value for name, value in settings.items()})


def _epoch(text: str, monkeypatch: pytest.MonkeyPatch) -> object:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", text)
    return writing.source_date_epoch()


@pytest.fixture(autouse=True)
def _as_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only root asks who called sudo."""
    monkeypatch.setattr("os.geteuid", lambda: 0)


IDS: Mapping[str, Callable[[str, Path], object]] = {
    "USER n": lambda text, _: users.resolve(text, "", ""),
    "USER 0:n": lambda text, _: users.resolve(f"0:{text}", "", ""),
    "owner n": lambda text, root: owners.resolve(root, text),
    "owner 0:n": lambda text, root: owners.resolve(root, f"0:{text}"),
    "cache mount's uid": lambda text, _: _lowered(f"RUN --mount=type=cache,target=/c,uid={text} true"),
    "cache mount's gid": lambda text, _: _lowered(f"RUN --mount=type=cache,target=/c,gid={text} true"),
    "SUDO_UID": lambda text, _: caller.invoking_user({"SUDO_UID": text}),
    "SUDO_GID": lambda text, _: caller.invoking_user({"SUDO_UID": "7", "SUDO_GID": text}),
}
OTHERS: Mapping[str, Callable[[str, Path], object]] = {
    "exposed port of an image": lambda text, _: Port.of(f"{text}/tcp"),
    "port of an address": lambda text, _: addresses._service(ObjectAddress(f"tcp://h:{text}", "Service")),
    "EXPOSE": lambda text, _: _lowered(f"EXPOSE {text}"),
    "mode of a mount": lambda text, _: _lowered(f"RUN --mount=type=cache,target=/c,mode={text} true"),
    "BASELARD_PIDS": lambda text, _: _limited(PIDS=text),
}
SPACED = {" 0", "0 "}
STRIPPED = ("mount", "EXPOSE", "BASELARD_")  # of a line's words, and of our own variables, spaces are no part


def _cases(readers: Mapping[str, object]) -> list[tuple[str, str]]:
    every = [(reader, text) for reader in readers for text in (*ODD, *TOO_LARGE)]
    return [(reader, text) for reader, text in every if text not in SPACED or not any(map(reader.count, STRIPPED))]


@pytest.mark.parametrize(("reader", "text"), _cases(IDS))
def test_what_is_no_id(reader: str, text: str, tmp_path: Path) -> None:
    with pytest.raises((EngineError, DockerfileError)):
        IDS[reader](text, tmp_path)


@pytest.mark.parametrize("text", ["0", "2147483647"])
@pytest.mark.parametrize("reader", IDS)
def test_what_is_an_id(reader: str, text: str, tmp_path: Path) -> None:
    IDS[reader](text, tmp_path)


@pytest.mark.parametrize(("reader", "text"), _cases(OTHERS))
def test_what_is_no_number(reader: str, text: str, tmp_path: Path) -> None:
    with pytest.raises((EngineError, DockerfileError)):
        OTHERS[reader](text, tmp_path)


def test_records_with_odd_numbers_are_nobody_s() -> None:
    """The superscript two satisfies str.isdigit, and int() refuses it."""
    odd = "root:x:\u00b2:0::/:\nwrapped:x:4294967296:0::/:\nminus:x:-1:0::/:\nplus:x:+0:0::/:\nboth:x:1:\u0663::/:\n"
    for name in ("root", "wrapped", "minus", "plus", "both"):
        with pytest.raises(UserError, match=f"unable to find user {name}"):
            users.resolve(name, odd, "")
    assert users.resolve("", odd, "g:x:\u00b2:root\n") == User()


def test_lines_end_at_newlines_alone(tmp_path: Path) -> None:
    """A full name may hold what Python takes for the end of a line; libc and docker do not."""
    (tmp_path / "etc").mkdir()
    table = "user:x:1000:1000:a\x0croot2:x:0:0::/:\x85root3:x:0:0::/:\u2028root4:x:0:0::/:\n"
    (tmp_path / "etc/passwd").write_text(table)
    for name in ("root2", "root3", "root4"):
        with pytest.raises(UserError):
            users.resolve(name, table, "")
        with pytest.raises(UserError):
            owners.resolve(tmp_path, name)


@pytest.mark.parametrize("text", ["\u0663", "1_0", "-1", "+1", "nan", "inf", "1e3", "9" * 5000, "253402300800"])
def test_the_epoch_is_a_second_that_can_be_written(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match="SOURCE_DATE_EPOCH"):
        _epoch(text, monkeypatch)


@pytest.mark.parametrize("text", ["nan", "inf", "1_0", "\u0663", "1e3", "-1", "+1"])
def test_limits_and_sizes_are_plain(text: str) -> None:
    for name in ("MEMORY", "CPUS", "PIDS"):
        with pytest.raises(UserError, match=f"BASELARD_{name}"):
            _limited(**{name: text})
    with pytest.raises(ValueError, match="is not a size"):
        collect.parse_size(text)


@pytest.mark.parametrize("text", ["\u0661", "+0", "-1", "9" * 5000])
def test_a_stage_s_number_is_plain(text: str) -> None:
    """A number that is none is a name; BuildKit refused negative ones after one had crashed it."""
    with pytest.raises(DockerfileError):
        _lowered(f"COPY --from={text} a b")


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("007", 7), ("0" * 5000 + "1", 1), ("65535", 65535)])
def test_plain_numbers(text: str, number: int) -> None:
    assert decimal(text, 65535) == number


@pytest.mark.parametrize("text", ["", "8", "0o7", "-7", "+7", " 7", "7_7", "\u0663", "10000"])
def test_octal_numbers(text: str) -> None:
    assert octal(text, 0o7777) is None
    assert octal("0755", 0o7777) == 0o755
