"""Wagers: straight tickets. Placed at the price that stands, voided with a reason, settled by a result.

Rule: the life of a wager is the table LIFE. Reversing is the exact opposite of settling: an open wager again, with its risk
pending; what follows (another settlement, a void) is an event of its own.
"""

from typing import TYPE_CHECKING, Any, Literal

from runline.domain.access import User
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

LIFE: dict[tuple[str, str], str] = {
    ("open", "WagerSettled"): "settled",
    ("open", "WagerVoided"): "void",
    ("settled", "WagerReversed"): "open",
}
"""(status, event) -> status. Anything else is a broken invariant."""


class Wager(Row, table="wagers", held_while=("status", "open"), found_by="fixture", read_by=("player",)):
    """A ticket. Amounts in minor units.

    number: the ticket number: the position of the event that placed it.
    agent: the player's agent at that time.
    line_quarters: the side's handicap or the total; None where the market has none.
    price: the price of record, in the format in which it was offered.
    risk_minor, win_minor: what the player may lose, and win.
    house_seq: the house position at which the line was taken.
    writer, channel: who placed it, and how.
    settlement: the house position of the result that settled it, 0 while open.
    """

    number: int
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
    placed_ns: int
    status: str = "open"
    result: str | None = None
    returned_minor: int | None = None
    settlement: int = 0
    closed_ns: int | None = None
    changed_seq: int = 0


class Tickets(Part, named="tickets", streams=("book",), keeps={Wager: "by_number"}):
    """A book's open wagers. Closed ones leave memory when their closing is durable."""

    __slots__ = ("by_number", "closed", "open_count", "open_on")

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self.by_number: ByNumber[Wager] = ByNumber()
        self.open_on: dict[str, dict[int, None]] = {}
        self.closed: list[int] = []
        self.open_count = 0

    def derive(self) -> None:
        self.open_on = {}
        self.closed = []
        self.open_count = 0
        for wager in self.by_number.values():
            if wager.status == "open":
                self.opened(wager)

    def opened(self, wager: Wager) -> None:
        """Count a wager as open."""
        self.open_count += 1
        numbers = self.open_on.get(wager.fixture)
        if numbers is None:
            numbers = self.open_on[wager.fixture] = {}
        numbers[wager.number] = None

    def no_longer_open(self, wager: Wager) -> None:
        """Stop counting a wager as open: it leaves memory when that is durable."""
        self.open_count -= 1
        numbers = self.open_on[wager.fixture]
        del numbers[wager.number]
        if not numbers:
            del self.open_on[wager.fixture]
        self.closed.append(wager.number)

    def evict(self, durable_seq: int) -> int:
        """Let closed wagers leave memory whose last change is durable. Returns how many did."""
        leaving, self.closed = self.closed, []
        count = 0
        for number in leaving:
            wager = self.by_number.get(number)
            if wager is None or wager.status == "open":
                continue
            if wager.changed_seq > durable_seq:
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
    wager = Wager(
        event.wager,
        event.player,
        event.agent,
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
    book.tickets.by_number[wager.number] = book.touch(wager)
    book.tickets.opened(wager)


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

    settlement: the house position of the result. returned_minor: the money back, stake included.
    """

    wager: int
    player: str
    settlement: int
    result: Result
    returned_minor: int


@wants(VoidWager)
@wants(WagerReversed)
def the_wager(book: "Book", message: VoidWager | WagerReversed) -> list[ByKey]:
    if message.wager in book.tickets.by_number or not 0 < message.wager <= book.seq:
        return []
    return [ByKey(Wager, message.wager)]


def reversal(wager: Wager, reason: str) -> WagerReversed:
    """The event that takes a wager's settlement back."""
    check(wager.returned_minor is not None, "a settled wager has what it returned")
    change = wager.risk_minor - (wager.returned_minor or 0)
    return WagerReversed(wager.number, wager.player, wager.settlement, change, reason)


@decides(VoidWager)
def void_wager(book: "Book", command: VoidWager, context: "Context") -> list[Event] | tuple[()]:
    require_not_player(context.user)
    wager = book.tickets.by_number.get(command.wager)
    if wager is None:
        if context.user.node != ROOT:
            raise Rejected("not_permitted", "That is outside your part of the tree.")
        raise Rejected("unknown_wager", f"There is no ticket {command.wager}.", wager=command.wager)
    book.tree.player_within(context.user, wager.player)
    if wager.status == "void":
        return ()
    reason = reason_text(command.reason)
    if not reason.strip():
        raise Rejected("reason_invalid", "Voiding a ticket needs a reason.")
    voided = WagerVoided(wager.number, wager.player, reason)
    return [voided] if wager.status == "open" else [reversal(wager, reason), voided]


def require_not_player(user: User) -> None:
    if user.player:
        raise Rejected("not_permitted", "A player cannot void a ticket.")


def live_on(book: "Book", wager: Wager, event: str) -> None:
    """Take the step in a wager's life that an event is."""
    check((wager.status, event) in LIFE, f"ticket {wager.number} is {wager.status}: no {event}")
    wager.status = LIFE[wager.status, event]
    book.touch(wager)


@evolves(WagerVoided)
def wager_voided(book: "Book", event: WagerVoided) -> None:
    wager = book.tickets.by_number[event.wager]
    live_on(book, wager, "WagerVoided")
    wager.result = "void"
    wager.returned_minor = wager.risk_minor
    wager.closed_ns = book.at_ns
    book.tickets.no_longer_open(wager)


@evolves(WagerSettled)
def wager_settled(book: "Book", event: WagerSettled) -> None:
    wager = book.tickets.by_number[event.wager]
    live_on(book, wager, "WagerSettled")
    wager.result = event.result
    wager.returned_minor = event.returned_minor
    wager.settlement = event.settlement
    wager.closed_ns = book.at_ns
    book.tickets.no_longer_open(wager)
    change = event.returned_minor - wager.risk_minor
    if change:
        player = book.tree.players[wager.player]
        book.ledger.post(player, GRADING, change, "won" if change > 0 else "lost", wager.number, "")


@evolves(WagerReversed)
def wager_reversed(book: "Book", event: WagerReversed) -> None:
    wager = book.tickets.by_number[event.wager]
    live_on(book, wager, "WagerReversed")
    wager.result = None
    wager.returned_minor = None
    wager.settlement = 0
    wager.closed_ns = None
    book.tickets.opened(wager)
    if event.change_minor:
        player = book.tree.players[wager.player]
        book.ledger.post(player, GRADING, event.change_minor, "reversal", wager.number, event.reason)


@grounds(VoidWager)
def wager_ground(book: "Book", command: VoidWager) -> int:
    """The ticket itself."""
    wager = book.tickets.by_number.get(command.wager)
    return wager.changed_seq if wager else 0
