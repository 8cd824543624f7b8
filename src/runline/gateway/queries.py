"""Queries: what can be asked, declared once. Routes, parameters and documentation follow from these declarations.

A query of the moment is read from memory, at a position, in well under two milliseconds: what a page costs goes by the rows
that it shows, and it has `PAGE_ROWS_MAX` of them at most, fewer where a row costs more. One of history is read
from a snapshot of what is stored (`history.py`).

Rows of a subtree come in the order of the tree: by node, each before those below it, and by name within a node.
"""

from collections.abc import Callable, Iterable
from heapq import merge
from itertools import takewhile
from typing import Any, Literal, get_args

import msgspec

from runline.domain.access import ROOT, User
from runline.domain.accounts import available_minor
from runline.domain.book import Book
from runline.domain.catalog import Fixture, FixtureStatus, Market
from runline.domain.grading import SIDES, Score
from runline.domain.hierarchy import Player
from runline.domain.house import House
from runline.domain.messages import Rejected, StreamKind
from runline.domain.permissions import Permission
from runline.domain.sessions import SessionState
from runline.domain.suspension import Suspension
from runline.engine.conditions import Condition
from runline.gateway.audience import Audience
from runline.gateway.conditions import ConditionRow, conditions_told, key_of
from runline.gateway.limits import (
    BOARD_MARKETS_MAX,
    EXPOSURE_ROWS_MAX,
    PAGE_ROWS_MAX,
    PLAYER_ROWS_MAX,
)
from runline.gateway.pages import Asked, Page, nodes_from, page_of, page_of_nodes, page_of_some

ROTATION_DIGITS_MAX = 12
"""Digits of a rotation number in a page's `after`: more than any has."""

Shown = Callable[[Any, House, User, Audience, Any, int], Page]


class Query(msgspec.Struct, frozen=True):
    """A declared query.

    needs: the permission, None for everyone who is signed in. players: whether a player may ask it about their own account
    without that permission. history: answered from a snapshot; `show` is then None. of_process: about this process; who may
    ask is looked up in the tables, so that it is answered while the stream is stopped. rows_max: rows of its largest page.
    """

    name: str
    about: str
    needs: Permission | None
    players: bool
    streams: tuple[StreamKind, ...]
    asked: type[Asked]
    row: type
    history: bool
    show: Shown | None
    of_process: bool = False
    rows_max: int = PAGE_ROWS_MAX


QUERIES: dict[str, Query] = {}


def query(
    name: str,
    *,
    needs: Permission | None,
    asked: type[Asked],
    row: type,
    players: bool = False,
    streams: tuple[StreamKind, ...] = ("book",),
    rows_max: int = PAGE_ROWS_MAX,
) -> Callable[[Shown], Shown]:
    """Declare a query of the moment: (state, house view, user, audience, asked, now_ns) -> Page."""

    def declare(show: Shown) -> Shown:
        about = (show.__doc__ or "").strip()
        QUERIES[name] = Query(name, about, needs, players, streams, asked, row, False, show, rows_max=rows_max)
        return show

    return declare


def require(query: Query, kind: StreamKind, audience: Audience) -> None:
    """Refuse who may not ask. Raises Rejected `wrong_stream`, `not_permitted`."""
    if kind not in query.streams:
        raise Rejected("wrong_stream", "This can be asked elsewhere only.")
    if query.needs is None or audience.may(query.needs) or (query.players and audience.player):
        return
    raise Rejected("not_permitted", f"This needs the permission {query.needs.value}.", permission=query.needs.value)


class Me(msgspec.Struct):
    """Who is signed in."""

    stream: str
    user: str
    role: str
    node: str
    player: str
    permissions: list[str]


@query("me", needs=None, asked=Asked, row=Me, streams=("house", "book"))
def me(state: SessionState, house: House, user: User, audience: Audience, asked: Asked, now_ns: int) -> Page:
    """Who I am, and what I may do."""
    permissions = [permission.value for permission in Permission if permission in audience.permissions]
    return Page([Me(state.stream, user.name, user.role, user.node, user.player, permissions)])


class BoardAsked(Asked, frozen=True, kw_only=True):
    """league, fixture: only that. status: scheduled, closed, final or cancelled."""

    league: str = ""
    fixture: str = ""
    status: FixtureStatus | Literal[""] = "scheduled"


