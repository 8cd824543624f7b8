"""Postponement: what waits for a game that is not played at its start is told, then void, but for what is decided; and all of
it has a way back."""

from typing import Any

import pytest
from msgspec.structs import replace
from tests.doubles.stage import HOUR_NS, NOON_NS, SECOND_NS, ZONES
from tests.doubles.words import START_NS, board, game, line, player, wager

from runline.domain.archive import ArchiveFixture
from runline.domain.bounds import ARCHIVE_AFTER_NS, EARLIER_STARTS_MAX, WINDOW_NOTICE_NS, WINDOW_NOTICE_NS_MIN
from runline.domain.context import Context
from runline.domain.fixtures import RescheduleFixture
from runline.domain.grading import Score
from runline.domain.lateness import EarlierStart, LateWindow, Postponement
from runline.domain.messages import ENGINE
from runline.domain.official import Window
from runline.domain.postponement import (
    FixturePostponed,
    FixtureResumed,
    LetWagersStand,
    LookAtWindows,
    PostponeFixture,
    ResumeFixture,
    WagersLetStand,
    WindowEnded,
    WindowLifted,
    WindowNearing,
    WindowsLooked,
    window_ends_ns,
)
from runline.domain.queries.declared import Asked
from runline.domain.queries.leagues import late_games
from runline.domain.reopening import ReopenFixture
from runline.domain.results import CancelFixture, ConfirmResult, EnterResult
from runline.domain.rulings import LeagueRule, SetLeagueRule
from runline.domain.shown import closed_by
from runline.domain.zones import SetZone

ENDS_NS = START_NS + 36 * HOUR_NS
"""When the window of a game of baseball ends: 36 hours after the start as it was."""

FIVE_INNINGS = ((1, 0), (0, 0), (0, 2), (0, 0), (1, 1))
LINES = (
    line("moneyline", "+120", "-130"),
    line("total", "-105", "-115", quarters=18),
    line("moneyline", "+120", "-130", period="1h"),
)


NOBODY: Any = None


@pytest.fixture
def open_book(book):
    book.given(game("G1"), board("G1", *LINES), player("P1", credit=10**9))
    return book


def bets(book, *, kind="moneyline", period="game", side="away", price="+120", quarters=None):
    """A ticket's number."""
    one = wager("P1", 10_00, kind=kind, side=side, price=price, quarters=quarters)
    book.given(replace(one, market=f"G1:{period}:{kind}"))
    return book.state.seq


def over(book):
    return bets(book, kind="total", side="over", price="-105", quarters=18)


def moved(book, start_ns, *lines):
    book.given(
        RescheduleFixture("G1", start_ns, "rain"), board("G1", *(lines or LINES), entered_ns=book.house.clock_ns)
    )


def status(book, *numbers):
    book.settles()
    return [(book.ticket(number).status, book.ticket(number).result) for number in numbers]


OPEN, VOID, WON = ("open", None), ("settled", "void"), ("settled", "won")


def until(book, at_ns):
    """It is later, and each timer has fired when it was due."""
    house = book.house
    due = house.state.timers.due
    while due and due[0][0] <= at_ns:
        book.time_is(max(due[0][0], house.clock_ns))
    book.time_is(at_ns)


def told(book, kind):
    """When this was told, and what."""
    return [(at_ns, event) for _, at_ns, _, event in book.house.log if isinstance(event, kind)]


def looked_at(book):
    """The games whose windows will be looked at."""
    return [name for kind, name in book.house.state.timers.by_subject if kind == "window"]


def confirmed(book, score):
    book.house.given(EnterResult("G1", score))
    book.house.given(ConfirmResult("G1", book.house.state.catalog.results["G1"].revision))


# A start that is moved


def test_wagers_wait_by_the_start_as_it_was_when_they_were_placed(open_book):
    before = bets(open_book)
    moved(open_book, START_NS + 40 * HOUR_NS)
    after = bets(open_book)
    until(open_book, ENDS_NS - WINDOW_NOTICE_NS - 1)
    assert told(open_book, WindowNearing) == []
    until(open_book, ENDS_NS - WINDOW_NOTICE_NS)
    [(at_ns, nearing)] = told(open_book, WindowNearing)
    assert (at_ns, nearing) == (
        ENDS_NS - WINDOW_NOTICE_NS, WindowNearing("G1", START_NS, ENDS_NS, nearing.markets, ENDS_NS),
    )  # fmt: skip
    assert sorted(nearing.markets) == sorted(open_book.house.state.catalog.markets)
    assert status(open_book, before, after) == [OPEN, OPEN]
    until(open_book, ENDS_NS - 1)
    assert told(open_book, WindowEnded) == []
    until(open_book, ENDS_NS)
    assert status(open_book, before, after) == [VOID, OPEN]
    assert open_book.balance("P1") == 0
    assert open_book.state.risk.pending["P1"] == 10_00
    open_book.house.ends("G1", 3, 1)
    assert status(open_book, before, after) == [VOID, WON]


