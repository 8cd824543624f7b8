"""Refusals: each says by its code and its values what is wrong, and says nothing besides."""

import pytest
from tests.doubles.stage import HOUR_NS, NOON_NS
from tests.doubles.words import START_NS, agent, board, game, line, player, staff, wager

from runline.domain import fixtures, lateness, lines, rulings, setbacks, suspension, watch
from runline.domain.bounds import (
    ARCHIVE_AFTER_NS,
    FEED_SILENT_MS_MAX,
    FEED_SILENT_MS_MIN,
    IDENTIFIER_LENGTH_MAX,
    LINE_QUARTERS_MAX,
    WINDOW_HOURS_MAX,
)
from runline.domain.fixtures import START_NS_MAX, CreateFixture, CreateLeague, RenumberFixture, RescheduleFixture
from runline.domain.grading import LENGTH_MAX, Score
from runline.domain.hierarchy import CreateAgent, CreatePlayer
from runline.domain.house import OpenBook
from runline.domain.leg_voiding import VoidLeg
from runline.domain.lines import PRICE_OFFSET_CENTS_MAX, MoveLine
from runline.domain.messages import ENGINE, Rejected
from runline.domain.nodes import ROOT
from runline.domain.official import Window
from runline.domain.permissions import Permission
from runline.domain.postponement import LetWagersStand, PostponeFixture, ResumeFixture
from runline.domain.prices import Prices
from runline.domain.reopening import ReopenFixture
from runline.domain.results import CancelFixture, ConfirmResult, EnterResult
from runline.domain.roles import SetRole
from runline.domain.rulings import LeagueRule, SetLeagueRule
from runline.domain.setbacks import PutAside, TryAgain
from runline.domain.suspension import Reopen, Suspend
from runline.domain.tickets import VoidWager
from runline.domain.users import CreateUser
from runline.domain.watch import WatchFeed
from runline.domain.zones import SetZone

MONEYLINE, SPREAD, TOTAL = (f"G1:game:{kind}" for kind in ("moneyline", "spread", "total"))
LATER_NS = START_NS + 48 * HOUR_NS
MAY = (Permission.SUSPEND, Permission.WAGER_VOID, Permission.LINE_MOVE, Permission.SETTINGS_CHANGE)


@pytest.fixture
def book(book):
    """A book with two games, one with a board; two agents with a player and somebody of their staff each; a ticket."""
    book.given(
        game("G1"), board("G1"), game("G2", rotation=501), agent("A1"), agent("A2"), player("P1", "A1"),
        player("P2", "A2"), staff("ann", *MAY, at="A1"), wager("P1", 5_00),
    )  # fmt: skip
    return book


def refusal(stage, command, by=""):
    """The code and all values with which a command is refused."""
    stage.when(command, by=by)
    assert stage.refusal is not None, stage.events
    return stage.refusal.code, stage.refusal.details


def new_game(name="NEW", league="MLB", rotation=11, away="Away", home="Home", start_ns=START_NS):
    return CreateFixture(name, league, rotation, away, home, start_ns)


