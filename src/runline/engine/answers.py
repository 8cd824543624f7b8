"""Answers: what becomes of a submission is said to whoever waits for it, and counted.

Rule: what goes wrong with whoever waits is no fault of the engine.
"""

import logging
from collections.abc import Iterable

from runline.engine.owned import Owned
from runline.engine.ports import StoreError
from runline.engine.process import Beside, Process
from runline.engine.repeats import Repeat, Repeats
from runline.engine.requests import UNAVAILABLE, Accepted, Outcome, Refused, Sink, Submission, refused

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

    def give(self, told: Iterable[tuple[Submission, Outcome]], now_ns: int) -> None:
        """Say what became of submissions, and count it."""
        add, accepted = self.probes.answer.add, 0
        for submission, outcome in told:
            sink = submission.sink
            if sink is not NOBODY:
                add(now_ns - submission.queued_ns)
                if type(outcome) is Accepted:
                    accepted += 1
                else:
                    self.count(outcome)
            try:
                sink.answer(submission.index, outcome)
            except Exception:
                log.exception("an answer could not be given")
        self.probes.accepted += accepted

    def count(self, outcome: Outcome) -> None:
        """Count what is not accepted."""
        if isinstance(outcome, Refused):
            self.probes.refuse(outcome.code)
        else:
            self.probes.previewed += 1

    def give_settled(self) -> None:
        """Give what need not wait for a batch."""
        if self.settled:
            settled, self.settled = self.settled, []
            self.give_read(settled, self.clock.host_ns())

    def give_read(self, told: list[tuple[Submission, Outcome]], now_ns: int) -> None:
        """Give what follows from what was read here, and from nothing that was stored with it: if that may be said."""
        holds, writers = self.process.holds(), self.owned.writers
        certain: list[tuple[Submission, Outcome]] = []
        doubtful: list[tuple[Submission, Outcome]] = []
        for submission, outcome in told:
            writer = writers.get(submission.request.stream)
            if holds and writer is not None and writer.given:
                doubtful.append((submission, outcome))
            else:
                certain.append((submission, outcome if holds else refused(0, UNAVAILABLE)))
        self.give(certain, now_ns)
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
        holds = self.process.holds()
        certain = [
            (submission, outcome if holds and known[submission.request.stream] else refused(0, UNAVAILABLE))
            for submission, outcome in told
        ]
        self.give(certain, self.clock.host_ns())

    def repeat(self, stream: str, repeats: list[Repeat]) -> None:
        """Answer what was executed before as it was answered then."""
        self.probes.repeated += len(repeats)
        if self.repeats.put(stream, repeats):
            self.reading.start(self.repeats.answer(stream))
