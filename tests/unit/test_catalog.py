"""Catalog: leagues and fixtures. A fixture closes at its start, by the clock, and opens again only if it is moved."""

from typing import Any

import pytest
from tests.doubles.plain import VOCABULARY
from tests.doubles.stage import HOUR_NS, NOON_NS
from tests.doubles.words import START_NS, board, game, player, staff, wager

from runline.domain.bounds import STEP_NS_MAX
from runline.domain.catalog import FIXTURE_LIFE
from runline.domain.fixtures import (
    START_NS_MAX,
    CreateFixture,
    CreateLeague,
    FixtureClosed,
    FixtureCreated,
    FixtureRescheduled,
    LeagueCreated,
    RescheduleFixture,
)
from runline.domain.grading import Score
from runline.domain.house import BookOpened, FoundHouse, OpenBook
from runline.domain.messages import ENGINE
from runline.domain.permissions import Permission
from runline.domain.results import CancelFixture, EnterResult
from runline.domain.tickets import WagerPlaced


@pytest.fixture
def open_book(book):
    book.given(game("G1"), board("G1"), player("P1"))
    return book


def fixture(**changes):
    fields: dict[str, Any] = {
        "fixture": "G1",
        "league": "MLB",
        "rotation": 951,
        "away": "V",
        "home": "H",
        "start_ns": START_NS,
    }
    return CreateFixture(**(fields | changes))


def test_a_league_is_created_once(house):
    house.when(CreateLeague("MLB", "baseball"))
    house.happened(LeagueCreated, league="MLB", sport="baseball")
    house.when(CreateLeague("MLB", "baseball"))
    house.nothing_happened()
    house.when(CreateLeague("MLB", "hockey"))
    house.rejected("already_exists", sport="baseball")


def test_a_fixture_is_created_once(house):
    house.given(CreateLeague("MLB", "baseball"))
    house.when(fixture())
    house.happened(FixtureCreated, fixture="G1", sport="baseball", start_ns=START_NS)
    house.when(fixture())
    house.nothing_happened()
    house.when(fixture(home="Others"))
    house.rejected("already_exists")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"league": "KBO"}, "unknown_league"),
        ({"fixture": "a b"}, "identifier_invalid"),
        ({"fixture": "a:b"}, "identifier_invalid"),
        ({"rotation": 0}, "rotation_invalid"),
        ({"rotation": -1}, "rotation_invalid"),
        ({"rotation": 2**31}, "rotation_invalid"),
        ({"rotation": 951.5}, "rotation_invalid"),
        ({"away": "x" * 501}, "reason_invalid"),
        ({"home": "x\ny"}, "reason_invalid"),
        ({"start_ns": 0}, "start_invalid"),
        ({"start_ns": -1}, "start_invalid"),
        ({"start_ns": START_NS_MAX}, "start_invalid"),
        ({"start_ns": 2**70}, "start_invalid"),
        ({"start_ns": START_NS + 0.5}, "start_invalid"),
    ],
)
def test_a_fixture_that_cannot_be_is_refused(house, changes, code):
    house.given(CreateLeague("MLB", "baseball"))
    house.when(fixture(**changes))
    house.rejected(code)


def test_every_step_of_a_fixtures_life_is_an_event():
    assert {event for _, event in FIXTURE_LIFE} <= set(VOCABULARY.events)


# The cutoff


def test_a_market_closes_at_its_cutoff_by_the_timer(open_book):
    open_book.house.clock_ns = START_NS - 1
    open_book.when(wager("P1", 10_00), by="P1")
    open_book.happened(WagerPlaced)
    open_book.time_is(START_NS)
    assert open_book.house.state.catalog.fixtures["G1"].status == "closed"
    open_book.when(wager("P1", 10_00), by="P1")
    open_book.rejected("past_cutoff", cutoff_ns=START_NS)


def test_a_market_closes_at_its_cutoff_by_the_clock_even_if_the_timer_is_late(open_book):
    open_book.clock_reads(START_NS)
    assert open_book.house.state.catalog.fixtures["G1"].status == "scheduled"
    open_book.when(wager("P1", 10_00), by="P1")
    open_book.rejected("past_cutoff", cutoff_ns=START_NS)


def test_time_in_a_stream_does_not_go_back_with_a_clock_that_was_a_little_ahead(open_book):
    open_book.clock_reads(START_NS)
    open_book.given(player("P2"))
    open_book.clock_reads(START_NS - STEP_NS_MAX)
    open_book.when(wager("P1", 10_00), by="P1")
    open_book.rejected("past_cutoff")
    assert open_book.state.at_ns == START_NS


def test_what_a_wrong_clock_has_stamped_binds_nobody_once_it_is_right_again(open_book):
    open_book.clock_reads(START_NS)
    open_book.given(player("P2"))
    open_book.clock_reads(START_NS - STEP_NS_MAX - 1)
    open_book.when(wager("P1", 10_00), by="P1")
    open_book.happened(WagerPlaced)
    assert open_book.state.at_ns == START_NS - STEP_NS_MAX - 1