OF_THE_HOUSE = [
    (CreateLeague("no league", "hockey"), "identifier_invalid", {}),
    (CreateLeague("MLB", "hockey"), "already_exists", {"id": "MLB", "differs": {"sport": "baseball"}}),
    (new_game(league="KHL"), "unknown_league", {"league": "KHL"}),
    (new_game("no game"), "identifier_invalid", {}),
    (
        new_game("G2"),
        "already_exists",
        {"id": "G2", "differs": {"rotation": 501, "away": "G2 visitors", "home": "G2 home"}},
    ),
    (
        new_game("G2", rotation=501, away="G2 visitors", home="G2 home", start_ns=START_NS + 1),
        "already_exists",
        {"id": "G2", "differs": {"start_ns": START_NS}},
    ),
    (new_game(rotation=500), "rotation_taken", {"rotation": 501, "fixture": "G2"}),
    (new_game(away="home "), "team_invalid", {}),
    *((new_game(start_ns=at), "start_invalid", {}) for at in (0, -1, True, 1.5, START_NS_MAX)),
    (RescheduleFixture("G9", LATER_NS, "given"), "unknown_fixture", {"fixture": "G9"}),
    (RescheduleFixture("G1", START_NS_MAX, "given"), "start_invalid", {}),
    (RenumberFixture("G9", 11, "given"), "unknown_fixture", {"fixture": "G9"}),
    (RenumberFixture("G1", 501, "given"), "rotation_taken", {"rotation": 501, "fixture": "G2"}),
    (EnterResult("G9", Score(1, 2)), "unknown_fixture", {"fixture": "G9"}),
    (EnterResult("G1", Score(1, 2)), "fixture_status", {"status": "scheduled"}),
    (ConfirmResult("G9", 1), "unknown_fixture", {"fixture": "G9"}),
    (ConfirmResult("G1", 1), "result_changed", {"revision": 0}),
    (CancelFixture("G9", "given"), "unknown_fixture", {"fixture": "G9"}),
    (ReopenFixture("G9", "given"), "unknown_fixture", {"fixture": "G9"}),
    (PostponeFixture("G9", "given"), "unknown_fixture", {"fixture": "G9"}),
    (ResumeFixture("G9", "given"), "unknown_fixture", {"fixture": "G9"}),
    (LetWagersStand("G9", "given"), "unknown_fixture", {"fixture": "G9"}),
    (SetLeagueRule("KHL", None, "given"), "unknown_league", {"league": "KHL"}),
    (SetLeagueRule("MLB", LeagueRule(), "given", period="q1"), "line_invalid", {}),
    *(
        (SetLeagueRule("MLB", rule, "given"), "limits_invalid", {"most": LENGTH_MAX})
        for rule in (
            LeagueRule(official=0),
            LeagueRule(official=LENGTH_MAX + 1),
            LeagueRule(less_if_home_leads=-1),
            LeagueRule(less_if_home_leads=LENGTH_MAX),
        )
    ),
    *(
        (SetLeagueRule("MLB", LeagueRule(window=window), "given"), "limits_invalid", {"most": WINDOW_HOURS_MAX})
        for window in (Window("hours"), Window("hours", -1), Window("hours", WINDOW_HOURS_MAX + 1), Window("date", 1))
    ),
    (SetZone("fixture", "G9", "UTC", "given"), "unknown_fixture", {"fixture": "G9"}),
    (SetZone("league", "KHL", "UTC", "given"), "unknown_league", {"league": "KHL"}),
    (SetZone("league", "MLB", "Nowhere", "given"), "unknown_zone", {}),
    *(
        (
            WatchFeed("platform", after_ms, "given"),
            "limits_invalid",
            {"least": FEED_SILENT_MS_MIN, "most": FEED_SILENT_MS_MAX},
        )
        for after_ms in (-1, 1, FEED_SILENT_MS_MIN - 1, FEED_SILENT_MS_MAX + 1)
    ),
    (WatchFeed("nobody", 5_000, "given"), "unknown_user", {"user": "nobody"}),
    (Suspend("agent", "A1", "given"), "scope_invalid", {}),
    (TryAgain(7, "given"), "unknown_work", {"number": 7}),
]

