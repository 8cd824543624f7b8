"""Tickets: what stands of a wager that was placed. Voided with a reason, settled by a result.

Rule: a ticket is of a kind and has legs. It is paid by what was recorded as it was placed and as its legs ended, never by a board
of today; it is settled when its last leg ends. How it lives is in `ticket_life`.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from runline.domain.grading import Result
from runline.domain.identifiers import Reason
from runline.domain.invariants import BrokenInvariant, check
from runline.domain.legs import Ending, Leg
from runline.domain.messages import Command, Event, Rejected, decides, grounds, wants
from runline.domain.nodes import ROOT
from runline.domain.permissions import Permission
from runline.domain.placed import TakenOn, TicketPlaced
from runline.domain.state import ByKey, ByNumber, Part, Row, State, at_once, by_pieces

if TYPE_CHECKING:
    from runline.domain.book import Book
    from runline.domain.context import Context

Basis = Literal["base", "risk", "to_win"]
"""What the amount of a ticket means. base: to win on favourites, risk on underdogs."""


FIRST_LEG = (1,)
"""The numbers of a straight's legs."""


class TicketGame(Row, table="ticket_games", key=2):
    """By which further game a ticket is found: one with legs on several has such a row for each but the first, whose game its own
    row carries. It is written as the ticket is placed, and never changes.

    game: of a leg. number: of the ticket.
    """

    game: str
    number: int
    changed_seq: int = 0


class Ticket(
    Row,
    table="tickets",
    held_while=("status", "open"),
    found_by="fixture",
    found_through=TicketGame,
    read_by=("player",),
):
    """A ticket. Amounts in minor units.

    number: the ticket number: the position of the event that placed it.
    kind: what it is, and so how it is paid (`@pays`). straight: one leg, which wins or loses all of it.
    agent: the player's agent at that time.
    fixture, market, side, line_quarters, price, ended: of its first leg (see `Leg`).
    risk_minor, win_minor: what the player may lose, and win: what it pays if all its legs win.
    house_seq: the house position at which the lines were taken.
    writer, channel: who placed it, and how it came in (`Channel`).
    settlement: the house position of the result that settled it, 0 while open, and where it was settled by voiding a leg.
    more: the legs after the first one; None for a ticket of one. (So a straight is a row of plain values, and nothing that the
    garbage collector looks at for as long as it is open.)
    """

    number: int
    player: str
    agent: str
    kind: str
    fixture: str
    market: str
    side: str
    line_quarters: int | None
    price: str
    risk_minor: int
    win_minor: int
    basis: str
    house_seq: int
    writer: str
    channel: str
    placed_ns: int
    status: str = "open"
    result: str | None = None
    returned_minor: int | None = None
    settlement: int = 0
    closed_ns: int | None = None
    ended: Ending | None = None
    more: tuple[Leg, ...] | None = None
    changed_seq: int = 0

    @property
    def legs(self) -> tuple[Leg, ...]:
        """Its legs, in their order."""
        first = Leg(self.fixture, self.market, self.side, self.line_quarters, self.price, self.ended)
        return (first, *self.more) if self.more else (first,)

    def legs_at(self, numbers: Iterable[int]) -> tuple[Leg, ...]:
        """Those of its legs that have these numbers, from 1.

        Raises BrokenInvariant if there is none of a number.
        """
        legs = self.legs
        if not self.more and tuple(numbers) == FIRST_LEG:
            return legs
        if not all(1 <= number <= len(legs) for number in numbers):
            raise BrokenInvariant(f"ticket {self.number} has {len(legs)} legs")
        return tuple(legs[number - 1] for number in numbers)

    def standing(self) -> tuple[int, ...]:
        """The numbers of its legs that are open."""
        if not self.more:
            return FIRST_LEG if self.ended is None else ()
        return tuple(number for number, leg in enumerate(self.legs, 1) if leg.ended is None)

    def end_leg(self, number: int, ended: Ending | None) -> None:
        """Note how a leg has ended; None: it is open (again)."""
        if number == 1:
            self.ended = ended
        elif self.more:
            self.more = tuple(
                msgspec.structs.replace(leg, ended=ended) if at == number else leg
                for at, leg in enumerate(self.more, 2)
            )


