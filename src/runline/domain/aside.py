"""Aside: what a stream owes by itself (a timer, a slice of a job, what comes from the house) and goes on without.

Rule: what is set aside stays owed. It is tried no more until somebody says so (see `setbacks`), or until it has become pointless:
the timer is moved, the job is superseded.
"""

from typing import Any, ClassVar

from runline.domain.jobs import Job, JobsState
from runline.domain.messages import Event
from runline.domain.state import Row

Duty = tuple[str, str, str]
"""What is owed: (timer, job or house; its kind; its subject). timer: what time causes; kind and subject are the timer's. job: its
next slice; kind is the job's, subject its number. house: what the house causes in a book; kind is the command, subject its
position in the house."""


class SetAside(Row, table="set_aside"):
    """Something owed that is not tried any more.

    number: the position of the event that set it aside. reason: why it could not be done.
    """

    number: int
    what: str
    kind: str
    subject: str
    reason: str
    changed_seq: int = 0

    @property
    def duty(self) -> Duty:
        """What is owed."""
        return self.what, self.kind, self.subject


def job_duty(job: Job) -> Duty:
    """What a job owes: its next slice."""
    return "job", job.kind, str(job.number)


class SetbackState(JobsState):
    """A stream that goes on without what it cannot do."""

    held: ClassVar[dict[type[Row], str]] = {**JobsState.held, SetAside: "set_aside"}

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.set_aside: dict[int, SetAside] = {}
        self.aside: dict[Duty, int] = {}
        """The numbers of what is set aside, by what it is."""

    def derive(self) -> None:
        self.aside = {row.duty: row.number for row in self.set_aside.values()}
        super().derive()

    def owes(self, duty: Duty) -> bool:
        """Whether something is owed and is not set aside."""
        what, kind, subject = duty
        if duty in self.aside:
            return False
        if what == "timer":
            return (kind, subject) in self.timers
        return what == "job" and int(subject) in self.jobs

    def put_aside(self, row: SetAside) -> None:
        """Go on without it."""
        self.set_aside[row.number] = self.touch(row)
        self.aside[row.duty] = row.number

    def take_up(self, duty: Duty) -> None:
        """It is owed as before, or not at all any more."""
        number = self.aside.pop(duty, None)
        if number is not None:
            self.drop(self.set_aside.pop(number))

    def made_up_for(self, duty: Duty, context: Any) -> list[Event]:
        """What happens as something is taken up that is not tried by itself then."""
        return []

    def may_go_on(self, job: Job) -> bool:
        return not self.aside or job_duty(job) not in self.aside

    def finish(self, job: Job) -> None:
        super().finish(job)
        self.take_up(job_duty(job))

    def schedule(self, kind: str, subject: str, due_ns: int) -> None:
        self.take_up(("timer", kind, subject))
        super().schedule(kind, subject, due_ns)

    def unschedule(self, kind: str, subject: str) -> None:
        self.take_up(("timer", kind, subject))
        super().unschedule(kind, subject)

    def planned(self) -> list[tuple[int, str, str]]:
        due = super().planned()
        return [one for one in due if ("timer", *one[1:]) not in self.aside] if self.aside else due
