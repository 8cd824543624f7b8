"""Posted: what a line that is posted, withdrawn or refused makes of its market, and until when lines are taken."""

import pytest
from tests.doubles.stage import NOON_NS
from tests.doubles.words import START_NS, board, game, line

from runline.domain.board import PostLines
from runline.domain.posted import LinePosted, LineRefused, LineWithdrawn
from runline.domain.postponement import PostponeFixture

MONEYLINE = "G1:game:moneyline"


@pytest.fixture
def open_house(house):
    house.given(game("G1"))
    return house


def market(house):
    return house.state.catalog.markets[MONEYLINE]


def test_lines_are_taken_until_the_game_starts_and_not_from_then_on(open_house):
    open_house.clock_ns = START_NS - 1
    open_house.when(board("G1", entered_ns=NOON_NS))
    open_house.happened(LinePosted)
    open_house.clock_ns = START_NS
    open_house.when(board("G1", entered_ns=NOON_NS + 1))
    open_house.rejected("past_cutoff", cutoff_ns=START_NS)
    open_house.given(PostponeFixture("G1", "rain"))
    open_house.when(board("G1", entered_ns=NOON_NS + 2))
    open_house.rejected("past_cutoff", cutoff_ns=START_NS)


def test_lines_of_a_game_that_is_late_are_not_taken_though_its_start_is_to_come(open_house):
    open_house.given(PostponeFixture("G1", "rain"))
    open_house.when(board("G1"))
    open_house.rejected("past_cutoff", cutoff_ns=START_NS)


def test_lines_of_no_game_are_not_taken(open_house):
    open_house.when(board("G2"))
    open_house.rejected("unknown_fixture", fixture="G2")


def test_a_market_has_the_line_that_was_posted_last_and_who_posted_it(open_house):
    open_house.given(board("G1", line("moneyline", "+120", "-130")))
    assert open_house.state.catalog.markets_of == {"G1": [MONEYLINE]}
    row = market(open_house)
    assert (row.fixture, row.kind, row.period, row.line_quarters) == ("G1", "moneyline", "game", None)
    assert (row.prices, row.off_board, row.entered_ns, row.source) == (("+120", "-130"), "", NOON_NS, "platform")
    open_house.given(board("G1", line("moneyline", "+125", "-135"), entered_ns=NOON_NS + 5))
    assert market(open_house) is row
    assert (row.prices, row.entered_ns, row.changed_seq) == (("+125", "-135"), NOON_NS + 5, open_house.state.seq)


def test_a_market_that_is_withdrawn_or_refused_is_off_the_board_with_its_last_line(open_house):
    open_house.given(board("G1", line("moneyline", "+120", "-130")))
    open_house.when(PostLines("G1", NOON_NS + 1, ()))
    open_house.happened(LineWithdrawn, market=MONEYLINE, entered_ns=NOON_NS + 1)
    row = market(open_house)
    assert (row.off_board, row.entered_ns, row.prices) == ("withdrawn", NOON_NS + 1, ("+120", "-130"))
    open_house.given(board("G1", line("moneyline", "+120", "-130"), entered_ns=NOON_NS + 2))
    assert row.off_board == ""
    open_house.when(board("G1", line("moneyline", "+120", "none"), entered_ns=NOON_NS + 3))
    open_house.happened(LineRefused, market=MONEYLINE, fixture="G1", entered_ns=NOON_NS + 3, code="price_invalid")
    assert (row.off_board, row.entered_ns, row.prices) == ("refused", NOON_NS + 3, ("+120", "-130"))


def test_a_line_is_notable_that_has_tripped_something():
    posted = LinePosted(MONEYLINE, "G1", "moneyline", "game", None, ("+120", "-130"), NOON_NS)
    assert posted.is_notable(None) is False
    tripped = LinePosted(MONEYLINE, "G1", "moneyline", "game", None, ("+120", "-130"), NOON_NS, ("swap",))
    assert tripped.is_notable(None) is True
