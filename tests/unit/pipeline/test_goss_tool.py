"""goss's files are made while a call waits for a base, and a call that waits for nothing is asked nothing more."""

import anyio
import dagger
import pytest

from pipeline.goss import tool

pytestmark = pytest.mark.anyio


class FakeTools(dagger.Directory):
    def __init__(self, error=None):
        self.asked, self.error = anyio.Event(), error

    async def sync(self):
        self.asked.set()
        if self.error:
            raise self.error
        return self


@pytest.mark.parametrize("error", [None, RuntimeError("no archive is reached")])
async def test_they_are_made_while_something_else_is_waited_for(monkeypatch, error):
    monkeypatch.setattr(tool, "_PATIENCE", 0)
    tools = FakeTools(error)
    async with tool.ahead(tools):
        await tools.asked.wait()


async def test_a_call_that_waits_for_nothing_asks_nothing():
    tools = FakeTools()
    async with tool.ahead(tools):
        await anyio.lowlevel.checkpoint()
    await anyio.lowlevel.checkpoint()
    assert not tools.asked.is_set()
