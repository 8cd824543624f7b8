"""Setbacks: what a stream could not do again and again is set aside, and taken up again when somebody says so.

Rule: everybody who reads the log sees it, and nothing else waits for it.
"""

from typing import TYPE_CHECKING

from runline.domain.aside import Duty, SetAside
from runline.domain.bounds import REASON_LENGTH_MAX, SET_ASIDE_MAX
from runline.domain.identifiers import Reason
from runline.domain.messages import Command, Event, Rejected, decides, evolves, grounds
from runline.domain.nodes import ROOT
from runline.domain.permissions import Permission
from runline.domain.state import State

if TYPE_CHECKING:
    from runline.domain.context import Context


class PutAside(Command, streams=("house", "book")):
    """What is owed could not be done again and again (the engine sends it)."""

    what: str
    kind: str
    subject: str
    reason: str


class WorkSetAside(Event, notice="set_aside"):
    """Something that is owed cannot be done, and is not tried any more until somebody says so.

    kind: of which kind of timer or job. reason: what went wrong the last time.
    """

    what: str
    kind: str
    subject: str
    reason: str


class TryAgain(Command, needs=Permission.SETTINGS_CHANGE, streams=("house", "book")):
    """Have something done that was set aside.

    number: the position of the event that set it aside.
    """

    number: int
    reason: Reason


class WorkTakenUp(Event, notice="set_aside"):
    """Something that was set aside is owed again.

    number: the position of the event that set it aside. kind: of which kind of timer or job.
    """

    number: int
    what: str
    kind: str
    subject: str
    reason: str


@decides(PutAside)
def put_aside(state: State, command: PutAside, context: "Context") -> WorkSetAside | tuple[()]:
    duty: Duty = (command.what, command.kind, command.subject)
    if not state.aside.owes(duty):
        return ()
    if len(state.aside.by_number) >= SET_ASIDE_MAX:
        raise Rejected("too_many", "As much is set aside as can be.", most=SET_ASIDE_MAX)
    return WorkSetAside(*duty, printable(command.reason))


def printable(text: str) -> str:
    """What went wrong, as one line of a log."""
    return "".join(one if one.isprintable() else " " for one in text[:REASON_LENGTH_MAX])


@evolves(WorkSetAside)
def work_set_aside(state: State, event: WorkSetAside) -> None:
    state.aside.put(SetAside(state.seq, event.what, event.kind, event.subject, event.reason))


@decides(TryAgain)
def try_again(state: State, command: TryAgain, context: "Context") -> list[WorkTakenUp | Event]:
    if context.user.node != ROOT:
        raise Rejected("not_permitted", "Only the whole book's staff may have this done.")
    row = state.aside.by_number.get(command.number)
    if row is None:
        raise Rejected("unknown_work", "Nothing was set aside under this number.", number=command.number)
    taken_up = WorkTakenUp(row.number, row.what, row.kind, row.subject, command.reason)
    if row.what != "house":
        return [taken_up]
    vocabulary = state.vocabulary
    return [taken_up, *vocabulary.made_up[vocabulary.commands[row.kind]](state, int(row.subject), context)]


@evolves(WorkTakenUp)
def work_taken_up(state: State, event: WorkTakenUp) -> None:
    state.aside.take_up((event.what, event.kind, event.subject))
    if event.what == "timer":
        state.timers.due_again(event.kind, event.subject)


@grounds(TryAgain)
def aside_ground(state: State, command: TryAgain) -> int:
    """What was set aside."""
    return state.moved_seq(SetAside, command.number)