def test_a_game_that_is_moved_within_its_window_makes_nothing_void(open_book):
    before = bets(open_book)
    moved(open_book, ENDS_NS - 1)
    until(open_book, ENDS_NS + HOUR_NS)
    assert told(open_book, WindowNearing) == []
    open_book.house.ends("G1", 3, 1)
    assert status(open_book, before) == [WON]


def test_a_game_that_is_brought_forward_makes_nothing_void(open_book):
    before = bets(open_book)
    moved(open_book, NOON_NS + HOUR_NS)
    until(open_book, ENDS_NS + HOUR_NS)
    assert told(open_book, WindowEnded) == []
    open_book.house.ends("G1", 3, 1)
    assert status(open_book, before) == [WON]


def test_a_game_that_is_moved_to_the_very_end_of_its_window_is_not_played_within_it(open_book):
    before = bets(open_book)
    moved(open_book, ENDS_NS)
    until(open_book, ENDS_NS)
    assert status(open_book, before) == [VOID]


def test_what_was_told_is_lifted_when_the_game_is_moved_back_into_its_window(open_book):
    before = bets(open_book)
    moved(open_book, START_NS + 40 * HOUR_NS)
    until(open_book, ENDS_NS - WINDOW_NOTICE_NS)
    moved(open_book, ENDS_NS - SECOND_NS)
    until(open_book, open_book.house.clock_ns)
    [(_, lifted)] = told(open_book, WindowLifted)
    assert (lifted.start_ns, lifted.ends_ns) == (START_NS, ENDS_NS)
    until(open_book, ENDS_NS + HOUR_NS)
    assert status(open_book, before) == [OPEN]
    assert open_book.house.stored(LateWindow) == []


def test_a_game_moved_twice_has_a_window_for_each_start(open_book):
    first = bets(open_book)
    moved(open_book, START_NS + 30 * HOUR_NS)
    second = bets(open_book)
    moved(open_book, START_NS + 90 * HOUR_NS)
    third = bets(open_book)
    until(open_book, ENDS_NS)
    assert status(open_book, first, second, third) == [VOID, OPEN, OPEN]
    until(open_book, ENDS_NS + 30 * HOUR_NS)
    assert status(open_book, first, second, third) == [VOID, VOID, OPEN]


def test_a_game_is_moved_no_more_often_than_it_may_be(open_book, monkeypatch):
    monkeypatch.setattr("runline.domain.lateness.EARLIER_STARTS_MAX", 2)
    for hours in (1, 2):
        open_book.house.given(RescheduleFixture("G1", START_NS + hours * HOUR_NS, "rain"))
    open_book.house.when(RescheduleFixture("G1", START_NS + 3 * HOUR_NS, "rain"))
    open_book.house.rejected("too_many", most=2)
    assert EARLIER_STARTS_MAX > 2


# Postponed and abandoned


def test_a_postponed_game_takes_no_wagers_and_voids_them_at_the_end_of_the_window(open_book):
    before = bets(open_book)
    open_book.house.when(PostponeFixture("G1", "rain"))
    open_book.house.happened(FixturePostponed, fixture="G1", start_ns=START_NS)
    open_book.when(wager("P1", 5_00))
    open_book.rejected("market_closed")
    house = open_book.house.state
    fixture, markets = house.catalog.fixtures["G1"], house.catalog.markets_on("G1")
    closed = [closed_by(open_book.state, house, fixture, market, NOBODY, NOON_NS) for market in markets]
    assert closed == ["postponed"] * 3
    open_book.house.when(PostponeFixture("G1", "rain"))
    open_book.house.nothing_happened()
    until(open_book, ENDS_NS)
    assert status(open_book, before) == [VOID]
    assert [event.start_ns for _, event in told(open_book, WindowEnded)] == [START_NS]


def test_a_game_that_is_postponed_does_not_begin_by_the_clock(open_book):
    open_book.house.given(PostponeFixture("G1", "rain"))
    assert [kind for kind, name in open_book.house.state.timers.by_subject if name == "G1"] == ["window"]


def test_a_postponed_game_with_a_new_start_in_time_is_open_again(open_book):
    before = bets(open_book)
    open_book.house.given(PostponeFixture("G1", "rain"))
    moved(open_book, START_NS)
    after = bets(open_book)
    assert open_book.house.stored(Postponement) == []
    assert open_book.house.stored(EarlierStart) == []
    until(open_book, ENDS_NS)
    assert status(open_book, before, after) == [OPEN, OPEN]


def test_a_postponed_game_with_a_new_start_waits_for_new_lines(open_book):
    open_book.house.given(PostponeFixture("G1", "rain"), RescheduleFixture("G1", START_NS, "dry again"))
    open_book.when(wager("P1", 5_00))
    open_book.rejected("market_closed", off_board="waiting")
    open_book.given(board("G1", *LINES, entered_ns=open_book.house.clock_ns + 1))
    bets(open_book)


