"""Lines: a book follows the house with an offset, locks its own line, or hides the market."""

import msgspec
import pytest
from tests.doubles.stage import NOON_NS
from tests.doubles.words import agent, board, game, line, player, staff, wager

from runline.domain.audience import Audience
from runline.domain.board import PostLines
from runline.domain.bounds import ARCHIVE_AFTER_NS, LINE_QUARTERS_MAX
from runline.domain.held import ConfirmLine
from runline.domain.lines import PRICE_OFFSET_CENTS_MAX, Departure, LineMoved, MoveLine, leaned
from runline.domain.permissions import Permission
from runline.domain.prices import Prices
from runline.domain.settings import LocksSet, SetLocks
from runline.domain.shown import board_fixture
from runline.domain.suspension import Reopen, Suspend
from runline.domain.tickets import WagerPlaced
from runline.live.facts import LOCKED_LINE, house_fact_of, told

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


def test_a_side_is_offered_alike_whether_the_book_departs_or_not(open_book):
    lines, markets = open_book.state.lines, open_book.house.state.catalog.markets
    sides = [
        (MONEYLINE, "away"),
        (MONEYLINE, "home"),
        (SPREAD, "away"),
        (SPREAD, "home"),
        (TOTAL, "over"),
        (TOTAL, "under"),
    ]
    for _ in range(2):
        for market, side in sides:
            assert lines.side(markets[market], side) == offered(open_book, market, side)
        open_book.given(MoveLine(SPREAD, "offset", offset_quarters=2), MoveLine(TOTAL, "offset", offset_quarters=-2))


def test_the_largest_handicap_and_the_smallest_total_are_offered(open_book):
    open_book.given(MoveLine(SPREAD, "offset", offset_quarters=6 - LINE_QUARTERS_MAX))
    open_book.given(MoveLine(TOTAL, "offset", offset_quarters=-34))
    assert offered(open_book, SPREAD, "home") == (-LINE_QUARTERS_MAX, "-110")
    assert offered(open_book, TOTAL, "over") == (0, "-105")


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
    open_book.given(MoveLine(SPREAD, "lock", line_quarters=-4, prices=Prices(away="EV", home="-120")))
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
    open_book.when(MoveLine(SPREAD, "lock", line_quarters=-4, prices=Prices(away="-110", home="-110")))
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
        (MoveLine(SPREAD, "lock", prices=Prices(away="-110", home="-110")), "line_invalid"),
        (MoveLine(SPREAD, "lock", line_quarters=2**70, prices=Prices(away="-110", home="-110")), "line_invalid"),
        (MoveLine(MONEYLINE, "lock", line_quarters=0, prices=Prices(away="-110", home="-110")), "line_invalid"),
        (MoveLine(SPREAD, "lock", line_quarters=-4, prices=Prices(away="-110")), "price_invalid"),
        (
            MoveLine(SPREAD, "lock", line_quarters=-4, prices=Prices(away="-110", home="-110", draw="+900")),
            "price_invalid",
        ),
        (MoveLine(SPREAD, "lock", line_quarters=-4, prices=Prices(away="-110", home="cheap")), "price_invalid"),
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
    open_book.when(MoveLine(total, "lock", line_quarters=-1, prices=Prices(over="-105", under="-115")))
    open_book.rejected("line_invalid")
    open_book.when(MoveLine(total, "offset", offset_quarters=-35))
    open_book.rejected("line_invalid")
    open_book.given(MoveLine(total, "offset", offset_quarters=-34))
    open_book.when(wager("P1", 10_00, kind="total", side="over", price="-105", quarters=0))
    open_book.happened(WagerPlaced)
    open_book.given(board("G1", line("total", "-105", "-115", quarters=33), entered_ns=NOON_NS + 1))
    open_book.when(wager("P1", 10_00, kind="total", side="over", price="-105", quarters=-1))
    open_book.rejected("market_closed", market=total)


