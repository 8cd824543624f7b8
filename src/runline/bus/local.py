"""The local bus: to the engine of this process, by a direct call."""

from collections.abc import AsyncIterator, Sequence

from runline.bus.gathering import GatheringBus
from runline.engine.bus import Answer, Answering, Executor, Question, Who
from runline.engine.ids import uuid7
from runline.engine.requests import Request, Sink
from runline.engine.subscription import Committed
from runline.engine.watching import Link, Watcher, Watching


class LocalBus(GatheringBus):
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
