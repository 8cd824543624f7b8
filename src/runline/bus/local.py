"""The local bus: to the engine of this process, by a direct call."""

import asyncio
from collections.abc import AsyncIterator, Sequence

from runline.domain.messages import Rejected
from runline.engine.bus import Answer, Answering, Bus, Executor, Question, Who
from runline.engine.ids import uuid7
from runline.engine.limits import REQUESTS_PER_SEND_MAX
from runline.engine.requests import Outcome, Request, Sink
from runline.engine.subscription import Committed
from runline.engine.watching import Link, Watcher, Watching


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


class LocalBus(Bus):
    """The engine of this process, as a `Bus`. questions: where what its streams are asked is answered. watching: how they are
    seen."""

    def __init__(self, engine: Executor, questions: Answering, watching: Watching) -> None:
        self.engine = engine
        self.vocabulary = engine.vocabulary
        self.questions = questions
        self.watching = watching

    def new_id(self) -> str:
        """A command id of now."""
        return uuid7(self.engine.clock.now_ns(), self.engine.entropy)

    def submit(self, requests: Sequence[Request], sink: Sink) -> None:
        """Send requests; their outcomes come to the sink."""
        self.engine.submit(requests, sink)

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

    async def ask(self, question: Question) -> Answer:
        """The answer to a question."""
        return await self.questions.ask(question)

    async def follow(self, stream: str, after: int) -> AsyncIterator[list[Committed]]:
        """Every durable event of a stream after a position."""
        subscription = self.engine.subscribe(stream, after)
        try:
            while True:
                yield await subscription.batch()
        finally:
            subscription.close()

    def watch(self, stream: str, watcher: Watcher) -> Link:
        """A link to a stream."""
        return self.watching.watch(stream, watcher)

    async def who(self, stream: str, session: str) -> Who:
        """Whose a session is."""
        return await self.questions.who(stream, session)
