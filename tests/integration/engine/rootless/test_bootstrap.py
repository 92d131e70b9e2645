"""A Debian that a plain user makes of its archive is the one that root makes. Judge: the digests of the two images."""

from pathlib import Path

import pytest

from tests import alone
from tests.integration.engine.conftest import Client

pytestmark = [alone.USERS, pytest.mark.network, pytest.mark.full]


def _digest(client: Client) -> str:
    client.patience = 900
    found = client.value("container", 'from(address:"debian:trixie-slim")', "rootfs", "digest")
    assert client.close() == 0
    return str(found)


def test_a_users_debian_is_roots(person, tmp_path: Path) -> None:
    assert _digest(person().engine()) == _digest(Client(tmp_path))
