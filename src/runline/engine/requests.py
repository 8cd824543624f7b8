"""Requests and outcomes: what goes through the door, in and out."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import msgspec

from runline.domain.aside import Duty
from runline.domain.messages import Command, Event, Rejected
from runline.domain.preview import Moves


class Request(msgspec.Struct, gc=False):
    """A command with who sends it, to which stream.

    session: in which it is sent; whose that is, the owner of the stream looks up, whatever `actor` says. actor: as whom Runline
    itself sends, without a session.
    id: the client's own id of this command, a UUIDv7; the same id again gets the same answer.
    preview: decide, commit nothing. if_position: refuse if the ground has moved since that position.
    bulk: take the lane that is drained last.
    received_ns: the host's time when it came through the door.
    """

    stream: str
    id: str
    actor: str
    command: Command
    session: str = ""
    correlation: str = ""
    preview: bool = False
    if_position: int | None = None
    bulk: bool = False
    received_ns: int = 0


class Accepted(msgspec.Struct, tag=True, gc=False):
    """The command is executed and durable.

    position: the stream's position after it. events: what happened, in order (none: it was so already).
    repeated: this id was executed before; nothing was changed now.
    """

    position: int
    events: Sequence[Event]
    repeated: bool = False


class Previewed(msgspec.Struct, tag=True, gc=False):
    """What the command would do at this position."""

    position: int
    events: list[Event]
    moves: Moves


class Refused(msgspec.Struct, tag=True, gc=False):
    """The command is not executed: a stable code, a sentence, and the values that help."""

    position: int
    code: str
    message: str
    details: dict[str, Any]


Outcome = Accepted | Previewed | Refused

UNAVAILABLE = Rejected("unavailable", "Nothing can be recorded now. Send the same command again.")
BUSY = Rejected("busy", "Too much is waiting. Try again in a moment.")


def unavailable() -> Rejected:
    """`UNAVAILABLE`, to be raised. (Another one each time: what is raised keeps the frames that it came through.)"""
    return Rejected(UNAVAILABLE.code, UNAVAILABLE.message)


def not_signed_in() -> Rejected:
    """The refusal of a session that there is not, to be raised."""
    return Rejected("not_signed_in", "You are not signed in, or your session has ended. Sign in again.")


def refused(position: int, rejected: Rejected) -> Refused:
    """The outcome of a refusal."""
    return Refused(position, rejected.code, rejected.message, rejected.details)


class Sink(ABC):
    """Whoever waits for outcomes. Called on the engine's loop; must not block or raise."""

    __slots__ = ()

    @abstractmethod
    def answer(self, index: int, outcome: Outcome) -> None:
        """Take the outcome of the request that was submitted with this index."""

    def answer_all(self, indexes: Sequence[int], outcome: Outcome) -> None:
        """Take the outcome that several requests share: they were turned away."""
        for index in indexes:
            self.answer(index, outcome)


class Unheard(Sink):
    """The sink of what nobody waits for."""

    def answer(self, index: int, outcome: Outcome) -> None:
        """Nothing is done with it."""


UNHEARD = Unheard()


class Submission(msgspec.Struct, gc=False):
    """A request on its way through a lane.

    branch: the branch of the tree in which its sender stood as it came, "" for the root and for those who stand nowhere.
    fetched: keys of the rows that were fetched for it; None before. duty: what the engine owes by it.
    """

    request: Request
    sink: Sink
    index: int
    queued_ns: int
    branch: str = ""
    fetched: tuple[int, ...] | None = None
    duty: Duty | None = None
