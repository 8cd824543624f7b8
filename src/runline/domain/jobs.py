"""Jobs: long work, done in slices of a bounded size that alternate with other work.

Rule: a job is a row: its kind says what a slice does (`@slices`), its cursor how far it is. A newer job of the same kind and
subject takes its place. Progress and end count the whole job.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from runline.domain.aside import Duty
from runline.domain.messages import Command, Event, decides, evolves, wants
from runline.domain.state import Need, Part, Row, State

if TYPE_CHECKING:
    from runline.domain.context import Context


class Job(Row, table="jobs"):
    """Long work.

    number: the position of the event that started it.
    subject: what it is about.
    stage: where it stands in what its kind does one after the other.
    cursor: the last number that the stage has handled.
    done: how much was handled in all slices so far.
    """

    number: int
    kind: str
    subject: str
    stage: str
    cursor: int = 0
    done: int = 0
    changed_seq: int = 0


class Slice(msgspec.Struct, frozen=True, gc=False):
    """What a slice does.

    events: what happens. handled: how much that is. stage, cursor: where the job goes on, stage "" if it is finished.
    """

    events: Sequence[Event]
    handled: int
    stage: str = ""
    cursor: int = 0


def job_duty(job: Job) -> Duty:
    """What a job owes: its next slice."""
    return "job", job.kind, str(job.number)


class Jobs(Part, named="jobs", streams=("house", "book"), keeps={Job: "by_number"}):
    """The long work of a stream."""

    __slots__ = ("aside", "by_number")

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self.aside = state.aside
        self.aside.owed["job"] = lambda kind, subject: int(subject) in self.by_number
        self.by_number: dict[int, Job] = {}

    def start(self, job: Job) -> list[int]:
        """Begin a job, instead of any other of the same kind and subject; returns the numbers of those."""
        same = (job.kind, job.subject)
        others = [other for other in self.by_number.values() if (other.kind, other.subject) == same]
        for other in others:
            self.finish(other)
        self.by_number[job.number] = self.state.touch(job)
        return [other.number for other in others]

    def finish(self, job: Job) -> None:
        """Forget a job."""
        del self.by_number[job.number]
        self.state.drop(job)
        self.aside.take_up(job_duty(job))

    def may_go_on(self, job: Job) -> bool:
        """Whether its next slice may be tried."""
        return not self.aside.numbers or job_duty(job) not in self.aside.numbers


class DoSlice(Command, lane="bulk", streams=("house", "book")):
    """Do the next slice of a job (the engine sends it).

    job: its number.
    """

    job: int


class JobAdvanced(Event):
    """A slice of a job is done, and there is more.

    stage, cursor: where it goes on. handled: by this slice; done: by all of them so far.
    """

    job: int
    kind: str
    subject: str
    stage: str
    cursor: int
    handled: int
    done: int


class JobFinished(Event):
    """A job has done all that it was about. done: how much it has handled."""

    job: int
    kind: str
    subject: str
    done: int


@wants(DoSlice)
def rows_of_slice(state: State, command: DoSlice) -> list[Need]:
    job = state.jobs.by_number.get(command.job)
    needs = state.vocabulary.slice_needs.get(job.kind) if job is not None and state.jobs.may_go_on(job) else None
    return list(needs(state, job)) if needs is not None else []


@decides(DoSlice)
def do_slice(state: State, command: DoSlice, context: "Context") -> list[Event] | tuple[()]:
    job = state.jobs.by_number.get(command.job)
    if job is None or not state.jobs.may_go_on(job):
        return ()
    found: Slice = state.vocabulary.slices[job.kind](state, job, context)
    done = job.done + found.handled
    if found.stage:
        last: Event = JobAdvanced(job.number, job.kind, job.subject, found.stage, found.cursor, found.handled, done)
    else:
        last = JobFinished(job.number, job.kind, job.subject, done)
    return [*found.events, last]


@evolves(JobAdvanced)
def job_advanced(state: State, event: JobAdvanced) -> None:
    job = state.touch(state.jobs.by_number[event.job])
    job.stage, job.cursor, job.done = event.stage, event.cursor, event.done


@evolves(JobFinished)
def job_finished(state: State, event: JobFinished) -> None:
    state.jobs.finish(state.jobs.by_number[event.job])
