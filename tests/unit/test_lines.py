"""Lines: a book follows the house with an offset, locks its own line, or hides the market."""

import pytest
from tests.doubles.stage import NOON_NS
from tests.doubles.words import agent, board, game, line, player, staff, wager

from runline.domain.bounds import ARCHIVE_AFTER_NS, LINE_QUARTERS_MAX
from runline.domain.lines import PRICE_OFFSET_CENTS_MAX, Departure, LineMoved, MoveLine, leaned
from runline.domain.permissions import Permission
from runline.domain.tickets import WagerPlaced

MONEYLINE, SPREAD, TOTAL = "G1:game:moneyline", "G1:game:spread", "G1:game:total"


@pytest.fixture
def open_book(book):
    book.given(game("G1"), board("G1"), player("P1"))
    return book


def offered(book, market, side):
    return book.state.lines.offer(book.house.state.catalog.markets[market]).side(side)


def test_a_book_follows_the_house(open_book):
    assert offered(open_book, SPREAD, "home") == (-6, "-110")
    assert offered(open_book, SPREAD, "away") == (6, "-110")
    assert offered(open_book, TOTAL, "over") == (34, "-105")
    assert offered(open_book, MONEYLINE, "home") == (None, "-130")


def test_the_offset_stays_when_the_house_moves(open_book):
    open_book.when(MoveLine(SPREAD, "offset", offset_quarters=-4, reason="our side"))
    open_book.happened(LineMoved, before=Departure(), after=Departure("offset", -4), reason="our side")
    assert (offered(open_book, SPREAD, "home"), offered(open_book, SPREAD, "away")) == ((-10, "-110"), (10, "-110"))
    open_book.given(board("G1", line("spread", "-105", "-115", quarters=-8), entered_ns=NOON_NS + 1))
    assert (offered(open_book, SPREAD, "home"), offered(open_book, SPREAD, "away")) == ((-12, "-115"), (12, "-105"))


def test_cents_move_the_two_prices_against_each_other_and_stay_when_the_house_moves(open_book):
    open_book.given(MoveLine(MONEYLINE, "offset", offset_cents=10))
    assert (offered(open_book, MONEYLINE, "away")[1], offered(open_book, MONEYLINE, "home")[1]) == ("+110", "-120")
    open_book.given(board("G1", line("moneyline", "+105", "-115"), entered_ns=NOON_NS + 1))
    assert (offered(open_book, MONEYLINE, "away")[1], offered(open_book, MONEYLINE, "home")[1]) == ("-105", "-105")


@pytest.mark.parametrize(
    ("house", "cents", "book"),
    [
        (("-110", "-110"), 5, ("-115", "-105")),
        (("-110", "-110"), -5, ("-105", "-115")),
        (("-105", "-115"), -10, ("+105", "-125")),
        (("-115", "-105"), 10, ("-125", "+105")),
        (("+100", "-120"), 5, ("-105", "-115")),
    ],
)
def test_cents_leave_the_hold_and_count_across_even(house, cents, book):
    assert leaned(house, cents) == book


def test_a_market_of_three_sides_cannot_be_moved_by_cents(open_book):
    open_book.given(board("G1", line("three_way", "+150", "+180", "+220"), entered_ns=NOON_NS + 1))
    open_book.when(MoveLine("G1:game:three_way", "offset", offset_cents=5))
    open_book.rejected("price_invalid")


def test_a_wager_is_taken_at_the_books_own_line(open_book):
    open_book.given(MoveLine(TOTAL, "offset", offset_quarters=2, offset_cents=5))
    open_book.when(wager("P1", 10_00, kind="total", side="over", price="-105", quarters=34), by="P1")
    open_book.rejected("price_changed", line_quarters=36, price="-110")
    open_book.when(wager("P1", 10_00, kind="total", side="over", price="-110", quarters=36), by="P1")
    open_book.happened(WagerPlaced, line_quarters=36, price="-110")


def test_a_locked_line_stays_when_the_house_moves(open_book):
    open_book.given(MoveLine(SPREAD, "lock", line_quarters=-4, prices=("EV", "-120")))
    open_book.given(board("G1", line("spread", "-105", "-115", quarters=-8), entered_ns=NOON_NS + 1))
    assert (offered(open_book, SPREAD, "away"), offered(open_book, SPREAD, "home")) == ((4, "+100"), (-4, "-120"))


def test_a_hidden_market_takes_no_wagers(open_book):
    open_book.given(MoveLine(MONEYLINE, "hide"))
    open_book.when(wager("P1", 10_00), by="P1")
    open_book.rejected("market_closed", market=MONEYLINE)
    open_book.given(MoveLine(MONEYLINE, "follow"))
    open_book.when(wager("P1", 10_00), by="P1")
    open_book.happened(WagerPlaced)


def test_one_book_departs_and_another_does_not(open_book):
    other = open_book.house.open_book("other")
    open_book.given(MoveLine(SPREAD, "offset", offset_quarters=-4))
    assert offered(other, SPREAD, "home") == (-6, "-110")


def test_a_move_says_what_was(open_book):
    open_book.given(MoveLine(SPREAD, "offset", offset_quarters=-4))
    open_book.when(MoveLine(SPREAD, "lock", line_quarters=-4, prices=("-110", "-110")))
    open_book.happened(LineMoved, before=Departure("offset", -4), after=Departure("lock", 0, 0, -4, ("-110", "-110")))
    open_book.when(MoveLine(SPREAD, "follow"))
    open_book.happened(LineMoved, after=Departure())