def test_the_timer_closes_a_fixture_once(open_book):
    house = open_book.house
    open_book.time_is(START_NS)
    closed = [event for _, _, _, event in house.log if isinstance(event, FixtureClosed)]
    assert closed == [FixtureClosed("G1", START_NS)]
    open_book.time_is(START_NS + HOUR_NS)
    assert [event for _, _, _, event in house.log if isinstance(event, FixtureClosed)] == closed
    assert house.state.timers.by_subject == {}


# Rescheduling


def test_a_later_start_keeps_the_game_open_until_then(open_book):
    open_book.house.when(RescheduleFixture("G1", START_NS + HOUR_NS, "rain"))
    open_book.house.happened(FixtureRescheduled, before_ns=START_NS, after_ns=START_NS + HOUR_NS, reason="rain")
    open_book.time_is(START_NS + 1)
    open_book.when(wager("P1", 10_00), by="P1")
    open_book.happened(WagerPlaced)
    open_book.time_is(START_NS + HOUR_NS)
    open_book.when(wager("P1", 10_00), by="P1")
    open_book.rejected("past_cutoff", cutoff_ns=START_NS + HOUR_NS)


def test_an_earlier_start_closes_the_game_earlier(open_book):
    open_book.given(RescheduleFixture("G1", NOON_NS + HOUR_NS, "television"))
    open_book.clock_reads(NOON_NS + HOUR_NS)
    open_book.when(wager("P1", 10_00), by="P1")
    open_book.rejected("past_cutoff")


def test_a_start_that_jumps_and_returns_leaves_one_timer(open_book):
    for start_ns in (START_NS + HOUR_NS, NOON_NS + HOUR_NS, START_NS):
        open_book.given(RescheduleFixture("G1", start_ns, "feed"))
    open_book.time_is(START_NS - 1)
    assert open_book.house.state.catalog.fixtures["G1"].status == "scheduled"
    open_book.time_is(START_NS)
    assert open_book.house.state.catalog.fixtures["G1"].status == "closed"


def test_a_closed_game_that_is_moved_into_the_future_is_open_again(open_book):
    open_book.time_is(START_NS)
    open_book.house.when(RescheduleFixture("G1", START_NS, "the same"))
    open_book.house.nothing_happened()
    open_book.house.when(RescheduleFixture("G1", START_NS - 1, "yesterday"))
    open_book.house.rejected("past_cutoff")
    open_book.given(RescheduleFixture("G1", START_NS + HOUR_NS, "rain delay"))
    open_book.when(wager("P1", 10_00), by="P1")
    open_book.happened(WagerPlaced)


def test_a_game_whose_result_is_known_is_never_open_again(open_book):
    open_book.time_is(START_NS)
    open_book.given(EnterResult("G1", Score(1, 3)))
    open_book.house.when(RescheduleFixture("G1", START_NS + HOUR_NS, "a trick"))
    open_book.house.rejected("fixture_status", revision=1)


def test_a_game_that_is_called_off_stays_so(open_book):
    open_book.given(CancelFixture("G1", "flood"))
    open_book.house.when(RescheduleFixture("G1", START_NS + HOUR_NS, ""))
    open_book.house.rejected("fixture_status")


def test_an_unknown_fixture_is_named(house):
    house.when(RescheduleFixture("G9", START_NS, ""))
    house.rejected("unknown_fixture", fixture="G9")


def test_the_ground_of_a_reschedule_is_the_fixture_and_its_result(open_book):
    house = open_book.house
    seen = house.state.seq
    house.given(game("G2"))
    house.when(RescheduleFixture("G1", START_NS + 1, ""), if_position=seen)
    house.happened(FixtureRescheduled)
    house.when(RescheduleFixture("G1", START_NS + 2, ""), if_position=seen)
    house.rejected("position_moved")


# Books


def test_a_book_is_opened_once(house):
    house.when(OpenBook("east", "ann"))
    house.happened(BookOpened, book="east", owner="ann")
    house.when(OpenBook("east", "ann"))
    house.nothing_happened()
    house.when(OpenBook("east", "bob"))
    house.rejected("already_exists")


@pytest.mark.parametrize(
    ("name", "owner"),
    [("house", "ann"), ("engine", "ann"), ("east", "engine"), ("", "ann"), ("east", ""), ("a/b", "ann")],
)
def test_a_book_has_a_name_and_an_owner_of_its_own(house, name, owner):
    house.when(OpenBook(name, owner))
    assert house.refusal.code in ("already_exists", "identifier_invalid")


def test_there_are_so_many_books_and_no_more(house, monkeypatch):
    monkeypatch.setattr("runline.domain.house.BOOKS_MAX", 1)
    house.given(OpenBook("east", "ann"))
    house.when(OpenBook("west", "ann"))
    house.rejected("too_many", most=1)


def test_a_house_is_founded_once_and_by_the_engine(house):
    house.when(FoundHouse("burglar"))
    house.rejected("not_permitted")
    assert house.execute(FoundHouse("burglar"), ENGINE) == []


def test_a_feed_manages_fixtures_and_nothing_else(house):
    house.given(staff("feed", Permission.FIXTURES_MANAGE))
    house.when(CreateLeague("MLB", "baseball"), by="feed")
    house.happened(LeagueCreated)
    house.when(OpenBook("east", "feed"), by="feed")
    house.rejected("not_permitted", permission="book_open")
