"""Reopening: what was confirmed or called off by mistake has a way back, in the house and in every book."""

import pytest
from tests.doubles.stage import HOUR_NS, NOON_NS
from tests.doubles.words import START_NS, board, game, player, staff, wager

from runline.domain.bounds import ARCHIVE_AFTER_NS
from runline.domain.fixtures import RenumberFixture, RescheduleFixture
from runline.domain.grading import Score
from runline.domain.permissions import Permission
from runline.domain.posted import LinePosted
from runline.domain.postponement import PostponeFixture
from runline.domain.reopening import FixtureReopened, ReopenFixture
from runline.domain.results import CancelFixture, ConfirmResult, EnterResult
from runline.domain.settlement import results_after
from runline.domain.tickets import VoidWager, WagerPlaced, WagerReversed
from runline.simulate import laws


@pytest.fixture
def open_book(book):
    """A book with a ticket on the visitors of G1."""
    book.given(game("G1"), board("G1"), player("P1"), wager("P1", 10_00))
    return book


def number(book):
    return book.stored_wagers()[0].number


def test_a_result_that_was_confirmed_while_the_game_goes_on_is_taken_back(open_book):
    house = open_book.house
    house.ends("G1", 5, 3)
    open_book.settles()
    assert (open_book.ticket(number(open_book)).status, open_book.balance("P1")) == ("settled", 12_00)
    house.when(ReopenFixture("G1", "the seventh inning goes on"))
    house.happened(FixtureReopened, status="final", revision=2, before=Score(3, 5))
    open_book.settles()
    open_book.happened(WagerReversed, wager=number(open_book))
    assert (open_book.ticket(number(open_book)).status, open_book.balance("P1")) == ("open", 0)
    house.fire_timers()
    assert house.state.catalog.fixtures["G1"].status == "closed"
    open_book.when(wager("P1", 10_00), by="P1")
    open_book.rejected("past_cutoff")


def test_a_game_that_goes_on_after_all_ends_as_any_other(open_book):
    house = open_book.house
    house.ends("G1", 5, 3)
    house.given(ReopenFixture("G1", "goes on"))
    house.fire_timers()
    house.when(ConfirmResult("G1", 1))
    house.rejected("result_changed", revision=2)
    house.ends("G1", 5, 3)
    open_book.settles()
    assert (open_book.ticket(number(open_book)).result, open_book.balance("P1")) == ("won", 12_00)
    house.ends("G1", 5, 6)
    open_book.settles()
    assert (open_book.ticket(number(open_book)).result, open_book.balance("P1")) == ("lost", -10_00)


def test_a_game_that_was_called_off_by_mistake_is_as_it_was_before(open_book):
    house = open_book.house
    house.given(CancelFixture("G1", "flood"))
    open_book.settles()
    assert open_book.ticket(number(open_book)).result == "void"
    house.when(ReopenFixture("G1", "that was another game"))
    house.happened(FixtureReopened, status="cancelled", before=None, reason="that was another game")
    open_book.settles()
    assert open_book.ticket(number(open_book)).status == "open"
    fixture = house.state.catalog.fixtures["G1"]
    assert (fixture.status, fixture.start_ns) == ("scheduled", START_NS)
    assert house.state.catalog.rotations.games[fixture.rotation] == ("G1",)
    assert ("archive", "G1") not in house.state.timers.by_subject
    house.time_is(START_NS)
    assert fixture.status == "closed"
    house.ends("G1", 5, 3)
    open_book.settles()
    assert open_book.ticket(number(open_book)).result == "won"


def test_the_lines_of_a_game_that_is_reopened_wait_for_new_ones(open_book):
    house = open_book.house
    house.given(CancelFixture("G1", "flood"))
    house.clock_ns = NOON_NS + HOUR_NS
    house.given(ReopenFixture("G1", "that was another game"))
    open_book.when(wager("P1", 10_00), by="P1")
    open_book.rejected("market_closed", off_board="waiting")
    house.when(board("G1", entered_ns=NOON_NS + HOUR_NS - 1))
    house.rejected("line_out_of_order", entered_ns=NOON_NS + HOUR_NS)
    house.when(board("G1", entered_ns=NOON_NS + HOUR_NS))
    house.happened(LinePosted)
    open_book.when(wager("P1", 10_00), by="P1")
    open_book.happened(WagerPlaced)


def test_a_score_of_a_game_that_goes_on_is_taken_back_too(open_book):
    house = open_book.house
    house.time_is(START_NS + HOUR_NS)
    house.given(EnterResult("G1", Score(1, 2, final=False)), ConfirmResult("G1", 1))
    house.when(ReopenFixture("G1", "of another game"))
    house.happened(FixtureReopened, status="closed", before=Score(1, 2, final=False))
    house.given(RescheduleFixture("G1", START_NS + 48 * HOUR_NS, "rain"))


def test_an_entry_that_is_taken_back_leaves_the_game_free_to_be_moved(open_book):
    house = open_book.house
    house.time_is(START_NS)
    house.given(EnterResult("G1", Score(1, 2)))
    house.when(RescheduleFixture("G1", START_NS + HOUR_NS, "rain"))
    house.rejected("fixture_status", revision=1)
    house.given(ReopenFixture("G1", "of another game"), RescheduleFixture("G1", START_NS + HOUR_NS, "rain"))


