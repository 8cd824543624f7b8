"""Connections that have no name: whoever was given the socket can call, and nothing is left of it."""

import asyncio
from contextlib import suppress
from functools import partial
from typing import Any

import pytest
from tests.doubles.coming import comes_true
from tests.integration.world import passes

from runline.bus.pairs import Desk, call


class Echo(asyncio.Protocol):
    """Says what it hears, in capitals."""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(data.upper())


class Heard(asyncio.Protocol):
    """Says something, and hears what is said to it. transport: None once it is over."""

    transport: Any = None
    heard = b""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        transport.write(b"hello")

    def data_received(self, data: bytes) -> None:
        self.heard += data

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None


def same(end: Heard) -> Heard:
    return end


def test_each_call_is_a_connection_of_its_own_and_what_hands_nothing_in_is_none():
    async def main():
        desk = Desk(Echo)
        ends = [Heard(), Heard()]
        desk.theirs.send(b"nothing")
        for end in ends:
            await call(desk.theirs, partial(same, end))
        await comes_true(lambda: [end.heard for end in ends] == [b"HELLO"] * 2)
        ends[0].transport.abort()
        ends[1].transport.write(b"again")
        await comes_true(lambda: ends[1].heard == b"HELLOAGAIN")
        desk.close()
        with pytest.raises(OSError, match=r".*"):
            await call(desk.theirs, Heard)
        ends[1].transport.abort()

    asyncio.run(main())


def test_who_calls_where_nobody_takes_anything_in_hears_so_at_once_and_may_call_again():
    async def main():
        desk = Desk(Echo)
        with suppress(BlockingIOError):
            while True:
                desk.theirs.send(b"nothing")
        # Nothing else has had a turn.
        with pytest.raises(BlockingIOError):
            await call(desk.theirs, Heard)
        await passes()
        end = Heard()
        await call(desk.theirs, lambda: end)
        await comes_true(lambda: end.heard == b"HELLO")
        end.transport.abort()
        desk.close()

    asyncio.run(main())
