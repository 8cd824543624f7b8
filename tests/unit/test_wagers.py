"""Wagers: placed at the price that stands, within the tightest limit, and voided with a reason."""

import gc
import re
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.doubles.plain import VOCABULARY
from tests.doubles.stage import NOON_NS
from tests.doubles.words import START_NS, agent, board, game, line, player, staff, wager

from runline.domain.accounts import EnterTransaction, SetPlayerLimits
from runline.domain.book import Book
from runline.domain.bounds import OPEN_WAGERS_MAX, STAKE_MINOR_MAX
from runline.domain.execution import fold
from runline.domain.invariants import BrokenInvariant
from runline.domain.legs import LEG_LIFE, Ending, Leg
from runline.domain.money import MODES, Rounding
from runline.domain.odds import AMERICAN_MAX, parse_price, win_for_risk
from runline.domain.permissions import Permission
from runline.domain.placing import PLACING, largest_risk, limits_hold, most_allowed, stake_valid
from runline.domain.results import CancelFixture
from runline.domain.settings import BookSettings, SetLimits
from runline.domain.suspension import Suspend
from runline.domain.ticket_life import TICKET_LIFE
from runline.domain.tickets import (
    VoidWager,
    WagerPlaced,
    WagerReversed,
    WagerSettled,
    WagerVoided,
)
from runline.domain.users import RevokeUser

MONEYLINE = "G1:game:moneyline"
SETTINGS = BookSettings("main", "owner", Rounding(), 1, 1, 1)


@pytest.fixture
def open_book(book):
    book.given(game("G1"), board("G1"), player("P1", credit=100_000_00))
    return book


def places(book, *args, by="P1", **kwargs):
    book.when(wager("P1", *args, **kwargs), by=by)
    return book


# The ticket


def test_a_ticket_says_what_was_taken_at_which_line_by_whom(open_book):
    places(open_book, 10_00).happened(
        WagerPlaced,
        wager=open_book.state.seq,
        player="P1",
        agent="root",
        fixture="G1",
        market=MONEYLINE,
        side="away",
        line_quarters=None,
        price="+120",
        risk_minor=10_00,
        win_minor=12_00,
        basis="risk",
        house_seq=open_book.house.state.seq,
        writer="P1",
        channel="api",
    )
    (ticket,) = open_book.stored_wagers()
    assert (ticket.number, ticket.status, ticket.placed_ns) == (open_book.state.seq, "open", NOON_NS)


def test_a_clerk_of_one_agent_writes_no_tickets_for_anothers_players(open_book):
    open_book.given(agent("A1"), staff("clerk", Permission.WAGER_PLACE, at="A1"))
    places(open_book, 10_00, by="clerk").rejected("not_permitted")


@pytest.mark.parametrize(
    ("amount", "basis", "side", "price", "risk", "win"),
    [
        (100_00, "risk", "home", "-130", 100_00, 76_92),
        (100_00, "to_win", "home", "-130", 130_00, 100_00),
        (100_00, "base", "home", "-130", 130_00, 100_00),
        (100_00, "risk", "away", "+120", 100_00, 120_00),
        (100_00, "to_win", "away", "+120", 83_33, 100_00),
        (100_00, "base", "away", "+120", 100_00, 120_00),
    ],
)
def test_an_amount_is_risk_or_to_win_and_the_base_is_the_smaller_of_both(
    open_book, amount, basis, side, price, risk, win
):
    places(open_book, amount, basis=basis, side=side, price=price).happened(
        WagerPlaced, risk_minor=risk, win_minor=win, basis=basis
    )


def test_the_side_has_its_own_handicap(open_book):
    places(open_book, 10_00, kind="spread", side="away", price="-110", quarters=6).happened(
        WagerPlaced, line_quarters=6
    )
    places(open_book, 10_00, kind="spread", side="home", price="-110", quarters=-6).happened(
        WagerPlaced, line_quarters=-6
    )
    places(open_book, 10_00, kind="spread", side="home", price="-110", quarters=6).rejected(
        "price_changed", line_quarters=-6, price="-110"
    )


