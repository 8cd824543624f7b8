"""Grounds: `if_position` refuses a command if what it is about has changed, and for nothing else."""

import pytest
from tests.doubles.plain import VOCABULARY
from tests.doubles.stage import HOUR_NS, NOON_NS
from tests.doubles.words import START_NS, agent, board, game, line, player, role, staff, wager

import runline.domain.book  # noqa: F401 -- every command is declared
from runline.domain.accounts import AdjustCredit, EnterTransaction, GrantTemporaryCredit, SetPlayerLimits
from runline.domain.board import PostLines
from runline.domain.cluster import DrainNode, MoveStream, PinStream
from runline.domain.fixtures import CreateFixture, CreateLeague, RenumberFixture, RescheduleFixture
from runline.domain.grading import Score
from runline.domain.guard import SetGuard
from runline.domain.held import ConfirmLine, DropLine
from runline.domain.hierarchy import CreateAgent, CreatePlayer
from runline.domain.house import OpenBook, StartStream
from runline.domain.large_wagers import SetLargeWager
from runline.domain.leg_voiding import VoidLeg
from runline.domain.lines import MoveLine
from runline.domain.messages import GATEWAY
from runline.domain.moving import MoveAgent, MovePlayer
from runline.domain.nodes import ROOT
from runline.domain.passwords import PasswordSet, SetPassword
from runline.domain.permissions import Permission
from runline.domain.placing import PlaceWager
from runline.domain.postponement import LetWagersStand, PostponeFixture, ResumeFixture
from runline.domain.reopening import ReopenFixture
from runline.domain.results import CancelFixture, ConfirmResult, EnterResult
from runline.domain.roles import SetRole
from runline.domain.rulings import LeagueRule, SetLeagueRule
from runline.domain.sessions import EndSession, KeepSession, SessionEnded, SignIn
from runline.domain.setbacks import TryAgain
from runline.domain.settings import SetLimits, SetLocks
from runline.domain.suspension import AddReason, ReasonAdded, Reopen, Suspend
from runline.domain.tickets import VoidWager
from runline.domain.users import AssignRole, CreateUser, RestoreUser, RevokeUser
from runline.domain.watch import KeepFeed, WatchFeed
from runline.domain.zones import SetZone

MONEYLINE = "G1:game:moneyline"
OTHER_LINE = "G1:game:spread"
MAY = (Permission.SUSPEND, Permission.WAGER_VOID)


def of_the_house(*steps):
    return lambda book: book.house.given(*steps)


def in_the_book(*steps):
    return lambda book: book.given(*steps)


def another_game_ends(book):
    book.given(wager("P2", 5_00, on="G2"), wager("P1", 5_00, on="G2"))
    book.house.ends("G2", away=3, home=1)
    book.settles()


def a_layer_comes_and_goes(book):
    book.given(Suspend("market", OTHER_LINE, "given"), Reopen("market", OTHER_LINE, ""))


