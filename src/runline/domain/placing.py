"""Placing: how a wager becomes a ticket.

Rule: a draft of the ticket passes the rules of PLACING, one after the other; each refuses it or leaves it as it may be. A refusal
names the rule. What is asked for in one breath is judged in one state: no rule sees another's effects but through the draft.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from runline.domain.accounts import available_minor
from runline.domain.bounds import HOUSE_LAG_MS_MAX, OPEN_WAGERS_MAX, STAKE_MINOR_MAX
from runline.domain.catalog import Market
from runline.domain.channels import Channel, channel_of
from runline.domain.hierarchy import Player
from runline.domain.invariants import BrokenInvariant
from runline.domain.lines import BookLine, house_market
from runline.domain.messages import Command, Rejected, decides, grounds
from runline.domain.money import Rounding
from runline.domain.odds import Price, is_better, is_same, parse_price, risk_to_win, win_for_risk
from runline.domain.permissions import Permission
from runline.domain.settings import BookSettings
from runline.domain.suspension import SOURCES
from runline.domain.tickets import Basis, WagerPlaced

if TYPE_CHECKING:
    from runline.domain.book import Book
    from runline.domain.context import Context
    from runline.domain.house import House

OddsChange = Literal["exact", "accept_better", "accept_any"]


class PlaceWager(Command, needs=Permission.WAGER_PLACE, lane="wagers"):
    """Place a straight wager.

    line_quarters, price: what the player saw.
    amount_minor: > 0, meaning what `basis` says.
    odds_change: what to do if the line has moved.
    partial: cut the amount to the largest stake allowed instead of refusing it.
    channel: how it came in; may be left out, for it follows from the session (`phone` only if it is said).

    A refusal names the rule of placing that is broken, `rule`. One for credit or a limit names the most that may be risked
    instead, `most_minor`: 0 if that is less than the smallest stake.
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
    channel: Channel | None = None


class Draft:
    """A ticket that is being placed. What a rule finds out stands in it for those that follow.

    asked: the command. line_quarters, price: those at which it is taken, from `line_taken` on. risk_minor, win_minor: what the
    amount means at that price, from `stake_valid` on. base_minor: the one of both by which limits go: what a favourite wins,
    what an underdog risks.
    """

    __slots__ = (
        "asked",
        "base_minor",
        "book",
        "channel",
        "context",
        "house",
        "line_quarters",
        "market",
        "player",
        "price",
        "risk_minor",
        "win_minor",
    )

    book: "Book"
    house: "House"
    context: "Context"
    asked: PlaceWager
    channel: Channel
    player: Player
    market: Market
    line_quarters: int | None
    price: Price
    risk_minor: int
    win_minor: int
    base_minor: int


def begin(book: "Book", command: PlaceWager, context: "Context") -> Draft:
    """The draft of a ticket: how it comes in, for whom, and in which market.

    Raises Rejected if it does not come in as it says, there is no such player or market, or the player is another's.
    """
    house = context.house
    if house is None:
        raise BrokenInvariant("a book decides with a house view")
    draft = Draft()
    draft.book = book
    draft.house = house
    draft.context = context
    draft.asked = command
    draft.channel = channel_of(book, command.channel, context)
    draft.player = book.tree.player_within(context.user, command.player)
    draft.market = house.catalog.markets.get(command.market) or house_market(house, command.market)
    return draft


def account_open(draft: Draft) -> None:
    """The player's account takes wagers."""
    if not draft.player.active:
        raise Rejected("player_closed", "This account takes no wagers.")


def house_current(draft: Draft) -> None:
    """The house's lines are current in this process."""
    if draft.context.house_lag_ms > HOUSE_LAG_MS_MAX:
        lag_ms = draft.context.house_lag_ms
        raise Rejected("house_stale", "The house's lines are not current here.", lag_ms=lag_ms)