@pytest.mark.parametrize("amount", [0, -1, 10**12 + 1, 10**18, 2**63, 2**64, 10**40, 10.5, True, "1000", None])
def test_a_stake_is_a_positive_whole_number_within_its_bounds(open_book, amount):
    places(open_book, amount).rejected("stake_invalid", most=10**12)


def test_what_is_unknown_is_named(open_book):
    open_book.when(wager("P9", 10_00))
    open_book.rejected("unknown_player", player="P9")
    places(open_book, 10_00, on="G9").rejected("unknown_market", market="G9:game:moneyline")
    places(open_book, 10_00, kind="three_way").rejected("unknown_market")
    places(open_book, 10_00, side="draw").rejected("unknown_selection", sides=["away", "home"])
    places(open_book, 10_00, side="x" * 60_000).rejected("unknown_selection")


# The price


def test_a_line_that_has_moved_is_refused_with_the_line_that_stands(open_book):
    open_book.given(board("G1", line("moneyline", "+115", "-125"), entered_ns=NOON_NS + 1))
    places(open_book, 10_00).rejected("price_changed", line_quarters=None, price="+115")
    places(open_book, 10_00, price="+115").happened(WagerPlaced, price="+115")


def test_a_price_that_the_market_never_had_is_refused(open_book):
    places(open_book, 10_00, price="+5000").rejected("price_changed", price="+120")


@pytest.mark.parametrize("price", ["", "120", "cheap", "+0", "x" * 100_000, "+" + "9" * 5_000])
def test_what_is_no_price_is_refused(open_book, price):
    places(open_book, 10_00, price=price).rejected("price_invalid")


def test_the_same_price_in_another_writing_is_the_same_price(open_book):
    open_book.given(board("G1", line("moneyline", "+100", "1.90"), entered_ns=NOON_NS + 1))
    places(open_book, 10_00, price="EV").happened(WagerPlaced, price="+100")
    places(open_book, 10_00, side="home", price="1.9000").happened(WagerPlaced, price="1.90")


EQUAL = [
    ("-100", ("+100", "EV", "even", "2", "2.00", "1/1", "4/4", "\u2212100")),
    ("+100", ("-100", "EV", "2.0", "1/1")),
    ("6/4", ("3/2", "+150", "2.5", "2.50")),
    ("+150", ("2.50", "3/2", "6/4", "+0150")),
    ("2.50", ("+150", "3/2")),
    ("-150", ("\u2212150", "2/3", "100/150")),
]


@pytest.mark.parametrize(("posted", "seen"), [(posted, seen) for posted, spellings in EQUAL for seen in spellings])
@pytest.mark.parametrize("policy", ["exact", "accept_better"])
def test_an_equal_price_in_another_spelling_is_taken_at_the_price_of_record(open_book, posted, seen, policy):
    open_book.given(board("G1", line("moneyline", posted, "-130"), entered_ns=NOON_NS + 1))
    places(open_book, 10_00, price=seen, odds_change=policy).happened(WagerPlaced, price=posted)


def test_an_equal_price_on_another_line_is_not_the_same(open_book):
    places(open_book, 10_00, kind="spread", side="home", price="10/11", quarters=-6).happened(WagerPlaced, price="-110")
    places(open_book, 10_00, kind="spread", side="home", price="10/11", quarters=-5).rejected("price_changed")


def test_a_price_that_is_nearly_equal_is_not_the_same(open_book):
    places(open_book, 10_00, price="2.1999").rejected("price_changed")
    places(open_book, 10_00, price="2.2001").rejected("price_changed")


def test_the_price_of_record_keeps_the_format_in_which_it_was_offered(open_book):
    open_book.given(board("G1", line("moneyline", "1.91", "10/11"), entered_ns=NOON_NS + 1))
    places(open_book, 100_00, price="1.91").happened(WagerPlaced, win_minor=91_00)
    places(open_book, 100_00, side="home", price="10/11").happened(WagerPlaced, win_minor=90_91)


