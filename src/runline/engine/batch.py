"""Batch: what all streams have decided, from its sealing until it is let out or lost.

Rules: no timer batches anything: whatever was decided while the last batch became durable is the next one. Nothing leaves before
it is durable. What cannot be stored concerns the streams that are in it: one whose row is refused stops; if nobody can tell what
was stored, those of the batch are in doubt and are read again.
"""

import asyncio
import logging

from runline.engine.answers import Answers
from runline.engine.commit import CommitFailed, commit
from runline.engine.house_view import HouseView
from runline.engine.limits import BATCH_BYTES_MAX, REFUSAL_WAIT_S_MAX
from runline.engine.owned import Owned
from runline.engine.ports import Sealed, Stretch
from runline.engine.process import Process
from runline.engine.requests import UNAVAILABLE, Outcome, Submission, refused
from runline.engine.subscription import Subscriptions
from runline.engine.writer import Filling, Writer

log = logging.getLogger("runline.engine")

SealedStretch = tuple[Writer, Stretch, Filling]
"""One stream's stretch of a batch, with who waits for it."""


class Batches:
    """The batch that is being filled, and the one that is being stored.

    filling: the streams that have decided something since the last sealing. filled, filled_bytes: how many events that is, and
    of how many bytes. waited_for: whether somebody has found no room in it. refusing: the streams with refusals to be stored,
    and the host's time until which those wait for a batch.
    """

    def __init__(
        self, process: Process, owned: Owned, answers: Answers, house: HouseView, subscriptions: Subscriptions
    ) -> None:
        self.process = process
        self.clock = process.clock
        self.probes = process.probes
        self.owned = owned
        self.answers = answers
        self.house = house
        self.subscriptions = subscriptions
        self.filling: dict[Writer, None] = {}
        self.filled = 0
        self.filled_bytes = 0
        self.waited_for = False
        self.refusing: dict[Writer, int] = {}
        self.committing: asyncio.Task[None] | None = None
        self.sealed_ns = 0
        self.durable_ns = 0

    # Filling

    def is_full(self, events_max: int) -> bool:
        """Whether the batch takes no more."""
        full = self.filled >= events_max or self.filled_bytes >= BATCH_BYTES_MAX
        self.waited_for = self.waited_for or full
        return full

    def durable(self, writer: Writer) -> "asyncio.Future[bool]":
        """Whether everything that the writer has decided becomes durable (true) or is lost (false)."""
        released: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        if writer.stopped:
            released.set_result(False)
        elif writer.state.seq <= writer.durable_seq:
            released.set_result(True)
        else:
            writer.filling.released.append(released)
            self.filling[writer] = None
            self.process.wake.set()
        return released

    def tell_durably(self, writer: Writer, submission: Submission, outcome: Outcome) -> None:
        """Answer what was in no lane, once the state that the answer reveals is durable."""
        if writer.state.seq == writer.durable_seq:
            self.answers.settled.append((submission, outcome))
        else:
            writer.filling.waiting.append((submission, outcome))
            self.filling[writer] = None

    def note_refusals(self, writer: Writer) -> None:
        """A stream has refused something, which is to be stored: with the next batch, or a little later with one of its own."""
        if writer not in self.refusing:
            self.refusing[writer] = self.clock.host_ns() + int(REFUSAL_WAIT_S_MAX * 1e9)

    def refusals_wait_s(self) -> float | None:
        """How long refusals wait still before they get a batch of their own; None if none do."""
        if not self.refusing or self.committing is not None:
            return None
        return (next(iter(self.refusing.values())) - self.clock.host_ns()) / 1e9

    def begin(self) -> None:
        """Begin to store what was decided, unless the last batch is being stored still."""
        self.hand_over_refusals()
        if self.committing is None and self.filling:
            self.committing = asyncio.create_task(self.commit())

    def hand_over_refusals(self) -> None:
        """Let refusals that have waited long enough be stored, in a batch of their own if there is none."""
        if not self.refusing:
            return
        if self.process.stopping or next(iter(self.refusing.values())) <= self.clock.host_ns():
            for writer in list(self.refusing):
                if not writer.stopped:
                    self.hand_over_refusals_of(writer)
            self.refusing = {}

    def hand_over_refusals_of(self, writer: Writer) -> None:
        """Let what a stream has refused be stored with the next batch."""
        self.refusing.pop(writer, None)
        writer.hand_over_refusals()
        if writer.filling:
            self.filling[writer] = None

    # Storing

    async def commit(self) -> None:
        """Seal what was decided, make it durable, and let it out; again as long as there is something.

        A store that works beside the engine gets the next batch before the answers of the last one go out, so that it
        never waits for them.
        """
        durable: list[SealedStretch] = []
        storing: asyncio.Task[list[SealedStretch]] | None = None
        try:
            while self.filling or durable:
                storing = asyncio.create_task(self.store(self.seal())) if self.filling else None
                if durable:
                    if storing is not None:
                        # The store has its batch before the last one's answers are given.
                        await asyncio.sleep(0)
                    self.let_out(durable)
                durable = await storing if storing is not None else []
                if not self.process.store.beside:
                    self.let_out(durable)
                    break
        except Exception:
            log.exception("a fault while committing; every stream is read again")
            if storing is not None:
                # Nothing is read, and no other batch begins, before this one is stored or is not.
                await asyncio.gather(storing, return_exceptions=True)
            try:
                self.lose_sealed(durable)
            except Exception:
                log.exception("a fault while what was sealed is lost")
            self.owned.doubt_all("a fault while committing")
        finally:
            self.committing = None
            if self.filling or self.refusing or self.process.stopping:
                self.process.wake.set()

    def seal(self) -> list[SealedStretch]:
        """Take what every stream has decided. A stream whose stretch cannot be encoded stops; the others go on."""
        stretches: list[SealedStretch] = []
        for writer in list(self.filling):
            try:
                stretches.append((writer, *writer.seal()))
            except Exception as error:
                log.exception("a stretch of %s cannot be sealed", writer.stream)
                self.owned.stop(writer, f"{type(error).__name__}: {error}")
            if not writer.refusals:
                self.refusing.pop(writer, None)
        self.empty()
        return stretches

    def empty(self) -> None:
        """There is room for the next batch: the loop looks again if it has found none."""
        if self.waited_for:
            self.waited_for = False
            self.process.wake.set()
        self.filling.clear()
        self.filled = self.filled_bytes = 0

    def next_sealed_ns(self) -> int:
        """The host's time of a sealing, strictly growing."""
        self.sealed_ns = max(self.clock.host_ns(), self.sealed_ns + 1)
        return self.sealed_ns

    async def store(self, stretches: list[SealedStretch]) -> list[SealedStretch]:
        """Make a sealed batch durable. Returns the stretches that are; the others are lost, and everyone who waited hears so."""
        written = [entry for entry in stretches if entry[2].logged or entry[2].refusals]
        if not written:
            return stretches
        sealed = Sealed(
            self.process.node, self.next_sealed_ns(), self.durable_ns, [stretch for _, stretch, _ in written]
        )
        try:
            stopped = await commit(self.process.store, sealed, self.clock)
        except Exception as error:
            if isinstance(error, CommitFailed):
                log.error("the store fails, what its batch is about is read again: %s", error)
                self.process.hear_damage(error.__cause__)
            else:
                log.exception("a fault while committing; what the batch is about is read again")
            for writer, _, filling in written:
                self.lose(writer, filling)
                self.owned.doubt(writer, f"memory was dropped: {error}")
            return [entry for entry in stretches if entry not in written]
        self.durable_ns = self.clock.host_ns()
        self.probes.commit.add(self.durable_ns - sealed.sealed_ns)
        self.probes.batches += 1
        if not stopped:
            return stretches
        for writer, _, filling in written:
            if writer.stream in stopped:
                self.lose(writer, filling)
                self.owned.stop(writer, stopped[writer.stream])
        return [entry for entry in stretches if entry[0].stream not in stopped]

    # Let out, or lost

    def let_out(self, stretches: list[SealedStretch]) -> None:
        """A batch is durable: the view follows the house, then everyone is answered and told what happened."""
        durable = [entry for entry in stretches if self.take_durable(*entry)]
        now_ns = self.clock.host_ns()
        for writer, _, filling in durable:
            try:
                self.answer(writer, filling, now_ns)
                self.subscriptions.publish(writer.stream, filling)
            except Exception as error:
                self.cannot_be_let_out(writer, filling, error)

    def take_durable(self, writer: Writer, stretch: Stretch, filling: Filling) -> bool:
        """Note that a stretch is durable. Returns whether it can be let out: if it cannot, its stream is read again."""
        try:
            writer.durable(stretch.after.seq)
        except Exception as error:
            self.cannot_be_let_out(writer, filling, error)
            return False
        self.probes.events += len(filling.logged)
        self.probes.rows += len(filling.logged) + sum(map(len, stretch.rows.values()))
        if writer.house is None:
            self.follow(writer, filling)
        return True

    def cannot_be_let_out(self, writer: Writer, filling: Filling, error: Exception) -> None:
        """A stretch is stored, and memory may not be what it says: whoever waits hears so, and the stream is read again."""
        log.error("what %s has made durable cannot be let out", writer.stream, exc_info=error)
        self.lose(writer, filling)
        self.owned.doubt(writer, f"{type(error).__name__}: {error}")

    def follow(self, writer: Writer, filling: Filling) -> None:
        """Let the view follow the house, whose stretch is durable."""
        try:
            self.house.follow_stretch(writer, filling)
        except Exception as error:
            log.exception("the house view cannot follow")
            self.owned.doubt(writer, f"the house view cannot follow: {type(error).__name__}: {error}")

    def answer(self, writer: Writer, filling: Filling, now_ns: int) -> None:
        """Answer everyone who waited for a stretch."""
        if filling.logged:
            # Its head has moved as it was stored, so nobody else had the stream.
            self.answers.give(filling.waiting, now_ns)
        else:
            self.answers.give_read(filling.waiting, now_ns)
        filling.waiting = []
        writer.release(filling, stored=True)
        if filling.repeats:
            self.answers.repeat(writer.stream, filling.repeats)
            filling.repeats = []

    def lose(self, writer: Writer, filling: Filling) -> None:
        """Tell everyone who waited for a stretch that it is not recorded."""
        writer.lost(filling)
        unavailable = refused(writer.durable_seq, UNAVAILABLE)
        tell = self.answers.tell
        for submission, _ in filling.waiting:
            tell(submission, unavailable)
        for submission, _, _ in filling.repeats:
            tell(submission, unavailable)
        filling.waiting, filling.repeats = [], []
        writer.release(filling, stored=False)

    def lose_sealed(self, durable: list[SealedStretch]) -> None:
        """After a fault: lose whatever was sealed, and what is durable and may not have been let out."""
        for writer, _, filling in durable:
            self.lose(writer, filling)
        for writer in self.owned.writers.values():
            for filling in list(writer.sealed):
                self.lose(writer, filling)

    def enter(self, writer: Writer) -> None:
        """A stream begins with nothing decided; what it has refused before it stopped has waited long enough."""
        self.hand_over_refusals_of(writer)

    def leave(self, writer: Writer) -> None:
        """What a stream has decided and not handed over is lost, but for what it has refused (see `Writer.go_on_from`)."""
        self.refusing.pop(writer, None)
        self.filling.pop(writer, None)
        if not self.filling:
            self.empty()
        filling, writer.filling = writer.filling, Filling()
        self.lose(writer, filling)
