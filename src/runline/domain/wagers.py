"""Wagers: straight tickets. Placed at the price that stands, voided with a reason, settled by a result.

Rule: the life of a wager is the table LIFE. Reversing is the exact opposite of settling: an open wager again, with its risk
pending; what follows (another settlement, a void) is an event of its own.
"""

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from runline.domain.access import ROOT
from runline.domain.accounts import available_minor
from runline.domain.bounds import HOUSE_LAG_MS_MAX, OPEN_WAGERS_MAX, STAKE_MINOR_MAX
from runline.domain.catalog import Market
from runline.domain.grading import Result, returned
from runline.domain.hierarchy import Player
from runline.domain.identifiers import reason_text
from runline.domain.invariants import check
from runline.domain.ledger import GRADING
from runline.domain.lines import BookLine, LinesState, Offer, house_market
from runline.domain.messages import Command, Event, Rejected, decides, evolves, grounds, wants
from runline.domain.money import Rounding
from runline.domain.odds import Price, is_better, is_favourite, is_same, parse_price, risk_to_win, win_for_risk
from runline.domain.permissions import Permission
from runline.domain.settings import BookSettings
from runline.domain.state import ByKey, ByNumber, Row

if TYPE_CHECKING:
    from runline.domain.context import Context
    from runline.domain.house import House

Basis = Literal["base", "risk", "to_win"]
"""What the amount of a ticket means. base: to win on favourites, risk on underdogs."""

Channel = Literal["api", "web", "phone", "clerk"]
"""How a ticket came in. clerk: written for a player who phones."""

OddsChange = Literal["exact", "accept_better", "accept_any"]

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


class WagersState(LinesState):
    """A book's open wagers. Closed ones leave memory when their closing is durable."""

    held: ClassVar[dict[type[Row], str]] = {**LinesState.held, Wager: "wagers"}

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.wagers: ByNumber[Wager] = ByNumber()
        self.open_on: dict[str, dict[int, None]] = {}
        self.closed: list[int] = []
        self.open_wagers = 0

    def derive(self) -> None:
        super().derive()
        self.open_on = {}
        self.closed = []
        self.open_wagers = 0
        for wager in self.wagers.values():
            if wager.status == "open":
                self.opened(wager, 1)

    def opened(self, wager: Wager, sign: Literal[1, -1]) -> None:
        """Count (1) or stop counting (-1) a wager as open."""
        self.risk(wager.player, wager.market, wager.side, sign * wager.risk_minor, sign * wager.win_minor, sign)
        self.open_wagers += sign
        numbers = self.open_on.get(wager.fixture)
        if sign == 1:
            if numbers is None:
                numbers = self.open_on[wager.fixture] = {}
            numbers[wager.number] = None
            return
        assert numbers is not None
        del numbers[wager.number]
        if not numbers:
            del self.open_on[wager.fixture]
        self.closed.append(wager.number)

    def evict(self, durable_seq: int) -> int:
        """Let closed wagers leave memory whose last change is durable. Returns how many did."""
        leaving, self.closed = self.closed, []
        count = 0
        for number in leaving:
            wager = self.wagers.get(number)
            if wager is None or wager.status == "open":
                continue
            if wager.changed_seq > durable_seq:
                self.closed.append(number)
                continue
            del self.wagers[number]
            count += 1
        return count


class PlaceWager(Command, needs=Permission.WAGER_PLACE, lane="wagers"):
    """Place a straight wager.

    line_quarters, price: what the player saw.
    amount_minor: > 0, meaning what `basis` says.
    odds_change: what to do if the line has moved.
    partial: cut the amount to the largest stake allowed instead of refusing it.

    A refusal for credit or a limit names the most that may be risked instead, `most_minor`: 0 if that is less than the
    smallest stake.
    """

    player: str
    market: str
    side: str
    line_quarters: int | None
    price: str
    amount_minor: int
    basis: Basis = "risk"
    odds_change: OddsChange = "exact"
    partial: bool = False
    channel: Channel = "api"