def test_a_book_follows_again_where_the_game_is_archived_too(open_book, monkeypatch):
    monkeypatch.setattr("runline.domain.lines.BOOK_LINES_MAX", 1)
    open_book.given(MoveLine(MONEYLINE, "hide"), game("G2"), board("G2"))
    open_book.house.ends("G1", 3, 1)
    open_book.time_is(open_book.house.clock_ns + ARCHIVE_AFTER_NS)
    open_book.when(MoveLine("G2:game:total", "hide"))
    open_book.rejected("too_many", most=1)
    open_book.when(MoveLine(MONEYLINE, "lock", prices=Prices(away="+100", home="-120")))
    open_book.rejected("unknown_market")
    open_book.given(MoveLine(MONEYLINE, "follow"), MoveLine("G2:game:total", "hide"))
    assert list(open_book.state.lines.by_market) == ["G2:game:total"]


# The house has nothing on the board


OWN = MoveLine(MONEYLINE, "lock", prices=Prices(away="+130", home="-150"))


@pytest.mark.parametrize(
    ("lines", "off_board"),
    [
        ((), "withdrawn"),
        ((line("moneyline", "+150", "+150"),), "held"),
        ((line("moneyline", "+150", "-15"),), "refused"),
    ],
)
def test_a_locked_line_is_closed_while_the_house_has_its_market_off_the_board(open_book, lines, off_board):
    open_book.given(OWN, board("G1", *lines, entered_ns=NOON_NS + 1, confirm=False) if lines else withdrawn())
    open_book.when(wager("P1", 10_00, price="+130"), by="P1")
    open_book.rejected("market_closed", market=MONEYLINE, off_board=off_board)
    open_book.given(SetLocks(True, "our own lines"))
    open_book.when(wager("P1", 10_00, price="+130"), by="P1")
    open_book.happened(WagerPlaced, price="+130")
    open_book.given(SetLocks(False, "not any more"))
    open_book.when(wager("P1", 10_00, price="+130"), by="P1")
    open_book.rejected("market_closed")


def withdrawn():
    return PostLines("G1", NOON_NS + 1, ())


def test_nothing_but_a_locked_line_stays_open_without_the_house(open_book):
    open_book.given(SetLocks(True, "our own lines"), MoveLine(SPREAD, "offset", offset_quarters=2), withdrawn())
    for market in (MONEYLINE, SPREAD):
        open_book.when(
            wager("P1", 10_00, kind=market.rsplit(":")[-1], quarters=4 if market == SPREAD else None), by="P1"
        )
        open_book.rejected("market_closed", market=market)


def test_a_locked_market_that_the_house_has_taken_off_is_not_on_the_books_board(open_book):
    open_book.given(OWN, withdrawn())
    assert shown(open_book) == []
    open_book.given(SetLocks(True, "our own lines"))
    assert [(row.market, row.prices, row.open) for row in shown(open_book)] == [(MONEYLINE, ["+130", "-150"], True)]


def shown(book):
    """The markets of the game, as the book shows them to whoever does not move its lines."""
    house = book.view
    audience = Audience("root", "", frozenset(Permission) - {Permission.LINE_MOVE})
    return board_fixture(book.state, house, house.catalog.fixtures["G1"], audience, book.at_ns).markets


def test_the_setting_of_locks_is_the_whole_books(open_book):
    open_book.given(agent("A1"), staff("one", Permission.SETTINGS_CHANGE, at="A1"))
    open_book.when(SetLocks(True, "trial"), by="one")
    open_book.rejected("not_permitted")
    open_book.when(SetLocks(False, "trial"))
    open_book.nothing_happened()
    open_book.when(SetLocks(True, "ours"))
    open_book.happened(LocksSet, before=False, after=True, reason="ours")


