"""Bus: the one port through which everybody outside reaches an engine, in its own process or far away.

Rule: what goes over it are values that can be encoded and decoded again (`engine/codec.py`), and nothing of the other side: no
function, no object, no state. Requests and questions name a session; whoever owns the stream looks up whose it is as it executes.
Who sends them vouches for nobody. Programs inside Runline have no session, and are called by the actor as whom they act.
"""

from abc import abstractmethod
from collections.abc import AsyncIterator, Sequence
from typing import Protocol

import msgspec

from runline.domain.vocabulary import Vocabulary
from runline.engine.ids import Entropy
from runline.engine.ports import Clock
from runline.engine.requests import Outcome, Request, Sink
from runline.engine.subscription import Committed, Subscription
from runline.engine.watching import Link, Watcher


class Question(msgspec.Struct, frozen=True, gc=False):
    """A declared query, by its name.

    stream: of whom it is asked. fields: what is asked for, as JSON. session: who asks. actor: who asks without a session, from
    inside Runline. at_least: answer only once this position is reached.
    """

    stream: str
    name: str
    fields: bytes = b"{}"
    session: str = ""
    actor: str = ""
    at_least: int = 0


class Answer(msgspec.Struct, frozen=True, gc=False):
    """What a question is answered with: JSON, and the position at which it is true."""

    position: int
    body: bytes


class Who(msgspec.Struct, frozen=True, gc=False):
    """Whose a session is. branch: of the tree, in which they stand. screen: whether a person sits before it."""

    stream: str
    session: str
    user: str
    branch: str
    screen: bool


class Bus(Protocol):
    """How engines are reached. An adapter is made from this class: what can be said by the other methods is said here, once.

    vocabulary: what is spoken over it.
    """

    vocabulary: Vocabulary

    @abstractmethod
    def new_id(self) -> str:
        """A command id of now, by the time and the chance of the process in which this end of the bus is."""

    @abstractmethod
    def submit(self, requests: Sequence[Request], sink: Sink) -> None:
        """Send requests; the outcome of each comes to the sink once it is durable. The way of wagers: nothing is awaited."""

    @abstractmethod
    async def send(self, requests: Sequence[Request]) -> list[Outcome]:
        """The outcomes of requests, in their order, each durable.

        Raises Rejected `too_many`.
        """

    async def send_one(self, request: Request) -> Outcome:
        """The outcome of one request, durable."""
        (outcome,) = await self.send((request,))
        return outcome

    @abstractmethod
    async def ask(self, question: Question) -> Answer:
        """The answer to a question, once the position at which it is true is durable.

        Raises Rejected: `not_signed_in`, `signed_out`, `not_permitted`, `wrong_stream`, `busy`, `unavailable`, `position_unknown`
        (it is not reached in time), and what the query itself refuses.
        """

    @abstractmethod
    def follow(self, stream: str, after: int) -> AsyncIterator[list[Committed]]:
        """Every durable event of a stream after a position, in order, once, without a gap: as many at a time as there are.

        Raises Rejected `unknown_book`, `position_unknown`; Lagged if it is read too slowly: go on from the last position.
        """

    @abstractmethod
    def watch(self, stream: str, watcher: Watcher) -> Link:
        """A link to whoever owns a stream, by which it is seen, live (`engine/watching.py`).

        Raises Rejected `unknown_book`, `unavailable`.
        """

    @abstractmethod
    async def who(self, stream: str, session: str) -> Who:
        """Whose a session is. It vouches for nothing: by it a gateway counts whose connections are open, and says at a
        sign-out whether there is a session to end. What is sent or asked in it is judged by whoever owns the stream.

        Raises Rejected `not_signed_in`, `unavailable`.
        """


class Executor(Protocol):
    """What a bus needs of the engine of its process."""

    clock: Clock
    entropy: Entropy
    vocabulary: Vocabulary

    def submit(self, requests: Sequence[Request], sink: Sink) -> None:
        """Put requests into their streams' lanes; each outcome comes to the sink once it is durable."""
        ...

    def subscribe(self, stream: str, after: int) -> Subscription:
        """Every durable event of a stream after a position. Raises Rejected `unknown_book`, `position_unknown`."""
        ...


class Answering(Protocol):
    """What a bus needs of whoever answers for the streams of its process. See `Bus`."""

    async def ask(self, question: Question) -> Answer: ...

    async def who(self, stream: str, session: str) -> Who: ...