class WagerPlaced(Event, shown_to=Permission.TICKER_VIEW):
    """A ticket is written. Its number is the position of this event."""

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


def require_open(book: WagersState, house: "House", market: Market, player: Player, side: str, at_ns: int) -> None:
    """Refuse a market that takes no wagers: past its cutoff, finished, or closed by a layer of house or book."""
    fixture = house.fixtures[market.fixture]
    if fixture.status != "scheduled" or at_ns >= fixture.start_ns:
        if fixture.status in ("final", "cancelled"):
            raise Rejected("market_closed", "This game is over.", market=market.name)
        raise Rejected("past_cutoff", "This market is closed, the game has started.", cutoff_ns=fixture.start_ns)
    if house.layers or book.layers:
        layer = house.layer_over(fixture, market, side) if house.layers else None
        if layer is None and book.layers:
            layer = book.layer_over(fixture, market, side)
        if layer is None and ("player" in book.layers or "agent" in book.layers):
            layer = book.layer_around(player.number, player.agent)
        if layer is not None:
            raise Rejected("market_suspended", "Betting is suspended here.", scope=layer[0], subject=layer[1])


def is_no_worse(kind: str, side: str, line: int | None, price: Price, seen_line: int | None, seen: Price) -> bool:
    """Whether a line is at least as good for the player as the one they saw."""
    if is_better(seen, price):
        return False
    if line is None or seen_line is None:
        return line == seen_line
    return line <= seen_line if side == "over" else line >= seen_line


def require_line(command: PlaceWager, offer: Offer) -> tuple[int | None, Price]:
    """The line at which the wager is taken, by its odds-change policy; Rejected `price_changed` with the current one."""
    line, text = offer.side(command.side)
    if line == command.line_quarters and text == command.price:
        return line, parse_price(text)
    try:
        seen = parse_price(command.price)
    except ValueError as error:
        raise Rejected("price_invalid", str(error)) from None
    price = parse_price(text)
    if line == command.line_quarters and is_same(seen, price):
        return line, price
    if command.odds_change == "accept_any":
        return line, price
    if command.odds_change == "accept_better" and is_no_worse(
        offer.market.kind, command.side, line, price, command.line_quarters, seen
    ):
        return line, price
    raise Rejected("price_changed", "The line has moved.", line_quarters=line, price=text)


def limits_for(book: WagersState, player: Player) -> tuple[int, int]:
    """The most a ticket of this player may be (on its base amount) and may win, in minor units; the tightest wins."""
    settings = book.settings
    base_max, win_max = settings.stake_max_minor, settings.win_max_minor
    if player.stake_max_minor is not None and player.stake_max_minor < base_max:
        base_max = player.stake_max_minor
    if player.win_max_minor is not None and player.win_max_minor < win_max:
        win_max = player.win_max_minor
    return base_max, win_max


def most_allowed(book: WagersState, price: Price, base_max: int, win_max: int, available: int) -> tuple[int, str]:
    """The most that may be risked at this price, in minor units, and the code of what bounds it."""
    rounding = book.settings.rounding
    if is_favourite(price):
        most = largest_risk(price, min(win_max, base_max), rounding)
    else:
        most = min(largest_risk(price, win_max, rounding), base_max)
    most, code = (available, "credit_exceeded") if available < most else (most, "limit_exceeded")
    least = book.settings.stake_min_minor
    return (most, code) if most > 0 and base_of(price, most, rounding) >= least else (0, code)


def base_of(price: Price, risk_minor: int, rounding: Rounding) -> int:
    """The base amount of a ticket, by which limits go: what it wins on favourites, what it risks on underdogs."""
    return win_for_risk(price, risk_minor, rounding) if is_favourite(price) else risk_minor


