"""Fixtures: what becomes of a game's start, its number and its cutoff, event by event."""

import pytest
from tests.doubles.stage import HOUR_NS, NOON_NS
from tests.doubles.words import START_NS, game

from runline.domain.fixtures import (
    CloseFixture,
    CreateFixture,
    CreateLeague,
    FixtureClosed,
    FixtureCreated,
    FixtureRenumbered,
    FixtureRescheduled,
    LeagueCreated,
    RenumberFixture,
    RescheduleFixture,
)
from runline.domain.grading import Score
from runline.domain.messages import ENGINE
from runline.domain.postponement import PostponeFixture
from runline.domain.results import EnterResult

LATER_NS = START_NS + HOUR_NS
CUTOFF = "cutoff", "G1"


@pytest.fixture
def house(house):
    house.given(game("G1", rotation=501))
    return house


def cutoff(house):
    """When a game closes by its timer, if it has one."""
    timer = house.state.timers.by_subject.get(CUTOFF)
    return timer and timer.due_ns


def test_a_league_and_a_game_are_as_they_were_created(house):
    house.when(CreateLeague("NHL", "hockey"))
    assert house.events == [LeagueCreated("NHL", "hockey")]
    house.when(CreateFixture("G2", "NHL", 601, "Blues", "Kings", START_NS))
    assert house.events == [FixtureCreated("G2", "NHL", "hockey", 601, "Blues", "Kings", START_NS)]
    row = house.state.catalog.fixtures["G2"]
    assert (row.league, row.sport, row.rotation, row.away, row.home, row.start_ns, row.status) == (
        "NHL", "hockey", 601, "Blues", "Kings", START_NS, "scheduled",
    )  # fmt: skip
    for again in (CreateLeague("NHL", "hockey"), CreateFixture("G2", "NHL", 601, "Blues", "Kings", START_NS)):
        house.when(again)
        house.nothing_happened()


def test_a_start_that_is_moved_says_what_was_and_whether_the_game_had_begun(house):
    assert cutoff(house) == START_NS
    house.when(RescheduleFixture("G1", LATER_NS, "television"))
    assert house.events == [FixtureRescheduled("G1", START_NS, LATER_NS, False, "television")]
    assert cutoff(house) == LATER_NS
    house.clock_ns = LATER_NS
    house.when(RescheduleFixture("G1", LATER_NS + 1, "rain"))
    assert house.events == [FixtureRescheduled("G1", LATER_NS, LATER_NS + 1, True, "rain")]


def test_a_start_that_is_the_same_is_moved_only_if_the_game_is_postponed(house):
    house.when(RescheduleFixture("G1", START_NS, "same"))
    house.nothing_happened()
    house.given(PostponeFixture("G1", "rain"))
    house.when(RescheduleFixture("G1", START_NS, "dry"))
    assert house.events == [FixtureRescheduled("G1", START_NS, START_NS, False, "dry")]
    assert house.state.catalog.fixtures["G1"].status == "scheduled"


def test_a_number_that_is_changed_says_what_was(house):
    house.when(RenumberFixture("G1", 502, "as printed"))
    assert house.events == [FixtureRenumbered("G1", 501, 502, "as printed")]
    house.when(RenumberFixture("G1", 502, "as printed"))
    house.nothing_happened()


def test_a_game_closes_at_its_start_and_once(house):
    for early_ns in (NOON_NS, START_NS - 1):
        house.clock_ns = early_ns
        assert house.execute(CloseFixture("G1"), ENGINE) == []
    house.clock_ns = START_NS
    assert house.execute(CloseFixture("G1"), ENGINE) == [FixtureClosed("G1", START_NS)]
    assert cutoff(house) is None
    assert house.execute(CloseFixture("G1"), ENGINE) == []


def test_a_game_is_created_and_moved_by_who_has_seen_its_league_and_its_result(house):
    seen = house.state.seq
    house.given(CreateLeague("NHL", "hockey"))
    house.when(CreateFixture("G2", "NHL", 601, "Blues", "Kings", START_NS), if_position=seen)
    house.rejected("position_moved", position=seen + 1)
    house.time_is(START_NS)
    seen = house.state.seq
    house.given(EnterResult("G1", Score(1, 2)))
    house.when(RescheduleFixture("G1", LATER_NS, "rain"), if_position=seen)
    house.rejected("position_moved", position=seen + 1)
