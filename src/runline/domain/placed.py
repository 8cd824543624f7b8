"""Placed: what every event says that writes a ticket, of whatever kind."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from runline.domain.risk import Selection


class Taken(NamedTuple):
    """What a ticket takes on. risk_minor, win_minor: what the player may lose, and win. selections: of its legs."""

    player: str
    risk_minor: int
    win_minor: int
    selections: "Sequence[Selection]"


class TicketPlaced:
    """What an event is that writes a ticket: the event of each kind of ticket is made from this class too."""

    __slots__ = ()

    def taken(self) -> Taken:
        """What the ticket takes on."""
        raise NotImplementedError