def largest_risk(price: Price, win_max: int, rounding: Rounding) -> int:
    """The most that may be risked without winning more than `win_max`.

    Rounding moves a payout by less than its unit, so that the answer lies between two close bounds; halving finds it.
    """
    unit, numerator, denominator = rounding.unit_minor, price.numerator, price.denominator
    allowed = max(win_max - unit, 0) * denominator // numerator
    refused = (win_max + unit) * denominator // numerator + 1
    while refused - allowed > 1:
        middle = (allowed + refused) // 2
        if win_for_risk(price, middle, rounding) > win_max:
            refused = middle
        else:
            allowed = middle
    return allowed


@decides(PlaceWager)
def place_wager(book: WagersState, command: PlaceWager, context: "Context") -> WagerPlaced:
    house = context.house
    check(house is not None, "a book decides with a house view")
    assert house is not None
    player = book.player_within(context.user, command.player)
    market = house_market(house, command.market)
    amount = command.amount_minor
    if type(amount) is not int or not 0 < amount <= STAKE_MINOR_MAX:
        raise Rejected("stake_invalid", "A stake is a positive number of minor units.", most=STAKE_MINOR_MAX)
    if not player.active:
        raise Rejected("player_closed", "This account takes no wagers.")
    if context.house_lag_ms > HOUSE_LAG_MS_MAX:
        raise Rejected("house_stale", "The house's lines are not current here.", lag_ms=context.house_lag_ms)
    require_open(book, house, market, player, command.side, context.at_ns)
    if book.open_wagers >= OPEN_WAGERS_MAX:
        raise Rejected("too_many", "The book has as many open wagers as it may.", most=OPEN_WAGERS_MAX)
    line, price = require_line(command, book.offer(market))
    rounding = book.settings.rounding
    favourite = is_favourite(price)
    if command.basis == "to_win" or (command.basis == "base" and favourite):
        risk = risk_to_win(price, amount, rounding)
    else:
        risk = amount
    win = returned(price, risk, "won", rounding) - risk
    base_max, win_max = limits_for(book, player)
    available = available_minor(book, player, context.at_ns)
    if risk > available or win > win_max or (win if favourite else risk) > base_max:
        most, code = most_allowed(book, price, base_max, win_max, available)
        if not command.partial or most <= 0:
            sentence = "That is more than the credit left." if code == "credit_exceeded" else "That is over the limit."
            raise Rejected(code, sentence, most_minor=most)
        risk = min(risk, most)
        win = returned(price, risk, "won", rounding) - risk
    if win <= 0 or (win if favourite else risk) < book.settings.stake_min_minor:
        raise Rejected("limit_exceeded", "That is under the smallest stake.", least_minor=book.settings.stake_min_minor)
    return WagerPlaced(
        player.number,
        player.agent,
        market.fixture,
        market.name,
        command.side,
        line,
        price.text,
        risk,
        win,
        command.basis,
        house.seq,
        context.user.name,
        command.channel,
    )