BOOK_MOVES = {
    "another game's result": another_game_ends,
    "another player wagers": in_the_book(wager("P2", 5_00)),
    "the player wagers": in_the_book(wager("P1", 5_00)),
    "the player's ticket is void": in_the_book(VoidWager(0, "slip")),
    "another player's account": in_the_book(
        AdjustCredit("P2", 5_000_00, "given"),
        GrantTemporaryCredit("P2", 10_00, NOON_NS + 90 * HOUR_NS, "given"),
        SetPlayerLimits("P2", 400_00, None, True, "given"),
        EnterTransaction("P2", "receipt", 1_00, "cash"),
    ),
    "the player's credit": in_the_book(AdjustCredit("P1", 5_000_00, "given")),
    "the player's temporary credit": in_the_book(GrantTemporaryCredit("P1", 10_00, NOON_NS + 90 * HOUR_NS, "given")),
    "the player's limits": in_the_book(SetPlayerLimits("P1", 400_00, None, True, "given")),
    "the player's balance": in_the_book(EnterTransaction("P1", "receipt", 1_00, "cash")),
    "the book's limits": in_the_book(SetLimits(2_00, 9_000_00, 40_000_00, "given")),
    "what is large at the agent": in_the_book(SetLargeWager("A1", 40_00, "given")),
    "what is large above the agent": in_the_book(SetLargeWager(ROOT, 40_00, "given")),
    "what is large elsewhere": in_the_book(SetLargeWager("A2", 40_00, "given")),
    "the market's line": in_the_book(MoveLine(MONEYLINE, "hide"), MoveLine(MONEYLINE, "follow")),
    "another market's line": in_the_book(MoveLine(OTHER_LINE, "hide"), MoveLine(OTHER_LINE, "follow")),
    "the market's layer": in_the_book(Suspend("market", MONEYLINE, "given"), Reopen("market", MONEYLINE, "")),
    "another layer": a_layer_comes_and_goes,
    "the house": of_the_house(CreateLeague("NBA", "basketball"), Suspend("kind", "total", "given")),
    "the agent moves": in_the_book(MoveAgent("A1", "A3", "given")),
    "the new parent moves": in_the_book(MoveAgent("A2", "A3", "given")),
    "the player moves": in_the_book(MovePlayer("P1", "A3", "given")),
    "another player moves": in_the_book(MovePlayer("P2", "A3", "given")),
    "another agent": in_the_book(agent("A9"), MoveAgent("A9", "A3", "given")),
    "the agent is there": in_the_book(agent("NEW")),
    "another user": in_the_book(staff("zoe", *MAY), RevokeUser("zoe", "given"), RestoreUser("zoe", "given")),
    "the user": in_the_book(RevokeUser("ann", "given"), RestoreUser("ann", "given")),
    "the role": in_the_book(role("role-of-ann", Permission.SUSPEND)),
    "another role": in_the_book(role("cashier", Permission.TRANSACTION_ENTER)),
    "a new user": in_the_book(CreateUser("NEW", ROOT, "role-of-ann")),
}

BOOK_CASES = [
    (
        wager("P1", 5_00),
        {
            "the player's credit",
            "the player's temporary credit",
            "the player's limits",
            "the book's limits",
            "the market's line",
        },
    ),
    (VoidWager(0, "late"), {"the player's ticket is void"}),
    (AdjustCredit("P1", 1_00, "given"), {"the player's credit", "the player's temporary credit"}),
    (
        GrantTemporaryCredit("P1", 1, NOON_NS + 99 * HOUR_NS, "given"),
        {"the player's credit", "the player's temporary credit"},
    ),
    (EnterTransaction("P1", "receipt", 1, "given"), {"the player's balance", "another game's result"}),
    (SetPlayerLimits("P1", 1_00, 1_00, True, "given"), {"the player's limits"}),
    (SetLimits(3_00, 500_00, 900_00, "given"), {"the book's limits"}),
    (SetLocks(True, "trial"), {"the book's limits"}),
    (
        SetLargeWager("A1", 50_00, "given"),
        {"what is large at the agent", "what is large above the agent", "the agent moves", "the book's limits"},
    ),
    (MoveLine(MONEYLINE, "hide"), {"the market's line"}),
    (Suspend("market", MONEYLINE, "given"), {"the market's layer"}),
    (Reopen("market", MONEYLINE, ""), {"the market's layer"}),
    (CreateAgent("NEW", "A1"), {"the agent moves", "the agent is there"}),
    (CreatePlayer("NEW", "A1", 0), {"the agent moves", "a new user"}),
    (MoveAgent("A1", "A2", "given"), {"the agent moves", "the new parent moves"}),
    (MovePlayer("P1", "A1", "given"), {"the agent moves", "the player moves"}),
    (SetRole("role-of-ann", ROOT, (), "given"), {"the role"}),
    (CreateUser("NEW", ROOT, "role-of-ann"), {"a new user", "the role"}),
    (AssignRole("ann", "viewer", "given"), {"the user"}),
    (RevokeUser("ann", "given"), {"the user"}),
    (RestoreUser("ann", "given"), {"the user"}),
]

