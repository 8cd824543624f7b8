"""Board: repeating a line changes nothing, an older one never replaces a newer one, a late one never opens a market."""

import pytest
from tests.doubles.stage import HOUR_NS, NOON_NS
from tests.doubles.words import FULL_BOARD, START_NS, board, game, line, player, wager

from runline.domain.board import PostLines
from runline.domain.bounds import LINE_AHEAD_NS_MAX, LINE_QUARTERS_MAX, MARKETS_PER_POST_MAX
from runline.domain.fixtures import RescheduleFixture
from runline.domain.guard import SetGuard
from runline.domain.held import LineHeld
from runline.domain.posted import LinePosted, LineRefused, LineWithdrawn
from runline.domain.tickets import WagerPlaced

MONEYLINE = line("moneyline", "+120", "-130")
MOVED = line("moneyline", "+125", "-135")
TOTAL = line("total", "-105", "-115", quarters=34)


@pytest.fixture
def house(house):
    house.given(game("G1"))
    return house


def test_a_board_is_an_event_for_each_market(house):
    house.when(board("G1"))
    assert [event.market for event in house.events] == ["G1:game:moneyline", "G1:game:spread", "G1:game:total"]
    house.happened(LinePosted, kind="total", line_quarters=34, prices=("-105", "-115"), entered_ns=NOON_NS)


def test_repeating_a_board_makes_no_event(house):
    house.given(board("G1"))
    house.when(board("G1"))
    house.nothing_happened()
    house.when(board("G1", entered_ns=NOON_NS + 1))
    house.nothing_happened()


def test_only_what_differs_becomes_an_event(house):
    house.given(board("G1"))
    house.when(board("G1", MOVED, *FULL_BOARD[1:], entered_ns=NOON_NS + 1))
    assert house.events == [
        LinePosted("G1:game:moneyline", "G1", "moneyline", "game", None, ("+125", "-135"), NOON_NS + 1, (), "platform")
    ]


def test_the_same_price_in_another_writing_is_a_repeat(house):
    house.given(board("G1", line("moneyline", "+100", "1.90")))
    house.when(board("G1", line("moneyline", "EV", "1.900")))
    house.nothing_happened()


def test_an_older_line_is_refused(house):
    house.given(board("G1", MONEYLINE, entered_ns=NOON_NS))
    house.when(board("G1", MOVED, entered_ns=NOON_NS - 1))
    house.rejected("line_out_of_order", entered_ns=NOON_NS)


def test_an_older_board_takes_nothing_off(house):
    house.given(board("G1", MONEYLINE, TOTAL, entered_ns=NOON_NS))
    house.when(board("G1", line("spread", "-110", "-110", quarters=-6), entered_ns=NOON_NS - 1))
    house.rejected("line_out_of_order")


def test_a_line_of_the_same_moment_replaces_the_one_before(house):
    house.given(board("G1", MONEYLINE))
    house.when(board("G1", MOVED))
    house.happened(LinePosted, prices=("+125", "-135"))


def test_a_market_that_is_gone_is_off_the_board(house):
    house.given(board("G1", MONEYLINE, TOTAL))
    house.when(board("G1", MONEYLINE, entered_ns=NOON_NS + 1))
    assert house.events == [LineWithdrawn("G1:game:total", NOON_NS + 1)]
    house.when(board("G1", MONEYLINE, entered_ns=NOON_NS + 2))
    house.nothing_happened()
    house.when(PostLines("G1", NOON_NS + 3, ()))
    assert house.events == [LineWithdrawn("G1:game:moneyline", NOON_NS + 3)]


def test_a_market_off_the_board_takes_no_wagers_until_it_is_back(house):
    book = house.open_book("main")
    book.given(player("P1"), board("G1", MONEYLINE), PostLines("G1", NOON_NS + 1, ()))
    book.when(wager("P1", 10_00), by="P1")
    book.rejected("market_closed")
    house.when(board("G1", MONEYLINE, entered_ns=NOON_NS))
    house.rejected("line_out_of_order")
    house.given(board("G1", MONEYLINE, entered_ns=NOON_NS + 2))
    book.when(wager("P1", 10_00), by="P1")
    book.happened(WagerPlaced)


# Late lines


def test_a_line_that_was_entered_after_the_start_is_refused(house):
    house.when(board("G1", entered_ns=START_NS))
    house.rejected("past_cutoff", cutoff_ns=START_NS)


def test_a_line_that_arrives_after_the_start_is_refused_whenever_it_was_entered(house):
    house.clock_ns = START_NS
    for closed in (False, True):
        if closed:
            house.fire_timers()
        house.when(board("G1", entered_ns=NOON_NS))
        house.rejected("past_cutoff", cutoff_ns=START_NS)


