"""Shown: the rows in which the state of a stream is shown, by queries and by live topics alike."""

from collections.abc import Mapping
from typing import Any

import msgspec

from runline.domain.audience import Audience
from runline.domain.book import Book
from runline.domain.catalog import Fixture, Market
from runline.domain.grading import SIDES
from runline.domain.hierarchy import Player
from runline.domain.house import House
from runline.domain.messages import Rejected
from runline.domain.outcomes import Case, Place, Stand, cases_of
from runline.domain.permissions import Permission
from runline.domain.suspension import SOURCES


class BoardDeparture(msgspec.Struct):
    """How a book departs from the house in a market (see `MoveLine`), and what the house has there.

    mode: `offset`, `lock` or `hide`. house_open: whether the house has it on the board. house_line_quarters, house_prices: what
    it has there, or had last.
    """

    mode: str
    offset_quarters: int
    offset_cents: int
    house_open: bool
    house_line_quarters: int | None
    house_prices: list[str]


class BoardMarket(msgspec.Struct):
    """A market as it is offered.

    line_quarters: the home handicap or the total, in quarter points. sides, prices: in the same order. open: whether it takes
    wagers now; if not, `closed_by` says why. closed_sides: those of its sides that take none although it is open.
    departure: for those who may move the book's lines; None: it follows the house. To them a market that the book has taken off
    the board is shown too, with the house's line.
    """

    market: str
    kind: str
    period: str
    line_quarters: int | None
    sides: list[str]
    prices: list[str]
    open: bool
    closed_by: str
    closed_sides: list[str]
    departure: BoardDeparture | None = None


class BoardFixture(msgspec.Struct):
    """A game on the board, the visitor's rotation number first."""

    fixture: str
    league: str
    sport: str
    rotation: int
    away: str
    home: str
    start_ns: int
    status: str
    markets: list[BoardMarket]


def closed_by(state: Any, house: House, fixture: Fixture, market: Market, audience: Audience, now_ns: int) -> str:
    """Why no side of a market takes wagers: the cutoff, a postponement, a layer over all of it (scope and subject), the account;
    or ""."""
    if fixture.status != "scheduled" or now_ns >= fixture.start_ns:
        return "postponed" if fixture.name in house.lateness.postponed else "past_cutoff"
    layer = house.suspensions.layer_over(fixture, market, "") or state.suspensions.layer_over(fixture, market, "")
    if layer is None and isinstance(state, Book):
        layer = closed_to(state, audience)
    if layer and layer[0] in SOURCES and audience.player:
        return layer[0]
    return " ".join(layer).strip() if layer else ""


def closed_to(book: Book, audience: Audience) -> tuple[str, str] | None:
    """What closes the whole board to an audience alone: a layer over them, or that their account takes no wagers."""
    layer = book.suspensions.layer_around(audience.player, audience.node)
    if layer is None and audience.player and not book.tree.players[audience.player].active:
        return "account", audience.player
    return layer


def sees_departures(audience: Audience) -> bool:
    """Whether an audience is told how the book departs from the house: who may move lines is."""
    return not audience.player and audience.may(Permission.LINE_MOVE)


def board_departure(state: Any, market: Market, audience: Audience) -> BoardDeparture | None:
    """How a book departs from the house in a market, None if it does not or that is not for this audience."""
    own = state.lines.by_market.get(market.name) if isinstance(state, Book) else None
    if own is None or not sees_departures(audience):
        return None
    return BoardDeparture(
        own.mode, own.offset_quarters, own.offset_cents, not market.off_board, market.line_quarters, list(market.prices)
    )


def board_market(state: Any, house: House, market: Market, audience: Audience, now_ns: int) -> BoardMarket | None:
    """A market as this stream offers it, None if it does not."""
    sides = list(SIDES[market.kind])
    closed = closed_by(state, house, house.catalog.fixtures[market.fixture], market, audience, now_ns)
    line, prices = market.line_quarters, market.prices
    departure = board_departure(state, market, audience)
    if isinstance(state, Book):
        try:
            offer = state.lines.offer(market)
            line, prices = offer.line_quarters, offer.prices
        except Rejected:
            if departure is None:
                return None
            off_board = market.off_board if departure.mode != "hide" else ""
            closed = closed or f"line {off_board or departure.mode}"
    elif market.off_board:
        return None
    shut = [] if closed else [side for side in sides if closes_side(state, house, market, side)]
    if len(shut) == len(sides):
        closed, shut = "selection", []
    return BoardMarket(
        market.name, market.kind, market.period, line, sides, list(prices), not closed, closed, shut, departure
    )


