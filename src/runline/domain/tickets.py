"""Tickets: what stands of a wager that was placed. Voided with a reason, settled by a result.

Rule: a ticket is of a kind and has legs, each a selection with the line and the price at which it was taken. It is paid by what
was recorded as it was placed, never by a board of today; how each leg ended is recorded as it is settled.

Rule: the lives of a ticket and of its legs are the tables TICKET_LIFE and LEG_LIFE. Reversing is the exact opposite of settling:
an open ticket again, with its risk pending; what follows (another settlement, a void) is an event of its own.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from runline.domain.grading import Result
from runline.domain.identifiers import reason_text
from runline.domain.invariants import BrokenInvariant, check
from runline.domain.ledger import GRADING
from runline.domain.messages import Command, Event, Rejected, decides, evolves, grounds, wants
from runline.domain.nodes import ROOT
from runline.domain.permissions import Permission
from runline.domain.state import ByKey, ByNumber, Part, Row, State

if TYPE_CHECKING:
    from runline.domain.book import Book
    from runline.domain.context import Context

Basis = Literal["base", "risk", "to_win"]
"""What the amount of a ticket means. base: to win on favourites, risk on underdogs."""

Channel = Literal["api", "web", "phone", "clerk"]
"""How a ticket came in. clerk: written for a player who phones."""

TICKET_LIFE: dict[tuple[str, str], str] = {
    ("open", "WagerSettled"): "settled",
    ("open", "WagerVoided"): "void",
    ("settled", "WagerReversed"): "open",
}
"""(status, event) -> status. Anything else is a broken invariant."""

LegStatus = Literal["open", "graded", "void"]

LEG_LIFE: dict[tuple[LegStatus, str], LegStatus] = {
    ("open", "WagerSettled"): "graded",
    ("open", "WagerVoided"): "void",
    ("graded", "WagerReversed"): "open",
}
"""(status, event of its ticket) -> status. Anything else is a broken invariant."""


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
        if self.ended is None:
            return "open"
        return "void" if self.ended.voided else "graded"


class Ticket(Row, table="tickets", held_while=("status", "open"), found_by="fixture", read_by=("player",)):
    """A ticket. Amounts in minor units.

    number: the ticket number: the position of the event that placed it.
    kind: what it is, and so how it is paid (`@pays`). straight: one leg, which wins or loses all of it.
    agent: the player's agent at that time.
    fixture, market, side, line_quarters, price, ended: of its first leg (see `Leg`).
    risk_minor, win_minor: what the player may lose, and win: what it pays if all its legs win.
    house_seq: the house position at which the lines were taken.
    writer, channel: who placed it, and how.
    settlement: the house position of the result that settled it, 0 while open.
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


class Tickets(Part, named="tickets", streams=("book",), keeps={Ticket: "by_number"}):
    """A book's open tickets. Closed ones leave memory when their closing is durable."""

    __slots__ = ("by_number", "closed", "open_count", "open_on")

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self.by_number: ByNumber[Ticket] = ByNumber()
        self.open_on: dict[str, dict[int, None]] = {}
        self.closed: list[int] = []
        self.open_count = 0

    def derive(self) -> None:
        self.open_on = {}
        self.closed = []
        self.open_count = 0
        for ticket in self.by_number.values():
            if ticket.status == "open":
                self.opened(ticket)

    def add(self, ticket: Ticket) -> None:
        """Take in a new ticket."""
        self.by_number.put(ticket.number, self.state.touch(ticket))
        self.opened(ticket)

    def opened(self, ticket: Ticket) -> None:
        """Count a ticket as open, on the game of each leg."""
        self.open_count += 1
        number, open_on = ticket.number, self.open_on
        try:
            open_on[ticket.fixture][number] = None
        except KeyError:
            open_on[ticket.fixture] = {number: None}
        for leg in ticket.more or ():
            open_on.setdefault(leg.fixture, {})[number] = None

    def no_longer_open(self, ticket: Ticket) -> None:
        """Stop counting a ticket as open: it leaves memory when that is durable."""
        self.open_count -= 1
        for leg in ticket.legs:
            numbers = self.open_on.get(leg.fixture)
            if numbers is not None:
                numbers.pop(ticket.number, None)
                if not numbers:
                    del self.open_on[leg.fixture]
        self.closed.append(ticket.number)

    def evict(self, durable_seq: int) -> int:
        """Let closed wagers leave memory whose last change is durable. Returns how many did."""
        leaving, self.closed = self.closed, []
        count = 0
        for number in leaving:
            ticket = self.by_number.get(number)
            if ticket is None or ticket.status == "open":
                continue
            if ticket.changed_seq > durable_seq:
                self.closed.append(number)
                continue
            del self.by_number[number]
            count += 1
        return count


LARGE_WAGER_SHARE = 2
"""A wager is large from the book's largest stake divided by this."""


class WagerPlaced(Event, shown_to=Permission.TICKER_VIEW, topic="wagers", notice="large_wager"):
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

    def is_notable(self, state: Any) -> bool:
        return bool(self.risk_minor * LARGE_WAGER_SHARE >= state.settings.current.stake_max_minor)


@evolves(WagerPlaced)
def wager_placed(book: "Book", event: WagerPlaced) -> None:
    if event.wager != book.seq:
        raise BrokenInvariant("a ticket's number is the position at which it is placed")
    book.tickets.add(
        Ticket(
            event.wager,
            event.player,
            event.agent,
            "straight",
            event.fixture,
            event.market,
            event.side,
            event.line_quarters,
            event.price,
            event.risk_minor,
            event.win_minor,
            event.basis,
            event.house_seq,
            event.writer,
            event.channel,
            book.at_ns,
        )
    )