def test_a_game_that_is_resumed_in_time_keeps_its_wagers(open_book):
    before = bets(open_book)
    open_book.house.when(ResumeFixture("G1", "nothing was wrong"))
    open_book.house.nothing_happened()
    until(open_book, START_NS + HOUR_NS)
    open_book.house.given(PostponeFixture("G1", "rain delay"))
    until(open_book, ENDS_NS - WINDOW_NOTICE_NS)
    open_book.house.when(ResumeFixture("G1", "goes on"))
    open_book.house.happened(FixtureResumed, fixture="G1")
    until(open_book, ENDS_NS + HOUR_NS)
    assert status(open_book, before) == [OPEN]
    assert told(open_book, WindowEnded) == []


def test_one_that_is_still_to_come_is_rescheduled_and_not_resumed(open_book):
    open_book.house.given(PostponeFixture("G1", "rain"))
    until(open_book, START_NS - 1)
    open_book.house.when(ResumeFixture("G1", "dry"))
    open_book.house.rejected("fixture_status", status=open_book.house.state.catalog.fixtures["G1"].status)
    until(open_book, START_NS)
    open_book.house.when(ResumeFixture("G1", "dry"))
    open_book.house.happened(FixtureResumed, fixture="G1", reason="dry")


def test_what_is_said_late_is_told_first_all_the_same(open_book):
    before = bets(open_book)
    late_ns = ENDS_NS + 5 * HOUR_NS
    until(open_book, late_ns)
    open_book.house.given(PostponeFixture("G1", "was never played"))
    until(open_book, late_ns)
    [(_, nearing)] = told(open_book, WindowNearing)
    assert nearing.voids_ns == late_ns + WINDOW_NOTICE_NS_MIN
    until(open_book, nearing.voids_ns - 1)
    assert status(open_book, before) == [OPEN]
    until(open_book, nearing.voids_ns)
    assert status(open_book, before) == [VOID]


def test_a_game_whose_result_nobody_enters_is_not_late(open_book):
    before = bets(open_book)
    until(open_book, ENDS_NS + 100 * HOUR_NS)
    assert status(open_book, before) == [OPEN]
    assert open_book.house.state.timers.by_subject.get(("window", "G1")) is None


def test_a_game_that_is_over_or_called_off_waits_for_nothing(open_book):
    before = bets(open_book)
    until(open_book, START_NS + HOUR_NS)
    open_book.house.given(PostponeFixture("G1", "rain"))
    until(open_book, ENDS_NS - WINDOW_NOTICE_NS)
    open_book.house.given(CancelFixture("G1", "never again"))
    until(open_book, ENDS_NS)
    assert open_book.house.state.timers.by_subject.get(("window", "G1")) is None
    assert open_book.house.stored(LateWindow) == []
    assert status(open_book, before) == [VOID]


def test_nobody_looks_at_the_windows_of_a_game_that_is_not_late(open_book):
    house = open_book.house
    house.given(SetZone("fixture", "G1", "UTC", "abroad"))
    until(open_book, START_NS + 2 * HOUR_NS)
    for score in (AFTER_FIVE, Score(5, 3, (*FIVE_INNINGS, (3, 0), (0, 0), (0, 0), (0, 0)))):
        confirmed(open_book, score)
    house.given(ReopenFixture("G1", "another game was meant"), CancelFixture("G1", "flood"))
    assert not [event for *_, event in house.log if isinstance(event, WindowsLooked)]
    assert looked_at(open_book) == []


# What is decided already


def abandoned(book, score):
    """The game is broken off with this score, and its window ends."""
    until(book, START_NS + 2 * HOUR_NS)
    confirmed(book, score)
    book.settles()
    book.house.given(PostponeFixture("G1", "the lights are out"))
    until(book, ENDS_NS)


AFTER_FIVE = Score(2, 3, FIVE_INNINGS, final=False)


def test_a_half_that_is_over_stands_and_the_rest_is_void(open_book):
    whole, half, above = bets(open_book), bets(open_book, period="1h"), over(open_book)
    abandoned(open_book, AFTER_FIVE)
    assert status(open_book, whole, half, above) == [VOID, WON, VOID]


def test_a_total_that_is_over_stands_where_its_row_says_so(open_book):
    whole, above = bets(open_book), over(open_book)
    rule = LeagueRule(overtime=True, less_if_home_leads=1, decided_stands=True)
    open_book.house.given(SetLeagueRule("MLB", rule, "overs stand", "total", "game"))
    abandoned(open_book, Score(2, 3, FIVE_INNINGS, final=False))
    assert status(open_book, whole, above) == [VOID, WON]


def test_nothing_stands_where_the_rule_is_off_and_what_was_paid_is_taken_back(open_book):
    half = bets(open_book, period="1h")
    rule = LeagueRule(less_if_home_leads=1, window=Window("hours", 36, known_stands=False))
    open_book.house.given(SetLeagueRule("MLB", rule, "all is void", period="1h"))
    until(open_book, START_NS + 2 * HOUR_NS)
    confirmed(open_book, AFTER_FIVE)
    assert status(open_book, half) == [WON]
    open_book.house.given(PostponeFixture("G1", "the lights are out"))
    until(open_book, ENDS_NS)
    assert status(open_book, half) == [VOID]
    assert open_book.balance("P1") == 0