HOUSE_MOVES = {
    "another game": [
        game("G9"),
        board("G9"),
        RescheduleFixture("G9", START_NS + 1, "given"),
    ],
    "the game": [RescheduleFixture("G1", START_NS + HOUR_NS, "given")],
    "the game's number": [RenumberFixture("G1", 13, "as printed")],
    "the game's board": [board("G1", line("moneyline", "+130", "-140"), entered_ns=NOON_NS + 1)],
    "a line is held": [board("G1", line("total", "+150", "+150", quarters=34), entered_ns=NOON_NS + 1, confirm=False)],
    "the guard": [SetGuard("swap", "off", "trial"), SetGuard("swap", "default", "trial")],
    "another rule of the guard": [SetGuard("swap", "off", "trial", market="spread")],
    "a league": [CreateLeague("NEW", "hockey")],
    "a book": [OpenBook("NEW", "owner")],
    "another book": [OpenBook("other", "owner")],
    "the feed is heard of": [KeepFeed()],
    "the feed is watched in another way": [WatchFeed("platform", 60_000, "given")],
    "the feed is watched no more": [WatchFeed("platform", 0, "given")],
    "a layer": [Suspend("league", "MLB", "given"), Reopen("league", "MLB", "")],
    "a role": [role("clerk", Permission.LINES_POST)],
    "the game is late": [PostponeFixture("G1", "rain")],
    "a league's rules": [SetLeagueRule("MLB", LeagueRule(official=9), "so")],
    "a league's zone": [SetZone("league", "MLB", "America/New_York", "so")],
    "a new game": [CreateFixture("NEW", "MLB", 11, "Away", "Home", START_NS)],
}

HOUSE_CASES = [
    (CreateLeague("NEW", "hockey"), {"a league"}),
    (CreateFixture("NEW", "MLB", 11, "Away", "Home", START_NS), {"a new game"}),
    (RescheduleFixture("G1", START_NS + 5, "given"), {"the game", "the game's number", "the game is late"}),
    (RenumberFixture("G1", 11, "as printed"), {"the game", "the game's number", "the game is late"}),
    (
        PostLines("G1", NOON_NS + 2, (line("moneyline", "+130", "-140"),)),
        {"the game", "the game's number", "the game is late", "the game's board", "a line is held"},
    ),
    (ConfirmLine("G1:game:total", 1), {"a line is held"}),
    (DropLine("G1:game:total", 1, "a slip"), {"a line is held"}),
    (SetGuard("swap", "alert", "trial"), {"the guard"}),
    (EnterResult("G1", Score(1, 2)), {"the game", "the game's number", "the game is late"}),
    (ConfirmResult("G1", 1), {"the game", "the game's number", "the game is late"}),
    (CancelFixture("G1", "given"), {"the game", "the game's number", "the game is late"}),
    (ReopenFixture("G1", "again"), {"the game", "the game's number", "the game is late"}),
    (PostponeFixture("G1", "rain"), {"the game", "the game's number", "the game is late"}),
    (ResumeFixture("G1", "dry"), {"the game", "the game's number", "the game is late"}),
    (LetWagersStand("G1", "we wait"), {"the game", "the game's number", "the game is late"}),
    (SetLeagueRule("MLB", None, "so"), {"a league's rules"}),
    (SetZone("league", "MLB", "", "so"), {"a league's zone"}),
    (OpenBook("NEW", "owner"), {"a book"}),
    (StartStream("other", "given"), {"another book"}),
    (MoveStream("other", "n1", "given"), {"another book"}),
    (PinStream("other", "given", "n1"), {"another book"}),
    (DrainNode("n1", "given"), set()),
    (WatchFeed("platform", 5_000, "given"), {"the feed is watched in another way", "the feed is watched no more"}),
    (KeepFeed(), set()),
]

HASH = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA"

TESTED_ALONE = {AddReason, SetPassword, EndSession, TryAgain, VoidLeg}
"""What has a test of its own (of trying again: in test_setbacks.py; of a leg's void: in test_legs.py)."""


def name_of(value):
    return type(value).__name__ if not isinstance(value, str | set) else str(value) if isinstance(value, str) else ""


@pytest.fixture
def open_book(book):
    """A book with two games, three agents, two players, a user and a ticket."""
    book.given(
        game("G1", start_ns=START_NS + 48 * HOUR_NS), board("G1"), game("G2"), board("G2"),
        agent("A1"), agent("A2"), agent("A3"), player("P1", "A1"), player("P2", "A2"), staff("ann", *MAY),
        wager("P1", 5_00, on="G1"),
    )  # fmt: skip
    book.house.books = [book]
    return book


def about(command, book):
    """The command; a ticket's number is known only on stage."""
    return VoidWager(min(book.state.tickets.by_number), command.reason) if isinstance(command, VoidWager) else command


def moves(open_book, move):
    """Something happens; returns the position before."""
    seen = open_book.state.seq
    if "void" in move:
        open_book.given(about(VoidWager(0, "slip"), open_book))
    else:
        BOOK_MOVES[move](open_book)
    return seen