class Tickets(Part, named="tickets", streams=("book",), keeps={Ticket: "by_number"}):
    """A book's open tickets. Closed ones leave memory when their closing is durable."""

    __slots__ = ("by_number", "closed", "open_count", "open_of", "open_on")

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self.by_number: ByNumber[Ticket] = ByNumber()
        self.open_on: dict[str, dict[int, None]] = {}
        self.open_of: dict[str, dict[int, None]] = {}
        """The numbers of the open tickets on each game, and of each player."""
        self.closed: list[int] = []
        self.open_count = 0

    def derive(self) -> None:
        at_once(self.deriving())

    def deriving(self) -> Iterator[None]:
        self.open_on = {}
        self.open_of = {}
        self.closed = []
        self.open_count = 0
        for tickets in by_pieces(self.by_number.values()):
            for ticket in tickets:
                if ticket.status == "open":
                    self.opened(ticket)
            yield

    def add(self, ticket: Ticket) -> None:
        """Take in a new ticket."""
        self.by_number.put(ticket.number, self.state.touch(ticket))
        self.opened(ticket)
        if ticket.more:
            for game in dict.fromkeys(leg.fixture for leg in ticket.more if leg.fixture != ticket.fixture):
                self.state.write(TicketGame(game, ticket.number))

    def opened(self, ticket: Ticket) -> None:
        """Count a ticket as open, of its player and on the game of each leg."""
        self.open_count += 1
        number, open_on = ticket.number, self.open_on
        try:
            self.open_of[ticket.player][number] = None
        except KeyError:
            self.open_of[ticket.player] = {number: None}
        try:
            open_on[ticket.fixture][number] = None
        except KeyError:
            open_on[ticket.fixture] = {number: None}
        if ticket.more:
            for leg in ticket.more:
                open_on.setdefault(leg.fixture, {})[number] = None

    def no_longer_open(self, ticket: Ticket) -> None:
        """Stop counting a ticket as open: it leaves memory when that is durable."""
        self.open_count -= 1
        of = self.open_of[ticket.player]
        del of[ticket.number]
        if not of:
            del self.open_of[ticket.player]
        games = dict.fromkeys(leg.fixture for leg in ticket.legs) if ticket.more else (ticket.fixture,)
        for fixture in games:
            numbers = self.open_on[fixture]
            del numbers[ticket.number]
            if not numbers:
                del self.open_on[fixture]
        self.closed.append(ticket.number)

    def evict(self, durable_seq: int) -> int:
        """Let closed wagers leave memory whose last change is durable. Returns how many did."""
        leaving, self.closed = self.closed, []
        count = 0
        for number in leaving:
            ticket = self.by_number.found(number)
            if ticket is None or ticket.status == "open":
                continue
            if ticket.changed_seq > durable_seq:
                self.closed.append(number)
                continue
            del self.by_number[number]
            count += 1
        return count


class WagerPlaced(TicketPlaced, Event, shown_to=Permission.TICKER_VIEW, topic="wagers", notice="large_wager"):
    """A ticket is written.

    wager: its number, which is the position of this event (in a preview, the one that it would have).
    """

    wager: int
    player: str
    agent: str
    fixture: str
    market: str
    side: str
    line_quarters: int | None
    price: str
    risk_minor: int
    win_minor: int
    basis: str
    house_seq: int
    writer: str
    channel: str

    def taken(self) -> TakenOn:
        return TakenOn(self.player, self.risk_minor, self.win_minor, (self,))

    def is_notable(self, state: Any) -> bool:
        return bool(0 < state.large_wagers.least_minor <= self.risk_minor)

    def is_notable_at(self, state: Any, node: str) -> bool:
        return bool(state.large_wagers.is_large(self.risk_minor, node))


class VoidWager(Command, needs=Permission.WAGER_VOID):
    """Void a ticket, open or settled. A settled one is reversed first.

    wager: the ticket number.
    """

    wager: int
    reason: Reason