@pytest.mark.parametrize(
    ("kind", "side", "seen", "exact", "better", "any_"),
    [
        # The board stands at +120/-130, -1½ -110/-110, 8½ -105/-115.
        ("moneyline", "away", (None, "+120"), True, True, True),
        ("moneyline", "away", (None, "+115"), False, True, True),
        ("moneyline", "away", (None, "+125"), False, False, True),
        ("moneyline", "away", (None, "2.15"), False, True, True),
        ("spread", "away", (6, "-115"), False, True, True),
        ("spread", "away", (6, "-105"), False, False, True),
        ("spread", "away", (5, "-110"), False, True, True),
        ("spread", "away", (7, "-110"), False, False, True),
        ("spread", "home", (-7, "-110"), False, True, True),
        ("spread", "home", (-5, "-110"), False, False, True),
        ("spread", "home", (-7, "-105"), False, False, True),
        ("total", "over", (34, "-110"), False, True, True),
        ("total", "over", (34, "-100"), False, False, True),
        ("total", "over", (35, "-105"), False, True, True),
        ("total", "over", (33, "-105"), False, False, True),
        ("total", "under", (34, "-120"), False, True, True),
        ("total", "under", (33, "-115"), False, True, True),
        ("total", "under", (35, "-115"), False, False, True),
        ("total", "over", (35, "+100"), False, False, True),
        ("total", "over", (None, "-105"), False, False, True),
        ("moneyline", "away", (4, "+115"), False, False, True),
    ],
)
def test_the_odds_change_policy_says_what_is_taken(open_book, kind, side, seen, exact, better, any_):
    quarters, price = seen
    for policy, taken in (("exact", exact), ("accept_better", better), ("accept_any", any_)):
        places(open_book, 10_00, kind=kind, side=side, quarters=quarters, price=price, odds_change=policy)
        if taken:
            open_book.happened(WagerPlaced)
        else:
            open_book.rejected("price_changed")


# Closed


def test_a_game_that_is_over_takes_no_wagers(open_book):
    open_book.house.ends("G1", away=3, home=1)
    places(open_book, 10_00).rejected("market_closed")


def test_a_game_that_is_called_off_takes_no_wagers(open_book):
    open_book.given(CancelFixture("G1", "flood"))
    places(open_book, 10_00).rejected("market_closed")


def test_past_its_cutoff_a_market_takes_no_wagers(open_book):
    open_book.clock_reads(START_NS)
    places(open_book, 10_00, odds_change="accept_any").rejected("past_cutoff", cutoff_ns=START_NS)


def test_no_wagers_on_lines_that_may_be_old(open_book):
    open_book.house_lag_ms = 2_000
    places(open_book, 10_00).happened(WagerPlaced)
    open_book.house_lag_ms = 2_001
    places(open_book, 10_00).rejected("house_stale", lag_ms=2_001)


# Limits: the tightest wins


@pytest.mark.parametrize(
    ("book_max", "player_max", "most"), [(500_00, None, 500_00), (500_00, 200_00, 200_00), (500_00, 900_00, 500_00)]
)
def test_the_tightest_stake_limit_wins(open_book, book_max, player_max, most):
    open_book.given(SetLimits(1_00, book_max, 10**9, "given"), SetPlayerLimits("P1", player_max, None, True, "given"))
    places(open_book, most).happened(WagerPlaced)
    places(open_book, most + 1).rejected("limit_exceeded", most_minor=most)


@pytest.mark.parametrize(
    ("book_max", "player_max", "most"), [(600_00, None, 500_00), (600_00, 240_00, 200_00), (600_00, 900_00, 500_00)]
)
def test_the_tightest_win_limit_wins(open_book, book_max, player_max, most):
    open_book.given(SetLimits(1_00, 10**9, book_max, "given"), SetPlayerLimits("P1", None, player_max, True, "given"))
    places(open_book, most).happened(WagerPlaced)
    places(open_book, most + 1).rejected("limit_exceeded", most_minor=most)


