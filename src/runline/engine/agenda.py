"""Agenda: what a stream does by itself: timers that are due, and long work, slice by slice.

Rule: timers go before the lanes are drained. Slices alternate with other work. What cannot be done rests (see `setbacks`), and
nothing else waits for it.
"""

import logging
from collections.abc import Callable
from heapq import heappop, heappush

from runline.domain.aside import Duty
from runline.domain.jobs import DoSlice, Job, job_duty
from runline.domain.setbacks import PutAside
from runline.engine.batch import Batches
from runline.engine.deliveries import Deliveries
from runline.engine.limits import BATCH_EVENTS_MAX, TIMERS_PER_ROUND
from runline.engine.owned import Owned
from runline.engine.process import Process
from runline.engine.queues import Queues
from runline.engine.requests import Outcome, Refused, Submission
from runline.engine.setbacks import Setbacks
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
        self.setbacks = Setbacks(process.conditions, self.try_again, self.give_up)
        self.timers: list[tuple[int, str]] = []
        self.next_due: dict[str, int] = {}
        self.said: dict[str, int] = {}
        """How much is said to be set aside in each stream in which something is."""

    # Timers

    def note_timer(self, writer: Writer) -> None:
        """Note when a stream's next timer is due."""
        due = writer.state.timers.due
        if due and self.next_due.get(writer.stream) != due[0][0]:
            self.next_due[writer.stream] = due[0][0]
            heappush(self.timers, (due[0][0], writer.stream))

    def fire_due(self, now_ns: int, step: Step) -> None:
        """Execute what time has caused."""
        fired = 0
        while self.timers and self.timers[0][0] <= now_ns and self.may_fire(fired):
            at_ns, stream = heappop(self.timers)
            writer = self.owned.writers.get(stream)
            if writer is None or writer.stopped or writer.held or self.next_due.get(stream) != at_ns:
                continue
            del self.next_due[stream]
            try:
                due = writer.state.timers.due
                while due and due[0][0] <= now_ns and self.may_fire(fired) and not writer.stopped:
                    due_ns, kind, subject = heappop(due)
                    timer = writer.state.timers.by_subject.get((kind, subject))
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
        duty: Duty = ("timer", kind, subject)
        try:
            command = writer.state.vocabulary.timers[kind](subject)
        except Exception as error:
            log.exception("a timer of %s becomes no command", writer.stream)
            self.failed(writer, duty, f"{type(error).__name__}: {error}")
            return
        step(writer, self.queues.own(writer, command, duty))
        self.happened(writer)

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

    def jobs_of(self, writer: Writer) -> list[Job]:
        """The jobs of a stream that may go on now. Stopping does not wait for them; starting resumes them."""
        state = writer.state
        if not state.jobs.by_number or self.process.stopping or writer.stopped or writer.held or writer.fetching_job:
            return []
        rests = self.setbacks.rests
        return [
            job
            for job in state.jobs.by_number.values()
            if state.jobs.may_go_on(job) and not rests(writer, job_duty(job))
        ]

    def next_slice(self, writer: Writer) -> Submission | None:
        """The slice of the job whose turn it is."""
        jobs = self.jobs_of(writer)
        if not jobs:
            return None
        writer.job_turn += 1
        job = jobs[writer.job_turn % len(jobs)]
        return self.queues.own(writer, DoSlice(job.number), job_duty(job))

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
        """A stream has perhaps moved on: its next timer may be another, and what has failed may be owed no more."""
        if writer.stopped:
            return
        due = writer.state.timers.due
        if due and self.next_due.get(writer.stream) != due[0][0]:
            self.note_timer(writer)
        if self.setbacks.failures and writer in self.setbacks.failures:
            self.forgive(writer)
        if (writer.state.aside.by_number or self.said) and len(writer.state.aside.by_number) != self.said.get(
            writer.stream, 0
        ):
            self.say_what_is_aside(writer)

    def try_again(self, writer: Writer, duty: Duty) -> None:
        """What has failed has rested: try it again."""
        if writer.stopped or self.owned.writers.get(writer.stream) is not writer:
            return
        try:
            self.owe_again(writer, duty)
        except Exception as error:
            log.exception("a fault while work of %s is tried again", writer.stream)
            self.owned.doubt(writer, f"{type(error).__name__}: {error}")
        self.process.wake.set()

    def owe_again(self, writer: Writer, duty: Duty) -> None:
        """Let what is owed have its turn, if it is owed still."""
        self.forgive(writer)
        what, kind, subject = duty
        if what == "timer":
            timer = writer.state.timers.by_subject.get((kind, subject))
            if timer is not None and writer.state.aside.owes(duty):
                heappush(writer.state.timers.due, (timer.due_ns, timer.kind, timer.subject))
                self.note_timer(writer)
        elif what == "job":
            self.note_job(writer)
        else:
            self.deliveries.again(writer)

    def give_up(self, writer: Writer, duty: Duty, reason: str) -> None:
        """What has failed again and again is set aside."""
        what, kind, subject = duty
        self.queues.cause(writer, PutAside(what, kind, subject, reason))

    def forgive(self, writer: Writer) -> None:
        """What has failed and is owed no more: a timer that was moved away, a superseded job, what was set aside."""
        state, now_ns = writer.state, self.clock.now_ns()
        for duty in list(self.setbacks.failures.get(writer, ())):
            what, kind, subject = duty
            if state.aside.owes(duty) and (what != "timer" or state.timers.by_subject[kind, subject].due_ns <= now_ns):
                continue
            if self.setbacks.done(writer, duty) and what == "house":
                self.deliveries.again(writer)

    def say_what_is_aside(self, writer: Writer) -> None:
        """What is set aside in a stream is a condition, until it is taken up."""
        aside = writer.state.aside.by_number
        self.said[writer.stream] = len(aside)
        if not aside:
            del self.said[writer.stream]
            self.process.conditions.clear("aside", writer.stream)
            return
        last = aside[max(aside)]
        reason = f"{len(aside)} set aside, the last under number {last.number}: {' '.join(last.duty)}: {last.reason}"
        self.process.hear("aside", writer.stream, "degraded", reason)

    def enter(self, writer: Writer) -> None:
        """What a stream owes follows from what is stored."""
        self.next_due.pop(writer.stream, None)
        self.note_timer(writer)
        self.note_job(writer)
        self.say_what_is_aside(writer)

    def leave(self, writer: Writer) -> None:
        """Nothing of a stream is tried any more."""
        self.next_due.pop(writer.stream, None)
        self.said.pop(writer.stream, None)
        self.process.conditions.clear("aside", writer.stream)
        self.setbacks.forget(writer)
