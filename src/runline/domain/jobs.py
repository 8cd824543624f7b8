"""Jobs: long work, done in slices of a bounded size that alternate with other work.

Rule: a job is a row: its kind says what a slice does (`@slices`), its cursor how far it is. A newer job of the same kind and
subject takes its place. Progress and end count the whole job.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

import msgspec

from runline.domain.messages import SLICE_NEEDS, SLICES, Command, Event, decides, evolves, wants
from runline.domain.state import Need, Row, State


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


class JobsState(State):
    """A stream that does long work."""

    held: ClassVar[dict[type[Row], str]] = {**State.held, Job: "jobs"}

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.jobs: dict[int, Job] = {}

    def start(self, job: Job) -> None:
        """Begin a job, instead of any other of the same kind and subject."""
        same = (job.kind, job.subject)
        for other in [other for other in self.jobs.values() if (other.kind, other.subject) == same]:
            self.finish(other)
        self.jobs[job.number] = self.touch(job)

    def advance(self, job: Job, stage: str, cursor: int) -> None:
        """A slice is done."""
        self.touch(job)
        job.stage, job.cursor = stage, cursor

    def finish(self, job: Job) -> None:
        """Forget a job."""
        del self.jobs[job.number]
        self.drop(job)

    def may_go_on(self, job: Job) -> bool:
        """Whether its next slice may be tried."""
        return True


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
def rows_of_slice(state: JobsState, command: DoSlice) -> list[Need]:
    job = state.jobs.get(command.job)
    needs = SLICE_NEEDS.get(job.kind) if job is not None and state.may_go_on(job) else None
    return needs(state, job) if needs is not None else []


@decides(DoSlice)
def do_slice(state: JobsState, command: DoSlice, context: Any) -> list[Event] | tuple[()]:
    job = state.jobs.get(command.job)
    if job is None or not state.may_go_on(job):
        return ()
    found: Slice = SLICES[job.kind](state, job, context)
    done = job.done + found.handled
    if found.stage:
        last: Event = JobAdvanced(job.number, job.kind, job.subject, found.stage, found.cursor, found.handled, done)
    else:
        last = JobFinished(job.number, job.kind, job.subject, done)
    return [*found.events, last]


@evolves(JobAdvanced)
def job_advanced(state: JobsState, event: JobAdvanced) -> None:
    job = state.jobs[event.job]
    state.advance(job, event.stage, event.cursor)
    job.done = event.done


@evolves(JobFinished)
def job_finished(state: JobsState, event: JobFinished) -> None:
    state.finish(state.jobs[event.job])