def test_a_limit_is_on_the_base_amount_so_that_1000_at_minus_150_lays_1500(open_book):
    open_book.given(board("G1", line("moneyline", "+130", "-150"), entered_ns=NOON_NS + 1))
    open_book.given(SetLimits(1_00, 1_000_00, 10**9, "given"))
    places(open_book, 1_500_00, side="home", price="-150").happened(WagerPlaced, win_minor=1_000_00)
    places(open_book, 1_500_02, side="home", price="-150").rejected("limit_exceeded", most_minor=1_500_00)


def test_credit_that_is_tighter_than_every_limit_is_what_the_refusal_names(open_book):
    open_book.given(EnterTransaction("P1", "disbursement", 99_950_00, "cash"))
    places(open_book, 50_01).rejected("credit_exceeded", most_minor=50_00)
    open_book.given(SetLimits(1_00, 40_00, 10**9, "given"))
    places(open_book, 50_01).rejected("limit_exceeded", most_minor=40_00)


def test_a_stake_below_the_smallest_is_refused(open_book):
    open_book.given(SetLimits(10_00, 500_00, 10**9, "given"))
    places(open_book, 9_99).rejected("limit_exceeded", least_minor=10_00)
    places(open_book, 12_98, side="home", price="-130").rejected("limit_exceeded", least_minor=10_00)
    places(open_book, 13_00, side="home", price="-130").happened(WagerPlaced, win_minor=10_00)


def test_a_stake_that_wins_nothing_is_refused(open_book):
    open_book.given(SetLimits(1, 500_00, 10**9, "given"))
    open_book.given(board("G1", line("moneyline", "-500000", "+300000"), entered_ns=NOON_NS + 1))
    places(open_book, 1, price="-500000").rejected("limit_exceeded")
    places(open_book, 1, side="home", price="+300000", basis="to_win").rejected("limit_exceeded")


@pytest.mark.alone
def test_a_ticket_that_would_win_nothing_is_refused_whatever_it_risks(open_book):
    settings = open_book.state.settings
    settings.current = msgspec.structs.replace(settings.current, stake_min_minor=1, rounding=Rounding("down", 1_00))
    places(open_book, 10).rejected("limit_exceeded", least_minor=1, rule="least_staked")
    places(open_book, 1_00).happened(WagerPlaced, risk_minor=1_00, win_minor=1_00)


def test_what_may_still_be_risked_is_nothing_if_it_is_less_than_the_smallest_stake(open_book):
    open_book.given(EnterTransaction("P1", "disbursement", 99_999_50, "cash"))
    places(open_book, 10_00).rejected("credit_exceeded", most_minor=0)
    places(open_book, 10_00, partial=True).rejected("credit_exceeded", most_minor=0)


@pytest.mark.alone
def test_a_book_that_is_full_says_how_much_it_holds(open_book):
    open_book.state.tickets.open_count = OPEN_WAGERS_MAX - 1
    places(open_book, 10_00).happened(WagerPlaced)
    places(open_book, 10_00).rejected("too_many", most=OPEN_WAGERS_MAX, rule="room_left")


def test_the_largest_stake_is_one_and_a_cent_more_is_none(open_book):
    places(open_book, STAKE_MINOR_MAX).rejected("limit_exceeded")
    places(open_book, STAKE_MINOR_MAX + 1).rejected("stake_invalid", most=STAKE_MINOR_MAX)


def test_where_limit_and_credit_allow_the_same_it_is_the_limit_that_is_named(open_book):
    open_book.given(SetLimits(1_00, 200_00, 10**9, "given"), EnterTransaction("P1", "disbursement", 99_800_00, "cash"))
    places(open_book, 300_00).rejected("limit_exceeded", most_minor=200_00, rule="limits_hold")
    open_book.given(EnterTransaction("P1", "disbursement", 1, "cash"))
    places(open_book, 300_00).rejected("credit_exceeded", most_minor=199_99, rule="credit_holds")


