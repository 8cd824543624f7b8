"""Heads: read once for all who ask meanwhile, and never as they were before somebody asked."""

import asyncio
from typing import Any

import pytest

from runline.engine.heads import Heads
from runline.engine.ports import GENESIS, Head, StoreError


async def passes():
    """Let everything go on that can."""
    for _ in range(5):
        await asyncio.sleep(0)


def head(stream, seq):
    return Head(stream, 1, seq, GENESIS, 0)


class Store:
    """A store whose readings wait until they are let go. asked: of which streams each was."""

    def __init__(self):
        self.seq = 1
        self.asked = []
        self.free = asyncio.Event()
        self.fails = False

    async def heads(self, streams):
        self.asked.append(list(streams))
        found = {stream: head(stream, self.seq) for stream in streams if stream != "b9"}
        await self.free.wait()
        if self.fails:
            raise StoreError("transient", "It is away.")
        return found


def test_who_asks_while_heads_are_read_hears_of_what_has_happened_since():
    async def main():
        store: Any = Store()
        heads = Heads(store)
        first = [asyncio.create_task(heads.now("b1")) for _ in range(3)]
        await passes()
        store.seq = 2
        later = [asyncio.create_task(heads.now(stream)) for stream in ("b1", "b2", "b9")]
        await passes()
        assert store.asked == [["b1"]]
        store.free.set()
        assert await asyncio.gather(*first) == [head("b1", 1)] * 3
        assert await asyncio.gather(*later) == [head("b1", 2), head("b2", 2), None]
        assert store.asked == [["b1"], ["b1", "b2", "b9"]]

    asyncio.run(main())


def test_who_waits_no_more_ends_no_reading_of_others_and_a_failure_is_heard_by_all():
    async def main():
        store: Any = Store()
        heads = Heads(store)
        asking = [asyncio.create_task(heads.now("b1")) for _ in range(3)]
        await passes()
        asking[0].cancel()
        store.fails = True
        store.free.set()
        for one in asking[1:]:
            with pytest.raises(StoreError):
                await one
        store.fails = False
        assert await heads.now("b1") == head("b1", 1)

    asyncio.run(main())