class WagerVoided(Event, shown_to=Permission.TICKER_VIEW, topic="wagers"):
    """A ticket counts no more; its risk is free again.

    stood: the legs that were open until then, by number from 1.
    """

    wager: int
    player: str
    reason: str
    stood: tuple[int, ...]


class WagerReversed(Event, shown_to=Permission.TICKER_VIEW, topic="wagers"):
    """A settlement is taken back; the ticket is open again.

    settlement: the one that is taken back. change_minor: of the player's balance. opened: the legs that are open again, by number
    from 1; how the others have ended stands.
    """

    wager: int
    player: str
    settlement: int
    change_minor: int
    reason: str
    opened: tuple[int, ...]


class WagerSettled(Event, shown_to=Permission.TICKER_VIEW, topic="wagers"):
    """A ticket is graded and paid.

    settlement: the house position of the result. returned_minor: the money back, stake included. legs: how each leg has ended.
    stood: those that were open until then, by number from 1.
    """

    wager: int
    player: str
    settlement: int
    result: Result
    returned_minor: int
    legs: tuple[Ending, ...]
    stood: tuple[int, ...]


def stored_wager(book: "Book", number: int) -> list[ByKey]:
    """The need for a ticket that is not in memory."""
    return [] if number in book.tickets.by_number or not 0 < number <= book.seq else [ByKey(Ticket, number)]


@wants(VoidWager)
@wants(WagerReversed)
def the_wager(book: "Book", message: VoidWager | WagerReversed) -> list[ByKey]:
    return stored_wager(book, message.wager)


def reversal(ticket: Ticket, reason: str, opened: tuple[int, ...]) -> WagerReversed:
    """The event that takes a ticket's settlement back. opened: the legs that are open again, by number."""
    check(ticket.returned_minor is not None, "a settled ticket has what it returned")
    change = ticket.risk_minor - (ticket.returned_minor or 0)
    return WagerReversed(ticket.number, ticket.player, ticket.settlement, change, reason, opened)


def settled(
    book: "Book", ticket: Ticket, settlement: int, endings: Sequence[Ending], stood: tuple[int, ...]
) -> WagerSettled:
    """The event that pays a ticket, by how its legs have ended. settlement: the house position of the result. stood: the legs
    that were open until then, by number."""
    result, money = book.vocabulary.pays[ticket.kind](ticket, endings, book.settings.current.rounding)
    return WagerSettled(ticket.number, ticket.player, settlement, result, money, tuple(endings), stood)


def wager_to_void(book: "Book", number: int, context: "Context") -> Ticket:
    """The ticket that somebody wants to void, all of it or a leg.

    Raises Rejected `not_permitted`, `unknown_wager`.
    """
    ticket = book.tickets.by_number.get(number)
    if ticket is None:
        if context.user.node != ROOT:
            raise Rejected("not_permitted", "That is outside your part of the tree.")
        raise Rejected("unknown_wager", f"There is no ticket {number}.", wager=number)
    book.tree.player_within(context.user, ticket.player)
    return ticket


@decides(VoidWager)
def void_wager(book: "Book", command: VoidWager, context: "Context") -> list[WagerReversed | WagerVoided] | tuple[()]:
    ticket = wager_to_void(book, command.wager, context)
    if ticket.status == "void":
        return ()
    number, player, stood = ticket.number, ticket.player, ticket.standing()
    if ticket.status == "open":
        return [WagerVoided(number, player, command.reason, stood)]
    opened = tuple(at for at, leg in enumerate(ticket.legs, 1) if leg.status == "graded")
    return [reversal(ticket, command.reason, opened), WagerVoided(number, player, command.reason, opened)]


def wager_moved_seq(book: "Book", number: int) -> int:
    """The position at which a ticket last changed, 0 if it is not in memory."""
    ticket = book.tickets.by_number.get(number)
    return ticket.changed_seq if ticket else 0


@grounds(VoidWager)
def wager_ground(book: "Book", command: VoidWager) -> int:
    """The ticket itself."""
    return wager_moved_seq(book, command.wager)
