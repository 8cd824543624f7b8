"""Together: what several want at the same time is done at once, and what comes meanwhile is done after it, at once again."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Generic, TypeVar

W = TypeVar("W")
V = TypeVar("V")

Wanted = Mapping[W, asyncio.Future[V]]
"""What is wanted, each with what comes of it, which is to be set."""


class Together(Generic[W, V]):
    """Does it. work: of all that is wanted it does at least one thing, and of what it leaves, or comes meanwhile, more when it is
    called again."""

    def __init__(self, work: Callable[[Wanted[W, V]], Awaitable[None]]) -> None:
        self.work = work
        self.waiting: dict[W, asyncio.Future[V]] = {}
        self.working: asyncio.Task[None] | None = None

    async def done(self, one: W) -> V:
        """What comes of one thing. Raises what went wrong with it, or with what it was done together with."""
        coming: asyncio.Future[V] = asyncio.get_running_loop().create_future()
        self.waiting[one] = coming
        if self.working is None:
            self.working = asyncio.create_task(self.run())
        # Who waits no longer leaves what is being done to those who do it.
        return await asyncio.shield(coming)

    async def run(self) -> None:
        """Do all that is wanted."""
        while self.waiting:
            wanted, self.waiting = self.waiting, {}
            try:
                await self.work(wanted)
            except Exception as error:
                for coming in wanted.values():
                    if not coming.done():
                        coming.set_exception(error)
            except BaseException:
                # Ended from outside: nobody waits for what nobody does.
                self.working = None
                waiting, self.waiting = self.waiting, {}
                for coming in (*wanted.values(), *waiting.values()):
                    coming.cancel()
                raise
            left = {one: coming for one, coming in wanted.items() if not coming.done()}
            self.waiting = left | self.waiting
        self.working = None
