"""Which processes share a resident engine. Judge: proc(5)'s status, and who would be replaced by sudo."""

import pytest

from baselard.engine.errors import HostError
from baselard.engine.host import privilege, rootless, runroot
from baselard.engine.host.rootless import Offer
from baselard.resident import kind

ROOT, USER = "CapEff:\t000001ffffffffff\nNoNewPrivs:\t0\n", "CapEff:\t0000000000000000\nNoNewPrivs:\t0\n"


def _refused(_: object) -> Offer:
    raise HostError("this kernel gives out no user namespaces")


@pytest.mark.parametrize(
    ("status", "sudo", "chosen", "shared"),
    [
        (ROOT, "", _refused, True),
        (USER, "", _refused, True),  # it fails without another process
        (USER, "/usr/bin/sudo", lambda _: Offer(), True),
        (USER, "/usr/bin/sudo", lambda _: None, False),
        (USER, "/usr/bin/sudo", _refused, True),
        (ROOT.replace("Privs:\t0", "Privs:\t1"), "", _refused, False),
        (USER.replace("Privs:\t0", "Privs:\t1"), "", _refused, False),
    ],
)
def test_whoever_stays_one_process_shares_an_engine(monkeypatch, status, sudo, chosen, shared) -> None:
    monkeypatch.setattr(kind, "_read", lambda name: status)
    monkeypatch.setattr(privilege, "sudo", lambda: sudo)
    monkeypatch.setattr(privilege, "may_mount", lambda: "1ff" in status)
    monkeypatch.setattr(rootless, "chosen", chosen)
    assert kind.is_shared() is shared


@pytest.mark.parametrize(
    ("environ", "place"),
    [
        ({"BASELARD_RUN": "/own", "XDG_RUNTIME_DIR": "/tmp"}, "/own"),
        ({"XDG_RUNTIME_DIR": "/tmp"}, "/tmp/baselard"),
        ({"XDG_RUNTIME_DIR": "tmp"}, "/tmp/baselard-1000"),
        ({"XDG_RUNTIME_DIR": "/nowhere"}, "/tmp/baselard-1000"),
        ({}, "/tmp/baselard-1000"),
    ],
)
def test_a_users_place_is_the_logins_own(monkeypatch, environ: dict[str, str], place: str) -> None:
    """Judge: the XDG Base Directory Specification, for which relative paths are none."""
    monkeypatch.setattr(runroot.os, "geteuid", lambda: 1000)
    assert (runroot.place(environ), kind.place(environ)) == (place, f"{place}/resident-1000")