# Partial acceptance


def test_a_partial_wager_is_cut_to_the_largest_stake_allowed(open_book):
    open_book.given(SetLimits(1_00, 200_00, 10**9, "given"))
    places(open_book, 900_00, partial=True).happened(WagerPlaced, risk_minor=200_00, win_minor=240_00)
    places(open_book, 900_00, side="home", price="-130", partial=True).happened(
        WagerPlaced, risk_minor=260_00, win_minor=200_00
    )


def test_a_partial_wager_that_fits_is_not_cut(open_book):
    places(open_book, 90_00, partial=True).happened(WagerPlaced, risk_minor=90_00)


def test_a_partial_wager_takes_the_last_cent_of_credit(open_book):
    open_book.given(SetLimits(1, 200_00, 10**9, "given"), EnterTransaction("P1", "disbursement", 99_999_99, "cash"))
    places(open_book, 90_00, partial=True).happened(WagerPlaced, risk_minor=1, win_minor=1)


def test_a_partial_wager_takes_the_credit_that_is_left(open_book):
    open_book.given(EnterTransaction("P1", "disbursement", 99_950_00, "cash"))
    places(open_book, 90_00, partial=True).happened(WagerPlaced, risk_minor=50_00)
    places(open_book, 90_00, partial=True).rejected("credit_exceeded", most_minor=0)


def american():
    return st.integers(100, AMERICAN_MAX).flatmap(lambda size: st.sampled_from([f"+{size}", f"-{size}"]))


@settings(max_examples=200, deadline=None, derandomize=True)
@given(american(), st.integers(0, 10**12), st.sampled_from(MODES))
def test_the_largest_risk_wins_no_more_than_allowed_and_a_cent_more_would(text, win_max, mode):
    price, rounding = parse_price(text), Rounding(mode)
    risk = largest_risk(price, win_max, rounding)
    assert type(risk) is int
    assert win_for_risk(price, risk, rounding) <= win_max < win_for_risk(price, risk + 1, rounding)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(american(), st.integers(0, 10**12), st.sampled_from(MODES), st.sampled_from([1, 5, 25, 100, 10_000]))
def test_in_every_unit_the_largest_risk_wins_no_more_than_allowed(text, win_max, mode, unit):
    price, rounding = parse_price(text), Rounding(mode, unit)
    assert win_for_risk(price, largest_risk(price, win_max, rounding), rounding) <= win_max


@settings(max_examples=200, deadline=None, derandomize=True)
@given(american(), st.integers(1, 10**9), st.integers(1, 10**9), st.integers(-100, 10**9), st.integers(1, 10**6))
def test_what_a_refusal_names_can_be_placed_and_a_cent_more_cannot(text, base_max, win_max, available, least):
    book = Book("main", VOCABULARY)
    book.settings.current = msgspec.structs.replace(SETTINGS, stake_min_minor=least)
    price, rounding = parse_price(text), book.settings.current.rounding

    def fits(risk):
        win = win_for_risk(price, risk, rounding)
        base = win if price.favourite else risk
        return risk <= available and win <= win_max and base <= base_max

    most, _ = most_allowed(book.settings.current, price, base_max, win_max, available)
    if most:
        assert fits(most)
        assert not fits(most + 1)
        assert (win_for_risk(price, most, rounding) if price.favourite else most) >= least
    else:
        smallest = largest_risk(price, least - 1, rounding) + 1 if price.favourite else least
        assert not fits(max(smallest, 1))


# The rules of placing