def grounds_moved(stage, commands, seen):
    """Whether the ground of each command has moved since a position."""
    for command in commands:
        stage.fetch(command)
    return {name_of(command): VOCABULARY.grounds[type(command)](stage.state, command) > seen for command in commands}


@pytest.mark.parametrize("move", BOOK_MOVES, ids=str)
def test_a_book_commands_ground_is_moved_by_what_it_is_about_and_by_nothing_else(open_book, move):
    commands = [about(command, open_book) for command, _ in BOOK_CASES]
    seen = moves(open_book, move)
    expected = {name_of(command): move in related for command, related in BOOK_CASES}
    assert grounds_moved(open_book, commands, seen) == expected


@pytest.mark.parametrize("move", HOUSE_MOVES, ids=str)
def test_a_house_commands_ground_is_moved_by_what_it_is_about_and_by_nothing_else(house, move):
    house.given(game("G1"), board("G1"), WatchFeed("platform", 30_000, "given"))
    seen = house.state.seq
    house.given(HOUSE_MOVES[move])
    expected = {name_of(command): move in related for command, related in HOUSE_CASES}
    assert grounds_moved(house, [command for command, _ in HOUSE_CASES], seen) == expected


@pytest.mark.parametrize(("command", "related"), BOOK_CASES, ids=name_of)
def test_a_command_is_refused_whose_ground_has_moved_and_no_other(open_book, command, related):
    command = about(command, open_book)
    unrelated = next(move for move in BOOK_MOVES if move not in related and "void" not in move)
    seen = moves(open_book, max(related))
    open_book.when(command, if_position=seen)
    open_book.rejected("position_moved")
    seen = moves(open_book, unrelated)
    open_book.when(command, if_position=seen)
    assert open_book.refusal is None or open_book.refusal.code != "position_moved"


NOWHERE = [
    VoidWager(10**9, "late"),
    VoidLeg(10**9, 1, "late"),
    AdjustCredit("NOT", 1_00, "given"),
    GrantTemporaryCredit("NOT", 1, NOON_NS + 99 * HOUR_NS, "given"),
    EnterTransaction("NOT", "receipt", 1, "given"),
    SetPlayerLimits("NOT", 1_00, 1_00, True, "given"),
    MoveLine("NOT:game:moneyline", "hide"),
    Suspend("market", "NOT:game:moneyline", "given"),
    Reopen("market", "NOT:game:moneyline", ""),
    AddReason("market", "NOT:game:moneyline", 1, "rain"),
    CreateAgent("NOT", "NEITHER"),
    CreatePlayer("NOT", "NEITHER", 0),
    MoveAgent("NOT", "NEITHER", "given"),
    MovePlayer("NOT", "NEITHER", "given"),
    SetRole("NOT", ROOT, (), "given"),
    CreateUser("NOT", ROOT, "NEITHER"),
    AssignRole("NOT", "viewer", "given"),
    RevokeUser("NOT", "given"),
    RestoreUser("NOT", "given"),
    SetPassword("NOT", ""),
    EndSession("NOT", "given"),
    CreateLeague("NOT", "hockey"),
    CreateFixture("NOT", "NEITHER", 11, "Away", "Home", START_NS),
    RescheduleFixture("NOT", START_NS, "given"),
    RenumberFixture("NOT", 11, "as printed"),
    board("NOT"),
    ConfirmLine("NOT:game:total", 1),
    DropLine("NOT:game:total", 1, "a slip"),
    SetGuard("swap", "alert", "trial", market="draw_no_bet"),
    EnterResult("NOT", Score(1, 2)),
    ConfirmResult("NOT", 1),
    CancelFixture("NOT", "given"),
    ReopenFixture("NOT", "again"),
    PostponeFixture("NOT", "rain"),
    ResumeFixture("NOT", "dry"),
    LetWagersStand("NOT", "we wait"),
    SetLeagueRule("NOT", None, "so"),
    SetZone("league", "NOT", "", "so"),
    OpenBook("NOT", "owner"),
    StartStream("NOT", "given"),
    MoveStream("NOT", "n1", "given"),
    PinStream("NOT", "given"),
    DrainNode("NOT", "given"),
    WatchFeed("NOT", 5_000, "given"),
]


@pytest.mark.parametrize("command", NOWHERE, ids=lambda command: type(command).__name__)
def test_what_is_not_there_and_never_was_has_not_moved(open_book, command):
    stage = open_book if "book" in command.streams else open_book.house
    assert VOCABULARY.grounds[type(command)](stage.state, command) == 0