def test_the_score_of_a_broken_off_game_may_be_confirmed_after_its_window(open_book):
    half = bets(open_book, period="1h")
    until(open_book, START_NS + 2 * HOUR_NS)
    open_book.house.given(PostponeFixture("G1", "the lights are out"))
    until(open_book, ENDS_NS)
    assert status(open_book, half) == [VOID]
    confirmed(open_book, AFTER_FIVE)
    assert status(open_book, half) == [WON]


def test_what_is_scored_once_the_game_goes_on_decides_nothing_that_is_void(open_book):
    half = bets(open_book, period="1h")
    until(open_book, START_NS + 2 * HOUR_NS)
    open_book.house.given(PostponeFixture("G1", "rain"))
    until(open_book, ENDS_NS)
    open_book.house.given(ResumeFixture("G1", "dry at last"))
    confirmed(open_book, AFTER_FIVE)
    assert status(open_book, half) == [VOID]


def test_what_is_void_by_its_window_stays_void_when_the_game_is_played_after_all(open_book):
    whole, half = bets(open_book), bets(open_book, period="1h")
    abandoned(open_book, AFTER_FIVE)
    assert status(open_book, whole, half) == [VOID, WON]
    nine = (*FIVE_INNINGS, (3, 0), (0, 0), (0, 0), (0, 0))
    confirmed(open_book, Score(5, 3, nine))
    assert status(open_book, whole, half) == [VOID, WON]


# The way back


def test_a_person_lets_wagers_stand_before_anything_is_told(open_book):
    before = bets(open_book)
    open_book.house.when(LetWagersStand("G1", "we wait"))
    open_book.house.nothing_happened()
    open_book.house.given(PostponeFixture("G1", "rain"))
    open_book.house.when(LetWagersStand("G1", "we wait"))
    open_book.house.happened(WindowNearing, start_ns=START_NS, ends_ns=ENDS_NS, voids_ns=ENDS_NS)
    open_book.house.happened(WagersLetStand, stand=True)
    open_book.house.when(LetWagersStand("G1", "we wait"))
    open_book.house.nothing_happened()
    until(open_book, ENDS_NS + HOUR_NS)
    assert status(open_book, before) == [OPEN]
    open_book.house.given(LetWagersStand("G1", "not any more", stand=False))
    until(open_book, ENDS_NS + HOUR_NS + WINDOW_NOTICE_NS_MIN)
    assert status(open_book, before) == [VOID]


def test_a_person_lets_wagers_stand_before_they_are_void(open_book):
    before = bets(open_book)
    open_book.house.given(PostponeFixture("G1", "rain"))
    until(open_book, ENDS_NS - WINDOW_NOTICE_NS)
    open_book.house.when(LetWagersStand("G1", " "))
    open_book.house.rejected("reason_invalid")
    open_book.house.when(LetWagersStand("G1", "we wait"))
    open_book.house.happened(WagersLetStand, stand=True)
    until(open_book, ENDS_NS + HOUR_NS)
    assert status(open_book, before) == [OPEN]


def test_what_is_void_by_its_window_is_open_again_and_the_rule_counts_again(open_book):
    before = bets(open_book)
    open_book.house.given(PostponeFixture("G1", "rain"))
    until(open_book, ENDS_NS)
    assert status(open_book, before) == [VOID]
    open_book.house.given(LetWagersStand("G1", "it is played tomorrow"))
    assert status(open_book, before) == [OPEN]
    assert open_book.state.risk.pending["P1"] == 10_00
    until(open_book, ENDS_NS + HOUR_NS)
    assert status(open_book, before) == [OPEN]
    open_book.house.given(LetWagersStand("G1", "it is not", stand=False))
    until(open_book, ENDS_NS + HOUR_NS + 1)
    assert status(open_book, before) == [OPEN]
    until(open_book, ENDS_NS + HOUR_NS + 1 + WINDOW_NOTICE_NS_MIN)
    assert status(open_book, before) == [VOID]


def test_what_counts_already_is_not_said_again(open_book):
    open_book.house.given(PostponeFixture("G1", "rain"))
    until(open_book, ENDS_NS - WINDOW_NOTICE_NS)
    open_book.house.when(LetWagersStand("G1", "by the rule", stand=False))
    open_book.house.nothing_happened()
    [window] = open_book.house.stored(LateWindow)
    assert window.status == "told"


