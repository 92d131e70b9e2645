"""What all tests share: nobody reaches the real store, and markers skip with their reason."""

import os

import pytest
from hypothesis import settings

settings.register_profile("untimed", deadline=None)  # how fast a machine is says nothing about what holds
settings.load_profile("untimed")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full", action="store_true", help="run the slow variants too")
    engines = ("baselard", "dagger")
    parser.addoption(
        "--engine", choices=engines, default="baselard", help="which engine conformance cases are asked of"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    reasons = {}
    if os.geteuid() != 0:
        reasons["root"] = "mounts and containers need root"
    if os.environ.get("BASELARD_OFFLINE"):
        reasons["network"] = "BASELARD_OFFLINE is set"
    if not config.getoption("--full"):
        reasons["full"] = "slow; runs with --full"
    for item in items:
        for marker, reason in reasons.items():
            if item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def _own_places(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store and a cache of this test's own, where the code under test would use the user's."""
    places = tmp_path_factory.mktemp("places")
    monkeypatch.setenv("BASELARD_STORE", str(places / "store"))
    monkeypatch.setenv("BASELARD_CACHE", str(places / "cache"))
    monkeypatch.delenv("BASELARD_ENGINE", raising=False)
