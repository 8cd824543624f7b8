"""Moment: the queries that are read from memory, at a position, in well under two milliseconds.

What a page costs goes by the rows that it shows, and it has `PAGE_ROWS_MAX` of them at most, fewer where a row costs more. Rows
of a subtree come in the order of the tree: by node, each before those below it, and by name within a node.
"""

from collections.abc import Iterable
from heapq import merge
from itertools import takewhile
from typing import Any, Literal, get_args

import msgspec

from runline.domain.access import User, user_within
from runline.domain.audience import Audience
from runline.domain.book import Book
from runline.domain.catalog import FixtureStatus
from runline.domain.grading import Score
from runline.domain.house import House
from runline.domain.nodes import ROOT
from runline.domain.ordered import NO_KEYS
from runline.domain.permissions import Permission
from runline.domain.queries.bounds import (
    BOARD_MARKETS_MAX,
    EXPOSURE_PLACES_MAX,
    EXPOSURE_ROWS_MAX,
    PLAYER_ROWS_MAX,
    SESSION_ROWS_MAX,
    SUSPENSION_ROWS_MAX,
)
from runline.domain.queries.declared import Asked, Page, query
from runline.domain.queries.pages import nodes_from, page_of, page_of_nodes, page_of_some
from runline.domain.shown import (
    AgentFigures,
    BoardFixture,
    Exposure,
    PlayerFigures,
    agent_figures,
    board_fixture,
    exposure_of,
    player_figures,
)
from runline.domain.state import State
from runline.domain.suspension import Suspension

ROTATION_DIGITS_MAX = 12
"""Digits of a rotation number in a page's `after`: more than any has."""


class Me(msgspec.Struct):
    """Who is signed in."""

    stream: str
    user: str
    role: str
    node: str
    player: str
    permissions: list[str]


class MeAsked(Asked[Me], frozen=True, kw_only=True):
    """Nothing else."""


@query("me", needs=None, asked=MeAsked, row=Me, streams=("house", "book"))
def me(state: State, house: House, user: User, audience: Audience, asked: MeAsked, now_ns: int) -> Page:
    """Who I am, and what I may do."""
    permissions = [permission.value for permission in Permission if permission in audience.permissions]
    return Page([Me(state.stream, user.name, user.role, user.node, user.player, permissions)])


class BoardAsked(Asked[BoardFixture], frozen=True, kw_only=True):
    """league, fixture: only that. status: scheduled, closed, final or cancelled."""

    league: str = ""
    fixture: str = ""
    status: FixtureStatus | Literal[""] = "scheduled"


@query("board", needs=Permission.BOARD_VIEW, asked=BoardAsked, row=BoardFixture, streams=("house", "book"))
def board(state: Any, house: House, user: User, audience: Audience, asked: BoardAsked, now_ns: int) -> Page:
    """The board: games in rotation order with the lines as this book offers them."""
    rotation, _, name = asked.after.partition(":")
    after = (int(rotation) if rotation.isdecimal() and len(rotation) < ROTATION_DIGITS_MAX else -1, name)
    if asked.fixture:
        only = house.catalog.fixtures.get(asked.fixture)
        fits = only is not None and asked.league in ("", only.league) and asked.status in ("", only.status)
        fixtures = iter([only.name] if only is not None and fits and (only.rotation, only.name) > after else [])
    else:
        statuses = (asked.status,) if asked.status else get_args(FixtureStatus)
        fixtures = (
            name for _, name in merge(*(house.catalog.board_of(one, asked.league).after(after) for one in statuses))
        )
    found: list[BoardFixture] = []
    markets = 0
    for name in fixtures:
        if len(found) >= asked.limit or markets >= BOARD_MARKETS_MAX:
            return Page(found, f"{found[-1].rotation}:{found[-1].fixture}")
        row = board_fixture(state, house, house.catalog.fixtures[name], audience, now_ns)
        markets += 1 + len(row.markets)
        found.append(row)
    return Page(found)


class FiguresAsked(Asked[AgentFigures], frozen=True, kw_only=True):
    """agent: only that agent. parent: only the agents right below that one."""

    agent: str = ""
    parent: str = ""


@query("figures", needs=Permission.FIGURES_VIEW, asked=FiguresAsked, row=AgentFigures)
def figures(book: Book, house: House, user: User, audience: Audience, asked: FiguresAsked, now_ns: int) -> Page:
    """The figures of every agent of my subtree, live."""
    names: Iterable[str] = nodes_from(book, audience.node, asked.after)
    if asked.agent:
        book.tree.require_node(user, asked.agent)
        fits = asked.parent in ("", book.tree.agents[asked.agent].parent)
        names = [asked.agent] if fits and not asked.after else []
    elif asked.parent:
        book.tree.require_node(user, asked.parent)
        names = book.tree.children.get(asked.parent, NO_KEYS).after(asked.after)
    rows = (agent_figures(book, name) for name in names if name != asked.after)
    return page_of(rows, asked, lambda row: row.agent)


