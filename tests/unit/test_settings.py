"""Settings: a book's limits for every ticket."""

import pytest
from tests.doubles.words import agent, player, staff

from runline.domain.bounds import STAKE_MINOR_MAX
from runline.domain.permissions import Permission
from runline.domain.settings import LimitsSet, SetLimits, SetLocks

FIRST = (1_00, 10_000_00, 50_000_00)
LIMITS = SetLimits(5_00, 500_00, 1_000_00, "season start")


def test_limits_say_what_they_were(book):
    book.when(LIMITS)
    book.happened(LimitsSet, before=FIRST, after=(5_00, 500_00, 1_000_00), reason="season start")
    book.when(LIMITS)
    book.nothing_happened()


@pytest.mark.parametrize(
    "limits",
    [
        (0, 1, 1),
        (-1, 1, 1),
        (2, 1, 1),
        (1, 1, 0),
        (1, 1, -1),
        (1, STAKE_MINOR_MAX + 1, 1),
        (1, 1, STAKE_MINOR_MAX + 1),
        (1, 2**70, 1),
        (1, 1, 2**70),
        (1, 1.5, 2),
        (True, 1, 1),
    ],
)
def test_what_is_no_limit_is_refused(book, limits):
    least, most, win_most = limits
    book.when(SetLimits(least, most, win_most, "given"))
    book.rejected("limits_invalid")


def test_a_reason_is_bounded(book):
    book.when(SetLimits(5_00, 500_00, 1_000_00, "x" * 501))
    book.rejected("reason_invalid")


def test_only_staff_of_the_whole_book_sets_its_limits(book):
    book.given(agent("A1"), staff("one", Permission.SETTINGS_CHANGE, at="A1"))
    book.when(LIMITS, by="one")
    book.rejected("not_permitted")


def test_the_ground_of_limits_is_the_books_settings(book):
    seen = book.state.seq
    book.given(player("P1"))
    book.when(LIMITS, if_position=seen)
    book.happened(LimitsSet)
    book.when(SetLimits(*FIRST, "back"), if_position=seen)
    book.rejected("position_moved")


@pytest.mark.parametrize(
    "limits", [(1, 1, 1), (1, STAKE_MINOR_MAX, STAKE_MINOR_MAX), (STAKE_MINOR_MAX, STAKE_MINOR_MAX, 1)]
)
def test_limits_go_from_the_smallest_amount_to_the_largest(book, limits):
    smallest, largest, most = limits
    book.when(SetLimits(smallest, largest, most, "given"))
    book.happened(LimitsSet, after=limits)


def test_the_house_owns_who_owns_the_book(book):
    assert book.state.access.first_owner == book.recovered().access.first_owner == "owner"
    assert book.state.settings.current is book.state.settings.by_book["main"]


def test_a_books_limits_and_locks_stand_on_its_settings(book):
    grounds = book.state.vocabulary.grounds
    locks = SetLocks(True, "given")
    assert grounds[SetLimits](book.state, LIMITS) == grounds[SetLocks](book.state, locks) == 1
    book.given(player("P1"), locks)
    assert grounds[SetLimits](book.state, LIMITS) == grounds[SetLocks](book.state, locks) == book.state.seq
