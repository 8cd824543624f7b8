"""Archive: games that are over for long are not in memory after a restart either, and log and tables agree."""

from tests.integration.world import MONEYLINE, SetClock, agrees, play, running, wager

from runline.domain.bounds import ARCHIVE_AFTER_NS
from runline.domain.messages import HOUSE
from runline.store.sqlite import SqliteStore


def held(house):
    """What of G1 is in memory."""
    return "G1" in house.catalog.fixtures, MONEYLINE in house.catalog.markets, "G1" in house.catalog.results


def test_a_restart_leaves_what_is_archived_in_the_tables(path):
    async def main():
        clock = SetClock()
        async with running(SqliteStore(path), clock) as world:
            await world.open_house(fixtures=2)
            await world.open_book()
            await world.do("b1", wager())
            await world.play_off()
            await world.settled()
            world.set_clock(clock.at_ns + ARCHIVE_AFTER_NS)
            await world.until(HOUSE, lambda house: "G1" in house.catalog.archived)
            assert held(await world.read(HOUSE, lambda house: house)) == (False, False, False)
        async with running(SqliteStore(path), clock) as world:
            assert held(await world.read(HOUSE, lambda house: house)) == (False, False, False)
            assert held(world.engine.view) == (False, False, False)
            assert "G2" in world.engine.view.catalog.fixtures

    play(main())
    agrees(path)
