"""Bounds: whatever is kept in memory has one, and what would exceed it is refused with a code that says how many there may be."""

import pytest
from tests.doubles.plain import VOCABULARY
from tests.doubles.stage import NOON_NS
from tests.doubles.words import EVERY, START_NS, agent, board, game, line, player, role, staff, wager

from runline.domain import (
    board as boards,
)
from runline.domain import (
    bounds,
    cluster,
    fixtures,
    guard,
    hierarchy,
    lines,
    placing,
    roles,
    sessions,
    setbacks,
    suspension,
    users,
    watch,
)
from runline.domain import (
    house as houses,
)
from runline.domain.access import Role, User
from runline.domain.aside import SetAside
from runline.domain.board import PostLines
from runline.domain.book import Book
from runline.domain.catalog import ArchivedFixture, Fixture, League, Market, Result
from runline.domain.cluster import MoveStream, Wish
from runline.domain.fixtures import CreateFixture, CreateLeague
from runline.domain.guard import GuardRule, SetGuard
from runline.domain.held import HeldLine
from runline.domain.hierarchy import Agent, CreateAgent, CreatePlayer, Player
from runline.domain.house import BookListing, House, OpenBook
from runline.domain.jobs import Job
from runline.domain.large_wagers import LargeFrom
from runline.domain.lateness import EarlierStart, LateWindow, Postponement
from runline.domain.ledger import LedgerAccount
from runline.domain.lines import BookLine, MoveLine
from runline.domain.moving import MoveAgent
from runline.domain.nodes import ROOT
from runline.domain.passwords import Credential
from runline.domain.permissions import Permission
from runline.domain.results_taken import ResultsTaken
from runline.domain.roles import SetRole
from runline.domain.rulings import Ruling
from runline.domain.sessions import Session
from runline.domain.settings import BookSettings
from runline.domain.settlement import Settlement
from runline.domain.state import Row
from runline.domain.suspension import WIDE, Reopen, Suspend, Suspended, Suspension
from runline.domain.tickets import Ticket, VoidWager, WagerPlaced
from runline.domain.timers import Timer
from runline.domain.users import CreateUser
from runline.domain.watch import Feed, Slowness, WatchFeed
from runline.domain.zones import Zone

MONEYLINE = "G1:game:moneyline"

BOUNDS = {
    Role: (roles, "ROLES_MAX", SetRole("one-more", ROOT, (), "given")),
    User: (users, "STAFF_MAX", CreateUser("one-more", ROOT, "viewer")),
    Agent: (hierarchy, "AGENTS_MAX", CreateAgent("one-more", ROOT)),
    Player: (hierarchy, "PLAYERS_MAX", CreatePlayer("one-more", ROOT, 0)),
    Suspension: (suspension, "SUSPENSIONS_MAX", Suspend("market", MONEYLINE, "given")),
    BookLine: (lines, "BOOK_LINES_MAX", MoveLine(MONEYLINE, "hide")),
    Ticket: (placing, "OPEN_WAGERS_MAX", wager("P1", 5_00)),
    Session: (sessions, "SESSIONS_MAX", None),
    SetAside: (setbacks, "SET_ASIDE_MAX", None),
    League: (fixtures, "LEAGUES_MAX", CreateLeague("NBA", "basketball")),
    Fixture: (fixtures, "FIXTURES_MAX", CreateFixture("one-more", "MLB", 1, "Away", "Home", START_NS)),
    ArchivedFixture: (fixtures, "ARCHIVED_MAX", CreateFixture("one-more", "MLB", 1, "Away", "Home", START_NS)),
    Market: (boards, "MARKETS_MAX", PostLines("G2", NOON_NS, (line("moneyline", "+120", "-130"),))),
    HeldLine: (boards, "HELD_LINES_MAX", board("G2", line("moneyline", "+150", "+150"), confirm=False)),
    GuardRule: (guard, "GUARD_RULES_MAX", SetGuard("no_hold", "off", "trial")),
    BookListing: (houses, "BOOKS_MAX", OpenBook("one-more", "owner")),
    Feed: (watch, "FEEDS_MAX", WatchFeed("platform", 30_000, "given")),
    Wish: (cluster, "WISHES_MAX", MoveStream("house", "n1", "given")),
}
"""What is kept in memory, the bound of how many, and a command that asks for one more. (Signing in and setting aside are tested
where they are.)"""

