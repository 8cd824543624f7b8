"""Reading turns: who reads what is long does so for a little at a time, together with all others who do.

Rule: nobody reads for long while others wait for the loop.
"""

import asyncio
from collections import deque
from collections.abc import Callable

from runline.sharing.limits import TURN_NS, TURNS_AT_ONCE
from runline.sharing.rounds import Rounds


class ReadingTurns(Rounds):
    """Who reads what is long takes turns: after TURN_NS, all together, everything else on the loop has its turn."""

    def __init__(self) -> None:
        super().__init__(TURN_NS)
        self.waiting: deque[asyncio.Future[None]] = deque()

    async def turn(self) -> None:
        """Wait for a turn."""
        if self.over or self.waiting:
            await self.wait(self.waiting.append)
            while self.over:
                await self.wait(self.waiting.appendleft)

    async def wait(self, line_up: Callable[[asyncio.Future[None]], None]) -> None:
        """Wait to be let in."""
        mine = asyncio.get_running_loop().create_future()
        line_up(mine)
        self.plan()
        await mine

    def serve(self) -> bool:
        let_in = 0
        while self.waiting and let_in < TURNS_AT_ONCE:
            mine = self.waiting.popleft()
            if not mine.done():
                mine.set_result(None)
                let_in += 1
        return bool(self.waiting)