def test_a_game_that_is_postponed_stays_closed_when_its_score_is_taken_back(open_book):
    house = open_book.house
    house.time_is(START_NS)
    house.given(PostponeFixture("G1", "rain"), EnterResult("G1", Score(1, 2, final=False)))
    house.when(ReopenFixture("G1", "another game was meant"))
    house.happened(FixtureReopened, status="closed", before=None)
    assert house.state.catalog.fixtures["G1"].status == "closed"
    # (The book's clock is behind the house's: to it the game has not begun.)
    open_book.when(wager("P1", 10_00), by="P1")
    open_book.rejected("market_closed", rule="market_open")
    house.given(RescheduleFixture("G1", START_NS + HOUR_NS, "dry again"))
    house.given(board("G1", entered_ns=house.clock_ns + 1))
    open_book.given(wager("P1", 10_00))


def test_what_goes_on_already_stays_so(open_book):
    house = open_book.house
    house.when(ReopenFixture("G1", "why not"))
    house.nothing_happened()
    house.ends("G1", 5, 3)
    house.given(ReopenFixture("G1", "goes on"))
    house.when(ReopenFixture("G1", "goes on"))
    house.nothing_happened()


@pytest.mark.parametrize("reason", ["", "   "])
def test_a_game_is_not_reopened_without_a_reason(open_book, reason):
    open_book.house.given(CancelFixture("G1", "flood"))
    open_book.house.when(ReopenFixture("G1", reason))
    open_book.house.rejected("reason_invalid")


def test_who_may_confirm_may_reopen(open_book):
    house = open_book.house
    house.given(staff("scorer", Permission.RESULT_ENTER), staff("grader", Permission.RESULT_CONFIRM))
    house.given(CancelFixture("G1", "flood"))
    house.when(ReopenFixture("G1", "slip"), by="scorer")
    house.rejected("not_permitted", permission="result_confirm")
    house.when(ReopenFixture("G1", "slip"), by="grader")
    house.happened(FixtureReopened)


def test_what_is_archived_is_reopened_no_more(open_book):
    house = open_book.house
    house.given(CancelFixture("G1", "flood"))
    house.time_is(house.clock_ns + ARCHIVE_AFTER_NS)
    house.when(ReopenFixture("G1", "slip"))
    house.rejected("fixture_status", status="archived")


def test_a_game_whose_numbers_were_given_to_another_takes_new_ones_first(open_book):
    house = open_book.house
    house.given(CancelFixture("G1", "flood"), game("G2", rotation=951))
    house.when(ReopenFixture("G1", "slip"))
    house.rejected("rotation_taken", rotation=951, fixture="G2")
    house.given(RenumberFixture("G1", 961, "951 is taken"), ReopenFixture("G1", "slip"))
    assert house.state.catalog.rotations.games == house.recovered().catalog.rotations.games
    assert list(house.state.catalog.rotations) == [951, 952, 961, 962]


def test_a_game_that_was_called_off_needs_no_numbers_from_its_start_on(open_book):
    house = open_book.house
    house.given(CancelFixture("G1", "flood"), game("G2", rotation=951, start_ns=START_NS + HOUR_NS))
    house.clock_ns = START_NS - 1
    house.when(ReopenFixture("G1", "slip"))
    house.rejected("rotation_taken", rotation=951, fixture="G2")
    house.clock_ns = START_NS
    house.when(ReopenFixture("G1", "slip"))
    house.happened(FixtureReopened, fixture="G1", status="cancelled", revision=2, before=None)


def test_a_game_is_reopened_by_who_has_seen_its_result(open_book):
    house = open_book.house
    house.ends("G1", 5, 3)
    seen = house.state.seq
    house.given(EnterResult("G1", Score(5, 4)))
    house.when(ReopenFixture("G1", "goes on"), if_position=seen)
    house.rejected("position_moved", position=seen + 1)


def test_a_result_is_taken_back_whoever_has_the_numbers_now(open_book):
    house = open_book.house
    house.ends("G1", 5, 3)
    house.given(game("G2", rotation=951, start_ns=START_NS + 48 * HOUR_NS))
    house.given(ReopenFixture("G1", "goes on"))
    house.fire_timers()
    assert house.state.catalog.rotations.games == house.recovered().catalog.rotations.games
    house.when(RescheduleFixture("G1", START_NS + 24 * HOUR_NS, "suspended"))
    house.rejected("rotation_taken", fixture="G2")


def test_a_book_that_was_away_takes_that_a_game_is_reopened(open_book):
    house = open_book.house
    house.given(CancelFixture("G1", "flood"), ReopenFixture("G1", "slip"))
    (missed,) = results_after(house.state, 0)
    assert (missed.score, missed.regrade) == (Score(0, 0, final=False), True)
    assert results_after(house.recovered(), 0) == [missed]


def test_a_ticket_that_was_voided_by_hand_stays_void(open_book):
    open_book.given(VoidWager(number(open_book), "wrong side"))
    house = open_book.house
    house.given(CancelFixture("G1", "flood"), ReopenFixture("G1", "slip"))
    open_book.settles()
    assert open_book.ticket(number(open_book)).status == "void"


def test_what_is_placed_while_a_reopened_game_is_still_being_settled_waits_for_no_job(open_book):
    open_book.house.given(CancelFixture("G1", "slip"))
    open_book.settles()
    open_book.house.given(ReopenFixture("G1", "not called off"), board("G1", entered_ns=open_book.at_ns))
    open_book.given(wager("P1", 5_00))
    laws.memory_is_what_a_restart_would_rebuild(open_book.state, open_book.recovered())
    open_book.settles()
    assert [ticket.status for ticket in open_book.stored_wagers()][-1] == "open"
