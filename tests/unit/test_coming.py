"""Waiting for what comes true: in the turn in which it does, by whomever it is changed."""

import asyncio
import threading

import pytest
import uvloop
from tests.doubles.coming import comes_true


def test_what_holds_already_is_not_waited_for():
    asyncio.run(comes_true(lambda: True))


def test_it_is_noticed_in_the_turn_in_which_it_comes_true():
    async def main():
        passed: list[int] = []

        async def count():
            while len(passed) < 100:
                passed.append(len(passed))
                await asyncio.sleep(0)

        counting = asyncio.create_task(count())
        await comes_true(lambda: len(passed) == 7)
        assert len(passed) in (7, 8)
        await counting

    asyncio.run(main())


def test_it_is_noticed_when_a_thread_tells_the_loop():
    async def main():
        told = threading.Event()
        thread = threading.Thread(target=asyncio.get_running_loop().call_soon_threadsafe, args=(told.set,))
        waiting = asyncio.create_task(comes_true(told.is_set))
        await asyncio.sleep(0)
        thread.start()
        await waiting
        thread.join()

    asyncio.run(main())


def test_it_comes_true_on_the_loop_of_the_server_as_well():
    async def main():
        seen: list[str] = []
        asyncio.get_running_loop().call_later(0.002, seen.append, "it")
        await comes_true(lambda: seen)

    uvloop.run(main())


def test_several_wait_at_once_and_each_for_its_own():
    async def main():
        seen: list[str] = []

        async def wait(name, before):
            await comes_true(lambda: before in seen)
            seen.append(name)

        tasks = [asyncio.create_task(wait(name, before)) for name, before in (("c", "b"), ("b", "a"), ("d", "c"))]
        await asyncio.sleep(0)
        seen.append("a")
        await asyncio.gather(*tasks)
        assert seen == ["a", "b", "c", "d"]
        selector = asyncio.get_running_loop()._selector  # type: ignore[attr-defined]
        assert "select" not in vars(selector)

    asyncio.run(main())


def test_what_never_comes_is_given_up_and_what_cannot_be_looked_at_is_raised():
    async def main():
        with pytest.raises(TimeoutError):
            await comes_true(lambda: False, 0.001)
        with pytest.raises(ZeroDivisionError):
            await comes_true(lambda: 1 / 0)

    asyncio.run(main())