def test_a_late_line_never_opens_a_market(house):
    book = house.open_book("main")
    book.given(player("P1"))
    book.time_is(START_NS)
    house.when(board("G1"))
    house.rejected("past_cutoff")
    book.when(wager("P1", 10_00), by="P1")
    book.rejected("unknown_market")


def test_after_a_new_start_lines_come_in_again(house):
    house.clock_ns = START_NS
    house.fire_timers()
    house.given(RescheduleFixture("G1", START_NS + HOUR_NS, "rain"))
    house.when(board("G1", entered_ns=START_NS + 1))
    house.happened(LinePosted)


# What is no line


@pytest.mark.parametrize(
    ("posted", "code"),
    [
        (line("moneyline", "+120"), "price_invalid"),
        (line("moneyline", "+120", "-130", "+900"), "price_invalid"),
        (line("three_way", "+120", "-130"), "price_invalid"),
        (line("moneyline", "+120", "-99"), "price_invalid"),
        (line("moneyline", "+120", ""), "price_invalid"),
        (line("moneyline", "+120", "x" * 10_000), "price_invalid"),
        (line("moneyline", "+120", "-130", quarters=0), "line_invalid"),
        (line("spread", "-110", "-110"), "line_invalid"),
        (line("total", "-110", "-110", quarters=LINE_QUARTERS_MAX + 1), "line_invalid"),
        (line("spread", "-110", "-110", quarters=-LINE_QUARTERS_MAX - 1), "line_invalid"),
        (line("spread", "-110", "-110", quarters=2**70), "line_invalid"),
        (line("moneyline", "+120", "-130", period="q1"), "line_invalid"),
    ],
)
def test_what_is_no_line_is_refused(house, posted, code):
    house.when(board("G1", posted))
    house.rejected(code)


@pytest.mark.parametrize("entered_ns", [-1, -(2**70), 0.5])
def test_a_line_has_a_time(house, entered_ns):
    house.when(board("G1", entered_ns=entered_ns))
    house.rejected("line_invalid")


def test_a_period_that_the_league_does_not_play_has_no_markets(house):
    house.given(game("H1", league="NHL", sport="hockey"), game("F1", league="NFL", sport="football"))
    house.when(board("H1", line("moneyline", "+120", "-130", period="1h")))
    house.rejected("line_invalid", market="H1:1h:moneyline")
    house.when(board("F1", line("moneyline", "+120", "-130", period="1h")))
    house.happened(LinePosted, market="F1:1h:moneyline")


def test_the_same_market_twice_in_a_post_is_refused(house):
    house.when(board("G1", MONEYLINE, MOVED))
    house.rejected("line_invalid", market="G1:game:moneyline")


def test_a_post_has_so_many_markets_and_no_more(house):
    house.when(board("G1", *[MONEYLINE] * (MARKETS_PER_POST_MAX + 1)))
    house.rejected("too_many", most=MARKETS_PER_POST_MAX)


def test_what_stands_in_a_post_as_often_as_it_may_counts_once(house):
    house.when(board("G1", *[MONEYLINE] * MARKETS_PER_POST_MAX))
    assert [event.market for event in house.events] == ["G1:game:moneyline"]


def test_what_stands_in_a_post_in_two_ways_says_nothing_though_one_of_them_stands_there_twice(house):
    house.given(board("G1", MONEYLINE, TOTAL))
    house.when(board("G1", MOVED, TOTAL, MONEYLINE, MOVED, entered_ns=NOON_NS + 1))
    assert [(type(event), event.market) for event in house.events] == [(LineRefused, "G1:game:moneyline")]


def test_of_several_lines_that_are_none_the_first_is_named(house):
    house.when(board("G1", line("total", "-105", "-11", quarters=34), MONEYLINE, MOVED))
    house.rejected("price_invalid", market="G1:game:total")


def test_the_first_moment_is_a_time_as_well(house):
    house.when(board("G1", entered_ns=0))
    house.happened(LinePosted, entered_ns=0)


def test_an_unknown_fixture_is_named(house):
    house.when(board("G9"))
    house.rejected("unknown_fixture", fixture="G9")


def test_a_line_that_is_none_takes_its_market_off_the_board_and_the_others_are_updated(house):
    book = house.open_book("main")
    book.given(player("P1"), board("G1", MONEYLINE, TOTAL))
    house.when(board("G1", MOVED, line("total", "-105", "-11", quarters=34), entered_ns=NOON_NS + 1))
    house.happened(LinePosted, market="G1:game:moneyline", prices=("+125", "-135"))
    refused = house.happened(LineRefused, market="G1:game:total", code="price_invalid", entered_ns=NOON_NS + 1)
    assert refused.why
    book.when(wager("P1", 10_00, kind="total", side="over", price="-105", quarters=34), by="P1")
    book.rejected("market_closed", off_board="refused")
    house.when(board("G1", MOVED, TOTAL, entered_ns=NOON_NS + 2))
    assert [event.market for event in house.events] == ["G1:game:total"]
    book.when(wager("P1", 10_00, kind="total", side="over", price="-105", quarters=34), by="P1")
    book.happened(WagerPlaced)