def market_open(draft: Draft) -> None:
    """The market takes wagers: it is before its cutoff, and closed by no layer of house or book."""
    house, market = draft.house, draft.market
    fixture = house.catalog.fixtures[market.fixture]
    if fixture.status != "scheduled" or draft.context.at_ns >= fixture.start_ns:
        if fixture.status in ("final", "cancelled"):
            raise Rejected("market_closed", "This game is over.", market=market.name)
        if fixture.name in house.lateness.postponed:
            raise Rejected("market_closed", "This game is postponed.", market=market.name)
        raise Rejected("past_cutoff", "This market is closed, the game has started.", cutoff_ns=fixture.start_ns)
    if house.suspensions.subjects or draft.book.suspensions.subjects:
        book, side, player = draft.book, draft.asked.side, draft.player
        layer = house.suspensions.layer_over(fixture, market, side) if house.suspensions.subjects else None
        if layer is None and book.suspensions.subjects:
            layer = book.suspensions.layer_over(fixture, market, side)
        if layer is None and ("player" in book.suspensions.subjects or "agent" in book.suspensions.subjects):
            layer = book.suspensions.layer_around(player.number, player.agent)
        if layer is not None:
            scope, subject = layer
            if scope in SOURCES and draft.context.user.player:
                subject = ""
            raise Rejected("market_suspended", "Betting is suspended here.", scope=scope, subject=subject)


def room_left(draft: Draft) -> None:
    """The book may have one more open ticket."""
    if draft.book.tickets.open_count >= OPEN_WAGERS_MAX:
        raise Rejected("too_many", "The book has as many open wagers as it may.", most=OPEN_WAGERS_MAX)


def line_taken(draft: Draft) -> None:
    """The line that stands is one that the player takes, by what they saw and their odds-change policy."""
    asked = draft.asked
    side = asked.side
    line, text = draft.book.lines.side(draft.market, side)
    price = parse_price(text)
    draft.line_quarters = line
    draft.price = price
    if line == asked.line_quarters and text == asked.price:
        return
    try:
        seen = parse_price(asked.price)
    except ValueError as error:
        raise Rejected("price_invalid", str(error)) from None
    if line == asked.line_quarters and is_same(seen, price):
        return
    if asked.odds_change == "accept_any":
        return
    if asked.odds_change == "accept_better" and is_no_worse(side, line, price, asked.line_quarters, seen):
        return
    raise Rejected("price_changed", "The line has moved.", line_quarters=line, price=text)


def is_no_worse(side: str, line: int | None, price: Price, seen_line: int | None, seen: Price) -> bool:
    """Whether a line is at least as good for the player as the one they saw."""
    if is_better(seen, price):
        return False
    if line is None or seen_line is None:
        return line == seen_line
    return line <= seen_line if side == "over" else line >= seen_line


def stake_valid(draft: Draft) -> None:
    """The amount is one. (From here on the draft says what it means at the price that is taken.)"""
    asked, price = draft.asked, draft.price
    risk = asked.amount_minor
    if type(risk) is not int or not 0 < risk <= STAKE_MINOR_MAX:
        raise Rejected("stake_invalid", "A stake is a positive number of minor units.", most=STAKE_MINOR_MAX)
    rounding = draft.book.settings.current.rounding
    favourite = price.favourite
    if asked.basis != "risk" and (asked.basis == "to_win" or favourite):
        risk = risk_to_win(price, risk, rounding)
    win = win_for_risk(price, risk, rounding)
    draft.risk_minor, draft.win_minor, draft.base_minor = risk, win, win if favourite else risk


def limits_hold(draft: Draft) -> None:
    """The ticket is within the limits of book and player: its base amount, and what it wins."""
    base_max, win_max = limits_for(draft.book.settings.current, draft.player)
    if draft.win_minor > win_max or draft.base_minor > base_max:
        fit(draft)


def limits_for(settings: BookSettings, player: Player) -> tuple[int, int]:
    """The most a ticket of this player may be (on its base amount) and may win, in minor units; the tightest wins."""
    base_max, win_max = settings.stake_max_minor, settings.win_max_minor
    if player.stake_max_minor is not None and player.stake_max_minor < base_max:
        base_max = player.stake_max_minor
    if player.win_max_minor is not None and player.win_max_minor < win_max:
        win_max = player.win_max_minor
    return base_max, win_max