class PlayersAsked(Asked[PlayerFigures], frozen=True, kw_only=True):
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
        return Page([player_figures(book, book.tree.players[audience.player], now_ns)])
    if asked.player:
        return Page([player_figures(book, book.tree.player_within(user, asked.player), now_ns)])
    top = asked.agent or audience.node
    book.tree.require_node(user, top)
    return players_page(book, top, asked, now_ns)


def players_page(book: Book, top: str, asked: Asked[Any], now_ns: int) -> Page:
    """A page of the accounts of a subtree."""

    def row(number: str) -> PlayerFigures:
        return player_figures(book, book.tree.players[number], now_ns)

    return page_of_nodes(book, top, asked, book.tree.players_of, row)


class ExposureAsked(Asked[Exposure], frozen=True, kw_only=True):
    """node: an agent of my subtree, "" for my own. fixture: only that game."""

    node: str = ""
    fixture: str = ""


@query("exposure", needs=Permission.FIGURES_VIEW, asked=ExposureAsked, row=Exposure, rows_max=EXPOSURE_ROWS_MAX)
def exposure(book: Book, house: House, user: User, audience: Audience, asked: ExposureAsked, now_ns: int) -> Page:
    """What each market can cost by the wagers of my subtree's players: by any final score, and by side."""
    node = asked.node or audience.node
    book.tree.require_node(user, node)
    return exposure_page(book, node, asked, asked.fixture)


def exposure_page(book: Book, node: str, asked: Asked[Any], fixture: str) -> Page:
    """A page of the markets with open wagers of a node's players, of all games ("") or one."""
    prefix = f"{fixture}:" if fixture else ""
    names = takewhile(lambda name: name.startswith(prefix), book.risk.markets(node).after(max(asked.after, prefix)))
    stands = book.risk.stands(node)
    found: list[Exposure] = []
    places = 0
    for name in names:
        if len(found) >= asked.limit or places >= EXPOSURE_PLACES_MAX:
            return Page(found, found[-1].market)
        places += len(stands[name])
        found.append(exposure_of(book, name, node))
    return Page(found)


class UserRow(msgspec.Struct):
    """Somebody who may act."""

    user: str
    node: str
    role: str
    player: str
    active: bool
    sessions: int


class UsersAsked(Asked[UserRow], frozen=True, kw_only=True):
    """user: only that one."""

    user: str = ""


@query("users", needs=Permission.ROLES_MANAGE, asked=UsersAsked, row=UserRow, streams=("house", "book"))
def users(state: State, house: House, user: User, audience: Audience, asked: UsersAsked, now_ns: int) -> Page:
    """The users of my subtree."""

    def row(name: str) -> UserRow:
        one = state.access.users[name]
        return UserRow(name, one.node, one.role, one.player, one.active, len(state.sessions.of_user.get(name, ())))

    if asked.user:
        return Page([row(user_within(state, user, asked.user).name)])
    return page_of_nodes(state, user.node, asked, state.access.users_of, row)


class RoleRow(msgspec.Struct):
    """A role, and where it is kept."""

    role: str
    node: str
    permissions: tuple[str, ...]


class RolesAsked(Asked[RoleRow], frozen=True, kw_only=True):
    """Nothing else."""


@query("roles", needs=Permission.ROLES_MANAGE, asked=RolesAsked, row=RoleRow, streams=("house", "book"))
def roles(state: State, house: House, user: User, audience: Audience, asked: RolesAsked, now_ns: int) -> Page:
    """The roles that are kept in my subtree, or that somebody there may have."""

    def row(name: str) -> RoleRow | None:
        role = state.access.roles[name]
        concerns = state.tree.below(user.node, role.node) or state.tree.below(role.node, user.node)
        return RoleRow(name, role.node, role.permissions) if concerns else None

    return page_of_some(state.access.role_order.after, asked, row, str)


class SessionRow(msgspec.Struct):
    """Somebody who is signed in."""

    session: str
    user: str
    kind: str
    started_ns: int
    idle_until_ns: int
    ends_ns: int


class SessionsAsked(Asked[SessionRow], frozen=True, kw_only=True):
    """user: only theirs."""

    user: str = ""