def test_what_is_so_already_makes_no_event(open_book):
    open_book.when(MoveLine(SPREAD, "follow"))
    open_book.nothing_happened()
    open_book.given(MoveLine(SPREAD, "offset", offset_quarters=-4))
    open_book.when(MoveLine(SPREAD, "offset", offset_quarters=-4, reason="again"))
    open_book.nothing_happened()


def test_an_offset_in_cents_closes_a_market_whose_prices_are_american_no_more(open_book):
    open_book.given(MoveLine(MONEYLINE, "offset", offset_cents=10))
    open_book.given(board("G1", line("moneyline", "2.10", "1.80"), entered_ns=NOON_NS + 1))
    open_book.when(wager("P1", 10_00, price="2.10"), by="P1")
    open_book.rejected("market_closed")


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (MoveLine("G1:game:three_way", "hide"), "unknown_market"),
        (MoveLine("x" * 60_000, "hide"), "unknown_market"),
        (MoveLine(MONEYLINE, "offset", offset_quarters=4), "line_invalid"),
        (MoveLine(SPREAD, "offset", offset_quarters=LINE_QUARTERS_MAX + 1), "line_invalid"),
        (MoveLine(SPREAD, "offset", offset_quarters=-(2**70)), "line_invalid"),
        (MoveLine(SPREAD, "offset", offset_cents=PRICE_OFFSET_CENTS_MAX + 1), "line_invalid"),
        (MoveLine(SPREAD, "lock", prices=("-110", "-110")), "line_invalid"),
        (MoveLine(SPREAD, "lock", line_quarters=2**70, prices=("-110", "-110")), "line_invalid"),
        (MoveLine(MONEYLINE, "lock", line_quarters=0, prices=("-110", "-110")), "line_invalid"),
        (MoveLine(SPREAD, "lock", line_quarters=-4, prices=("-110",)), "price_invalid"),
        (MoveLine(SPREAD, "lock", line_quarters=-4, prices=("-110",) * 1_000), "price_invalid"),
        (MoveLine(SPREAD, "lock", line_quarters=-4, prices=("-110", "cheap")), "price_invalid"),
        (MoveLine(SPREAD, "hide", reason="x" * 501), "reason_invalid"),
    ],
    ids=str,
)
def test_what_is_no_departure_is_refused(open_book, command, code):
    open_book.when(command)
    open_book.rejected(code)
    assert len(open_book.refusal.message) <= 500


def test_cents_are_for_american_prices(open_book):
    open_book.given(board("G1", line("moneyline", "2.10", "1.80"), entered_ns=NOON_NS + 1))
    open_book.when(MoveLine(MONEYLINE, "offset", offset_cents=10))
    open_book.rejected("price_invalid")


def test_only_staff_of_the_whole_book_moves_its_lines(open_book):
    open_book.given(agent("A1"), staff("one", Permission.LINE_MOVE, at="A1"), staff("mover", Permission.LINE_MOVE))
    open_book.when(MoveLine(SPREAD, "hide"), by="one")
    open_book.rejected("not_permitted")
    open_book.when(MoveLine(SPREAD, "hide"), by="mover")
    open_book.happened(LineMoved)


def test_the_ground_of_a_move_is_the_books_own_line_even_when_it_is_gone(open_book):
    open_book.given(MoveLine(SPREAD, "hide"))
    seen = open_book.state.seq
    open_book.given(player("P2"))
    open_book.when(MoveLine(SPREAD, "offset", offset_quarters=2), if_position=seen)
    open_book.happened(LineMoved)
    seen = open_book.state.seq
    open_book.given(MoveLine(SPREAD, "follow"))
    open_book.when(MoveLine(SPREAD, "hide"), if_position=seen)
    open_book.rejected("position_moved", position=open_book.state.seq)


def test_no_total_is_negative_neither_locked_nor_by_an_offset(open_book):
    total = "G1:game:total"
    open_book.when(MoveLine(total, "lock", line_quarters=-1, prices=("-105", "-115")))
    open_book.rejected("line_invalid")
    open_book.given(MoveLine(total, "offset", offset_quarters=-35))
    open_book.when(wager("P1", 10_00, kind="total", side="over", price="-105", quarters=-1))
    open_book.rejected("market_closed", market=total)
    open_book.given(MoveLine(total, "offset", offset_quarters=-34))
    open_book.when(wager("P1", 10_00, kind="total", side="over", price="-105", quarters=0))
    open_book.happened(WagerPlaced)


def test_a_book_follows_again_where_the_game_is_archived_too(open_book, monkeypatch):
    monkeypatch.setattr("runline.domain.lines.BOOK_LINES_MAX", 1)
    open_book.given(MoveLine(MONEYLINE, "hide"), game("G2"), board("G2"))
    open_book.house.ends("G1", 3, 1)
    open_book.time_is(open_book.house.clock_ns + ARCHIVE_AFTER_NS)
    open_book.when(MoveLine("G2:game:total", "hide"))
    open_book.rejected("too_many", most=1)
    open_book.when(MoveLine(MONEYLINE, "lock", prices=("+100", "-120")))
    open_book.rejected("unknown_market")
    open_book.given(MoveLine(MONEYLINE, "follow"), MoveLine("G2:game:total", "hide"))
    assert list(open_book.state.lines.by_market) == ["G2:game:total"]