class BoardMarket(msgspec.Struct):
    """A market as it is offered.

    line_quarters: the home handicap or the total, in quarter points. sides, prices: in the same order. open: whether it takes
    wagers now; if not, `closed_by` says why. closed_sides: those of its sides that take none although it is open.
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
    """Why no side of a market takes wagers: a layer over all of it, the cutoff, or ""."""
    if fixture.status != "scheduled" or now_ns >= fixture.start_ns:
        return "past_cutoff"
    layer = house.layer_over(fixture, market, "") or state.layer_over(fixture, market, "")
    if layer is None and isinstance(state, Book):
        layer = state.layer_around(audience.player, audience.node)
    return " ".join(layer).strip() if layer else ""


def board_market(state: Any, house: House, market: Market, audience: Audience, now_ns: int) -> BoardMarket | None:
    """A market as this stream offers it, None if it does not."""
    sides = list(SIDES[market.kind])
    closed = closed_by(state, house, house.fixtures[market.fixture], market, audience, now_ns)
    line, prices = market.line_quarters, market.prices
    if isinstance(state, Book):
        try:
            offer = state.offer(market)
        except Rejected:
            return None
        line, prices = offer.line_quarters, offer.prices
    elif not market.offered:
        return None
    shut = [] if closed else [side for side in sides if closes_side(state, house, market, side)]
    if len(shut) == len(sides):
        closed, shut = "selection", []
    return BoardMarket(market.name, market.kind, market.period, line, sides, list(prices), not closed, closed, shut)


def closes_side(state: Any, house: House, market: Market, side: str) -> bool:
    """Whether a layer closes this side by itself."""
    subject = f"{market.name}/{side}"
    return house.closed_by("selection", subject) or bool(state.closed_by("selection", subject))


@query("board", needs=Permission.BOARD_VIEW, asked=BoardAsked, row=BoardFixture, streams=("house", "book"))
def board(state: Any, house: House, user: User, audience: Audience, asked: BoardAsked, now_ns: int) -> Page:
    """The board: games in rotation order with the lines as this book offers them."""
    rotation, _, name = asked.after.partition(":")
    after = (int(rotation) if rotation.isdecimal() and len(rotation) < ROTATION_DIGITS_MAX else -1, name)
    if asked.fixture:
        only = house.fixtures.get(asked.fixture)
        fits = only is not None and asked.league in ("", only.league) and asked.status in ("", only.status)
        fixtures = iter([only.name] if only is not None and fits and (only.rotation, only.name) > after else [])
    else:
        statuses = (asked.status,) if asked.status else get_args(FixtureStatus)
        fixtures = (name for _, name in merge(*(house.board_of(one, asked.league).after(after) for one in statuses)))
    found: list[BoardFixture] = []
    markets = 0
    for name in fixtures:
        if len(found) >= asked.limit or markets >= BOARD_MARKETS_MAX:
            return Page(found, f"{found[-1].rotation}:{found[-1].fixture}")
        row = board_fixture(state, house, house.fixtures[name], audience, now_ns)
        markets += 1 + len(row.markets)
        found.append(row)
    return Page(found)


def board_fixture(state: Any, house: House, fixture: Fixture, audience: Audience, now_ns: int) -> BoardFixture:
    """A game as this stream offers it."""
    markets = [
        board_market(state, house, house.markets[market], audience, now_ns)
        for market in house.markets_of.get(fixture.name, ())
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
    sums = book.sums.get(name)
    parent = book.agents[name].parent
    if sums is None:
        return AgentFigures(name, parent, 0, 0, 0)
    return AgentFigures(name, parent, sums.balance_minor, sums.pending_minor, sums.open_wagers)


@query("figures", needs=Permission.FIGURES_VIEW, asked=Asked, row=AgentFigures)
def figures(book: Book, house: House, user: User, audience: Audience, asked: Asked, now_ns: int) -> Page:
    """The figures of every agent of my subtree, live."""
    names = nodes_from(book, audience.node, asked.after)
    rows = (agent_figures(book, name) for name in names if name != asked.after)
    return page_of(rows, asked, lambda row: row.agent)


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
    return PlayerFigures(
        player.number,
        player.agent,
        player.credit_limit_minor,
        player.temporary_credit_minor if now_ns < player.temporary_until_ns else 0,
        player.balance_minor,
        book.pending.get(player.number, 0),
        available_minor(book, player, now_ns),
        player.stake_max_minor,
        player.win_max_minor,
        player.active,
    )


class PlayersAsked(Asked, frozen=True, kw_only=True):
    """agent: only the players of that agent's subtree. player: only that one."""

    agent: str = ""
    player: str = ""