ONE_FOR_EACH = {
    Credential: User,
    Timer: (Fixture, Session, Player, Feed),
    Result: Fixture,
    Job: Fixture,
    Settlement: Job,
    ResultsTaken: BookListing,
    BookSettings: BookListing,
    LargeFrom: Agent,
    LedgerAccount: BookListing,
    Slowness: "a closed list of measures",
    Ruling: League,
    Zone: (League, Fixture),
    EarlierStart: Fixture,
    Postponement: Fixture,
    LateWindow: EarlierStart,
}
"""What is bounded by what it is of."""

OF_THE_HOUSE = {League, Fixture, ArchivedFixture, Market, HeldLine, GuardRule, Result, BookListing, Feed, Wish}


def kept():
    """Every row type that is kept in memory."""
    return list(dict.fromkeys((*Book("main", VOCABULARY).held, *House(VOCABULARY).held)))


def test_whatever_is_kept_in_memory_has_a_bound():
    assert {kind for kind in kept() if issubclass(kind, Row)} == set(BOUNDS) | set(ONE_FOR_EACH)
    for module, name, _ in BOUNDS.values():
        assert getattr(module, name) == getattr(bounds, name) > 0


@pytest.fixture
def stage(book):
    """A book with a player, and two games, one of which has a board."""
    book.house.nodes_are(n1=True)
    book.given(game("G1"), board("G1"), game("G2"), player("P1"), agent("A1"))
    return book


@pytest.mark.parametrize(
    "kind", [kind for kind in BOUNDS if BOUNDS[kind][2] is not None], ids=lambda kind: kind.__name__
)
def test_one_more_than_there_may_be_is_refused_with_a_code(stage, monkeypatch, kind):
    module, name, command = BOUNDS[kind]
    of = stage.house if kind in OF_THE_HOUSE else stage
    count = len(of.state.held[kind])
    count -= len(stage.state.tree.players) if kind is User else 0
    monkeypatch.setattr(module, name, count)
    of.when(command)
    of.rejected("too_many", most=count)
    monkeypatch.setattr(module, name, count + 1)
    of.when(command)
    assert of.refusal is None
    assert of.events


def test_what_is_there_already_is_changed_beyond_the_bound(stage, monkeypatch):
    stage.given(role("clerk"), MoveLine(MONEYLINE, "hide"), wager("P1", 5_00, kind="spread", price="-110", quarters=6))
    for kind in (Role, BookLine, Market, Fixture, League):
        monkeypatch.setattr(BOUNDS[kind][0], BOUNDS[kind][1], 0)
    stage.given(role("clerk", Permission.SUSPEND), MoveLine(MONEYLINE, "offset", offset_cents=5))
    stage.house.given(CreateLeague("MLB", "baseball"), board("G1", line("total", "-105", "-115", quarters=36)))


def test_wagers_that_are_closed_make_room(stage, monkeypatch):
    stage.given(wager("P1", 5_00))
    number = stage.state.seq
    monkeypatch.setattr(placing, "OPEN_WAGERS_MAX", 1)
    stage.when(wager("P1", 5_00))
    stage.rejected("too_many", most=1)
    stage.given(VoidWager(number, "slip"))
    assert (stage.state.tickets.open_count, stage.recovered().tickets.open_count) == (0, 0)
    stage.when(wager("P1", 5_00))
    stage.happened(WagerPlaced)
    assert (stage.state.tickets.open_count, stage.recovered().tickets.open_count) == (1, 1)


# Nobody below fills the book