@evolves(WagerPlaced)
def wager_placed(book: WagersState, event: WagerPlaced) -> None:
    wager = Wager(
        book.seq,
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
    book.wagers[wager.number] = book.touch(wager)
    book.opened(wager, 1)


class VoidWager(Command, needs=Permission.WAGER_VOID):
    """Void a ticket, open or settled. A settled one is reversed first.

    wager: the ticket number.
    reason: never blank.
    """

    wager: int
    reason: str


class WagerVoided(Event, shown_to=Permission.TICKER_VIEW):
    """A ticket counts no more; its risk is free again."""

    wager: int
    player: str
    reason: str


class WagerReversed(Event, shown_to=Permission.TICKER_VIEW):
    """A settlement is taken back; the ticket is open again.

    settlement: the one that is taken back. change_minor: of the player's balance.
    """

    wager: int
    player: str
    settlement: int
    change_minor: int
    reason: str


class WagerSettled(Event, shown_to=Permission.TICKER_VIEW):
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
def the_wager(book: WagersState, message: VoidWager | WagerReversed) -> list[ByKey]:
    if message.wager in book.wagers or not 0 < message.wager <= book.seq:
        return []
    return [ByKey(Wager, message.wager)]


def reversal(wager: Wager, reason: str) -> WagerReversed:
    """The event that takes a wager's settlement back."""
    check(wager.returned_minor is not None, "a settled wager has what it returned")
    change = wager.risk_minor - (wager.returned_minor or 0)
    return WagerReversed(wager.number, wager.player, wager.settlement, change, reason)


@decides(VoidWager)
def void_wager(book: WagersState, command: VoidWager, context: Any) -> list[Event] | tuple[()]:
    require_not_player(context.user)
    wager = book.wagers.get(command.wager)
    if wager is None:
        if context.user.node != ROOT:
            raise Rejected("not_permitted", "That is outside your part of the tree.")
        raise Rejected("unknown_wager", f"There is no ticket {command.wager}.", wager=command.wager)
    book.player_within(context.user, wager.player)
    if wager.status == "void":
        return ()
    reason = reason_text(command.reason)
    if not reason.strip():
        raise Rejected("reason_invalid", "Voiding a ticket needs a reason.")
    voided = WagerVoided(wager.number, wager.player, reason)
    return [voided] if wager.status == "open" else [reversal(wager, reason), voided]


def require_not_player(user: Any) -> None:
    if user.player:
        raise Rejected("not_permitted", "A player cannot void a ticket.")


def live_on(book: WagersState, wager: Wager, event: str) -> None:
    """Take the step in a wager's life that an event is."""
    check((wager.status, event) in LIFE, f"ticket {wager.number} is {wager.status}: no {event}")
    wager.status = LIFE[wager.status, event]
    book.touch(wager)


@evolves(WagerVoided)
def wager_voided(book: WagersState, event: WagerVoided) -> None:
    wager = book.wagers[event.wager]
    live_on(book, wager, "WagerVoided")
    book.note_market(wager.market)
    wager.result = "void"
    wager.returned_minor = wager.risk_minor
    wager.closed_ns = book.at_ns
    book.opened(wager, -1)


@evolves(WagerSettled)
def wager_settled(book: WagersState, event: WagerSettled) -> None:
    wager = book.wagers[event.wager]
    live_on(book, wager, "WagerSettled")
    book.note_market(wager.market)
    wager.result = event.result
    wager.returned_minor = event.returned_minor
    wager.settlement = event.settlement
    wager.closed_ns = book.at_ns
    book.opened(wager, -1)
    change = event.returned_minor - wager.risk_minor
    if change:
        player = book.players[wager.player]
        book.post(player, GRADING, change, "won" if change > 0 else "lost", wager.number, "")
        book.balance_moved(player.number, player.agent, change)


@evolves(WagerReversed)
def wager_reversed(book: WagersState, event: WagerReversed) -> None:
    wager = book.wagers[event.wager]
    live_on(book, wager, "WagerReversed")
    book.note_market(wager.market)
    wager.result = None
    wager.returned_minor = None
    wager.settlement = 0
    wager.closed_ns = None
    book.opened(wager, 1)
    if event.change_minor:
        player = book.players[wager.player]
        book.post(player, GRADING, event.change_minor, "reversal", wager.number, event.reason)
        book.balance_moved(player.number, player.agent, event.change_minor)


@grounds(PlaceWager)
def placing_ground(book: WagersState, command: PlaceWager) -> int:
    """The book's own line in the market, and what binds the player: credit, own limits, the book's. (What the player has wagered
    meanwhile counts as the wager is judged; the house's line and what closes the market are compared by the command itself.)"""
    player = book.players.get(command.player)
    return max(
        max(player.credit_seq, player.limits_seq) if player else 0,
        book.moved_seq(BookSettings, book.stream),
        book.moved_seq(BookLine, command.market),
    )


@grounds(VoidWager)
def wager_ground(book: WagersState, command: VoidWager) -> int:
    """The ticket itself."""
    wager = book.wagers.get(command.wager)
    return wager.changed_seq if wager else 0