@pytest.mark.parametrize(
    "bad",
    [
        (line("total", "-105", "", quarters=34),),
        (line("total", "-105", "-115", quarters=-1),),
        (line("total", "-105", "-115"),),
        (line("total", "-105", "-115", "+900", quarters=34),),
        (TOTAL, line("total", "-110", "-110", quarters=36)),
    ],
)
def test_whatever_is_wrong_with_a_line_nothing_old_stays_open(house, bad):
    house.given(board("G1", MONEYLINE, TOTAL))
    house.when(board("G1", MONEYLINE, *bad, entered_ns=NOON_NS + 1))
    assert [(type(event), event.market) for event in house.events] == [(LineRefused, "G1:game:total")]
    assert house.state.catalog.markets["G1:game:total"].off_board == "refused"


def test_a_post_that_says_the_same_nonsense_again_is_refused(house):
    bad = line("total", "-105", "-11", quarters=34)
    house.given(board("G1", MONEYLINE, TOTAL))
    house.given(board("G1", MONEYLINE, bad, entered_ns=NOON_NS + 1))
    house.when(board("G1", MONEYLINE, bad, entered_ns=NOON_NS + 2))
    house.rejected("price_invalid", market="G1:game:total")
    house.when(board("G1", MOVED, bad, entered_ns=NOON_NS + 2))
    assert [type(event) for event in house.events] == [LinePosted, LineRefused]


def test_an_older_board_is_refused_whatever_is_in_it(house):
    house.given(board("G1", MONEYLINE, TOTAL), board("G1", MONEYLINE, entered_ns=NOON_NS + 5))
    house.when(board("G1", MONEYLINE, line("spread", "-110", "-110", quarters=-6), entered_ns=NOON_NS + 4))
    house.rejected("line_out_of_order", entered_ns=NOON_NS + 5)


# A line of a later time, and totals


def test_a_line_of_a_later_time_is_refused_and_keeps_no_true_one_out(house):
    house.given(board("G1", MONEYLINE))
    house.when(board("G1", MOVED, entered_ns=NOON_NS + LINE_AHEAD_NS_MAX + 1))
    house.rejected("line_ahead", now_ns=NOON_NS)
    house.given(board("G1", MOVED, entered_ns=NOON_NS + 1))
    house.when(board("G1", MONEYLINE, entered_ns=NOON_NS + LINE_AHEAD_NS_MAX))
    house.happened(LinePosted)


def test_a_total_is_not_negative(house):
    house.when(board("G1", line("total", "-105", "-115", quarters=-1)))
    house.rejected("line_invalid")
    house.given(board("G1", line("total", "-105", "-115", quarters=0), line("spread", "-110", "-110", quarters=-6)))


def test_a_games_markets_stand_in_one_order_whenever_they_were_posted_and_after_a_restart(house):
    first_half = line("total", "-105", "-115", quarters=18, period="1h")
    lines = [
        line("draw_no_bet", "+120", "-130"),
        TOTAL,
        first_half,
        MONEYLINE,
        line("spread", "-110", "-110", quarters=-6),
    ]
    house.given(game("G2", league="EPL", sport="soccer"))
    for count in range(1, 6):
        house.given(board("G2", *lines[:count], entered_ns=NOON_NS + count))
    order = [f"G2:{name}" for name in ("game:spread", "game:moneyline", "game:total", "game:draw_no_bet", "1h:total")]
    assert house.state.catalog.markets_of["G2"] == house.recovered().catalog.markets_of["G2"] == order
    house.when(board("G2", TOTAL, entered_ns=NOON_NS + 6))
    assert [event.market for event in house.events] == [name for name in order if name != "G2:game:total"]


def test_a_league_has_the_periods_of_its_own_rules(house):
    house.given(game("C1", league="NCAAB", sport="basketball"), game("N1", league="NBA", sport="basketball"))
    quarter, half = (line("moneyline", "+120", "-130", period=period) for period in ("q1", "1h"))
    house.given(board("N1", quarter, half), board("C1", half))
    house.when(board("C1", half, quarter))
    house.rejected("line_invalid", market="C1:q1:moneyline")


# While lines are held

WRONG = line("moneyline", "+150", "+150")
WRONG_TOTAL = line("total", "+150", "+150", quarters=34)


