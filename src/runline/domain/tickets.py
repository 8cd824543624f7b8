"""Tickets: what stands of a wager that was placed. Voided with a reason, settled by a result.

Rule: a ticket is of a kind and has legs, each a selection with the line and the price at which it was taken. It is paid by what
was recorded as it was placed, never by a board of today; how each leg ended is recorded as it is settled.

Rule: the lives of a ticket and of its legs are the tables TICKET_LIFE and LEG_LIFE. Reversing is the exact opposite of settling:
an open ticket again, with its risk pending; what follows (another settlement, a void) is an event of its own.
"""

from collections.abc import Iterator, Sequence
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


class Leg(msgspec.Struct, array_like=True, gc=False):
    """A selection of a ticket, stored with it.

    line_quarters: the side's handicap or the total; None where the market has none.
    price: the price of record, in the format in which it was offered.
    status: see LEG_LIFE. result: how it was graded, "void" with its ticket; None while it is open.
    """

    fixture: str
    market: str
    side: str
    line_quarters: int | None
    price: str
    status: LegStatus = "open"
    result: Result | None = None


class Legs(msgspec.Struct, array_like=True, gc=False):
    """The legs of a ticket, in their order. (A plain tuple of one leg would be looked at by the garbage collector for as long as
    the ticket is open.)"""

    first: Leg
    more: tuple[Leg, ...] = ()

    def __iter__(self) -> Iterator[Leg]:
        return iter((self.first, *self.more))

    def __len__(self) -> int:
        return 1 + len(self.more)


class Ticket(Row, table="tickets", held_while=("status", "open"), found_by="fixture", read_by=("player",)):
    """A ticket. Amounts in minor units.

    number: the ticket number: the position of the event that placed it.
    kind: what it is, and so how it is paid (`@pays`). straight: one leg, which wins or loses all of it.
    agent: the player's agent at that time.
    fixture: the game of its legs. market, side: of its first leg, by which history is narrowed.
    risk_minor, win_minor: what the player may lose, and win: what it pays if all its legs win.
    house_seq: the house position at which the lines were taken.
    writer, channel: who placed it, and how.
    settlement: the house position of the result that settled it, 0 while open.
    """

    number: int
    player: str
    agent: str
    kind: str
    fixture: str
    market: str
    side: str
    legs: Legs
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
    changed_seq: int = 0


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

    def opened(self, ticket: Ticket) -> None:
        """Count a ticket as open, on the game of each leg."""
        self.open_count += 1
        number, open_on = ticket.number, self.open_on
        for leg in ticket.legs:
            try:
                open_on[leg.fixture][number] = None
            except KeyError:
                open_on[leg.fixture] = {number: None}

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
    ticket = Ticket(
        event.wager,
        event.player,
        event.agent,
        "straight",
        event.fixture,
        event.market,
        event.side,
        Legs(Leg(event.fixture, event.market, event.side, event.line_quarters, event.price)),
        event.risk_minor,
        event.win_minor,
        event.basis,
        event.house_seq,
        event.writer,
        event.channel,
        book.at_ns,
    )
    tickets = book.tickets
    tickets.by_number[ticket.number] = book.touch(ticket)
    tickets.opened(ticket)


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
    legs: tuple[Result, ...]


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


def live_on(book: "Book", ticket: Ticket, event: str, legs: Sequence[Result | None]) -> None:
    """Take the step in the lives of a ticket and its legs that an event is. legs: the result that each has from here on."""
    after = TICKET_LIFE.get((ticket.status, event))
    if after is None:
        raise BrokenInvariant(f"ticket {ticket.number} is {ticket.status}: no {event}")
    ticket.status = after
    for number, leg in enumerate(ticket.legs):
        leg_after = LEG_LIFE.get((leg.status, event))
        if leg_after is None:
            raise BrokenInvariant(f"a leg of ticket {ticket.number} is {leg.status}: no {event}")
        leg.status = leg_after
        leg.result = legs[number]
    book.touch(ticket)


@evolves(WagerVoided)
def wager_voided(book: "Book", event: WagerVoided) -> None:
    ticket = book.tickets.by_number[event.wager]
    live_on(book, ticket, "WagerVoided", ["void"] * len(ticket.legs))
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
