"""Several things at once."""

import anyio
import pytest

from baselard.oci.together import each, together

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


async def test_an_error_keeps_its_cause_however_deep_it_was_raised() -> None:
    async def fail() -> None:
        raise KeyError("bad") from OSError("why")

    async def wait() -> None:
        await anyio.sleep_forever()

    async def below() -> list[None]:
        return await together([wait(), fail()])

    with pytest.raises(KeyError, match="bad") as caught:
        await together([below(), wait()])
    assert isinstance(caught.value.__cause__, OSError)


async def test_whoever_cancels_what_is_around_them_ends_them_all() -> None:
    """By anyio, which the pipeline's deadlines are made of."""
    ended: list[str] = []
    began = anyio.Event()

    async def wait(name: str) -> None:
        if name == "b":
            began.set()
        try:
            await anyio.sleep_forever()
        finally:
            ended.append(name)

    with anyio.CancelScope() as scope:

        async def end() -> None:
            await began.wait()
            scope.cancel()

        await together([wait("a"), wait("b"), end()])
    assert scope.cancelled_caught
    assert sorted(ended) == ["a", "b"]


async def test_nothing_to_do_is_no_error() -> None:
    assert await together([]) == []