def test_of_one_post_no_more_lines_are_held_than_there_is_room_for(house, monkeypatch):
    monkeypatch.setattr("runline.domain.board.HELD_LINES_MAX", 1)
    house.when(board("G1", WRONG, WRONG_TOTAL, confirm=False))
    assert [(type(event), event.market) for event in house.events] == [
        (LineHeld, "G1:game:moneyline"),
        (LineRefused, "G1:game:total"),
    ]
    house.happened(LineRefused, code="too_many")
    monkeypatch.setattr("runline.domain.board.HELD_LINES_MAX", 2)
    house.when(board("G1", WRONG, WRONG_TOTAL, entered_ns=NOON_NS + 1, confirm=False))
    assert [(type(event), event.market) for event in house.events] == [(LineHeld, "G1:game:total")]


def test_a_line_for_which_there_is_no_room_takes_what_stood_off_the_board(house, monkeypatch):
    house.given(game("G2"), board("G2", WRONG, confirm=False), board("G1", line("moneyline", "+120", "-130")))
    monkeypatch.setattr("runline.domain.board.HELD_LINES_MAX", 1)
    house.when(board("G1", WRONG, entered_ns=NOON_NS + 1, confirm=False))
    house.happened(LineRefused, market="G1:game:moneyline", code="too_many")
    assert house.state.catalog.markets["G1:game:moneyline"].off_board


def test_of_one_post_as_many_lines_are_held_as_there_is_room_for(house, monkeypatch):
    monkeypatch.setattr("runline.domain.board.HELD_LINES_MAX", 2)
    house.when(board("G1", WRONG, WRONG_TOTAL, confirm=False))
    assert [type(event) for event in house.events] == [LineHeld, LineHeld]


def test_a_held_line_that_its_source_has_no_more_is_withdrawn(house):
    house.given(board("G1", WRONG, TOTAL, confirm=False))
    house.when(board("G1", TOTAL, entered_ns=NOON_NS + 1, confirm=False))
    assert house.events == [LineWithdrawn("G1:game:moneyline", NOON_NS + 1)]


def test_another_line_takes_the_place_of_a_held_one_where_there_is_no_room_for_more(house, monkeypatch):
    house.given(board("G1", WRONG, confirm=False))
    monkeypatch.setattr("runline.domain.board.HELD_LINES_MAX", 1)
    house.when(board("G1", line("moneyline", "+155", "+150"), entered_ns=NOON_NS + 1, confirm=False))
    house.happened(LineHeld, market="G1:game:moneyline", prices=("+155", "+150"))


def test_a_held_line_that_is_repeated_when_it_looks_wrong_for_another_reason_is_held_anew(house):
    wrong = line("moneyline", "+400", "+100")
    house.given(board("G1", line("moneyline", "+120", "-130")))
    house.when(board("G1", wrong, entered_ns=NOON_NS + 1, confirm=False))
    house.happened(LineHeld, reasons=("no_hold", "price_jump"))
    house.given(SetGuard("price_jump", "off", "trial"))
    house.when(board("G1", wrong, entered_ns=NOON_NS + 2, confirm=False))
    house.happened(LineHeld, reasons=("no_hold",))
    house.given(SetGuard("no_hold", "off", "trial"))
    house.when(board("G1", wrong, entered_ns=NOON_NS + 3, confirm=False))
    house.happened(LinePosted, tripped=())


def test_a_held_line_that_is_repeated_goes_on_waiting(house):
    house.given(board("G1", WRONG, confirm=False))
    house.when(board("G1", WRONG, entered_ns=NOON_NS + 1, confirm=False))
    house.rejected("line_held", markets=["G1:game:moneyline"])


def test_where_no_more_lines_are_held_one_alone_is_refused_with_how_many_there_may_be(house, monkeypatch):
    house.given(game("G2"), board("G2", WRONG, confirm=False))
    monkeypatch.setattr("runline.domain.board.HELD_LINES_MAX", 1)
    house.when(board("G1", WRONG, confirm=False))
    house.rejected("too_many", most=1, market="G1:game:moneyline")


def test_lines_of_one_post_that_contradict_each_other_are_held_unless_somebody_has_looked(house):
    lines = line("moneyline", "-150", "+130"), line("spread", "-110", "-110", quarters=-12)
    house.when(board("G1", *lines, confirm=False))
    assert [(type(event), event.reasons) for event in house.events] == [(LineHeld, ("contradiction",))] * 2
    house.when(board("G1", *lines, entered_ns=NOON_NS + 1))
    assert [type(event) for event in house.events] == [LinePosted] * 2


def test_there_are_so_many_markets_and_no_more_and_those_that_there_are_go_on(house, monkeypatch):
    monkeypatch.setattr("runline.domain.board.MARKETS_MAX", len(FULL_BOARD))
    house.given(game("G2"), board("G1"))
    house.when(board("G2", MONEYLINE))
    house.rejected("too_many", most=len(FULL_BOARD))
    house.when(board("G1", MOVED, *FULL_BOARD[1:], entered_ns=NOON_NS + 1))
    house.happened(LinePosted, market="G1:game:moneyline")
