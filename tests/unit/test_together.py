"""Together: what several want at once is done at once, and nobody waits for what is not done any more."""

import asyncio

import pytest

from runline.cluster.together import Together


def test_whoever_waits_for_what_is_ended_from_outside_is_told_so_and_what_is_wanted_then_is_done():
    async def main():
        began, calls = asyncio.Event(), []

        async def work(wanted):
            calls.append(sorted(wanted))
            if len(calls) == 1:
                began.set()
                await asyncio.Event().wait()
            for one, coming in wanted.items():
                coming.set_result(one.upper())

        together = Together(work)
        waiting = [asyncio.create_task(together.done("a"))]
        await began.wait()
        # One that came meanwhile would be done after it.
        waiting.append(asyncio.create_task(together.done("b")))
        await asyncio.sleep(0)
        assert together.working is not None
        together.working.cancel()
        for one in waiting:
            with pytest.raises(asyncio.CancelledError):
                await one
        assert [*await asyncio.gather(together.done("c"), together.done("d"))] == ["C", "D"]
        assert calls == [["a"], ["c", "d"]]

    asyncio.run(main())


def test_who_waits_no_longer_takes_nothing_from_the_others():
    async def main():
        began, go_on = asyncio.Event(), asyncio.Event()

        async def work(wanted):
            began.set()
            await go_on.wait()
            for one, coming in wanted.items():
                coming.set_result(one.upper())

        together = Together(work)
        first, second = (asyncio.create_task(together.done(one)) for one in "ab")
        await began.wait()
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        go_on.set()
        assert await second == "B"
        assert first.cancelled()

    asyncio.run(main())
