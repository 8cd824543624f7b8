"""Follower: keeps a copy of a stream that is owned elsewhere up to date, by what its owner tells.

Rule: the copy is as of a position, and takes what follows in its order, each event once. What the owner cannot tell, and what is
missing between, is read from the log in the store. Whoever tells by a lower epoch than was seen is not believed. How old the copy
is says the owner alone: a proof holds for the time at which it was asked for, by the clock of whoever asked. (So clocks of two
machines are never compared, and a follower whose owner is gone grows old, however much it reads of the log.)
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import aclosing, suppress
from typing import Protocol

import msgspec

from runline.domain.messages import HOUSE, Rejected
from runline.domain.queries.inside import PROOF
from runline.engine.bus import Bus, Question
from runline.engine.limits import FOLLOW_PAUSE_S, FOLLOW_PAUSE_S_MIN, PROOF_S, TOLD_S_MAX
from runline.engine.owned import Owned
from runline.engine.ports import Clock, StoreError
from runline.engine.reads import Proof
from runline.engine.subscription import Committed, Lagged

log = logging.getLogger("runline.engine")

decode_proof = msgspec.json.Decoder(Proof).decode


Hears = Callable[[str, int, bytes], None]


class Behind(Exception):
    """What was told does not follow, or is told by somebody who owns the stream no more: it is read from the store."""


class Copy(Protocol):
    """What a follower keeps up to date. position: up to which it has everything."""

    @property
    def position(self) -> int:
        """Up to which position it has everything."""
        ...

    @property
    def wanted(self) -> bool:
        """Whether it is to be fed just now."""
        ...

    async def reach(self) -> int:
        """Bring it up to what is stored. Returns the epoch at which the stream is claimed.

        Raises StoreError.
        """
        ...

    def take(self, happened: Sequence[Committed]) -> None:
        """Take the durable events after its position. Raises whatever it fails with; then it is brought up again."""
        ...

    def proved(self, at_ns: int) -> None:
        """It has all that was durable at this time, the host's."""
        ...


class HouseCopy:
    """The view of a house that is owned elsewhere, as it is fed. It is not, while the house is owned here."""

    def __init__(self, owned: Owned) -> None:
        self.owned = owned
        self.view = owned.house

    @property
    def position(self) -> int:
        return self.view.state.seq

    @property
    def wanted(self) -> bool:
        return HOUSE not in self.owned.writers

    async def reach(self) -> int:
        # A house that is being adopted is brought up as well.
        async with self.owned.reading:
            head = (await self.owned.process.store.heads([HOUSE])).get(HOUSE)
            if head is None or not self.wanted:
                return 0
            await self.owned.reach(head.seq)
            return head.epoch

    def take(self, happened: Sequence[Committed]) -> None:
        for one in happened:
            if one.seq > self.view.state.seq and self.wanted:
                self.view.follow(one.seq, one.at_ns, one.event)

    def proved(self, at_ns: int) -> None:
        if self.wanted:
            self.view.proved(at_ns)


async def next_proofs() -> None:
    """Wait until all followers of this process ask for proofs: their questions go to each owner in one frame, which reads once
    for all of them whether it owns these streams, and their answers come back in one."""
    now_s = asyncio.get_running_loop().time()
    await asyncio.sleep((now_s // PROOF_S + 1) * PROOF_S - now_s)


class Follower:
    """Follows a stream over a bus for a copy of it.

    hears: who is told how far it is durable, with the hash there. epoch: the highest that was seen. proof: the last that its
    owner has given, None before the first.
    """

    def __init__(self, stream: str, bus: Bus, copy: Copy, clock: Clock, hears: Hears) -> None:
        self.stream = stream
        self.bus = bus
        self.copy = copy
        self.clock = clock
        self.hears = hears
        self.epoch = 0
        self.proof: Proof | None = None
        self.moved = asyncio.Event()
        self.task = asyncio.create_task(self.run())

    async def end(self) -> None:
        """Follow no more."""
        self.task.cancel()
        with suppress(asyncio.CancelledError):
            await self.task

    def has_passed(self, house: int) -> bool:
        """Whether the owner of the stream has said that it has seen this position of the house: what was suspended there is, in
        its book."""
        return self.proof is not None and self.proof.house >= house

    async def run(self) -> None:
        """Follow, and again from its position whenever that ends."""
        pause_s = FOLLOW_PAUSE_S_MIN
        while True:
            proof = self.proof
            try:
                if self.copy.wanted:
                    self.believe(max(await self.copy.reach(), self.epoch))
                    await self.follow_on()
            except (Rejected, StoreError, Lagged, Behind) as error:
                log.debug("%s is followed again: %s", self.stream, error)
            except Exception:
                log.exception("a fault while %s is followed, which begins anew", self.stream)
            # Whoever has told until now may have handed it over to somebody who will tell at once.
            pause_s = FOLLOW_PAUSE_S_MIN if self.proof is not proof else min(2 * pause_s, FOLLOW_PAUSE_S)
            await asyncio.sleep(pause_s)

    async def follow_on(self) -> None:
        """Take what the owner tells, for as long as it proves that it owns the stream.

        Raises Rejected, StoreError, Lagged, Behind, and what the copy fails with.
        """
        tasks = [asyncio.create_task(self.listen()), asyncio.create_task(self.prove())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
        for error in ended:
            if isinstance(error, Exception):
                raise error

    async def listen(self) -> None:
        async with aclosing(self.bus.follow(self.stream, self.copy.position)) as pieces:  # type: ignore[type-var]
            async for happened in pieces:
                self.believe(happened[-1].epoch)
                if happened[0].seq > self.copy.position + 1:
                    raise Behind(f"what comes after position {self.copy.position} was not told")
                self.copy.take(happened)
                self.hears(self.stream, happened[-1].seq, happened[-1].hash)
                self.moved.set()

    async def prove(self) -> None:
        while self.copy.wanted:
            asked_ns = self.clock.host_ns()
            answer = await self.bus.ask(Question(self.stream, PROOF))
            proof = decode_proof(answer.body)
            self.believe(proof.epoch)
            await self.told(proof.position)
            self.proof = proof
            self.copy.proved(asked_ns)
            await next_proofs()

    def believe(self, epoch: int) -> None:
        """Somebody tells of the stream by an epoch. Raises Behind where a higher one was seen."""
        if epoch < self.epoch:
            raise Behind(f"{self.stream} is owned at epoch {self.epoch}, and {epoch} tells of it")
        self.epoch = epoch

    async def told(self, position: int) -> None:
        """Wait until the copy is at a position of which the owner has said that it is durable.

        Raises Behind if that is not told.
        """
        try:
            async with asyncio.timeout(TOLD_S_MAX):
                while self.copy.position < position:
                    self.moved.clear()
                    await self.moved.wait()
        except TimeoutError:
            raise Behind(f"position {position} is proved and not told") from None
