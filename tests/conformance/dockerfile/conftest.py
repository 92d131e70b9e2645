import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--live", action="store_true", help="ask a running docker (oracle.py start) instead of the record")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"
