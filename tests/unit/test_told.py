"""Told: a book hears what has become of its board, and not by whom in the house, nor why."""

from msgspec.structs import asdict
from tests.doubles.words import board, game, line

from runline.domain.held import LineHeld
from runline.domain.posted import LinePosted, LineWithdrawn
from runline.domain.results import FixtureCancelled
from runline.domain.suspension import Suspended
from runline.domain.told import told_to_a_book


def test_a_line_that_waits_for_a_person_is_to_a_book_off_the_board(house):
    house.given(game("G1"))
    house.when(board("G1", line("moneyline", "+150", "+150"), confirm=False))
    held = house.happened(LineHeld)
    assert told_to_a_book(held) == LineWithdrawn("G1:game:moneyline", held.entered_ns)


def test_a_line_is_told_without_who_posted_it_and_what_looked_wrong_with_it():
    posted = LinePosted("G1:game:total", "G1", "total", "game", 34, ("-110", "-110"), 7, ("jump",), "feed")
    told = told_to_a_book(posted)
    assert told == LinePosted("G1:game:total", "G1", "total", "game", 34, ("-110", "-110"), 7)
    assert not told.is_notable(None)


def test_what_closes_a_game_is_told_without_the_reason_and_where_in_the_house_it_was_said():
    assert told_to_a_book(Suspended("fixture", "G1", "desk", "a rumour")) == Suspended("fixture", "G1", "", "")


def test_the_score_is_told_as_it_is_and_why_a_game_was_called_off_is_not():
    cancelled = FixtureCancelled("G1", 3, None, True, "a match that was bought")
    assert asdict(told_to_a_book(cancelled)) == {**asdict(cancelled), "reason": ""}


def test_what_says_nothing_of_by_whom_and_why_is_told_as_it_is():
    withdrawn = LineWithdrawn("G1:game:total", 7)
    assert told_to_a_book(withdrawn) is withdrawn