@query(
    "players",
    needs=Permission.FIGURES_VIEW,
    players=True,
    asked=PlayersAsked,
    row=PlayerFigures,
    rows_max=PLAYER_ROWS_MAX,
)
def players(book: Book, house: House, user: User, audience: Audience, asked: PlayersAsked, now_ns: int) -> Page:
    """The accounts of my subtree (for a player: my own account)."""
    if audience.player:
        return Page([player_figures(book, book.players[audience.player], now_ns)])
    if asked.player:
        return Page([player_figures(book, book.player_within(user, asked.player), now_ns)])
    top = asked.agent or audience.node
    book.require_node(user, top)
    return players_page(book, top, asked, now_ns)


def players_page(book: Book, top: str, asked: Asked, now_ns: int) -> Page:
    """A page of the accounts of a subtree."""

    def row(number: str) -> PlayerFigures:
        return player_figures(book, book.players[number], now_ns)

    return page_of_nodes(book, top, asked, book.players_of, row)


class ExposureAsked(Asked, frozen=True, kw_only=True):
    """node: an agent of my subtree, "" for my own. fixture: only that game."""

    node: str = ""
    fixture: str = ""


class Exposure(msgspec.Struct):
    """A market with open wagers. exposure: what is lost if a side wins, less what is kept from the others, by side.

    risk: what stands on each side, in minor units.
    """

    market: str
    exposure_minor: dict[str, int]
    risk_minor: dict[str, int]
    wagers: int


def exposure_of(book: Book, market: str, node: str) -> Exposure:
    """A market's exposure of a node's players; all zero once nothing is open there."""
    sides = book.stands(node).get(market, {})
    return Exposure(
        market,
        book.exposure(market, node),
        {side: stand.risk_minor for side, stand in sides.items()},
        sum(stand.wagers for stand in sides.values()),
    )


@query("exposure", needs=Permission.FIGURES_VIEW, asked=ExposureAsked, row=Exposure, rows_max=EXPOSURE_ROWS_MAX)
def exposure(book: Book, house: House, user: User, audience: Audience, asked: ExposureAsked, now_ns: int) -> Page:
    """What my subtree's players have on each side of each market."""
    node = asked.node or audience.node
    book.require_node(user, node)
    return exposure_page(book, node, asked, asked.fixture)


def exposure_page(book: Book, node: str, asked: Asked, fixture: str = "") -> Page:
    """A page of the markets with open wagers of a node's players, of all games or one."""
    prefix = f"{fixture}:" if fixture else ""
    names = takewhile(lambda name: name.startswith(prefix), book.markets(node).after(max(asked.after, prefix)))
    return page_of((exposure_of(book, name, node) for name in names), asked, lambda row: row.market)


class UserRow(msgspec.Struct):
    """Somebody who may act."""

    user: str
    node: str
    role: str
    player: str
    active: bool
    sessions: int


@query("users", needs=Permission.ROLES_MANAGE, asked=Asked, row=UserRow, streams=("house", "book"))
def users(state: SessionState, house: House, user: User, audience: Audience, asked: Asked, now_ns: int) -> Page:
    """The users of my subtree."""

    def row(name: str) -> UserRow:
        one = state.users[name]
        return UserRow(name, one.node, one.role, one.player, one.active, len(state.sessions_of.get(name, ())))

    return page_of_nodes(state, user.node, asked, state.users_of, row)


class RoleRow(msgspec.Struct):
    """A role, and where it is kept."""

    role: str
    node: str
    permissions: tuple[str, ...]


@query("roles", needs=Permission.ROLES_MANAGE, asked=Asked, row=RoleRow, streams=("house", "book"))
def roles(state: SessionState, house: House, user: User, audience: Audience, asked: Asked, now_ns: int) -> Page:
    """The roles that are kept in my subtree, or that somebody there may have."""

    def row(name: str) -> RoleRow | None:
        role = state.roles[name]
        concerns = state.below(user.node, role.node) or state.below(role.node, user.node)
        return RoleRow(name, role.node, role.permissions) if concerns else None

    return page_of_some(state.role_order.after(asked.after), asked, row, str)