def credit_holds(draft: Draft) -> None:
    """The player's credit bears what is risked."""
    if draft.risk_minor > available_minor(draft.book, draft.player, draft.context.at_ns):
        fit(draft)


def least_staked(draft: Draft) -> None:
    """The ticket is no smaller than the smallest, and wins something."""
    least = draft.book.settings.current.stake_min_minor
    if draft.win_minor <= 0 or draft.base_minor < least:
        raise Rejected("limit_exceeded", "That is under the smallest stake.", least_minor=least)


Rule = Callable[[Draft], None]

PLACING: tuple[Rule, ...] = (
    account_open,
    house_current,
    market_open,
    room_left,
    line_taken,
    stake_valid,
    limits_hold,
    credit_holds,
    least_staked,
)
"""The rules of placing, in order."""


@decides(PlaceWager)
def place_wager(book: "Book", command: PlaceWager, context: "Context") -> WagerPlaced:
    draft = begin(book, command, context)
    rule: Rule = account_open
    try:
        for rule in PLACING:
            rule(draft)
    except Rejected as rejected:
        rejected.details.setdefault("rule", rule.__name__)
        raise
    player, market = draft.player, draft.market
    return WagerPlaced(
        book.seq + 1,
        player.number,
        player.agent,
        market.fixture,
        market.name,
        command.side,
        draft.line_quarters,
        draft.price.text,
        draft.risk_minor,
        draft.win_minor,
        command.basis,
        draft.house.seq,
        context.user.name,
        draft.channel,
    )


def fit(draft: Draft) -> None:
    """Cut a draft that is beyond a limit or the credit to what both allow, if the player takes less.

    Raises Rejected of the tighter one: `limit_exceeded`, `credit_exceeded`.
    """
    settings = draft.book.settings.current
    base_max, win_max = limits_for(settings, draft.player)
    available = available_minor(draft.book, draft.player, draft.context.at_ns)
    most, code = most_allowed(settings, draft.price, base_max, win_max, available)
    if draft.asked.partial and most > 0:
        draft.risk_minor = risk = min(draft.risk_minor, most)
        draft.win_minor = win_for_risk(draft.price, risk, settings.rounding)
        draft.base_minor = draft.win_minor if draft.price.favourite else risk
    elif code == "credit_exceeded":
        raise Rejected(code, "That is more than the credit left.", most_minor=most, rule="credit_holds")
    else:
        raise Rejected(code, "That is over the limit.", most_minor=most, rule="limits_hold")


def most_allowed(
    settings: BookSettings, price: Price, base_max: int, win_max: int, available: int
) -> tuple[int, Literal["credit_exceeded", "limit_exceeded"]]:
    """The most that may be risked at this price, in minor units, and the code of what bounds it."""
    rounding = settings.rounding
    if price.favourite:
        most = largest_risk(price, min(win_max, base_max), rounding)
    else:
        most = min(largest_risk(price, win_max, rounding), base_max)
    least = settings.stake_min_minor
    by_credit = available < most
    most = min(most, available)
    enough = most > 0 and base_of(price, most, rounding) >= least
    return most if enough else 0, "credit_exceeded" if by_credit else "limit_exceeded"


def base_of(price: Price, risk_minor: int, rounding: Rounding) -> int:
    """The base amount of a ticket, by which limits go: what it wins on favourites, what it risks on underdogs."""
    return win_for_risk(price, risk_minor, rounding) if price.favourite else risk_minor


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


@grounds(PlaceWager)
def placing_ground(book: "Book", command: PlaceWager) -> int:
    """The book's own line in the market, and what binds the player: credit, own limits, the book's. (What the player has wagered
    meanwhile counts as the wager is judged; the house's line and what closes the market are compared by the command itself.)"""
    player = book.tree.players.get(command.player)
    return max(
        max(player.credit_seq, player.limits_seq) if player else 0,
        book.moved_seq(BookSettings, book.stream),
        book.moved_seq(BookLine, command.market),
    )
