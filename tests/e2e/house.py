"""A house of its own for a browser: a server whose clock a test can set, and on which nothing happens but what the test does."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, nullcontext
from pathlib import Path
from threading import Thread
from typing import Any
from unittest.mock import patch

from tests.integration.served import PASSWORD, Premises, served
from tests.integration.world import HOUR_NS, SECOND_NS, SetClock

from runline.gateway.server import Server

EARLIER_NS = 6 * HOUR_NS
"""So much before the host's time its own begins: what is to have begun by then is set up meanwhile."""


class RunningClock(SetClock):
    """A clock that can be set, and goes on from there: a page goes by the host's time, to which it must have come by then."""

    @property
    def at_ns(self) -> int:
        """The time."""
        return self.set_ns + time.monotonic_ns() - self.since_ns

    @at_ns.setter
    def at_ns(self, at_ns: int) -> None:
        self.set_ns, self.since_ns = at_ns, time.monotonic_ns()

    def seconds_until(self, at_ns: int) -> float:
        return max(at_ns - self.at_ns, 0) / SECOND_NS


class House:
    """A server in a thread of its own. address: where it is."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.loop = asyncio.new_event_loop()
        self.ready: Future[Premises] = Future()
        self.thread = Thread(target=self.loop.run_until_complete, args=(self.serve(),))
        self.thread.start()
        self.place = self.ready.result(60)

    @property
    def address(self) -> str:
        """Where it is."""
        return self.place.address

    async def serve(self) -> None:
        self.over = asyncio.Event()
        try:
            # Signals go to the main thread alone.
            with patch.object(Server, "capture_signals", nullcontext):
                await self.serve_whole()
        except BaseException as error:
            if not self.ready.done():
                self.ready.set_exception(error)
            raise

    async def serve_whole(self) -> None:
        async with served(self.folder / "runline.db", RunningClock(time.time_ns() - EARLIER_NS)) as place:
            self.ready.set_result(place)
            await self.over.wait()

    def do(self, act: Callable[[Premises], Coroutine[Any, Any, Any]]) -> Any:
        """What comes of something that is done in the server's thread."""
        return asyncio.run_coroutine_threadsafe(act(self.place), self.loop).result(60)

    def password(self, stream: str, user: str) -> str:
        """A user may sign in; returns their password."""
        self.do(lambda place: place.give_password(stream, user))
        return PASSWORD

    def close(self) -> None:
        """The end of it."""
        self.loop.call_soon_threadsafe(self.over.set)
        self.thread.join(60)


@contextmanager
def house_in(folder: Path) -> Iterator[House]:
    """A house that is closed at the end."""
    house = House(folder)
    try:
        yield house
    finally:
        house.close()
