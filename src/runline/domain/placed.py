"""Placed: what every event says that writes a ticket, of whatever kind."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import NamedTuple, Protocol


class Selection(Protocol):
    """What a leg is about, with the line and the price at which it was taken."""

    @property
    def market(self) -> str: ...

    @property
    def side(self) -> str: ...

    @property
    def line_quarters(self) -> int | None: ...

    @property
    def price(self) -> str: ...


class TakenOn(NamedTuple):
    """What a ticket takes on. risk_minor, win_minor: what the player may lose, and win. selections: of its legs."""

    player: str
    risk_minor: int
    win_minor: int
    selections: Sequence[Selection]


class TicketPlaced:
    """What an event is that writes a ticket: the event of each kind of ticket is made from this class too. The vocabulary refuses
    one that does not say what it takes on.
    """

    __slots__ = ()

    @abstractmethod
    def taken(self) -> TakenOn:
        """What the ticket takes on."""
