"""Legs: the selections of a ticket, and what happens to one of them while the ticket stays open for the others.

Rule: a leg is a selection with the line and the price at which it was taken. How it has ended, and what a rule has made of it,
is recorded with it. Its life is the table LEG_LIFE. What is graded again is reversed first; what was voided is not graded again.
"""

from typing import Literal

import msgspec

from runline.domain.grading import Result
from runline.domain.messages import Event
from runline.domain.permissions import Permission

LegStatus = Literal["open", "graded", "void"]

LEG_LIFE: dict[tuple[LegStatus, str], LegStatus] = {
    ("open", "LegGraded"): "graded",
    ("open", "WagerSettled"): "graded",
    ("graded", "LegReversed"): "open",
    ("graded", "WagerReversed"): "open",
    ("open", "LegVoided"): "void",
    ("open", "WagerVoided"): "void",
    ("graded", "WagerVoided"): "void",
}
"""(status, event of the leg or of its ticket) -> status. Anything else is a broken invariant."""


class Ending(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """How a leg has ended, and what a rule has made of it.

    result: as it was graded; "void" also where it was voided.
    price: the one at which it counts instead of its price of record (as by a new opener); None: at that of record.
    share: (numerator, denominator) of the stake that has won where several have (a dead heat), the rest is lost; None: all of it.
    voided: whether somebody has voided it, alone or with its ticket. No result changes that.
    """

    result: Result
    price: str | None = None
    share: tuple[int, int] | None = None
    voided: bool = False


VOIDED = Ending("void", voided=True)


class Leg(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A selection of a ticket.

    line_quarters: the side's handicap or the total; None where the market has none.
    price: the price of record, in the format in which it was offered.
    ended: how it has ended; None while it is open.
    """

    fixture: str
    market: str
    side: str
    line_quarters: int | None
    price: str
    ended: Ending | None = None

    @property
    def status(self) -> LegStatus:
        """Where it stands in LEG_LIFE."""
        return status_of(self.ended)


def status_of(ended: Ending | None) -> LegStatus:
    """Where a leg stands in LEG_LIFE that has ended so."""
    if ended is None:
        return "open"
    return "void" if ended.voided else "graded"


class LegGraded(Event, shown_to=Permission.TICKER_VIEW, topic="wagers"):
    """A leg of a ticket has ended by a result. The ticket stays open for others.

    leg: which one, from 1. settlement: the house position of the result. ended: how it has ended.
    """

    wager: int
    player: str
    leg: int
    settlement: int
    ended: Ending


class LegReversed(Event, shown_to=Permission.TICKER_VIEW, topic="wagers"):
    """The grading of a leg is taken back; it is open again, as its ticket is.

    leg: which one, from 1.
    """

    wager: int
    player: str
    leg: int
    reason: str


class LegVoided(Event, shown_to=Permission.TICKER_VIEW, topic="wagers"):
    """A leg of a ticket counts no more; the ticket goes on with the others.

    leg: which one, from 1.
    """

    wager: int
    player: str
    leg: int
    reason: str