class VoidWager(Command, needs=Permission.WAGER_VOID):
    """Void a ticket, open or settled. A settled one is reversed first.

    wager: the ticket number.
    reason: never blank.
    """

    wager: int
    reason: str


class WagerVoided(Event, shown_to=Permission.TICKER_VIEW, topic="wagers"):
    """A ticket counts no more; its risk is free again."""

    wager: int
    player: str
    reason: str


class WagerReversed(Event, shown_to=Permission.TICKER_VIEW, topic="wagers"):
    """A settlement is taken back; the ticket is open again.

    settlement: the one that is taken back. change_minor: of the player's balance.
    """

    wager: int
    player: str
    settlement: int
    change_minor: int
    reason: str


class WagerSettled(Event, shown_to=Permission.TICKER_VIEW, topic="wagers"):
    """A ticket is graded and paid.

    settlement: the house position of the result. returned_minor: the money back, stake included. legs: how each leg ended.
    """

    wager: int
    player: str
    settlement: int
    result: Result
    returned_minor: int
    legs: tuple[Ending, ...]


@wants(VoidWager)
@wants(WagerReversed)
def the_wager(book: "Book", message: VoidWager | WagerReversed) -> list[ByKey]:
    if message.wager in book.tickets.by_number or not 0 < message.wager <= book.seq:
        return []
    return [ByKey(Ticket, message.wager)]


def reversal(ticket: Ticket, reason: str) -> WagerReversed:
    """The event that takes a ticket's settlement back."""
    check(ticket.returned_minor is not None, "a settled ticket has what it returned")
    change = ticket.risk_minor - (ticket.returned_minor or 0)
    return WagerReversed(ticket.number, ticket.player, ticket.settlement, change, reason)


@decides(VoidWager)
def void_wager(book: "Book", command: VoidWager, context: "Context") -> list[Event] | tuple[()]:
    if context.user.player:
        raise Rejected("not_permitted", "A player cannot void a ticket.")
    ticket = book.tickets.by_number.get(command.wager)
    if ticket is None:
        if context.user.node != ROOT:
            raise Rejected("not_permitted", "That is outside your part of the tree.")
        raise Rejected("unknown_wager", f"There is no ticket {command.wager}.", wager=command.wager)
    book.tree.player_within(context.user, ticket.player)
    if ticket.status == "void":
        return ()
    reason = reason_text(command.reason)
    if not reason.strip():
        raise Rejected("reason_invalid", "Voiding a ticket needs a reason.")
    voided = WagerVoided(ticket.number, ticket.player, reason)
    return [voided] if ticket.status == "open" else [reversal(ticket, reason), voided]


def live_on(book: "Book", ticket: Ticket, event: str, endings: Sequence[Ending | None]) -> None:
    """Take the step in the lives of a ticket and its legs that an event is. endings: how each leg has ended from here on."""
    after = TICKET_LIFE.get((ticket.status, event))
    if after is None:
        raise BrokenInvariant(f"ticket {ticket.number} is {ticket.status}: no {event}")
    for leg in ticket.legs:
        if (leg.status, event) not in LEG_LIFE:
            raise BrokenInvariant(f"a leg of ticket {ticket.number} is {leg.status}: no {event}")
    ticket.status = after
    ticket.ended = endings[0]
    if ticket.more:
        ticket.more = tuple(map(ended_so, ticket.more, endings[1:]))
    book.touch(ticket)


def ended_so(leg: Leg, ending: Ending | None) -> Leg:
    """A leg that has ended in a way, or is open (again)."""
    return Leg(leg.fixture, leg.market, leg.side, leg.line_quarters, leg.price, ending)


@evolves(WagerVoided)
def wager_voided(book: "Book", event: WagerVoided) -> None:
    ticket = book.tickets.by_number[event.wager]
    live_on(book, ticket, "WagerVoided", [VOIDED] * len(ticket.legs))
    ticket.result = "void"
    ticket.returned_minor = ticket.risk_minor
    ticket.closed_ns = book.at_ns
    book.tickets.no_longer_open(ticket)


@evolves(WagerSettled)
def wager_settled(book: "Book", event: WagerSettled) -> None:
    ticket = book.tickets.by_number[event.wager]
    live_on(book, ticket, "WagerSettled", event.legs)
    ticket.result = event.result
    ticket.returned_minor = event.returned_minor
    ticket.settlement = event.settlement
    ticket.closed_ns = book.at_ns
    book.tickets.no_longer_open(ticket)
    change = event.returned_minor - ticket.risk_minor
    if change:
        player = book.tree.players[ticket.player]
        book.ledger.post(player, GRADING, change, "won" if change > 0 else "lost", ticket.number, "")


@evolves(WagerReversed)
def wager_reversed(book: "Book", event: WagerReversed) -> None:
    ticket = book.tickets.by_number[event.wager]
    live_on(book, ticket, "WagerReversed", [None] * len(ticket.legs))
    ticket.result = None
    ticket.returned_minor = None
    ticket.settlement = 0
    ticket.closed_ns = None
    book.tickets.opened(ticket)
    if event.change_minor:
        player = book.tree.players[ticket.player]
        book.ledger.post(player, GRADING, event.change_minor, "reversal", ticket.number, event.reason)


@grounds(VoidWager)
def wager_ground(book: "Book", command: VoidWager) -> int:
    """The ticket itself."""
    ticket = book.tickets.by_number.get(command.wager)
    return ticket.changed_seq if ticket else 0
