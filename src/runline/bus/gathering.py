"""Gathering: the outcomes of one call, whichever way its requests go."""

import asyncio
from collections.abc import Sequence

from runline.domain.messages import Rejected
from runline.engine.bus import Bus
from runline.engine.limits import REQUESTS_PER_SEND_MAX
from runline.engine.requests import Outcome, Request, Sink


class Gather(Sink):
    """Collects the outcomes of one call."""

    def __init__(self, size: int) -> None:
        self.outcomes: list[Outcome | None] = [None] * size
        self.left = size
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def answer(self, index: int, outcome: Outcome) -> None:
        self.outcomes[index] = outcome
        self.left -= 1
        if not self.left and not self.done.done():
            self.done.set_result(None)


class GatheringBus(Bus):
    """A bus whose calls are submissions of which the outcomes are waited for."""

    async def send(self, requests: Sequence[Request]) -> list[Outcome]:
        """The outcomes of requests, in their order, each durable.

        Raises Rejected `too_many`.
        """
        if len(requests) > REQUESTS_PER_SEND_MAX:
            raise Rejected("too_many", "Too many requests in one call.", most=REQUESTS_PER_SEND_MAX)
        if not requests:
            return []
        gather = Gather(len(requests))
        self.submit(requests, gather)
        await gather.done
        return gather.outcomes  # type: ignore[return-value]
