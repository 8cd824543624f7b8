"""Agenda: what a stream does by itself: timers that are due, and long work, slice by slice.

Rule: timers go before the lanes are drained. Slices alternate with other work. What cannot be done rests (see `setbacks`), and
nothing else waits for it.
"""

import logging
from collections.abc import Callable
from heapq import heappop, heappush

from runline.domain.book import Book
from runline.domain.messages import ENGINE, TIMERS
from runline.domain.settlement import SettleSlice
from runline.engine.batch import Batches
from runline.engine.deliveries import Deliveries
from runline.engine.limits import BATCH_EVENTS_MAX, TIMERS_PER_ROUND
from runline.engine.owned import Owned
from runline.engine.process import Process
from runline.engine.queues import Queues
from runline.engine.requests import Duty, Outcome, Refused, Submission
from runline.engine.setbacks import RESULTS, Setbacks, job_duty, timer_duty
from runline.engine.writer import Writer

log = logging.getLogger("runline.engine")

Step = Callable[[Writer, Submission], None]
"""What executes a submission."""


class Agenda:
    """What is due, and what goes on.

    timers: a heap of (when a stream's next timer is due, the stream). next_due: which of them count.
    """

    def __init__(
        self, process: Process, owned: Owned, queues: Queues, batches: Batches, deliveries: Deliveries
    ) -> None:
        self.process = process
        self.clock = process.clock
        self.owned = owned
        self.queues = queues
        self.batches = batches
        self.deliveries = deliveries
        self.setbacks = Setbacks(process.conditions, self.try_again)
        self.timers: list[tuple[int, str]] = []
        self.next_due: dict[str, int] = {}

    # Timers

    def note_timer(self, writer: Writer) -> None:
        """Note when a stream's next timer is due."""
        due = writer.state.due
        if due and self.next_due.get(writer.stream) != due[0][0]:
            self.next_due[writer.stream] = due[0][0]
            heappush(self.timers, (due[0][0], writer.stream))

    def fire_due(self, now_ns: int, step: Step) -> None:
        """Execute what time has caused."""
        fired = 0
        while self.timers and self.timers[0][0] <= now_ns and self.may_fire(fired):
            at_ns, stream = heappop(self.timers)
            writer = self.owned.writers.get(stream)
            if writer is None or writer.stopped or self.next_due.get(stream) != at_ns:
                continue
            del self.next_due[stream]
            try:
                due = writer.state.due
                while due and due[0][0] <= now_ns and self.may_fire(fired) and not writer.stopped:
                    due_ns, kind, subject = heappop(due)
                    timer = writer.state.timers.get((kind, subject))
                    if timer is not None and timer.due_ns == due_ns:
                        fired += 1
                        self.fire(writer, kind, subject, step)
                self.note_timer(writer)
                self.note_job(writer)
            except Exception as error:
                log.exception("a fault while timers of %s are fired", stream)
                self.owned.doubt(writer, f"{type(error).__name__}: {error}")

    def fire(self, writer: Writer, kind: str, subject: str, step: Step) -> None:
        """Execute what a timer becomes."""
        duty = timer_duty(kind, subject)
        try:
            command = TIMERS[kind](subject)
        except Exception as error:
            log.exception("a timer of %s becomes no command", writer.stream)
            self.failed(writer, duty, f"{type(error).__name__}: {error}")
            return
        step(writer, self.queues.own(writer, command, duty))

    def may_fire(self, fired: int) -> bool:
        return fired < TIMERS_PER_ROUND and not self.batches.is_full(BATCH_EVENTS_MAX)

    def timer_wait_s(self) -> float | None:
        """How long until the next timer is due; None if none may fire."""
        if not self.timers or self.batches.is_full(BATCH_EVENTS_MAX):
            return None
        return self.clock.seconds_until(self.timers[0][0])

    # Jobs

    def note_job(self, writer: Writer) -> None:
        """Let a stream that has long work have its turn."""
        if self.has_job(writer):
            self.queues.turns["bulk"][writer] = None

    def has_job(self, writer: Writer) -> bool:
        """Whether a stream has long work to go on with, and does not just fetch rows for it."""
        return bool(self.jobs_of(writer))

    def jobs_of(self, writer: Writer) -> list[int]:
        """The jobs of a stream that may go on now. Stopping does not wait for them; starting resumes them."""
        state = writer.state
        if (
            self.process.stopping
            or writer.stopped
            or writer.fetching_job
            or not isinstance(state, Book)
            or not state.jobs
        ):
            return []
        return [number for number in state.jobs if not self.setbacks.rests(writer, job_duty(number))]

    def next_slice(self, writer: Writer) -> Submission | None:
        """The slice of the job whose turn it is."""
        jobs = self.jobs_of(writer)
        if not jobs:
            return None
        writer.job_turn += 1
        job = jobs[writer.job_turn % len(jobs)]
        return self.queues.own(writer, SettleSlice(job), job_duty(job))

    # What could not be done

    def failed(self, writer: Writer, duty: Duty, reason: str) -> None:
        """It could not be done: it rests."""
        self.setbacks.failed(writer, duty, reason, self.clock.host_ns())

    def judged(self, writer: Writer, duty: Duty, outcome: Outcome | None) -> None:
        """What the engine owes is done, or has failed."""
        if isinstance(outcome, Refused):
            self.failed(writer, duty, f"{outcome.code}: {outcome.message}")
        else:
            self.setbacks.done(writer, duty)

    def happened(self, writer: Writer) -> None:
        """A stream has moved on: its next timer may be another, and what was to be tried again may be owed no more."""
        due = writer.state.due
        if due and self.next_due.get(writer.stream) != due[0][0]:
            self.note_timer(writer)
        if self.setbacks.trying and writer in self.setbacks.trying:
            self.forgive(writer)

    def try_again(self, writer: Writer, duty: Duty) -> None:
        """What has failed has rested: try it again, if it is owed still."""
        if writer.stopped or self.owned.writers.get(writer.stream) is not writer:
            return
        what, subject, more = duty
        self.forgive(writer)
        if what == "timer":
            timer = writer.state.timers.get((str(subject), more))
            if timer is not None:
                heappush(writer.state.due, (timer.due_ns, timer.kind, timer.subject))
                self.note_timer(writer)
        elif what == "job":
            self.note_job(writer)
        else:
            # All of it is sent anew, in its order: what came meanwhile must not go before what has failed.
            writer.lanes.control.withdraw(ENGINE, RESULTS)
            self.deliveries.enter(writer)
        self.process.wake.set()

    def forgive(self, writer: Writer) -> None:
        """What was to be tried again and is owed no more: a timer that was moved away, a job that another has superseded."""
        state = writer.state
        for duty in list(self.setbacks.trying.get(writer, ())):
            what, subject, more = duty
            timer = state.timers.get((str(subject), more))
            timer_is_due = what == "timer" and timer is not None and timer.due_ns <= self.clock.now_ns()
            job_goes_on = what == "job" and isinstance(state, Book) and subject in state.jobs
            if what != "results" and not timer_is_due and not job_goes_on:
                self.setbacks.done(writer, duty)

    def enter(self, writer: Writer) -> None:
        """What a stream owes follows from what is stored."""
        self.next_due.pop(writer.stream, None)
        self.note_timer(writer)
        self.note_job(writer)

    def leave(self, writer: Writer) -> None:
        """Nothing of a stream is tried any more."""
        self.next_due.pop(writer.stream, None)
        self.setbacks.forget(writer)