def closes_side(state: Any, house: House, market: Market, side: str) -> bool:
    """Whether a layer closes this side by itself."""
    subject = f"{market.name}/{side}"
    return house.suspensions.closed_by("selection", subject) or bool(state.suspensions.closed_by("selection", subject))


def board_fixture(state: Any, house: House, fixture: Fixture, audience: Audience, now_ns: int) -> BoardFixture:
    """A game as this stream offers it."""
    markets = [
        board_market(state, house, house.catalog.markets[market], audience, now_ns)
        for market in house.catalog.markets_of.get(fixture.name, ())
    ]
    return BoardFixture(
        fixture.name,
        fixture.league,
        fixture.sport,
        fixture.rotation,
        fixture.away,
        fixture.home,
        fixture.start_ns,
        fixture.status,
        [market for market in markets if market is not None],
    )


class AgentFigures(msgspec.Struct):
    """An agent's subtree, in minor units. balance_minor: from the players' side (+ is what the players are ahead)."""

    agent: str
    parent: str
    balance_minor: int
    pending_minor: int
    open_wagers: int


def agent_figures(book: Book, name: str) -> AgentFigures:
    """The figures of an agent's subtree."""
    sums = book.risk.sums.get(name)
    parent = book.tree.agents[name].parent
    if sums is None:
        return AgentFigures(name, parent, 0, 0, 0)
    return AgentFigures(name, parent, sums.balance_minor, sums.pending_minor, sums.open_wagers)


class PlayerFigures(msgspec.Struct):
    """A player's account, in minor units."""

    player: str
    agent: str
    credit_limit_minor: int
    temporary_credit_minor: int
    balance_minor: int
    pending_minor: int
    available_minor: int
    stake_max_minor: int | None
    win_max_minor: int | None
    active: bool


def player_figures(book: Book, player: Player, now_ns: int) -> PlayerFigures:
    """A player's account as it is now."""
    return PlayerFigures(*account_of(player, book.risk.pending.get(player.number, 0), now_ns))


def account_of(player: Player, pending_minor: int, now_ns: int) -> tuple[Any, ...]:
    """The fields of an account, of whose player so much is at risk."""
    temporary = player.temporary_credit_minor if now_ns < player.temporary_until_ns else 0
    return (
        player.number,
        player.agent,
        player.credit_limit_minor,
        temporary,
        player.balance_minor,
        pending_minor,
        player.credit_limit_minor + temporary + player.balance_minor - pending_minor,
        player.stake_max_minor,
        player.win_max_minor,
        player.active,
    )


class Exposure(msgspec.Struct):
    """A market with open wagers, in minor units; what is lost by the book is positive.

    worst, best: the most and the least that is lost by any final score, and by which; both nothing without wagers.
    exposure_minor: by side, the most that is lost where wagers on it win. (Two sides can both win where the line has moved.)
    risk_minor: what stands on each side, at whatever line.
    """

    market: str
    worst: Case
    best: Case
    exposure_minor: dict[str, int]
    risk_minor: dict[str, int]
    wagers: int


def exposure_of(book: Book, market: str, node: str) -> Exposure:
    """A market's exposure of a node's players; all zero once nothing is open there."""
    return Exposure(*exposure_by(market, book.risk.stands(node).get(market, {})))


def exposure_by(market: str, stands: Mapping[Place, Stand]) -> tuple[Any, ...]:
    """The fields of a market's exposure, by what stands in it."""
    cases = cases_of(market, stands)
    risk: dict[str, int] = {}
    for (side, _), stand in stands.items():
        risk[side] = risk.get(side, 0) + stand.risk_minor
    wagers = sum(stand.wagers for stand in stands.values())
    return market, cases.worst, cases.best, cases.sides, risk, wagers
