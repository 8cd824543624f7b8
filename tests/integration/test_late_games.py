"""Late games, in a real engine over a real file: told, void and taken back, also across a restart."""

import pytest
from tests.integration.world import (
    HOUR_NS,
    START_NS,
    SetClock,
    agrees,
    play,
    running,
    running_until_the_power_goes,
    wager,
)

from runline.domain.bounds import WINDOW_NOTICE_NS
from runline.domain.fixtures import RescheduleFixture
from runline.domain.messages import HOUSE
from runline.domain.official import Window
from runline.domain.postponement import LetWagersStand, PostponeFixture
from runline.domain.rulings import LeagueRule, SetLeagueRule
from runline.domain.zones import SetZone
from runline.store.sqlite import SqliteStore

ENDS_NS = START_NS + 24 * HOUR_NS


def statuses(house):
    return [window.status for window in house.lateness.windows_of.get("G1", ())]


def pending(book):
    return book.risk.pending.get("P1", 0)


@pytest.mark.parametrize("life", [running, running_until_the_power_goes], ids=["stopped", "cut off"])
def test_what_waits_for_a_late_game_is_void_though_nothing_ran_when_it_was_due_and_has_its_way_back(path, life):
    clock = SetClock()

    async def before():
        async with running(SqliteStore(path), clock) as world:
            await world.open_house()
            await world.open_book()
        async with life(SqliteStore(path), clock) as world:
            league = await world.read(HOUSE, lambda house: house.catalog.fixtures["G1"].league)
            rule = LeagueRule(overtime=True, window=Window("hours", 24))
            await world.do(HOUSE, SetLeagueRule(league, rule, "a day"))
            await world.do("b1", wager())
            await world.do(HOUSE, RescheduleFixture("G1", START_NS + 30 * HOUR_NS, "rain"))
            world.set_clock(ENDS_NS - WINDOW_NOTICE_NS)
            await world.until(HOUSE, lambda house: statuses(house) == ["told"])
        clock.at_ns = ENDS_NS + HOUR_NS

    async def after():
        async with running(SqliteStore(path), clock) as world:
            await world.until(HOUSE, lambda house: statuses(house) == ["ended"])
            await world.until("b1", lambda book: not book.jobs.by_number and pending(book) == 0)
            await world.do(HOUSE, LetWagersStand("G1", "the league says so"))
            await world.until("b1", lambda book: not book.jobs.by_number and pending(book) > 0)
            await world.do(HOUSE, PostponeFixture("G1", "again"))

    play(before())
    play(after())
    agrees(path)


def test_the_zones_of_the_world_are_known_to_the_engine(path):
    async def main():
        async with running(SqliteStore(path)) as world:
            await world.open_house()
            await world.do(HOUSE, SetZone("fixture", "G1", "America/Los_Angeles", "where it is played"))
            refused = await world.refused(HOUSE, SetZone("fixture", "G1", "America/Nowhere", "trial"))
            assert refused.code == "unknown_zone"

    play(main())
