"""Watching: what goes between whoever shows a stream, live, and whoever owns it.

Rule: all of it can be encoded and decoded again, and nothing in it is an object of the other side. Seats have the numbers that
whoever shows the stream gives them, groups those that the owner gives them. What is heard holds in the order in which it is
heard, and is durable.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from runline.domain.house import House
from runline.domain.vocabulary import Vocabulary
from runline.engine.ports import Clock, Happened, Store
from runline.engine.presence import Presence
from runline.engine.subscription import Subscription

Reach = tuple[int, int]
"""A position of the house and one of the stream."""


class Resume(msgspec.Struct, frozen=True, gc=False):
    """Where a stream that comes back has ended: `log:house position:book position`. log: of which log, audience and topics."""

    log: str
    house: int
    position: int


class Enter(msgspec.Struct, tag=True, frozen=True, gc=False):
    """Somebody wants to see the stream.

    seat: a number that no seat of this link has had. session: the digest by which the stream knows who asks. node: what of the
    stream they look at, "" for all that they may see.
    """

    seat: int
    session: str
    topics: tuple[str, ...]
    node: str = ""
    resume: Resume | None = None


class Leave(msgspec.Struct, tag=True, frozen=True, gc=False):
    """A seat is empty."""

    seat: int


Seating = Enter | Leave


class Began(msgspec.Struct, tag=True, gc=False):
    """Seats join a group; the frame is for them alone, and the first that they get.

    log: by which the ids of the group's frames begin. house, position: where the frame ends. waited_ns: how long it is durable
    what the frame tells of, 0 if nothing has happened.
    """

    group: int
    log: str
    seats: list[int]
    frame: bytes
    house: int
    position: int
    waited_ns: int = 0


class Frame(msgspec.Struct, tag=True, gc=False):
    """The next frame of all seats of a group. See `Began`."""

    group: int
    frame: bytes
    house: int
    position: int
    waited_ns: int = 0


class Cut(msgspec.Struct, tag=True, gc=False):
    """Seats that may not go on, and why (the reason of a reset)."""

    seats: list[int]
    reason: str


class TurnedAway(msgspec.Struct, tag=True, gc=False):
    """Seats that do not begin, and why: a refusal."""

    seats: list[int]
    code: str
    message: str
    details: dict[str, Any]


class Moved(msgspec.Struct, tag=True, gc=False):
    """Every seat has now been told everything up to these positions, but for those of the groups to which something is due."""

    house: int
    position: int
    due: list[int]


News = Began | Frame | Cut | TurnedAway | Moved


class Watcher(Protocol):
    """Whoever shows a stream."""

    async def hear(self, news: Sequence[News]) -> None:
        """Take news; it returns when more may come."""
        ...


class Link(Protocol):
    """What ties a watcher to the owner of a stream."""

    def tell(self, seating: Seating) -> None:
        """Say who comes and goes."""
        ...

    def close(self) -> None:
        """Nobody looks any more: all its seats are empty, and nothing more is heard."""
        ...


class Watching(Protocol):
    """The part of a bus by which streams are seen."""

    def watch(self, stream: str, watcher: Watcher) -> Link:
        """A link to the owner of a stream.

        Raises Rejected `unknown_book`, `unavailable`.
        """
        ...


class OwnedStream(Protocol):
    """A stream where it is owned. state: as its writer has it, of which not all is durable."""

    state: Any
    durable_seq: int

    def undurable(self) -> Sequence[Happened]:
        """The events that the state holds and that are not durable yet."""
        ...


class Source(Protocol):
    """What those who make frames need of an engine."""

    clock: Clock
    vocabulary: Vocabulary

    @property
    def view(self) -> House:
        """The durable house."""
        ...

    @property
    def store(self) -> Store:
        """Where the log is."""
        ...

    @property
    def presence(self) -> Presence:
        """What notes that sessions are in use."""
        ...

    def require(self, stream: str) -> OwnedStream:
        """A stream that this process owns.

        Raises Rejected `unknown_book`, `unavailable`.
        """
        ...

    def durable_seq(self, stream: str) -> int:
        """The position from which a stream can be followed; the house can be, whoever owns it.

        Raises Rejected `unknown_book`, `unavailable`.
        """
        ...

    def durable(self, owned: Any) -> "asyncio.Future[bool]":
        """Done when the state of a stream as it is now is durable (true) or lost (false)."""
        ...

    def subscribe(self, stream: str, after: int) -> Subscription:
        """The durable events of a stream after a position."""
        ...

    async def require_own(self, owned: Any) -> None:
        """What was read of a stream may be said. Raises Rejected `unavailable` if it may be another process's by now."""
        ...