RULES = {
    "account_open": lambda book: book.given(SetPlayerLimits("P1", None, None, False, "given")),
    "house_current": lambda book: setattr(book, "house_lag_ms", 2_001),
    "market_open": lambda book: book.given(Suspend("all", "", "storm")),
    "room_left": lambda book: setattr(book.state.tickets, "open_count", OPEN_WAGERS_MAX),
    "line_taken": lambda book: book.given(board("G1", line("moneyline", "+115", "-125"), entered_ns=NOON_NS + 1)),
    "stake_valid": lambda book: None,
    "limits_hold": lambda book: book.given(SetLimits(1, 2, 10**9, "given")),
    "credit_holds": lambda book: book.given(EnterTransaction("P1", "disbursement", 99_999_99, "cash")),
    "least_staked": lambda book: book.given(SetLimits(11_00, 500_00, 10**9, "given")),
}
"""What breaks each rule."""


@pytest.mark.alone
@pytest.mark.parametrize("rule", PLACING)
def test_a_refusal_names_the_rule_that_is_broken(open_book, rule):
    places(open_book, 10_00).happened(WagerPlaced)
    RULES[rule.__name__](open_book)
    places(open_book, 10_00 if rule is not stake_valid else 0)
    assert open_book.refusal.details["rule"] == rule.__name__


@pytest.mark.alone
def test_the_rules_are_asked_in_their_order(open_book):
    for rule in reversed(PLACING):
        RULES[rule.__name__](open_book)
        if rule not in (stake_valid, limits_hold):
            places(open_book, 10_00)
            assert open_book.refusal.details["rule"] == rule.__name__


def test_the_page_of_codes_has_each_rule_in_order():
    page = (Path(__file__).parents[2] / "docs" / "codes.md").read_text()
    rows = re.findall(r"^\| `([a-z_]+)` \| ([^|]+) \|", page[page.index("| rule |") :], flags=re.MULTILINE)
    assert [name for name, _ in rows] == [rule.__name__ for rule in PLACING]


def test_of_a_limit_and_a_credit_the_tighter_one_is_named(open_book):
    open_book.given(EnterTransaction("P1", "disbursement", 99_950_00, "cash"), SetLimits(1_00, 60_00, 10**9, "given"))
    places(open_book, 70_00).rejected("credit_exceeded", most_minor=50_00, rule="credit_holds")
    open_book.given(SetLimits(1_00, 40_00, 10**9, "given"))
    places(open_book, 70_00).rejected("limit_exceeded", most_minor=40_00, rule="limits_hold")


# Voiding


def test_an_open_ticket_is_voided_and_its_risk_is_free(open_book):
    number = places(open_book, 10_00).state.seq
    open_book.when(VoidWager(number, "wrong side"))
    open_book.happened(WagerVoided, wager=number, player="P1", reason="wrong side")
    ticket = open_book.ticket(number)
    assert (ticket.status, ticket.result, ticket.returned_minor) == ("void", "void", 10_00)
    assert open_book.state.risk.pending["P1"] == 0
    assert number not in open_book.state.tickets.by_number


def test_a_settled_ticket_is_reversed_and_voided(open_book):
    number = places(open_book, 10_00).state.seq
    open_book.house.ends("G1", away=3, home=1)
    open_book.settles()
    assert open_book.balance("P1") == 12_00
    open_book.when(VoidWager(number, "past post"))
    assert [type(event) for event in open_book.events] == [WagerReversed, WagerVoided]
    open_book.happened(WagerReversed, settlement=open_book.house.state.seq, change_minor=-12_00, reason="past post")
    assert (open_book.balance("P1"), open_book.state.risk.pending["P1"]) == (0, 0)
    ticket = open_book.ticket(number)
    assert (ticket.status, ticket.result, ticket.returned_minor, ticket.settlement) == ("void", "void", 10_00, 0)


def test_a_void_ticket_stays_void(open_book):
    number = places(open_book, 10_00).state.seq
    open_book.given(VoidWager(number, "wrong side"))
    open_book.when(VoidWager(number, "again"))
    open_book.nothing_happened()
    open_book.house.ends("G1", away=3, home=1)
    open_book.settles()
    assert open_book.events == []
    assert open_book.balance("P1") == 0