def test_letting_wagers_stand_tells_only_the_windows_that_were_not(open_book):
    above = LeagueRule(overtime=True, window=Window("hours", 90))
    open_book.house.given(SetLeagueRule("MLB", above, "totals wait", "total"), PostponeFixture("G1", "rain"))
    until(open_book, ENDS_NS - WINDOW_NOTICE_NS)
    open_book.house.when(LetWagersStand("G1", "we wait"))
    said = open_book.house.events
    assert [type(event) for event in said] == [WindowNearing, WagersLetStand]
    assert (said[0].markets, said[0].ends_ns) == (("G1:game:total",), START_NS + 90 * HOUR_NS)
    assert [window.status for window in open_book.house.stored(LateWindow)] == ["stands", "stands"]


def test_what_stands_by_the_first_start_does_not_stand_by_the_next(open_book):
    first = bets(open_book)
    moved(open_book, START_NS + 40 * HOUR_NS)
    open_book.house.given(LetWagersStand("G1", "we wait"))
    second = bets(open_book)
    moved(open_book, START_NS + 90 * HOUR_NS)
    until(open_book, ENDS_NS + 40 * HOUR_NS - WINDOW_NOTICE_NS)
    [_, later] = open_book.house.stored(LateWindow)
    assert (later.start_ns, later.status) == (START_NS + 40 * HOUR_NS, "told")
    open_book.house.given(LetWagersStand("G1", "both, then"), LetWagersStand("G1", "neither", stand=False))
    assert open_book.house.stored(LateWindow) == []
    until(open_book, ENDS_NS + 40 * HOUR_NS)
    assert status(open_book, first, second) == [VOID, VOID]


def test_a_window_that_was_told_since_stays_told_when_the_rule_counts_again(open_book):
    moved(open_book, START_NS + 40 * HOUR_NS)
    open_book.house.given(LetWagersStand("G1", "we wait"))
    moved(open_book, START_NS + 90 * HOUR_NS)
    until(open_book, ENDS_NS + 40 * HOUR_NS - WINDOW_NOTICE_NS)
    open_book.house.given(LetWagersStand("G1", "not any more", stand=False))
    [window] = open_book.house.stored(LateWindow)
    assert (window.start_ns, window.status) == (START_NS + 40 * HOUR_NS, "told")


def test_wagers_that_are_let_stand_are_settled_by_the_result(open_book):
    before = bets(open_book)
    moved(open_book, START_NS + 40 * HOUR_NS)
    until(open_book, ENDS_NS)
    assert status(open_book, before) == [VOID]
    open_book.house.given(LetWagersStand("G1", "the league says so"))
    open_book.house.ends("G1", 3, 1)
    assert status(open_book, before) == [WON]


def test_a_game_that_was_moved_and_called_off_by_mistake_waits_again(open_book):
    before = bets(open_book)
    moved(open_book, START_NS + 40 * HOUR_NS)
    open_book.house.given(CancelFixture("G1", "flood"))
    until(open_book, NOON_NS + HOUR_NS)
    assert status(open_book, before) == [VOID]
    open_book.house.given(ReopenFixture("G1", "another game was meant"))
    assert status(open_book, before) == [OPEN]
    until(open_book, ENDS_NS - 1)
    assert status(open_book, before) == [OPEN]
    until(open_book, ENDS_NS)
    assert status(open_book, before) == [VOID]
    assert [event.start_ns for _, event in told(open_book, WindowEnded)] == [START_NS]


def test_a_game_that_was_over_too_early_waits_by_the_rule_as_it_is_by_then(open_book):
    moved(open_book, START_NS + 30 * HOUR_NS)
    until(open_book, START_NS + 32 * HOUR_NS)
    confirmed(open_book, Score(5, 3))
    open_book.house.given(SetLeagueRule("MLB", LeagueRule(True, window=Window("hours", 20)), "no longer"))
    until(open_book, START_NS + 33 * HOUR_NS)
    assert told(open_book, WindowNearing) == []
    confirmed(open_book, AFTER_FIVE)
    until(open_book, START_NS + 33 * HOUR_NS)
    assert [event.start_ns for _, event in told(open_book, WindowNearing)] == [START_NS]


# The rows


def test_each_market_waits_as_long_as_its_row_says(open_book):
    whole, above = bets(open_book), over(open_book)
    rule = LeagueRule(overtime=True, less_if_home_leads=1, window=Window("hours", 48))
    open_book.house.given(SetLeagueRule("MLB", rule, "totals wait", "total"))
    open_book.house.given(PostponeFixture("G1", "rain"))
    until(open_book, ENDS_NS)
    assert status(open_book, whole, above) == [VOID, OPEN]
    until(open_book, START_NS + 48 * HOUR_NS)
    assert status(open_book, whole, above) == [VOID, VOID]


def test_a_half_waits_as_long_as_the_row_of_halves_says(open_book):
    whole, half = bets(open_book), bets(open_book, period="1h")
    rule = LeagueRule(less_if_home_leads=1, window=Window("hours", 20))
    open_book.house.given(SetLeagueRule("MLB", rule, "halves do not wait", period="1h"))
    open_book.house.given(PostponeFixture("G1", "rain"))
    until(open_book, START_NS + 20 * HOUR_NS)
    assert status(open_book, whole, half) == [OPEN, VOID]


