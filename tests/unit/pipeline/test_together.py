"""Several things at once."""

import anyio
import pytest

from pipeline.together import each

pytestmark = pytest.mark.anyio


async def test_results_come_in_the_order_of_the_items():
    first_done = anyio.Event()

    async def work(item):
        if item == "second":
            first_done.set()
        else:
            await first_done.wait()
        return item.upper()

    assert await each(["first", "second"], work) == ["FIRST", "SECOND"]


async def test_an_error_is_raised_as_itself_and_ends_the_others():
    ended = []

    async def work(item):
        if item == "bad":
            raise KeyError(item)
        try:
            await anyio.sleep_forever()
        finally:
            ended.append(item)

    with pytest.raises(KeyError, match="bad"):
        await each(["waits", "bad"], work)
    assert ended == ["waits"]