def test_a_wager_of_nobody_on_nothing_stands_on_the_books_limits(open_book):
    open_book.given(SetLimits(2_00, 9_000_00, 40_000_00, "given"))
    ground = VOCABULARY.grounds[PlaceWager](open_book.state, wager("NOT", 5_00, on="NOT"))
    assert ground == open_book.state.settings.current.changed_seq == open_book.state.seq


def test_a_users_password_stands_on_the_password_and_the_user(open_book):
    command = SetPassword("ann", HASH)
    seen = open_book.state.seq
    for unrelated in (SetPassword("P1", HASH), wager("P1", 5_00), staff("zoe", *MAY)):
        open_book.given(unrelated)
    open_book.when(command, if_position=seen)
    open_book.happened(PasswordSet)
    open_book.when(command, if_position=seen)
    open_book.rejected("position_moved", position=open_book.state.seq)


def test_ending_a_session_stands_on_the_session_which_may_be_used(open_book):
    open_book.given(SetPassword("ann", HASH))
    password_seq = open_book.state.seq
    for name in ("s1", "s2"):
        open_book.when(SignIn("ann", name, "screen", password_seq, HOUR_NS, HOUR_NS, ""), by=GATEWAY)
    seen = open_book.state.seq
    open_book.when(KeepSession("s1"), by=GATEWAY)
    open_book.given(EndSession("s2", "given"), wager("P1", 5_00))
    command = EndSession("s1", "given")
    open_book.when(command, if_position=0)
    open_book.happened(SessionEnded)
    open_book.when(command, if_position=seen)
    open_book.rejected("position_moved")


def test_a_reason_stands_on_its_layer(open_book):
    open_book.given(Suspend("market", MONEYLINE, "quick"))
    seen = open_book.state.seq
    open_book.given(Suspend("market", OTHER_LINE, "given"), AdjustCredit("P1", 5_000_00, "given"))
    command = AddReason("market", MONEYLINE, seen, "rain")
    open_book.when(command, if_position=seen)
    open_book.happened(ReasonAdded)
    open_book.when(command, if_position=seen)
    open_book.rejected("position_moved")


def test_every_command_that_somebody_may_send_has_a_ground_and_is_tested_here():
    may_be_sent = {kind for kind in VOCABULARY.commands.values() if kind.needs is not None}
    assert may_be_sent <= set(VOCABULARY.grounds)
    assert may_be_sent - TESTED_ALONE == {type(command) for command, _ in (*BOOK_CASES, *HOUSE_CASES)}


def test_a_restart_refuses_only_what_may_have_gone_before_it(open_book):
    open_book.given(MoveLine(MONEYLINE, "offset", offset_cents=0))
    seen = open_book.state.seq
    open_book.given(wager("P2", 5_00))
    restarted = open_book.recovered()
    for command in (
        wager("P1", 5_00),
        AdjustCredit("P1", 1, "given"),
        MoveLine(MONEYLINE, "hide"),
        SetLimits(1, 2, 3, "given"),
    ):
        expected = VOCABULARY.grounds[type(command)](open_book.state, command)
        assert VOCABULARY.grounds[type(command)](restarted, command) == expected <= seen
    # Whether there was a layer before the restart that has gone since is not known any more.
    assert VOCABULARY.grounds[Suspend](restarted, Suspend("market", MONEYLINE, "given")) == restarted.seq


def test_what_is_deleted_beyond_the_bound_counts_as_deleted_with_the_last_that_is_forgotten(open_book, monkeypatch):
    monkeypatch.setattr("runline.domain.state.GONE_MAX", 2)
    state = open_book.state
    ways = [Suspend("player", "P1", "given"), Suspend("player", "P2", "given"), Suspend("market", MONEYLINE, "given")]
    gone = []
    for way in ways:
        open_book.given(way, Reopen(way.scope, way.subject, ""))
        gone.append(state.seq)
    assert [VOCABULARY.grounds[Suspend](state, way) for way in ways] == gone
    assert VOCABULARY.grounds[Suspend](state, Suspend("sport", "baseball", "given")) == gone[0]


def test_placing_a_wager_with_a_position_of_before_a_result_is_taken(open_book):
    seen = open_book.state.seq
    another_game_ends(open_book)
    open_book.when(wager("P1", 5_00), if_position=seen)
    assert open_book.refusal is None
