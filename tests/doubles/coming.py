"""Waiting for what is to come true in this process, without a clock.

What a test looks at changes only when the loop has done something. So it is looked at each time before the loop would wait
for more: at once, in the very turn in which it came true, and never in between. (uvloop says nobody when it waits: there it
is looked at every millisecond.)
"""

import asyncio
from collections.abc import Callable
from typing import Any

WAIT_S = 30
"""After so long a test gives up."""

Holds = Callable[..., object]


class Watch:
    """The look before a loop's waiting. It is there while somebody waits."""

    def __init__(self, selector: Any) -> None:
        self.selector = selector
        self.select = selector.select
        self.waiting: dict[asyncio.Future[None], Holds] = {}

    def look(self, timeout: float | None = None) -> Any:
        """What the loop does to wait for more; it waits for nothing if something has come true."""
        for future, holds in list(self.waiting.items()):
            if future.done():
                continue
            try:
                if holds():
                    future.set_result(None)
            except Exception as error:
                future.set_exception(error)
            if future.done():
                timeout = 0
        return self.select(timeout)

    def add(self, future: asyncio.Future[None], holds: Holds) -> None:
        self.waiting[future] = holds
        self.selector.select = self.look

    def remove(self, future: asyncio.Future[None]) -> None:
        del self.waiting[future]
        if not self.waiting:
            del self.selector.select


async def comes_true(holds: Holds, wait_s: float = WAIT_S) -> None:
    """Wait until something holds that only this loop changes. Raises TimeoutError."""
    async with asyncio.timeout(wait_s):
        loop = asyncio.get_running_loop()
        if isinstance(loop, asyncio.SelectorEventLoop):
            await noticed(loop, holds)
        else:
            while not holds():  # noqa: ASYNC110  # waits: this loop has no place from which to look
                await asyncio.sleep(0.001)  # waits: the same


async def noticed(loop: asyncio.SelectorEventLoop, holds: Holds) -> None:
    """Wait until something holds, by looking at it before the loop waits."""
    selector = loop._selector  # type: ignore[attr-defined]
    looking = getattr(selector.select, "__self__", None)
    watch = looking if isinstance(looking, Watch) else Watch(selector)
    future = loop.create_future()
    watch.add(future, holds)
    try:
        await future
    finally:
        watch.remove(future)
