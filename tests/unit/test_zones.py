"""Zones: a source's local times go by the zone database, never by a number of hours."""

import re
from datetime import UTC, date, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.doubles import words

from runline.demo.clock import time_of_day, zone_at
from runline.domain.bounds import ARCHIVE_AFTER_NS
from runline.domain.zones import DAY_NS, ONLY_UTC, SetZone, Zone, ZoneSet
from runline.feeds import nfl
from runline.feeds.zones import EASTERN, instant_ns, local_time

PROJECT = Path(__file__).parents[2]


def utc(at_ns):
    return f"{datetime.fromtimestamp(at_ns // 10**9, UTC):%Y-%m-%d %H:%MZ}"


@pytest.mark.parametrize(
    ("day", "at", "instant"),
    [
        ("2025-10-26", "13:00", "2025-10-26 17:00Z"),
        ("2025-11-02", "13:00", "2025-11-02 18:00Z"),
        ("2025-10-12", "09:30", "2025-10-12 13:30Z"),
        ("2025-11-02", "01:30", "2025-11-02 05:30Z"),
        ("2024-09-15", "13:00", "2024-09-15 17:00Z"),
        ("2006-04-02", "13:00", "2006-04-02 17:00Z"),
        ("2006-03-26", "13:00", "2006-03-26 18:00Z"),
    ],
)
def test_an_eastern_time_is_that_of_the_day(day, at, instant):
    assert utc(instant_ns(date.fromisoformat(day), time.fromisoformat(at), EASTERN)) == instant


@pytest.mark.parametrize("at", ["02:00", "02:30", "02:59"])
def test_a_time_that_is_passed_over_is_none(at):
    with pytest.raises(ValueError, match="is no time in America/New_York"):
        instant_ns(date(2026, 3, 8), time.fromisoformat(at), EASTERN)
    assert instant_ns(date(2026, 3, 9), time.fromisoformat(at), EASTERN)


@given(
    st.integers(946_684_800, 2_208_988_800), st.sampled_from(["America/New_York", "Europe/London", "Australia/Sydney"])
)
def test_a_local_time_reads_back_as_itself(at_s, name):
    zone = ZoneInfo(name)
    at = local_time(at_s * 10**9, zone)
    if not at.fold:
        assert instant_ns(at.date(), at.time(), zone) == at_s * 10**9


@pytest.mark.parametrize("gametime", ["24:13", "13:60", "1 pm", "25:00"])
def test_a_kick_off_that_no_clock_shows_is_refused(gametime):
    with pytest.raises(ValueError, match=r"hour|minute|isoformat"):
        first_game(gameday="2025-10-26", gametime=gametime).start_ns()


def first_game(**changes):
    """A game of the source, with other values."""
    fields = dict.fromkeys(nfl.NflGame.__struct_fields__)
    return nfl.NflGame(**{**fields, **changes})


def test_a_game_starts_by_eastern_time_in_summer_and_winter():
    games = {game.game_id: game for game in nfl.read_games(PROJECT / "data" / "nfl" / nfl.GAMES)}
    for name, game in games.items():
        start_ns = game.start_ns()
        if start_ns is not None:
            assert f"{local_time(start_ns, EASTERN):%Y-%m-%d %H:%M}" == f"{game.gameday} {game.gametime}", name
    assert {utc(game.start_ns() or 0)[11:] for game in games.values() if game.gametime == "13:00"} == {
        "17:00Z",
        "18:00Z",
    }


def test_a_time_is_told_with_the_name_that_it_has_just_then():
    summer, winter = (instant_ns(date(2024, month, 15), time(13), EASTERN) for month in (7, 12))
    assert (time_of_day(summer), zone_at(summer)) == ("Mon 1:00 pm", "EDT")
    assert (time_of_day(winter), zone_at(winter)) == ("Sun 1:00 pm", "EST")


FIXED = re.compile(r"timezone\(timedelta|timedelta\(hours=-|\bE[DS]T\b|[+-]0[45]:00")


def test_no_zone_is_a_number_of_hours():
    found = [
        f"{path.relative_to(PROJECT)}: {line.strip()}"
        for path in sorted((PROJECT / "src").rglob("*.py"))
        for line in path.read_text().splitlines()
        if FIXED.search(line) and not line.lstrip().startswith('"""')
    ]
    assert found == []


# Where games are played


@pytest.fixture
def two_games(house):
    house.given(words.game("G1"), words.game("G2"))
    return house


def zone_of(house, name):
    return house.state.zones.of(house.state.catalog.fixtures[name], "Europe/London")


def test_a_game_is_in_the_zone_of_its_venue_else_of_its_league_else_of_its_leagues_rules(two_games):
    assert zone_of(two_games, "G1") == "Europe/London"
    two_games.when(SetZone("league", "MLB", "America/New_York", "so"))
    assert two_games.events == [ZoneSet("league", "MLB", "", "America/New_York", "so")]
    two_games.when(SetZone("fixture", "G1", "America/Chicago", "neutral"))
    assert two_games.events == [ZoneSet("fixture", "G1", "", "America/Chicago", "neutral")]
    assert (zone_of(two_games, "G1"), zone_of(two_games, "G2")) == ("America/Chicago", "America/New_York")
    assert two_games.stored(Zone) == [
        Zone("fixture", "G1", "America/Chicago", two_games.state.seq),
        Zone("league", "MLB", "America/New_York", two_games.state.seq - 1),
    ]


def test_a_zone_that_is_said_again_says_what_was_and_one_that_is_taken_back_is_none(two_games):
    two_games.given(SetZone("league", "MLB", "America/New_York", "so"), SetZone("league", "MLB", "UTC", "so"))
    assert two_games.events == [ZoneSet("league", "MLB", "America/New_York", "UTC", "so")]
    two_games.when(SetZone("league", "MLB", "UTC", "so"))
    two_games.nothing_happened()
    two_games.when(SetZone("league", "MLB", "", "unsure"))
    assert two_games.events == [ZoneSet("league", "MLB", "UTC", "", "unsure")]
    assert (two_games.stored(Zone), zone_of(two_games, "G1")) == ([], "Europe/London")
    two_games.when(SetZone("league", "MLB", "", "unsure"))
    two_games.nothing_happened()


def test_the_zone_of_a_game_that_leaves_memory_is_forgotten_and_no_other(two_games):
    two_games.given(*(SetZone("fixture", name, "UTC", "so") for name in ("G1", "G2")))
    two_games.ends("G1", 1, 2)
    two_games.time_is(two_games.clock_ns + ARCHIVE_AFTER_NS)
    assert [row.subject for row in two_games.stored(Zone)] == ["G2"]


def test_a_zone_stands_on_what_was_said_of_that_place(two_games):
    seen = two_games.state.seq
    two_games.given(SetZone("fixture", "G2", "UTC", "so"), SetZone("league", "MLB", "UTC", "so"))
    two_games.when(SetZone("fixture", "G1", "UTC", "so"), if_position=seen)
    assert two_games.refusal is None
    two_games.when(SetZone("fixture", "G2", "", "so"), if_position=seen)
    two_games.rejected("position_moved", position=seen + 1)


def test_without_a_zone_database_there_is_one_zone():
    assert ONLY_UTC.date_ends_ns("UTC", 0) == DAY_NS
    assert ONLY_UTC.date_ends_ns("UTC", DAY_NS - 1) == DAY_NS
    assert ONLY_UTC.date_ends_ns("UTC", DAY_NS) == 2 * DAY_NS
    assert ONLY_UTC.date_ends_ns("Europe/London", 0) is None