@query(
    "sessions",
    needs=Permission.ROLES_MANAGE,
    asked=SessionsAsked,
    row=SessionRow,
    streams=("house", "book"),
    rows_max=SESSION_ROWS_MAX,
)
def sessions(state: State, house: House, user: User, audience: Audience, asked: SessionsAsked, now_ns: int) -> Page:
    """Who of my subtree is signed in."""

    def key(text: str) -> tuple[str, str]:
        name, _, session = text.partition("/")
        return name, session

    def row(key: tuple[str, str]) -> SessionRow:
        one = state.sessions.by_name[key[1]]
        return SessionRow(one.name, one.user, one.kind, one.started_ns, one.idle_until_ns, one.ends_ns)

    if asked.user:
        own = sorted(state.sessions.of_user.get(user_within(state, user, asked.user).name, ()))
        return page_of((row(("", name)) for name in own if name > asked.after), asked, lambda one: one.session)
    return page_of_nodes(state, user.node, asked, state.sessions.standing_at, row, key, "/".join)


class SuspensionRow(msgspec.Struct):
    """A layer that closes something.

    node, reason: where whoever closed it stands, and why; "" if that is above me. layer_seq: the position at which it was closed.
    owes_reason: it was closed in a hurry, and nobody has said why.
    """

    scope: str
    subject: str
    node: str
    since_ns: int
    reason: str
    layer_seq: int
    owes_reason: bool


class SuspensionsAsked(Asked[SuspensionRow], frozen=True, kw_only=True):
    """owed: only those whose reason is owed."""

    owed: bool = False


@query(
    "suspensions",
    needs=Permission.SUSPEND,
    asked=SuspensionsAsked,
    row=SuspensionRow,
    streams=("house", "book"),
    rows_max=SUSPENSION_ROWS_MAX,
)
def suspensions(state: Any, house: House, user: User, audience: Audience, asked: SuspensionsAsked, now_ns: int) -> Page:
    """The layers of suspension that concern my subtree: its own, those around it, those of the board."""

    def keys_after(name: str) -> Iterable[tuple[str, str]]:
        scope, _, subject = name.partition(":")
        return state.suspensions.order.after((scope, subject))  # type: ignore[no-any-return]

    def row(key: tuple[str, str]) -> SuspensionRow | None:
        shown = layer_for(state, audience, state.suspensions.layers[key])
        return shown if shown is not None and (shown.owes_reason or not asked.owed) else None

    return page_of_some(keys_after, asked, row, ":".join)


def layer_for(state: Any, audience: Audience, layer: Suspension) -> SuspensionRow | None:
    """A layer as an audience may see it: of one set around their subtree not by whom and why, of others' nothing."""
    if layer.scope in ("agent", "player"):
        node = layer.subject if layer.scope == "agent" else state.tree.node_of_player(layer.subject) or ROOT
        if not state.tree.below(audience.node, node):
            around = layer.scope == "agent" and state.tree.below(node, audience.node)
            known = (layer.scope, layer.subject, "", layer.since_ns, "", layer.layer_seq, False)
            return SuspensionRow(*known) if around else None
    return SuspensionRow(
        layer.scope, layer.subject, layer.node, layer.since_ns, layer.reason, layer.layer_seq, layer.owes_reason
    )


class BookRow(msgspec.Struct):
    """A book of the house."""

    book: str
    owner: str


class BooksAsked(Asked[BookRow], frozen=True, kw_only=True):
    """Nothing else."""


@query("books", needs=Permission.BOOK_OPEN, asked=BooksAsked, row=BookRow, streams=("house",))
def books(house: House, view: House, user: User, audience: Audience, asked: BooksAsked, now_ns: int) -> Page:
    """The books that the house serves."""
    names = house.books.order.after(asked.after)
    return page_of((BookRow(name, house.books.by_name[name].owner) for name in names), asked, lambda row: row.book)


class ResultRow(msgspec.Struct):
    """What happened in a game: as entered, and as confirmed."""

    fixture: str
    revision: int
    entered: Score | None
    confirmed: Score | None


class ResultsAsked(Asked[ResultRow], frozen=True, kw_only=True):
    """fixture: only that game."""

    fixture: str = ""


@query("results", needs=Permission.BOARD_VIEW, asked=ResultsAsked, row=ResultRow, streams=("house", "book"))
def results(state: Any, house: House, user: User, audience: Audience, asked: ResultsAsked, now_ns: int) -> Page:
    """Results, by game."""
    names: Iterable[str] = house.catalog.result_order.after(asked.after)
    if asked.fixture:
        names = [asked.fixture] if asked.fixture in house.catalog.results and asked.fixture > asked.after else []

    def rows() -> Iterable[ResultRow]:
        for name in names:
            one = house.catalog.results[name]
            yield ResultRow(name, one.revision, one.entered, one.confirmed)

    return page_of(rows(), asked, lambda row: row.fixture)