class SessionRow(msgspec.Struct):
    """Somebody who is signed in."""

    session: str
    user: str
    kind: str
    started_ns: int
    idle_until_ns: int
    ends_ns: int


@query("sessions", needs=Permission.ROLES_MANAGE, asked=Asked, row=SessionRow, streams=("house", "book"))
def sessions(state: SessionState, house: House, user: User, audience: Audience, asked: Asked, now_ns: int) -> Page:
    """Who of my subtree is signed in."""

    def key(text: str) -> tuple[str, str]:
        name, _, session = text.partition("/")
        return name, session

    def row(key: tuple[str, str]) -> SessionRow:
        one = state.sessions[key[1]]
        return SessionRow(one.name, one.user, one.kind, one.started_ns, one.idle_until_ns, one.ends_ns)

    return page_of_nodes(state, user.node, asked, state.sessions_in, row, key, "/".join)


class SuspensionRow(msgspec.Struct):
    """A layer that closes something. node, reason: where whoever closed it stands, and why; "" if that is above me."""

    scope: str
    subject: str
    node: str
    since_ns: int
    reason: str


@query("suspensions", needs=Permission.SUSPEND, asked=Asked, row=SuspensionRow, streams=("house", "book"))
def suspensions(state: Any, house: House, user: User, audience: Audience, asked: Asked, now_ns: int) -> Page:
    """The layers of suspension that concern my subtree: its own, those around it, those of the board."""
    scope, _, subject = asked.after.partition(":")
    keys = state.layer_order.after((scope, subject))

    def row(key: tuple[str, str]) -> SuspensionRow | None:
        return layer_for(state, audience, state.suspensions[key])

    return page_of_some(keys, asked, row, ":".join)


def layer_for(state: Any, audience: Audience, layer: Suspension) -> SuspensionRow | None:
    """A layer as an audience may see it: of one set around their subtree not by whom and why, of others' nothing."""
    if layer.scope in ("agent", "player"):
        node = layer.subject if layer.scope == "agent" else state.node_of_player(layer.subject) or ROOT
        if not state.below(audience.node, node):
            around = layer.scope == "agent" and state.below(node, audience.node)
            return SuspensionRow(layer.scope, layer.subject, "", layer.since_ns, "") if around else None
    return SuspensionRow(layer.scope, layer.subject, layer.node, layer.since_ns, layer.reason)


class BookRow(msgspec.Struct):
    """A book of the house."""

    book: str
    owner: str


@query("books", needs=Permission.BOOK_OPEN, asked=Asked, row=BookRow, streams=("house",))
def books(house: House, view: House, user: User, audience: Audience, asked: Asked, now_ns: int) -> Page:
    """The books that the house serves."""
    names = house.book_order.after(asked.after)
    return page_of((BookRow(name, house.books[name].owner) for name in names), asked, lambda row: row.book)


class ResultRow(msgspec.Struct):
    """What happened in a game: as entered, and as confirmed."""

    fixture: str
    revision: int
    entered: Score | None
    confirmed: Score | None


@query("results", needs=Permission.BOARD_VIEW, asked=Asked, row=ResultRow, streams=("house", "book"))
def results(state: Any, house: House, user: User, audience: Audience, asked: Asked, now_ns: int) -> Page:
    """Results, by game."""
    names = house.result_order.after(asked.after)

    def rows() -> Iterable[ResultRow]:
        for name in names:
            one = house.results[name]
            yield ResultRow(name, one.revision, one.entered, one.confirmed)

    return page_of(rows(), asked, lambda row: row.fixture)


def conditions_page(standing: Iterable[Condition], stream: str, audience: Audience, asked: Asked) -> Page:
    """What somebody may know of what stands."""
    rows = conditions_told(standing, stream, audience.node == ROOT)
    return page_of((row for row in rows if key_of(row) > asked.after), asked, key_of)


QUERIES["conditions"] = Query(
    "conditions", "What is not well now: which part, why and since when.", Permission.FIGURES_VIEW, False, ("house", "book"),
    Asked, ConditionRow, False, None, of_process=True,
)  # fmt: skip
