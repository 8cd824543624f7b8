"""Answers: what becomes of a submission is said to whoever waits for it, and counted.

Rule: what goes wrong with whoever waits is no fault of the engine.
"""

import logging

from runline.engine.owned import Owned
from runline.engine.ports import StoreError
from runline.engine.process import Beside, Process
from runline.engine.repeats import Repeat, Repeats
from runline.engine.requests import UNAVAILABLE, Accepted, Outcome, Previewed, Refused, Sink, Submission, refused

log = logging.getLogger("runline.engine")


class Nobody(Sink):
    """The sink of what the engine itself sends."""

    def answer(self, index: int, outcome: Outcome) -> None:
        if isinstance(outcome, Refused):
            log.warning("an internal command was refused: %s", outcome.code)


NOBODY = Nobody()


class Answers:
    """Gives answers.

    settled: answers that need not wait for a batch; they are given when the turn is over.
    """

    def __init__(self, process: Process, owned: Owned) -> None:
        self.process = process
        self.owned = owned
        self.clock = process.clock
        self.probes = process.probes
        self.settled: list[tuple[Submission, Outcome]] = []
        self.repeats = Repeats(process.store, process.vocabulary, self.tell, process.hear_damage)
        self.reading = Beside(process.wake)

    def tell(self, submission: Submission, outcome: Outcome) -> None:
        """Say what became of a submission."""
        try:
            submission.sink.answer(submission.index, outcome)
        except Exception:
            log.exception("an answer could not be given")

    def give(self, submission: Submission, outcome: Outcome, now_ns: int) -> None:
        """Say it, and count it."""
        if submission.sink is not NOBODY:
            probes = self.probes
            probes.answer.add(now_ns - submission.queued_ns)
            kind = type(outcome)
            if kind is Accepted:
                probes.accepted += 1
            elif kind is Previewed:
                probes.previewed += 1
            elif isinstance(outcome, Refused):
                probes.refuse(outcome.code)
        self.tell(submission, outcome)

    def give_settled(self) -> None:
        """Give what need not wait for a batch."""
        if self.settled:
            settled, self.settled = self.settled, []
            self.give_read(settled, self.clock.host_ns())

    def give_read(self, told: list[tuple[Submission, Outcome]], now_ns: int) -> None:
        """Give what follows from what was read here, and from nothing that was stored with it: if that may be said."""
        holds, writers = self.process.holds(), self.owned.writers
        doubtful: list[tuple[Submission, Outcome]] = []
        for submission, outcome in told:
            writer = writers.get(submission.request.stream)
            if holds and writer is not None and writer.given:
                doubtful.append((submission, outcome))
            else:
                self.give(submission, outcome if holds else refused(0, UNAVAILABLE), now_ns)
        if doubtful:
            self.reading.start(self.give_doubtful(doubtful))

    async def give_doubtful(self, told: list[tuple[Submission, Outcome]]) -> None:
        """Give what was read of streams that another process was told to take, once it is known that it has not."""
        known: dict[str, bool] = {}
        for stream in dict.fromkeys(submission.request.stream for submission, _ in told):
            try:
                known[stream] = not await self.owned.is_elsewhere(stream)
            except StoreError:
                known[stream] = False
        holds, now_ns = self.process.holds(), self.clock.host_ns()
        for submission, outcome in told:
            may = holds and known[submission.request.stream]
            self.give(submission, outcome if may else refused(0, UNAVAILABLE), now_ns)

    def repeat(self, stream: str, repeats: list[Repeat]) -> None:
        """Answer what was executed before as it was answered then."""
        self.probes.repeated += len(repeats)
        if self.repeats.put(stream, repeats):
            self.reading.start(self.repeats.answer(stream))