def test_a_rule_that_is_changed_counts_for_windows_that_have_not_ended(open_book):
    before = bets(open_book)
    open_book.house.given(PostponeFixture("G1", "rain"))
    until(open_book, ENDS_NS - WINDOW_NOTICE_NS)
    open_book.house.given(SetLeagueRule("MLB", LeagueRule(True, window=Window("hours", 72)), "a long storm"))
    until(open_book, ENDS_NS)
    assert status(open_book, before) == [OPEN]
    until(open_book, START_NS + 72 * HOUR_NS)
    assert status(open_book, before) == [VOID]


def test_a_rule_that_is_changed_lifts_what_it_is_about_and_the_other_windows_stay_told(open_book):
    whole, above = bets(open_book), over(open_book)
    longer = LeagueRule(overtime=True, window=Window("hours", 37))
    open_book.house.given(SetLeagueRule("MLB", longer, "totals wait", "total"), PostponeFixture("G1", "rain"))
    until(open_book, START_NS + 36 * HOUR_NS - 1)
    later_ns = START_NS + 37 * HOUR_NS - WINDOW_NOTICE_NS
    assert [at_ns for at_ns, _ in told(open_book, WindowNearing)] == [ENDS_NS - WINDOW_NOTICE_NS]
    assert later_ns == ENDS_NS
    open_book.house.given(SetLeagueRule("MLB", replace(longer, window=Window("hours", 36)), "no longer", "total"))
    until(open_book, ENDS_NS)
    assert status(open_book, whole, above) == [OPEN, OPEN]
    [lifted] = [event for _, event in told(open_book, WindowLifted)]
    assert lifted.ends_ns == ENDS_NS
    until(open_book, ENDS_NS - 1 + WINDOW_NOTICE_NS_MIN)
    assert status(open_book, whole, above) == [VOID, VOID]


def test_where_two_windows_are_told_and_one_is_lifted_the_other_ends_when_it_was_to(open_book):
    whole, above = bets(open_book), over(open_book)
    longer = LeagueRule(overtime=True, window=Window("hours", 37))
    open_book.house.given(SetLeagueRule("MLB", longer, "totals wait", "total"))
    until(open_book, ENDS_NS + 60 * SECOND_NS)
    open_book.house.given(PostponeFixture("G1", "was never played"))
    until(open_book, open_book.house.clock_ns)
    assert len(told(open_book, WindowNearing)) == 2
    open_book.house.given(SetLeagueRule("MLB", LeagueRule(True, window=Window("hours", 90)), "a long storm"))
    until(open_book, ENDS_NS + HOUR_NS)
    assert [event.ends_ns for _, event in told(open_book, WindowLifted)] == [ENDS_NS]
    assert len(told(open_book, WindowNearing)) == 2
    assert status(open_book, whole, above) == [OPEN, VOID]


def test_to_look_again_at_what_is_told_or_has_ended_changes_nothing(open_book):
    before = bets(open_book)
    open_book.house.given(PostponeFixture("G1", "rain"))
    for at_ns in (ENDS_NS - WINDOW_NOTICE_NS, ENDS_NS):
        until(open_book, at_ns)
        open_book.house.when(LookAtWindows("G1"), by=ENGINE)
        open_book.house.happened(WindowsLooked, next_ns=ENDS_NS if at_ns < ENDS_NS else 0)
        assert len(open_book.house.events) == 1
    assert status(open_book, before) == [VOID]
    assert len(told(open_book, WindowNearing)) == len(told(open_book, WindowEnded)) == 1


EVENING_NS = NOON_NS + 13 * HOUR_NS
"""1 July 2016, 21:00 in New York and 18:00 in Los Angeles: already the 2nd in UTC."""


@pytest.mark.parametrize(
    ("zones", "ends_ns"),
    [
        ((), NOON_NS + 16 * HOUR_NS),
        ((SetZone("league", "NFL", "America/Chicago", "west"),), NOON_NS + 17 * HOUR_NS),
        (
            (
                SetZone("league", "NFL", "America/Chicago", "west"),
                SetZone("fixture", "F1", "America/Los_Angeles", "further"),
            ),
            NOON_NS + 19 * HOUR_NS,
        ),
        ((SetZone("league", "NFL", "UTC", "here"),), NOON_NS + 36 * HOUR_NS),
    ],
    ids=["the league's own", "the league's", "the venue's", "utc"],
)
def test_a_date_is_that_of_the_venue_else_of_the_league(book, zones, ends_ns):
    book.given(game("F1", league="NFL", sport="football", start_ns=EVENING_NS), board("F1"), player("P1"))
    book.given(wager("P1", 10_00, on="F1"))
    number = book.state.seq
    book.house.given(*zones, PostponeFixture("F1", "lightning"))
    until(book, ends_ns - 1)
    assert status(book, number) == [OPEN]
    until(book, max(ends_ns, NOON_NS + WINDOW_NOTICE_NS_MIN))
    assert status(book, number) == [VOID]