OF_A_BOOK = [
    (MoveLine("G9:game:total", "hide"), "", "unknown_market", {"market": "G9:game:total"}),
    (MoveLine(TOTAL, "hide"), "ann", "not_permitted", {}),
    (MoveLine(TOTAL, "offset", offset_quarters=LINE_QUARTERS_MAX + 1), "", "line_invalid", {}),
    (MoveLine(TOTAL, "offset", offset_quarters=-LINE_QUARTERS_MAX - 1), "", "line_invalid", {}),
    (MoveLine(TOTAL, "offset", offset_cents=PRICE_OFFSET_CENTS_MAX + 1), "", "line_invalid", {}),
    (MoveLine(TOTAL, "offset", offset_cents=-PRICE_OFFSET_CENTS_MAX - 1), "", "line_invalid", {}),
    (MoveLine(MONEYLINE, "offset", offset_quarters=1), "", "line_invalid", {}),
    (MoveLine(TOTAL, "offset", offset_quarters=-35), "", "line_invalid", {}),
    (
        MoveLine(TOTAL, "offset", offset_quarters=LINE_QUARTERS_MAX - 33),
        "",
        "line_invalid",
        {"most": LINE_QUARTERS_MAX},
    ),
    (MoveLine(TOTAL, "lock", prices=Prices(over="-110", under="-110")), "", "line_invalid", {}),
    (
        MoveLine(MONEYLINE, "lock", prices=Prices(away="+120")),
        "",
        "price_invalid",
        {"sides": ["away", "home"]},
    ),
    (VoidWager(0, "given"), "", "unknown_wager", {"wager": 0}),
    (VoidWager(0, "given"), "ann", "not_permitted", {}),
    (VoidLeg(0, 1, "given"), "", "unknown_wager", {"wager": 0}),
    (Suspend("all", "x", "given"), "", "scope_invalid", {}),
    (Suspend("league", "", "given"), "", "scope_invalid", {}),
    (Suspend("silence", "platform", "given"), "", "scope_invalid", {}),
    (Suspend("league", "two\nlines", "given"), "", "identifier_invalid", {}),
    (Suspend("league", "x" * (4 * IDENTIFIER_LENGTH_MAX + 1), "given"), "", "identifier_invalid", {}),
    (
        Suspend("league", "x" * 4 * IDENTIFIER_LENGTH_MAX, "given"),
        "",
        "unknown_subject",
        {"subject": "x" * 4 * IDENTIFIER_LENGTH_MAX},
    ),
    (Suspend("agent", "A9", "given"), "", "unknown_agent", {"agent": "A9"}),
    (Suspend("player", "P9", "given"), "", "unknown_player", {"player": "P9"}),
    (Suspend("player", "P2", "given"), "ann", "not_permitted", {}),
    (Suspend("league", "MLB", "given"), "ann", "not_permitted", {}),
    (Reopen("all", "x", ""), "", "scope_invalid", {}),
    (Reopen("player", "P2", ""), "ann", "not_permitted", {}),
    (TryAgain(7, "given"), "", "unknown_work", {"number": 7}),
    (TryAgain(7, "given"), "ann", "not_permitted", {}),
]


def test_the_house_says_what_is_wrong(book):
    """A refusal leaves no trace: all of them are told by one house."""
    for command, code, details in OF_THE_HOUSE:
        assert refusal(book.house, command) == (code, details), command


def test_a_book_says_what_is_wrong(book):
    for command, by, code, details in OF_A_BOOK:
        assert refusal(book, command, by) == (code, details), (command, by)


def test_a_book_says_which_market_it_does_not_offer_and_why(book):
    def refused(kind="moneyline", side="away", price="+120", quarters=None):
        return refusal(book, wager("P1", 5_00, kind=kind, side=side, price=price, quarters=quarters))

    taken = {"rule": "line_taken"}
    assert refused(side="over") == ("unknown_selection", {"sides": ["away", "home"], **taken})
    closed = {"market": MONEYLINE, **taken}
    book.given(MoveLine(MONEYLINE, "offset", offset_cents=5))
    assert refused(side="draw") == ("unknown_selection", {"sides": ["away", "home"], **taken})
    book.given(board("G1", line("moneyline", "2.10", "1.80"), entered_ns=NOON_NS + 1))
    assert refused() == ("market_closed", closed)
    book.given(MoveLine(MONEYLINE, "hide"))
    assert refused() == ("market_closed", closed)
    off_board = {"market": SPREAD, "off_board": "withdrawn", **taken}
    assert refused("spread", "home", "-110", -6) == ("market_closed", off_board)
    book.given(MoveLine(SPREAD, "lock", line_quarters=-6, prices=Prices(away="-110", home="-110")))
    assert refused("spread", "home", "-110", -6) == ("market_closed", off_board)
    book.given(MoveLine(TOTAL, "offset", offset_quarters=-34))
    book.given(board("G1", line("total", "-110", "-110", quarters=33), entered_ns=NOON_NS + 2))
    assert refused("total", "over", "-110", 0) == ("market_closed", {"market": TOTAL, **taken})


