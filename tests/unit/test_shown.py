"""Shown: why a market takes no wagers, and what is told of it to whom."""

import pytest
from tests.doubles.stage import NOON_NS
from tests.doubles.words import START_NS, agent, board, game, line, player, wager

from runline.domain.accounts import SetPlayerLimits
from runline.domain.audience import Audience
from runline.domain.lines import MoveLine
from runline.domain.nodes import ROOT
from runline.domain.permissions import Permission, permissions_of
from runline.domain.postponement import PostponeFixture
from runline.domain.prices import Prices
from runline.domain.settings import SetLocks
from runline.domain.shown import AgentFigures, agent_figures, board_departure, board_market, closed_by, exposure_of
from runline.domain.suspension import Reopen, Suspend
from runline.domain.watch import WatchFeed

MONEYLINE = "G1:game:moneyline"
STAFF = Audience(ROOT, "", frozenset(permissions_of("book")))
PLAYER = Audience("A1", "P1", frozenset({Permission.BOARD_VIEW.value}))


@pytest.fixture
def book(book):
    book.given(game("G1"), board("G1"), agent("A1"), player("P1", "A1"))
    return book


def why(book, audience=STAFF, now_ns=NOON_NS, of=None):
    """Why the game's moneyline takes no wagers."""
    house = book.house.state
    market = house.catalog.markets[MONEYLINE]
    return closed_by(of or book.state, house, house.catalog.fixtures["G1"], market, audience, now_ns)


def shown(book, audience=STAFF, of=None):
    house = book.house.state
    found = board_market(of or book.state, house, house.catalog.markets[MONEYLINE], audience, NOON_NS)
    return found and (found.open, found.closed_by, found.closed_sides)


def test_a_market_is_closed_by_its_cutoff_or_a_postponement_before_anything_else(book):
    assert (why(book, now_ns=START_NS - 1), why(book, now_ns=START_NS)) == ("", "past_cutoff")
    book.given(Suspend("all", "", "storm"))
    assert (why(book, now_ns=START_NS - 1), why(book, now_ns=START_NS)) == ("all", "past_cutoff")
    book.house.given(PostponeFixture("G1", "rain"))
    assert why(book) == "postponed"


@pytest.mark.parametrize(
    ("scope", "subject"),
    [("all", ""), ("sport", "baseball"), ("league", "MLB"), ("fixture", "G1"), ("market", MONEYLINE)],
)
def test_a_layer_of_the_house_or_of_the_book_is_named_with_what_it_is_over(book, scope, subject):
    named = f"{scope} {subject}".strip()
    for stage in (book.house, book):
        stage.given(Suspend(scope, subject, "given"))
        assert why(book) == why(book, PLAYER) == named
        assert shown(book) == (False, named, [])
        assert why(book, of=book.house.state) == (named if stage is book.house else "")
        stage.given(Reopen(scope, subject, ""))
    assert why(book) == ""


def test_whose_feed_is_closed_is_told_to_staff_alone(book):
    book.house.given(WatchFeed("platform", 5_000, "given"), Suspend("feed", "platform", "given"))
    assert (why(book), why(book, PLAYER)) == ("feed platform", "feed")


def test_the_whole_board_is_closed_to_who_is_closed_themselves(book):
    book.given(Suspend("agent", "A1", "late"))
    assert (why(book), why(book, PLAYER)) == ("", "agent A1")
    book.given(Reopen("agent", "A1", ""), SetPlayerLimits("P1", None, None, False, "owes"))
    assert (why(book), why(book, PLAYER)) == ("", "account P1")


def test_a_layer_over_a_side_leaves_the_other_open(book):
    for stage in (book.house, book):
        stage.given(Suspend("selection", f"{MONEYLINE}/away", "given"))
        assert shown(book) == (True, "", ["away"])
        assert why(book) == ""
        stage.given(Reopen("selection", f"{MONEYLINE}/away", ""))


def test_a_market_that_the_book_has_taken_off_is_shown_to_who_may_move_lines_with_why(book):
    withdrawn = board("G1", line("total", "-105", "-115", quarters=34), entered_ns=NOON_NS + 1)
    book.given(MoveLine(MONEYLINE, "hide"))
    assert (shown(book), shown(book, PLAYER)) == ((False, "line hide", []), None)
    book.house.given(withdrawn)
    assert (shown(book), shown(book, of=book.house.state)) == ((False, "line hide", []), None)
    book.given(MoveLine(MONEYLINE, "offset", offset_cents=5))
    assert (shown(book), shown(book, PLAYER)) == ((False, "line withdrawn", []), None)
    book.given(MoveLine(MONEYLINE, "lock", prices=Prices(away="+120", home="-130")))
    assert (shown(book), shown(book, PLAYER)) == ((False, "line withdrawn", []), None)
    book.given(SetLocks(True, "trial"))
    assert (shown(book), shown(book, PLAYER)) == ((True, "", []), (True, "", []))
    book.given(MoveLine(MONEYLINE, "follow"))
    assert (shown(book), shown(book, PLAYER)) == (None, None)
    book.given(Suspend("all", "", "storm"), MoveLine(MONEYLINE, "hide"))
    assert shown(book) == (False, "all", [])


def test_the_house_departs_from_nothing(book):
    market = book.house.state.catalog.markets[MONEYLINE]
    assert board_departure(book.house.state, market, STAFF) is None
    assert shown(book, of=book.house.state) == (True, "", [])


def test_an_agent_without_players_and_a_market_without_wagers_have_zeros(book):
    book.given(agent("A2", "A1"))
    assert agent_figures(book.state, "A2") == AgentFigures("A2", "A1", 0, 0, 0)
    nothing = exposure_of(book.state, MONEYLINE, "A2")
    assert (nothing.market, nothing.exposure_minor, nothing.risk_minor, nothing.wagers) == (
        MONEYLINE, {"away": 0, "home": 0}, {}, 0,
    )  # fmt: skip


def test_the_risk_on_a_side_is_that_at_all_of_its_lines(book):
    spread = "G1:game:spread"
    book.given(wager("P1", 11_00, kind="spread", side="home", quarters=-6, price="-110"))
    book.given(MoveLine(spread, "offset", offset_quarters=2))
    book.given(wager("P1", 22_00, kind="spread", side="home", quarters=-4, price="-110"))
    found = exposure_of(book.state, spread, ROOT)
    assert (found.risk_minor, found.wagers) == ({"home": 33_00}, 2)