@pytest.mark.parametrize(("place", "subject"), [("league", "NFL"), ("fixture", "F1")])
def test_a_zone_that_is_set_late_counts_for_what_waits_already(book, place, subject):
    book.given(game("F1", league="NFL", sport="football", start_ns=EVENING_NS), board("F1"), player("P1"))
    book.given(wager("P1", 10_00, on="F1"))
    number = book.state.seq
    book.house.given(SetZone("league", "NFL", "UTC", "here"), PostponeFixture("F1", "lightning"))
    until(book, NOON_NS + HOUR_NS)
    book.house.given(SetZone(place, subject, "America/New_York", "there"))
    until(book, NOON_NS + 16 * HOUR_NS - 1)
    assert status(book, number) == [OPEN]
    until(book, NOON_NS + 16 * HOUR_NS)
    assert status(book, number) == [VOID]


def test_what_waits_by_a_date_is_let_stand_before_anything_is_told(book):
    book.given(game("F1", league="NFL", sport="football", start_ns=EVENING_NS), board("F1"))
    book.given(SetZone("league", "NFL", "America/Chicago", "west"), PostponeFixture("F1", "lightning"))
    book.house.when(LetWagersStand("F1", "we wait"))
    book.house.happened(WindowNearing, start_ns=EVENING_NS, ends_ns=NOON_NS + 17 * HOUR_NS)


def test_a_rule_that_is_changed_counts_for_a_game_that_was_moved_and_for_no_other_and_none_that_is_over(open_book):
    house = open_book.house
    open_book.given(
        game("G2"), board("G2"), game("H1", league="NHL", sport="hockey", start_ns=START_NS + HOUR_NS), board("H1"),
    )  # fmt: skip
    before = bets(open_book)
    moved(open_book, START_NS + 30 * HOUR_NS)
    for name in ("G2", "H1"):
        house.given(RescheduleFixture(name, START_NS + 3 * HOUR_NS, "traffic"))
    house.given(CancelFixture("G2", "flood"))
    until(open_book, NOON_NS + HOUR_NS)
    assert looked_at(open_book) == []
    house.given(SetLeagueRule("MLB", LeagueRule(True, window=Window("hours", 20)), "no longer"))
    assert looked_at(open_book) == ["G1"]
    until(open_book, START_NS + 20 * HOUR_NS)
    assert status(open_book, before) == [VOID]


def test_a_window_by_date_goes_by_universal_time_where_the_zone_database_has_the_zone_no_more(open_book):
    context = Context(NOON_NS, open_book.state.access.users["owner"], "", None, 0, zones=ZONES)
    midnight_ns = NOON_NS + 12 * HOUR_NS
    date = Window("date")
    assert window_ends_ns(date, NOON_NS, "Nowhere/Any_More", context) == midnight_ns
    assert window_ends_ns(date, NOON_NS, "America/New_York", context) == midnight_ns + 4 * HOUR_NS
    assert window_ends_ns(Window("hours", 3), NOON_NS, "America/New_York", context) == NOON_NS + 3 * HOUR_NS


def test_a_zone_that_there_is_not_is_refused(open_book):
    for zone in ("Eastern", "../zones", "America/New_York ", "x" * 400):
        open_book.house.when(SetZone("league", "MLB", zone, "trial"))
        open_book.house.rejected("unknown_zone")
    open_book.house.when(SetZone("league", "NHL", "UTC", "trial"))
    open_book.house.rejected("unknown_league")
    open_book.house.given(SetZone("league", "MLB", "UTC", "here"))
    open_book.house.when(SetZone("league", "MLB", "UTC", "again"))
    open_book.house.nothing_happened()
    open_book.house.given(SetZone("league", "MLB", "", "nowhere"))
    assert open_book.house.state.zones.by_place == {}


def test_markets_whose_window_becomes_one_that_has_ended_are_told_and_void_as_well(open_book):
    whole, above = bets(open_book), over(open_book)
    longer = LeagueRule(overtime=True, window=Window("hours", 90))
    open_book.house.given(SetLeagueRule("MLB", longer, "totals wait", "total"))
    open_book.house.given(PostponeFixture("G1", "rain"))
    until(open_book, ENDS_NS + HOUR_NS)
    assert status(open_book, whole, above) == [VOID, OPEN]
    open_book.house.given(SetLeagueRule("MLB", None, "they do not", "total"))
    until(open_book, ENDS_NS + HOUR_NS + WINDOW_NOTICE_NS_MIN)
    assert status(open_book, whole, above) == [VOID, VOID]


# Restarts, and books that were away


def test_what_waits_outlives_a_restart(open_book):
    moved(open_book, START_NS + 40 * HOUR_NS)
    until(open_book, ENDS_NS - WINDOW_NOTICE_NS)
    house, again = open_book.house.state, open_book.house.recovered()
    assert again.timers.by_subject["window", "G1"].due_ns == ENDS_NS
    for name in ("starts", "windows", "postponed"):
        assert getattr(again.lateness, name) == getattr(house.lateness, name)
    for derived in ("starts_of", "windows_of"):
        assert getattr(again.lateness, derived) == getattr(house.lateness, derived)
    assert list(again.lateness.order.after("")) == list(house.lateness.order.after("")) == ["G1"]