SHARED = pytest.mark.parametrize(
    ("module", "name", "kind", "command"),
    [
        (roles, "ROLES_MAX", Role, lambda name, at: SetRole(name, at, (), "given")),
        (users, "STAFF_MAX", User, lambda name, at: CreateUser(name, at, "viewer")),
        (hierarchy, "AGENTS_MAX", Agent, lambda name, at: CreateAgent(name, at)),
        (hierarchy, "PLAYERS_MAX", Player, lambda name, at: CreatePlayer(name, at, 0)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)


def count_of(stage, kind):
    """How many there are."""
    return len(stage.state.held[kind]) - (len(stage.state.tree.players) if kind is User else 0)


def fill(stage, command, at, by):
    """Have somebody make as many as they can; returns how many."""
    for number in range(100):
        stage.when(command(f"X{stage.state.seq}", at), by=by)
        if stage.refusal is not None:
            stage.rejected("too_many")
            return number
    raise AssertionError("no bound")


@SHARED
def test_the_staff_of_one_agent_leave_as_much_free_as_a_branch_of_the_tree_holds(
    stage, monkeypatch, module, name, kind, command
):
    may = EVERY
    stage.given(agent("A1-1", "A1"), agent("B1"))
    stage.given(staff("ann", *may, at="A1"), staff("una", *may, at="A1-1"), staff("bob", *may, at="B1"))
    monkeypatch.setattr(module, name, 64)
    assert fill(stage, command, "A1-1", "una") > 16
    free = 64 - 64 // bounds.KEPT_FOR_THE_WHOLE - count_of(stage, kind)
    what = {Role: "roles", User: "users", Agent: "agents", Player: "players"}[kind]
    assert stage.state.tree.held_in_branch("A1-1", what) == stage.state.tree.held_in_branch("A1", what) >= free > 8
    # What is above in the same branch has no share of its own, what stands beside has, and so has the branch that moves there.
    assert fill(stage, command, "A1", "ann") == 0
    assert fill(stage, command, "B1", "bob") >= free // 4
    stage.given(MoveAgent("A1-1", "B1", "given"))
    assert fill(stage, command, "B1", "bob") == 0
    assert stage.recovered().tree.extents == stage.state.tree.extents
    stage.when(command("owners", "A1"))
    assert stage.refusal is None


@SHARED
def test_the_staff_of_all_agents_together_leave_the_last_part_to_the_whole_books(
    stage, monkeypatch, module, name, kind, command
):
    stage.given(staff("owner-of-all"))
    for branch in range(8):
        stage.given(agent(f"B{branch}"), staff(f"boss{branch}", *EVERY, at=f"B{branch}"))
    monkeypatch.setattr(module, name, 128)
    for branch in range(8):
        fill(stage, command, f"B{branch}", f"boss{branch}")
    assert count_of(stage, kind) <= 128 - 128 // bounds.KEPT_FOR_THE_WHOLE
    stage.when(command("owners", ROOT))
    assert stage.refusal is None


@pytest.mark.parametrize("most", [21, 23])
def test_where_the_whole_books_staff_have_left_only_their_own_part_others_are_told_how_many_there_may_be(
    stage, monkeypatch, most
):
    """An eighth of them, rounded down, is kept for the whole book's."""
    stage.given(staff("ann", *EVERY, at="A1"))
    monkeypatch.setattr(roles, "ROLES_MAX", most)
    left = most - 2 - len(stage.state.access.roles)
    stage.given(*(role(f"X{number}") for number in range(left - 1)))
    stage.when(SetRole("mine", "A1", (), "given"), by="ann")
    assert stage.refusal is None
    stage.when(SetRole("ours", "A1", (), "given"), by="ann")
    stage.rejected("too_many", most=most - 2)
    stage.given(role("theirs"), role("too"))
    stage.when(role("one-more"))
    stage.rejected("too_many", most=most)


def test_the_roles_of_one_agent_are_bounded(stage, monkeypatch):
    monkeypatch.setattr(roles, "ROLES_PER_NODE_MAX", 2)
    stage.given(agent("A2"), role("one", at="A1"), role("two", at="A1"), role("three", at="A2"))
    stage.when(role("four", at="A1"))
    stage.rejected("too_many", most=2)
    stage.given(role("four", at="A2"), role("five"))


# Layers of suspension


def layers(stage, number, by=""):
    """Narrow layers, each of a player of its own."""
    for one in range(number):
        name = f"L{by}{one}"
        stage.given(player(name, "A1"))
        stage.when(Suspend("player", name, "given"), by=by)
        stage.happened(Suspended)


@pytest.mark.parametrize("scope", sorted(WIDE - {"silence"}))
def test_what_is_wide_is_suspended_however_many_layers_there_are(stage, monkeypatch, scope):
    subject = {"all": "", "feed": "platform", "sport": "baseball", "league": "MLB", "kind": "total", "agent": "A1"}[
        scope
    ]
    for name in ("SUSPENSIONS_MAX", "SUSPENSIONS_PER_NODE_MAX"):
        monkeypatch.setattr(suspension, name, 0)
    stage.house.given(WatchFeed("platform", 30_000, "lines"))
    stage.when(Suspend(scope, subject, "stop"))
    stage.happened(Suspended)
    if scope != "agent":
        stage.house.when(Suspend(scope, subject, "stop"))
        stage.house.happened(Suspended)


def test_narrow_layers_of_one_scope_take_no_room_from_another(stage, monkeypatch):
    monkeypatch.setattr(suspension, "SUSPENSIONS_MAX", 1)
    stage.given(player("P2"), Suspend("player", "P1", "given"))
    stage.when(Suspend("player", "P2", "given"))
    stage.rejected("too_many", most=1)
    stage.given(
        Suspend("market", MONEYLINE, "given"),
        Suspend("fixture", "G1", "given"),
        Suspend("selection", f"{MONEYLINE}/home", "given"),
    )


def test_the_layers_of_an_agent_fill_neither_the_books_room_nor_another_agents(stage, monkeypatch):
    monkeypatch.setattr(suspension, "SUSPENSIONS_MAX", 1)
    monkeypatch.setattr(suspension, "SUSPENSIONS_PER_NODE_MAX", 3)
    stage.given(
        agent("A2"),
        player("P2", "A2"),
        staff("ann", Permission.SUSPEND, at="A1"),
        staff("bob", Permission.SUSPEND, at="A2"),
    )
    layers(stage, 3, by="ann")
    stage.given(player("P3", "A1"))
    stage.when(Suspend("player", "P3", "given"), by="ann")
    stage.rejected("too_many", most=3)
    stage.when(Suspend("agent", "A1", "all of mine"), by="ann")
    stage.happened(Suspended)
    stage.when(Suspend("player", "P2", "given"), by="bob")
    stage.happened(Suspended)
    stage.when(Suspend("player", "P3", "given"))
    stage.happened(Suspended)


def test_taking_a_layer_over_and_repeating_it_need_no_room(stage, monkeypatch):
    stage.given(staff("ann", Permission.SUSPEND, at="A1"))
    layers(stage, 2, by="ann")
    monkeypatch.setattr(suspension, "SUSPENSIONS_MAX", 0)
    monkeypatch.setattr(suspension, "SUSPENSIONS_PER_NODE_MAX", 0)
    stage.when(Suspend("player", "Lann0", "given"), by="ann")
    stage.nothing_happened()
    stage.when(Suspend("player", "Lann0", "mine now"))
    stage.happened(Suspended, node=ROOT)
    assert stage.state.suspensions.rooms == {("", "A1"): 1, ("player", ""): 1} == stage.recovered().suspensions.rooms


def test_a_layer_that_is_gone_makes_room(stage, monkeypatch):
    monkeypatch.setattr(suspension, "SUSPENSIONS_MAX", 1)
    stage.given(
        player("P2"), Suspend("player", "P1", "given"), Reopen("player", "P1", ""), Suspend("player", "P2", "given")
    )
    assert stage.state.suspensions.rooms == {("player", ""): 1} == stage.recovered().suspensions.rooms