def test_what_is_at_its_bound_is_taken(book):
    book.house.given(
        new_game("NEW-1", rotation=11, start_ns=1),
        new_game("NEW-2", rotation=13, start_ns=START_NS_MAX - 1),
        *(
            SetLeagueRule("MLB", rule, "given")
            for rule in (
                LeagueRule(official=1),
                LeagueRule(official=LENGTH_MAX),
                LeagueRule(less_if_home_leads=LENGTH_MAX - 1),
                LeagueRule(window=Window("hours", 1)),
                LeagueRule(window=Window("hours", WINDOW_HOURS_MAX)),
                LeagueRule(window=Window("date")),
            )
        ),
        WatchFeed("platform", FEED_SILENT_MS_MIN, "given"),
        WatchFeed("platform", FEED_SILENT_MS_MAX, "given"),
    )
    book.given(
        MoveLine(SPREAD, "offset", offset_quarters=LINE_QUARTERS_MAX),
        MoveLine(SPREAD, "offset", offset_quarters=6 - LINE_QUARTERS_MAX),
        MoveLine(SPREAD, "offset", offset_cents=PRICE_OFFSET_CENTS_MAX),
        MoveLine(SPREAD, "offset", offset_cents=-PRICE_OFFSET_CENTS_MAX),
        MoveLine(TOTAL, "offset", offset_quarters=-34),
    )


def test_a_bound_is_told_with_the_refusal(book, monkeypatch):
    """What there may be so many of, besides what `test_bounds` has."""
    house = book.house
    monkeypatch.setattr(lateness, "EARLIER_STARTS_MAX", 1)
    house.given(RescheduleFixture("G1", LATER_NS, "given"))
    assert refusal(house, RescheduleFixture("G1", START_NS, "given")) == ("too_many", {"most": 1})
    monkeypatch.setattr(rulings, "RULINGS_PER_LEAGUE_MAX", 1)
    house.given(SetLeagueRule("MLB", LeagueRule(official=9), "given"))
    assert refusal(house, SetLeagueRule("MLB", None, "given")) == ("too_many", {"most": 1})
    for module, name, count, stage, command in (
        (fixtures, "LEAGUES_MAX", 1, house, CreateLeague("NHL", "hockey")),
        (fixtures, "FIXTURES_MAX", 2, house, new_game()),
        (fixtures, "ARCHIVED_MAX", 0, house, new_game()),
        (lines, "BOOK_LINES_MAX", 0, book, MoveLine(TOTAL, "hide")),
        (suspension, "SUSPENSIONS_MAX", 0, book, Suspend("market", MONEYLINE, "given")),
        (watch, "FEEDS_MAX", 0, house, WatchFeed("platform", 5_000, "given")),
    ):
        with monkeypatch.context() as few:
            few.setattr(module, name, count)
            assert refusal(stage, command) == ("too_many", {"most": count})
    monkeypatch.setattr(suspension, "SUSPENSIONS_PER_NODE_MAX", 0)
    assert refusal(book, Suspend("player", "P1", "given"), "ann") == ("too_many", {"most": 0})
    monkeypatch.setattr(setbacks, "SET_ASIDE_MAX", 0)
    with pytest.raises(Rejected) as refused:
        house.execute(PutAside("timer", "cutoff", "G1", "why"), ENGINE)
    assert (refused.value.code, refused.value.details) == ("too_many", {"most": 0})