def test_who_may_move_lines_is_told_what_the_house_does_where_the_book_has_locked_its_own(open_book):
    house = open_book.house.state

    def kinds(*lines, entered_ns):
        open_book.house.when(board("G1", *lines, entered_ns=entered_ns))
        events = [(house.seq, entered_ns, "platform", "", event) for event in open_book.house.events]
        return [house_fact_of(open_book.state, house, one, ()).kind for one in events]

    assert kinds(line("moneyline", "+125", "-135"), entered_ns=NOON_NS + 1) == ["", "", ""]
    open_book.given(OWN)
    assert kinds(line("moneyline", "+120", "-130"), entered_ns=NOON_NS + 2) == [LOCKED_LINE]
    open_book.house.when(PostLines("G1", NOON_NS + 3, ()))
    (event,) = open_book.house.events
    fact = house_fact_of(open_book.state, house, (house.seq, NOON_NS, "platform", "", event), ("notifications",))
    staff_sees = Audience("root", "", frozenset({Permission.LINE_MOVE}))
    player_sees = Audience("root", "P1", frozenset({Permission.BOARD_VIEW}))
    assert len(told(fact, ("notifications",), staff_sees)) == 1
    assert told(fact, ("notifications",), player_sees) == []


def test_a_book_is_told_of_the_house_s_lines_and_not_by_whom_nor_why_nor_what_the_guard_found(open_book):
    house = open_book.house.state
    open_book.given(OWN)

    def noticed(command):
        open_book.house.when(command)
        (event,) = open_book.house.events
        fact = house_fact_of(open_book.state, house, (house.seq, NOON_NS, "platform", "", event), ("notifications",))
        ((_, text),) = told(fact, ("notifications",), Audience("root", "", frozenset(Permission)))
        notice = msgspec.json.decode(text)
        return event, notice["actor"], notice["event"]

    open_book.house.given(board("G1", line("moneyline", "+120", "-130"), entered_ns=NOON_NS + 1))
    held, actor, shown = noticed(PostLines("G1", NOON_NS + 2, (line("moneyline", "+250", "+250"),)))
    assert held.reasons
    assert held.source
    assert (actor, shown["type"], shown["market"], shown["entered_ns"]) == ("", "LineWithdrawn", MONEYLINE, NOON_NS + 2)
    assert set(shown) == {"type", "market", "entered_ns", "entered_at"}
    posted, actor, shown = noticed(ConfirmLine(MONEYLINE, house.seq))
    assert posted.tripped
    assert posted.source
    assert (actor, shown["type"], shown["prices"]) == ("", "LinePosted", ["+250", "+250"])
    assert (shown["tripped"], shown["source"]) == ([], "")
    for command in (Suspend("market", MONEYLINE, "a bad source"), Reopen("market", MONEYLINE, "a good one")):
        event, actor, shown = noticed(command)
        assert event.reason
        assert (actor, shown["type"], shown["subject"]) == ("", type(event).__name__, MONEYLINE)
        assert (shown["reason"], shown.get("node", "")) == ("", "")


@pytest.mark.parametrize("offset", [-35, -LINE_QUARTERS_MAX])
def test_an_offset_that_no_total_could_have_is_refused(open_book, offset):
    open_book.when(MoveLine(TOTAL, "offset", offset_quarters=offset))
    open_book.rejected("line_invalid")


def test_an_offset_beyond_the_largest_handicap_is_refused_and_closes_the_market_where_the_house_leads_there(open_book):
    open_book.when(MoveLine(SPREAD, "offset", offset_quarters=-LINE_QUARTERS_MAX))
    open_book.rejected("line_invalid")
    open_book.given(MoveLine(SPREAD, "offset", offset_quarters=-LINE_QUARTERS_MAX + 6))
    open_book.given(board("G1", line("spread", "-110", "-110", quarters=-7), entered_ns=NOON_NS + 1))
    open_book.when(wager("P1", 10_00, kind="spread", price="-110", quarters=4))
    open_book.rejected("market_closed", market=SPREAD)