def test_a_timer_that_comes_early_or_for_nothing_makes_nothing_void(open_book):
    before = bets(open_book)
    open_book.house.given(PostponeFixture("G1", "rain"))
    for fixture in ("G1", "G9"):
        open_book.house.when(LookAtWindows(fixture), by=ENGINE)
        assert told(open_book, WindowEnded) == []
    assert status(open_book, before) == [OPEN]


def test_a_game_that_is_archived_leaves_nothing_behind_unless_its_tickets_were_void(open_book):
    open_book.given(game("G2", rotation=953), board("G2"))
    moved(open_book, START_NS + 40 * HOUR_NS)
    open_book.house.given(RescheduleFixture("G2", START_NS + HOUR_NS, "traffic"))
    open_book.house.given(SetZone("fixture", "G2", "UTC", "abroad"))
    until(open_book, ENDS_NS)
    open_book.house.ends("G1", 3, 1)
    open_book.house.ends("G2", 3, 1)
    until(open_book, open_book.house.clock_ns + ARCHIVE_AFTER_NS)
    assert open_book.house.state.catalog.fixtures == {}
    assert {row.fixture for row in open_book.house.stored(EarlierStart)} == {"G1"}
    assert open_book.house.state.zones.by_place == {}
    catalog, lateness = open_book.house.state.catalog, open_book.house.state.lateness
    last = lateness.starts_of["G1"][0].until_seq
    assert lateness.ended(catalog, "G1", "G1:game:moneyline", last - 1) is not None
    assert lateness.ended(catalog, "G1", "G1:game:moneyline", last) is None
    open_book.house.given(SetLeagueRule("MLB", LeagueRule(True, window=Window("hours", 20)), "no longer"))
    assert looked_at(open_book) == []


def test_of_a_game_that_is_archived_no_window_is_looked_at_any_more(open_book):
    moved(open_book, START_NS + HOUR_NS)
    open_book.house.ends("G1", 3, 1)
    due_ns = open_book.house.state.timers.by_subject["archive", "G1"].due_ns
    until(open_book, due_ns - 1)
    open_book.clock_reads(due_ns)
    open_book.house.given(SetZone("fixture", "G1", "UTC", "abroad"))
    assert looked_at(open_book) == ["G1"]
    open_book.house.when(ArchiveFixture("G1"), by=ENGINE)
    assert looked_at(open_book) == []


def test_what_a_person_says_of_a_late_game_stands_on_its_windows(open_book):
    open_book.house.given(PostponeFixture("G1", "rain"))
    seen = open_book.house.state.seq
    until(open_book, ENDS_NS - WINDOW_NOTICE_NS)
    command = LetWagersStand("G1", "we wait")
    open_book.house.when(command, if_position=seen)
    open_book.house.rejected("position_moved")
    open_book.house.when(command, if_position=open_book.house.state.seq)
    open_book.house.happened(WagersLetStand)


def test_who_postpones_a_game_again_has_heard_that_it_went_on(open_book):
    until(open_book, START_NS + HOUR_NS)
    open_book.house.given(PostponeFixture("G1", "rain"))
    until(open_book, START_NS + HOUR_NS)
    seen = open_book.house.state.seq
    open_book.house.given(ResumeFixture("G1", "dry"))
    open_book.house.when(PostponeFixture("G1", "rain"), if_position=seen)
    open_book.house.rejected("position_moved", position=seen + 1)


def test_late_games_are_shown_with_their_windows_and_to_books_without_the_reason(open_book):
    house = open_book.house.state
    for name in ("G2", "G3"):
        open_book.given(game(name, rotation=960 + 2 * int(name[1])))
    open_book.house.given(PostponeFixture("G1", "rain"), PostponeFixture("G3", "snow"))
    until(open_book, ENDS_NS - WINDOW_NOTICE_NS)
    first = late_games(house, house, NOBODY, NOBODY, Asked(limit=1), 0)
    second = late_games(open_book.state, house, NOBODY, NOBODY, Asked(limit=1, after=first.next), 0)
    assert [(row.fixture, row.reason) for row in (*first.items, *second.items)] == [("G1", "rain"), ("G3", "")]
    assert second.next == ""
    [window] = first.items[0].windows
    assert (window.status, window.start_ns, window.ends_ns, window.voids_ns) == ("told", START_NS, ENDS_NS, ENDS_NS)
    assert first.items[0].postponed_ns == NOON_NS
    open_book.house.given(ResumeFixture("G1", "dry"), ResumeFixture("G3", "dry"))
    until(open_book, ENDS_NS)
    assert late_games(house, house, NOBODY, NOBODY, Asked(), 0).items == []
