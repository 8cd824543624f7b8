"""Aside: what a stream owes by itself (a timer, a slice of a job, what comes from the house) and goes on without.

Rule: what is set aside stays owed. It is tried no more until somebody says so (see `setbacks`), or until it has become pointless:
the timer is moved, the job is superseded.
"""

from collections.abc import Callable

from runline.domain.state import Part, Row, State

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


class Aside(Part, named="aside", streams=("house", "book"), keeps={SetAside: "by_number"}):
    """What a stream has set aside."""

    __slots__ = ("by_number", "numbers", "owed")

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self.by_number: dict[int, SetAside] = {}
        self.numbers: dict[Duty, int] = {}
        """The numbers of what is set aside, by what it is."""
        self.owed: dict[str, Callable[[str, str], bool]] = {}
        """What says whether something is owed (by kind and subject), by what it is: handed in by whoever keeps such things."""

    def derive(self) -> None:
        self.numbers = {row.duty: row.number for row in self.by_number.values()}

    def owes(self, duty: Duty) -> bool:
        """Whether something is owed and is not set aside."""
        what, kind, subject = duty
        return duty not in self.numbers and what in self.owed and self.owed[what](kind, subject)

    def put(self, row: SetAside) -> None:
        """Go on without it."""
        self.by_number[row.number] = self.state.touch(row)
        self.numbers[row.duty] = row.number

    def take_up(self, duty: Duty) -> None:
        """It is owed as before, or not at all any more."""
        number = self.numbers.pop(duty, None)
        if number is not None:
            self.state.drop(self.by_number.pop(number))
