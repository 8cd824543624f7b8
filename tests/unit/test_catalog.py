"""Catalog: leagues and fixtures. A fixture closes at its start, by the clock, and opens again only if it is moved."""

from typing import Any

import pytest
from tests.doubles.plain import VOCABULARY
from tests.doubles.stage import HOUR_NS, NOON_NS
from tests.doubles.words import FULL_BOARD, START_NS, board, game, player, staff, wager

from runline.domain.bounds import ARCHIVE_AFTER_NS, STEP_NS_MAX
from runline.domain.catalog import ARCHIVED, FIXTURE_LIFE, NOTHING_KNOWN, side_line
from runline.domain.fixtures import (
    START_NS_MAX,
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
from runline.domain.house import BookOpened, FoundHouse, OpenBook
from runline.domain.lines import MoveLine
from runline.domain.messages import ENGINE
from runline.domain.permissions import Permission
from runline.domain.posted import LinePosted
from runline.domain.prices import Prices
from runline.domain.reopening import ReopenFixture
from runline.domain.results import CancelFixture, EnterResult
from runline.domain.settings import SetLocks
from runline.domain.suspension import Scope, Suspend, Suspended
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
    house.rejected("already_exists", differs={"sport": "baseball"})


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
        ({"away": "x" * 101}, "team_invalid"),
        ({"home": "x\ny"}, "team_invalid"),
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
    open_book.given(board("G1", entered_ns=START_NS + 1))
    open_book.when(wager("P1", 10_00), by="P1")
    open_book.happened(WagerPlaced)


@pytest.mark.parametrize("late_timer", [False, True])
def test_a_game_that_had_begun_and_is_moved_waits_for_the_next_line_of_each_market(open_book, late_timer):
    house = open_book.house
    if late_timer:
        open_book.clock_reads(START_NS + 5)
    else:
        open_book.time_is(START_NS + 5)
    house.when(RescheduleFixture("G1", START_NS + HOUR_NS, "rain delay"))
    house.happened(FixtureRescheduled, begun=True)
    open_book.when(wager("P1", 10_00), by="P1")
    open_book.rejected("market_closed", off_board="waiting")
    house.when(board("G1", entered_ns=START_NS + 4))
    house.rejected("line_out_of_order", entered_ns=START_NS + 5)
    house.when(board("G1", *FULL_BOARD[:1], entered_ns=START_NS + 5))
    house.happened(LinePosted, market="G1:game:moneyline")
    open_book.when(wager("P1", 10_00), by="P1")
    open_book.happened(WagerPlaced)
    open_book.when(wager("P1", 10_00, kind="total", side="over", price="-105", quarters=34), by="P1")
    open_book.rejected("market_closed", off_board="waiting")


def test_a_line_that_a_book_has_locked_waits_too_where_a_game_that_had_begun_is_moved(open_book):
    open_book.given(
        SetLocks(True, "ours"), MoveLine("G1:game:moneyline", "lock", prices=Prices(away="+130", home="-150"))
    )
    open_book.time_is(START_NS)
    open_book.given(RescheduleFixture("G1", START_NS + HOUR_NS, "rain delay"))
    open_book.when(wager("P1", 10_00, price="+130"), by="P1")
    open_book.rejected("market_closed", off_board="waiting")


# Names that mean one thing


def test_a_known_game_that_is_sent_again_and_differs_is_refused_with_what_differs(house):
    house.given(CreateLeague("MLB", "baseball"), fixture())
    house.when(fixture(rotation=955, start_ns=START_NS + 1))
    house.rejected("already_exists", id="G1", differs={"rotation": 951, "start_ns": START_NS})
    house.when(fixture(away="X", home="Y"))
    house.rejected("already_exists", differs={"away": "V", "home": "H"})
    house.given(RescheduleFixture("G1", START_NS + 1, "television"))
    house.when(fixture())
    house.rejected("already_exists", differs={"start_ns": START_NS + 1})


@pytest.mark.parametrize("rotation", [950, 951, 952])
def test_a_rotation_number_is_that_of_one_game(house, rotation):
    house.given(CreateLeague("MLB", "baseball"), CreateLeague("NHL", "hockey"), fixture())
    house.when(fixture(fixture="G2", league="NHL", rotation=rotation))
    house.rejected("rotation_taken", fixture="G1")
    house.when(fixture(fixture="G2", rotation=953))
    house.happened(FixtureCreated)


def test_the_rotation_numbers_of_a_game_that_is_over_are_free(house):
    house.given(game("G1"), board("G1"))
    house.ends("G1", 3, 1)
    house.given(game("G2", rotation=951, start_ns=START_NS + 24 * HOUR_NS), CancelFixture("G2", "flood"))
    house.given(game("G3", rotation=950, start_ns=START_NS + 24 * HOUR_NS))
    assert (
        house.state.catalog.rotations.games == house.recovered().catalog.rotations.games == {950: ("G3",), 951: ("G3",)}
    )


def test_a_game_that_has_begun_keeps_its_numbers_until_it_is_over(house):
    house.given(game("G1"))
    house.time_is(START_NS)
    house.when(fixture(fixture="G2", rotation=952, start_ns=START_NS + HOUR_NS))
    house.rejected("rotation_taken", rotation=952, fixture="G1")


def test_a_game_can_be_given_another_number(house):
    house.given(game("G1"), game("G2"))
    house.when(RenumberFixture("G1", 951, "the same"))
    house.nothing_happened()
    house.when(RenumberFixture("G1", 954, "as printed"))
    house.rejected("rotation_taken", rotation=954, fixture="G2")
    house.when(RenumberFixture("G1", 0, "as printed"))
    house.rejected("rotation_invalid")
    house.when(RenumberFixture("G1", 952, "as printed"))
    house.rejected("rotation_taken", rotation=953)
    house.given(RenumberFixture("G2", 955, "moved up"))
    house.when(RenumberFixture("G1", 952, "as printed"))
    house.happened(FixtureRenumbered, before=951, after=952, reason="as printed")
    for catalog in (house.state.catalog, house.recovered().catalog):
        assert list(catalog.rotations) == [952, 953, 955, 956]
        assert list(catalog.board_of("scheduled", "MLB")) == [(952, "G1"), (955, "G2")]


@pytest.mark.parametrize(
    ("away", "home"),
    [("Mets", "Mets"), ("mets", "  METS "), ("Red  Sox", "red sox"), ("", "H"), ("V", "   "), ("", "")],
)
def test_a_game_has_two_teams_with_names(house, away, home):
    house.given(CreateLeague("MLB", "baseball"))
    house.when(fixture(away=away, home=home))
    house.rejected("team_invalid")


def test_a_game_whose_result_is_known_is_never_open_again(open_book):
    open_book.time_is(START_NS)
    open_book.given(EnterResult("G1", Score(1, 3)))
    open_book.house.when(RescheduleFixture("G1", START_NS + HOUR_NS, "a trick"))
    open_book.house.rejected("fixture_status", revision=1)


def test_a_game_that_is_called_off_stays_so(open_book):
    open_book.given(CancelFixture("G1", "flood"))
    open_book.house.when(RescheduleFixture("G1", START_NS + HOUR_NS, "given"))
    open_book.house.rejected("fixture_status")


def test_an_unknown_fixture_is_named(house):
    house.when(RescheduleFixture("G9", START_NS, "given"))
    house.rejected("unknown_fixture", fixture="G9")


def test_a_game_that_is_archived_is_told_from_one_that_there_never_was(house):
    house.given(game("G1"), board("G1"))
    house.ends("G1", 3, 1)
    house.time_is(house.clock_ns + ARCHIVE_AFTER_NS)
    house.when(RescheduleFixture("G1", house.clock_ns + HOUR_NS, "again"))
    house.rejected("fixture_status", status=ARCHIVED)


def test_the_ground_of_a_reschedule_is_the_fixture_and_its_result(open_book):
    house = open_book.house
    seen = house.state.seq
    house.given(game("G2"))
    house.when(RescheduleFixture("G1", START_NS + 1, "given"), if_position=seen)
    house.happened(FixtureRescheduled)
    house.when(RescheduleFixture("G1", START_NS + 2, "given"), if_position=seen)
    house.rejected("position_moved")


# What the catalog says of its games


@pytest.mark.parametrize(
    ("kind", "side", "line_quarters", "expected"),
    [
        ("spread", "home", -6, -6),
        ("spread", "away", -6, 6),
        ("total", "over", 34, 34),
        ("total", "under", 34, 34),
        ("moneyline", "away", None, None),
    ],
)
def test_the_visitors_have_a_spread_the_other_way_round_and_both_sides_have_one_total(
    kind, side, line_quarters, expected
):
    assert side_line(kind, side, line_quarters) == expected


def test_games_are_on_the_board_of_their_status_and_of_their_league(house):
    catalog = house.state.catalog
    assert list(catalog.board_of("scheduled")) == list(catalog.board_of("scheduled", "MLB")) == []
    house.given(game("G1"), game("N1", league="NFL", sport="football", rotation=451))
    assert list(catalog.board_of("scheduled")) == [(451, "N1"), (951, "G1")]
    assert list(catalog.board_of("scheduled", "NFL")) == [(451, "N1")]
    assert list(catalog.begun) == []
    house.time_is(START_NS)
    assert list(catalog.board_of("closed")) == [(451, "N1"), (951, "G1")]
    assert list(catalog.begun) == [(START_NS, "G1"), (START_NS, "N1")]


def test_results_stand_behind_the_position_before_their_confirmation_until_another_is_confirmed(house):
    catalog = house.state.catalog
    house.given(game("G1"), game("G2"))
    for name in ("G1", "G2"):
        house.ends(name, 3, 1)
    first, second = (catalog.results[name].confirmed_seq for name in ("G1", "G2"))

    def after(seq):
        return [one.fixture for one in catalog.results_after(seq)]

    assert after(0) == after(first - 1) == ["G1", "G2"]
    assert after(first) == after(second - 1) == ["G2"]
    assert after(second) == []
    house.ends("G1", 3, 2)
    assert after(0) == ["G2", "G1"]


def test_tickets_are_settled_by_the_score_or_by_none_and_by_nothing_known_where_the_game_goes_on(house):
    catalog = house.state.catalog
    house.given(game("G1"), game("G2"), game("G3"), CancelFixture("G2", "flood"))
    house.ends("G1", 3, 1)
    house.ends("G3", 3, 1)
    house.given(ReopenFixture("G3", "another game was meant"))
    assert [catalog.score_of(catalog.results[name]) for name in ("G1", "G2", "G3")] == [
        Score(1, 3), None, NOTHING_KNOWN,
    ]  # fmt: skip
    assert {name for kind, name in house.state.timers.by_subject if kind == "archive"} == {"G1", "G2"}
    house.time_is(house.clock_ns + ARCHIVE_AFTER_NS)
    assert [catalog.score_of(catalog.archived[name]) for name in ("G1", "G2")] == [Score(1, 3), None]


def test_what_can_be_suspended_is_what_the_catalog_has(house):
    house.given(game("G1"), board("G1"))
    known: tuple[tuple[Scope, str], ...] = (
        ("sport", "baseball"), ("league", "MLB"), ("fixture", "G1"), ("market", "G1:game:spread"),
        ("selection", "G1:game:spread/away"), ("kind", "spread"),
    )  # fmt: skip
    for scope, subject in known:
        house.when(Suspend(scope, subject, "given"))
        house.happened(Suspended, scope=scope, subject=subject)
    unknown: tuple[tuple[Scope, str], ...] = (
        ("sport", "chess"), ("league", "KBO"), ("fixture", "G2"), ("market", "G1:1h:spread"), ("kind", "parlay"),
        ("selection", "G1:game:spread/over"), ("selection", "G1:1h:spread/away"), ("selection", "G1:game:spread"),
    )  # fmt: skip
    for scope, subject in unknown:
        house.when(Suspend(scope, subject, "given"))
        house.rejected("unknown_subject", subject=subject)


# Books


def test_a_book_is_opened_once(house):
    house.when(OpenBook("east", "ann"))
    house.happened(BookOpened, book="east", owner="ann")
    house.when(OpenBook("east", "ann"))
    house.nothing_happened()
    house.when(OpenBook("east", "bob"))
    house.rejected("already_exists", differs={"owner": "ann"})


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
