"""Reads: a stream's state at a position, and its events from a position on.

Rule: what is read waits until its position is durable. The house is followed wherever its view is: where nobody publishes what
becomes durable of it, because it is owned elsewhere, that is read from the log as soon as the view has it.
"""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from runline.domain.messages import HOUSE, Event, Rejected
from runline.domain.state import State
from runline.engine.batch import Batches
from runline.engine.house_view import HouseView
from runline.engine.limits import AT_LEAST_WAIT_S
from runline.engine.owned import Owned
from runline.engine.ports import StoreError
from runline.engine.positions import Awaiting
from runline.engine.process import Process
from runline.engine.requests import unavailable
from runline.engine.subscription import Subscription, Subscriptions
from runline.engine.writer import Writer

V = TypeVar("V")


class Proof(msgspec.Struct, frozen=True, gc=False):
    """How far a stream is, by its owner.

    epoch: at which it is claimed. position: up to which it is durable. house: up to which the owner has seen the house.
    """

    epoch: int
    position: int
    house: int


class Reads:
    """Answers queries, and lets streams be followed."""

    def __init__(
        self, process: Process, owned: Owned, house: HouseView, batches: Batches, subscriptions: Subscriptions
    ) -> None:
        self.process = process
        self.house = house
        self.owned = owned
        self.writers = owned.writers
        self.batches = batches
        self.subscriptions = subscriptions
        self.awaiting = Awaiting()

    def peek(self, stream: str) -> State | None:
        """The state of a stream, also of a stopped one, for who only counts what somebody has open; None if there is none.

        Raises Rejected `unavailable`.
        """
        if not self.process.available and not self.process.stopping:
            raise unavailable()
        writer = self.writers.get(stream)
        return writer.state if writer is not None else None

    def require(self, stream: str) -> Writer:
        """The writer of a stream that goes on.

        Raises Rejected `unavailable`, `unknown_book`, `not_here`.
        """
        if not self.process.available and not self.process.stopping:
            raise unavailable()
        writer = self.writers.get(stream)
        if writer is None:
            raise self.owned.lack(stream)
        if writer.stopped:
            raise unavailable()
        return writer

    async def query(
        self,
        stream: str,
        read: Callable[[Any], V],
        at_least: int = 0,
        wait_s: float = AT_LEAST_WAIT_S,
        asked_by: str = "",
    ) -> tuple[int, V]:
        """Read from a stream's state: (position, what `read` returns), once that position is durable.

        read: called at once with the state; must copy what it keeps and take well under a millisecond. asked_by: the user
        whose query this is.
        Raises Rejected `unknown_book`, `not_here`, `unavailable`, `position_unknown` (not reached in time), `busy` (too many
        wait).
        """
        writer = self.require(stream)
        if writer.state.seq < at_least:
            writer = await self.reached(stream, at_least, wait_s, asked_by)
        position = writer.state.seq
        value = read(writer.state)
        if position > writer.durable_seq and not await self.batches.durable(writer):
            raise unavailable()
        await self.require_own(writer)
        return position, value

    async def require_own(self, writer: Writer) -> None:
        """What was read of a stream may be said. Raises Rejected `unavailable` if somebody else may have it by now."""
        if writer.given:
            await self.require_not_taken(writer.stream)
        self.require_held()

    async def require_not_taken(self, stream: str) -> None:
        """A stream was nobody else's until now. Raises Rejected `unavailable` where it is, or where that is not known."""
        try:
            elsewhere = await self.owned.is_elsewhere(stream)
        except StoreError:
            raise unavailable() from None
        if elsewhere:
            raise unavailable()

    def require_held(self) -> None:
        """What was read may be said. Raises Rejected `unavailable` if somebody else may own these streams by now."""
        if not self.process.holds():
            raise unavailable()

    async def reached(self, stream: str, position: int, wait_s: float, asked_by: str) -> Writer:
        """A stream's writer, once it has reached a position."""
        place = stream, self.require(stream).state.access.branch_of(asked_by), asked_by
        self.awaiting.take(*place)
        try:
            async with asyncio.timeout(wait_s):
                while (writer := self.require(stream)).state.seq < position:
                    found = writer.positions.enter(position)
                    try:
                        await found
                    finally:
                        writer.positions.leave(position, found)
                return writer
        except TimeoutError:
            durable_seq = self.require(stream).durable_seq
            raise Rejected("position_unknown", "That position is not reached.", position=durable_seq) from None
        finally:
            self.awaiting.give_back(*place)

    async def prove(self, stream: str) -> Proof:
        """How far a stream is. What is proved was so when it was asked, and not before.

        Raises Rejected `unavailable` (also if somebody else has claimed it, or that cannot be known), `unknown_book`, `not_here`.
        """
        writer = self.require(stream)
        proof = Proof(writer.head.epoch, writer.durable_seq, self.house.state.seq)
        if writer.given or not self.process.leased:
            await self.require_not_taken(stream)
        self.require_held()
        return proof

    def durable_seq(self, stream: str) -> int:
        """Up to which position what is durable of a stream is known here: of the house wherever its view is.

        Raises Rejected `unavailable`, `unknown_book`, `not_here`.
        """
        if stream == HOUSE and not self.publishes_house:
            return self.house.state.seq
        return self.require(stream).durable_seq

    def subscribe(self, stream: str, after: int) -> Subscription:
        """Every durable event of a stream after a position, without a gap.

        Raises Rejected `unknown_book`, `not_here`, or `position_unknown` for a position that is not yet durable.
        """
        durable_seq = self.durable_seq(stream)
        if not 0 <= after <= durable_seq:
            raise Rejected("position_unknown", "That position is not reached.", position=durable_seq)
        writer = self.writers.get(stream)
        return self.subscriptions.begin(stream, after, durable_seq, writer.head.epoch if writer is not None else 0)

    @property
    def publishes_house(self) -> bool:
        """Whether the house's batches are made durable here, and published."""
        writer = self.writers.get(HOUSE)
        return writer is not None and not writer.stopped

    def hear(self, seq: int, event: Event) -> None:
        """The house view has an event."""
        self.hear_again(seq)

    def hear_again(self, after: int) -> None:
        """The house view was read anew."""
        if not self.publishes_house:
            self.subscriptions.catch_up(HOUSE, self.house.state.seq, 0)

    def enter(self, writer: Writer) -> None:
        """What became durable before a stream goes on and was never published is in the log."""
        self.subscriptions.catch_up(writer.stream, writer.durable_seq, writer.head.epoch)

    def leave(self, writer: Writer) -> None:
        """Whoever waits for a position of a stream asks again, and hears that it is not available."""
        writer.positions.wake_all()