@pytest.mark.parametrize("reason", ["", " ", "\t", "x" * 501])
def test_a_void_has_a_reason(open_book, reason):
    number = places(open_book, 10_00).state.seq
    open_book.when(VoidWager(number, reason))
    open_book.rejected("reason_invalid")


@pytest.mark.parametrize("number", [0, -1, 1, 10**6, 2**63, 2**70])
def test_a_ticket_that_there_is_not_is_named(open_book, number):
    open_book.when(VoidWager(number, "why not"))
    open_book.rejected("unknown_wager", wager=number)


def test_only_who_is_above_the_player_voids_and_others_do_not_learn_that_there_is_a_ticket(open_book):
    number = places(open_book, 10_00).state.seq
    open_book.given(agent("A1"), staff("one", Permission.WAGER_VOID, at="A1"))
    refusals = []
    for asked in (number, 10**6):
        open_book.when(VoidWager(asked, "please"), by="one")
        refusals.append((open_book.refusal.code, open_book.refusal.message, open_book.refusal.details))
    assert refusals[0] == refusals[1]
    assert refusals[0][0] == "not_permitted"
    open_book.when(VoidWager(number, "please"), by="P1")
    open_book.rejected("not_permitted")


# Lives


@pytest.mark.parametrize("life", [TICKET_LIFE, LEG_LIFE], ids=["ticket", "leg"])
def test_every_step_of_a_life_is_an_event(life):
    assert {event for _, event in life} <= set(VOCABULARY.events)
    assert {status for status, _ in life} <= {"open", *life.values()}


def test_a_ticket_and_its_leg_live_by_the_same_events(open_book):
    number = places(open_book, 10_00).state.seq

    def standing():
        ticket = open_book.ticket(number)
        (leg,) = ticket.legs
        return ticket.status, ticket.result, leg.status, leg.ended and leg.ended.result

    assert standing() == ("open", None, "open", None)
    open_book.house.ends("G1", away=1, home=3)
    open_book.settles()
    assert standing() == ("settled", "lost", "graded", "lost")
    open_book.house.ends("G1", away=0, home=0, final=False, periods=((0, 0),))
    open_book.settles()
    assert standing() == ("open", None, "open", None)
    open_book.given(VoidWager(number, "slip"))
    assert standing() == ("void", "void", "void", "void")
    for event in (
        WagerVoided(number, "P1", "", (1,)),
        WagerReversed(number, "P1", 1, 0, "", (1,)),
        WagerSettled(number, "P1", 1, "won", 0, (Ending("won"),), (1,)),
    ):
        open_book.state.hold(open_book.ticket(number))
        with pytest.raises(BrokenInvariant):
            fold(open_book.state, event, open_book.state.seq + 1, NOON_NS)


def test_an_open_ticket_is_nothing_that_the_garbage_collector_looks_at(open_book):
    ticket = open_book.ticket(places(open_book, 10_00).state.seq)
    gc.collect()
    assert [field for field in (ticket, *msgspec.structs.astuple(ticket)) if gc.is_tracked(field)] == []


def test_a_straight_is_the_kind_with_one_leg_at_the_price_of_record(open_book):
    number = places(open_book, 10_00, kind="spread", side="away", price="10/11", quarters=6).state.seq
    ticket = open_book.ticket(number)
    assert (ticket.kind, ticket.fixture) == ("straight", "G1")
    assert ticket.legs == (Leg("G1", "G1:game:spread", "away", 6, "-110"),)


# Ground


def test_a_ticket_is_the_ground_of_its_void(open_book):
    number = places(open_book, 10_00).state.seq
    places(open_book, 10_00)
    open_book.when(RevokeUser("P1", "given"), if_position=0)
    open_book.rejected("position_moved")
    open_book.house.ends("G1", away=3, home=1)
    open_book.settles()
    open_book.when(VoidWager(number, "late"), if_position=number)
    open_book.rejected("position_moved", position=open_book.ticket(number).changed_seq)
