"""Archive: games that are over for long leave memory. Nothing changes them, and their ids are never given again."""

import pytest
from tests.doubles.beside import compared_stage
from tests.doubles.words import board, game

from runline.domain.archive import ArchiveFixture, FixtureArchived
from runline.domain.board import PostLines
from runline.domain.bounds import ARCHIVE_AFTER_NS
from runline.domain.catalog import ARCHIVED, Fixture, Market, Result
from runline.domain.fixtures import CreateFixture
from runline.domain.grading import Score
from runline.domain.messages import ENGINE
from runline.domain.results import CancelFixture, ConfirmResult, EnterResult
from runline.domain.settlement import results_after


@pytest.fixture
def house(house):
    house.given(game("G1"), board("G1"), game("G2"))
    house.ends("G1", 5, 3)
    return house


def archived(house):
    """Whether G1 has left memory."""
    state = house.state
    held = (
        "G1" in state.catalog.fixtures,
        "G1" in state.catalog.results,
        any(name.startswith("G1:") for name in state.catalog.markets),
    )
    assert len(set(held)) == 1
    return not held[0]


def test_a_game_leaves_memory_some_time_after_it_is_over_with_all_that_belongs_to_it(house):
    house.time_is(house.clock_ns + ARCHIVE_AFTER_NS - 1)
    assert not archived(house)
    house.time_is(house.clock_ns + 1)
    house.happened(FixtureArchived, fixture="G1")
    assert archived(house)
    assert "G1" not in house.state.catalog.markets_of
    assert not list(house.state.catalog.board_of("final"))
    assert ("archive", "G1") not in house.state.timers.by_subject
    assert "G2" in house.state.catalog.fixtures


def test_what_has_left_memory_is_in_the_tables_as_it_was(house):
    before = {kind: house.stored(kind) for kind in (Fixture, Market, Result)}
    house.time_is(house.clock_ns + ARCHIVE_AFTER_NS)
    after = {(kind, row.key()): row for kind in before for row in house.stored(kind)}
    for kind, rows in before.items():
        for row in rows:
            expected = ARCHIVED if "G1" in row.key() else row.age
            assert after[kind, row.key()].age == expected
    assert after[Result, "G1"].confirmed == Score(3, 5)


def test_a_corrected_result_keeps_a_game_in_memory_for_as_long_again(house):
    house.time_is(house.clock_ns + ARCHIVE_AFTER_NS - 1)
    house.given(EnterResult("G1", Score(0, 1)), ConfirmResult("G1", 2))
    house.time_is(house.clock_ns + ARCHIVE_AFTER_NS - 1)
    assert not archived(house)
    house.time_is(house.clock_ns + 1)
    assert archived(house)


def test_a_game_that_goes_on_is_not_archived(house):
    house.given(EnterResult("G1", Score(0, 1, final=False)), ConfirmResult("G1", 2))
    house.time_is(house.clock_ns + 2 * ARCHIVE_AFTER_NS)
    assert not archived(house)


def test_a_timer_that_comes_early_or_for_a_game_that_goes_on_archives_nothing(house):
    for name in ("G1", "G2"):
        assert house.execute(ArchiveFixture(name), ENGINE) == []
    assert not archived(house)


def test_a_cancelled_game_is_archived_too(house):
    house.given(CancelFixture("G1", "protest"))
    house.time_is(house.clock_ns + ARCHIVE_AFTER_NS)
    assert archived(house)


def test_a_cancelled_game_without_a_board_is_archived_and_a_book_that_was_away_takes_that_it_was_called_off(house):
    house.given(CancelFixture("G2", "flood"))
    taken = results_after(house.state, 0)
    house.time_is(house.clock_ns + ARCHIVE_AFTER_NS)
    assert house.state.catalog.fixtures == {}
    assert results_after(house.state, 0) == taken
    assert {one.fixture: one.score for one in taken} == {"G1": Score(3, 5), "G2": None}


def test_nothing_changes_what_is_archived_and_its_id_is_not_given_again(house):
    house.time_is(house.clock_ns + ARCHIVE_AFTER_NS)
    fixture = house.stored(Fixture)[0]
    for command in (
        EnterResult("G1", Score(1, 2)),
        ConfirmResult("G1", 1),
        CancelFixture("G1", "late"),
        PostLines("G1", house.clock_ns, ()),
    ):
        house.when(command)
        house.rejected("fixture_status", status=ARCHIVED)
    house.when(CreateFixture("G1", fixture.league, 999, "Others", "Home", house.clock_ns + 1))
    house.rejected("already_exists", id="G1")
    assert house.state.catalog.graded_by("G1") == (fixture.sport, fixture.league)


def test_a_book_that_was_away_for_so_long_still_takes_the_result():
    book = compared_stage().open_book("b1")
    book.given(game("G1"), board("G1"), game("G2"), board("G2"))
    house = book.house
    house.ends("G1", 5, 3)
    taken = results_after(house.state, 0)
    house.time_is(house.clock_ns + ARCHIVE_AFTER_NS)
    assert archived(house)
    assert results_after(house.state, 0) == taken
    house.ends("G2", 1, 2)
    assert [one.fixture for one in results_after(house.state, 0)] == ["G1", "G2"]
    assert [one.fixture for one in results_after(house.state, taken[0].house_seq)] == ["G2"]