def test_what_a_game_does_not_allow_is_refused_with_how_it_stands(book):
    house = book.house
    house.given(PostponeFixture("G1", "rain"))
    assert refusal(house, ResumeFixture("G1", "dry")) == ("fixture_status", {"status": "closed"})
    house.given(RescheduleFixture("G1", START_NS, "dry"))
    house.clock_ns = START_NS
    # The game has begun, and its timer has not come yet.
    house.given(EnterResult("G1", Score(1, 2)))
    for command in (ConfirmResult("G1", 1), ReopenFixture("G1", "given")):
        assert refusal(house, command) == ("fixture_status", {"status": "scheduled"})
    assert refusal(house, ConfirmResult("G1", 2)) == ("result_changed", {"revision": 1})
    assert refusal(house, RescheduleFixture("G1", LATER_NS, "given")) == ("fixture_status", {"revision": 1})
    house.fire_timers()
    house.given(ConfirmResult("G1", 1))
    for moved in (RescheduleFixture("G1", LATER_NS, "given"), PostponeFixture("G1", "rain")):
        assert refusal(house, moved) == ("fixture_status", {"status": "final"})
    house.given(CancelFixture("G1", "given"))
    for late in (EnterResult("G1", Score(1, 2)), RescheduleFixture("G1", LATER_NS, "given")):
        assert refusal(house, late) == ("fixture_status", {"status": "cancelled"})
    assert refusal(house, ConfirmResult("G1", 1)) == ("result_changed", {"revision": 2})
    house.time_is(house.clock_ns + ARCHIVE_AFTER_NS)
    assert refusal(house, EnterResult("G1", Score(1, 2))) == ("fixture_status", {"status": "archived"})
    assert refusal(house, new_game("G1")) == ("already_exists", {"id": "G1"})


def test_a_game_that_has_begun_is_moved_to_what_is_still_to_come(book):
    house = book.house
    house.time_is(START_NS)
    for start_ns in (NOON_NS, START_NS - 1):
        assert refusal(house, RescheduleFixture("G1", start_ns, "given")) == ("past_cutoff", {})
    house.clock_ns = START_NS + HOUR_NS
    assert refusal(house, RescheduleFixture("G1", START_NS + HOUR_NS, "given")) == ("past_cutoff", {})
    house.given(RescheduleFixture("G1", START_NS + HOUR_NS + 1, "given"))


def test_a_score_that_says_too_little_is_refused_with_what_it_lacks(house):
    house.given(game("G1", league="NHL", sport="hockey"), board("G1", line("three_way", "+150", "+160", "+250")))
    house.clock_ns = START_NS + 3 * HOUR_NS
    house.fire_timers()
    assert refusal(house, EnterResult("G1", Score(-1, 2))) == ("not_gradable", {})
    won = Score(3, 2, ((1, 1), (1, 1), (0, 0)), ((1, 0),))
    house.given(EnterResult("G1", won), ConfirmResult("G1", 1))
    assert refusal(house, EnterResult("G1", Score(3, 2))) == ("not_gradable", {"missing": "overtime"})


def test_what_is_no_id_is_called_what_it_would_be_the_id_of(book):
    for stage, command, what in (
        (book.house, CreateLeague("no league", "hockey"), "league"),
        (book.house, new_game("no game"), "fixture"),
        (book.house, OpenBook("no book", "owner"), "book"),
        (book.house, OpenBook("other", "no owner"), "user"),
        (book, CreateAgent("no agent", ROOT), "agent"),
        (book, CreatePlayer("no player", ROOT, 0), "player"),
        (book, CreateUser("no user", ROOT, "viewer"), "user"),
        (book, SetRole("no role", ROOT, (), "given"), "role"),
    ):
        assert refusal(stage, command) == ("identifier_invalid", {})
        assert str(stage.refusal).startswith(f"A {what} id ")


def test_what_was_closed_from_above_says_no_more_than_that(book):
    book.given(Suspend("player", "P1", "given"))
    assert refusal(book, Reopen("player", "P1", ""), "ann") == ("not_permitted", {})
    assert refusal(book, VoidWager(min(book.state.tickets.by_number), "given"), "P1")[0] == "not_permitted"
    assert book.state.suspensions.layers["player", "P1"].node == ROOT
