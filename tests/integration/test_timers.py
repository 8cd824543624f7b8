"""What time causes: it is done when it is due, once, also if nobody was there when it was due."""

import pytest
from tests.integration.world import (
    HOUR_NS,
    LINES,
    NOON_NS,
    SECOND_NS,
    START_NS,
    SetClock,
    agrees,
    play,
    running,
    running_until_the_power_goes,
    wager,
)

from runline.domain.accounts import GrantTemporaryCredit, available_minor
from runline.domain.board import PostLines
from runline.domain.bounds import STEP_NS_MAX
from runline.domain.fixtures import CreateFixture, RescheduleFixture
from runline.domain.messages import HOUSE
from runline.domain.suspension import Reopen, Suspend
from runline.engine.envelope import decode_envelope
from runline.engine.limits import TIMERS_PER_ROUND
from runline.store.sqlite import SqliteStore


async def types(world, stream):
    """The types of all events of a stream, in order."""
    return [decode_envelope(row[4]).type for row in await world.engine.store.events(stream, 0, 10_000)]


def is_closed(house):
    return house.catalog.fixtures["G1"].status == "closed"


def test_a_game_is_closed_when_it_starts(committed):
    async def main():
        async with running(committed()) as world:
            await world.open_house()
            await world.open_book()
            world.set_clock(START_NS - 1)
            await world.do("b1", wager())
            assert not await world.read(HOUSE, is_closed)
            world.set_clock(START_NS)
            await world.until(HOUSE, is_closed)
            assert (await types(world, HOUSE))[-1] == "FixtureClosed"
            assert (await world.refused("b1", wager())).code == "past_cutoff"
            late = await world.refused(HOUSE, PostLines("G1", START_NS - 1, LINES[:1]))
            assert late.code == "past_cutoff"
            assert await world.read(HOUSE, lambda house: (house.timers.by_subject, house.timers.due)) == ({}, [])

    play(main())


def test_a_timer_that_is_late_lets_no_wager_in(path, monkeypatch):
    async def main():
        async with running(SqliteStore(path)) as world:
            await world.open_house()
            await world.open_book()
            monkeypatch.setattr("runline.engine.agenda.TIMERS_PER_ROUND", 0)
            world.set_clock(START_NS)
            assert (await world.refused("b1", wager())).code == "past_cutoff"
            assert (await types(world, HOUSE))[-1] != "FixtureClosed"

    play(main())


@pytest.mark.parametrize("life", [running, running_until_the_power_goes], ids=["stopped", "cut off"])
def test_a_timer_that_was_due_while_nothing_ran_fires_at_the_next_start_once(path, life):
    clock = SetClock()

    async def before():
        async with running(SqliteStore(path), clock) as world:
            await world.open_house()
            await world.open_book()
        async with life(SqliteStore(path), clock) as world:
            await world.do("b1", wager())

    async def after():
        clock.at_ns = START_NS + HOUR_NS
        for _ in range(2):
            async with running(SqliteStore(path), clock) as world:
                await world.until(HOUSE, is_closed)
                assert (await world.refused("b1", wager())).code == "past_cutoff"
                assert (await types(world, HOUSE)).count("FixtureClosed") == 1

    play(before())
    play(after())
    agrees(path)


def test_a_timer_that_is_not_yet_due_survives_a_restart(path):
    clock = SetClock()

    async def before():
        async with running(SqliteStore(path), clock) as world:
            await world.open_house()
            await world.open_book()

    async def after():
        async with running(SqliteStore(path), clock) as world:
            await world.do("b1", wager())
            assert not await world.read(HOUSE, is_closed)
            world.set_clock(START_NS)
            await world.until(HOUSE, is_closed)

    play(before())
    play(after())
    agrees(path)


def test_moving_a_game_moves_its_timer(path):
    async def main():
        async with running(SqliteStore(path)) as world:
            await world.open_house()
            await world.open_book()
            await world.do(HOUSE, RescheduleFixture("G1", START_NS + HOUR_NS, "rain"))
            world.set_clock(START_NS)
            await world.do("b1", wager())
            await world.do(HOUSE, RescheduleFixture("G1", START_NS + 60 * SECOND_NS, "sun"))
            world.set_clock(START_NS + 60 * SECOND_NS)
            await world.until(HOUSE, is_closed)
            assert (await types(world, HOUSE)).count("FixtureClosed") == 1

    play(main())
    agrees(path)


def test_a_game_that_was_closed_and_is_moved_is_closed_again_at_its_new_start(path):
    async def main():
        async with running(SqliteStore(path)) as world:
            await world.open_house()
            await world.open_book()
            world.set_clock(START_NS)
            await world.until(HOUSE, is_closed)
            await world.do(HOUSE, RescheduleFixture("G1", START_NS + HOUR_NS, "rain"))
            await world.do(HOUSE, PostLines("G1", START_NS, LINES))
            await world.do("b1", wager())
            world.set_clock(START_NS + HOUR_NS)
            await world.until(HOUSE, is_closed)
            assert (await types(world, HOUSE)).count("FixtureClosed") == 2

    play(main())
    agrees(path)


def test_all_of_many_timers_that_are_due_at_once_fire(path):
    number = 3 * TIMERS_PER_ROUND + 1

    async def main():
        async with running(SqliteStore(path)) as world:
            await world.open_house()
            create = [
                world.request(
                    HOUSE, CreateFixture(f"M{one}", "MLB", 10_001 + 2 * one, "Away", "Home", START_NS + one % 5)
                )
                for one in range(number)
            ]
            await world.bus.send(create)
            world.set_clock(START_NS + 5)
            await world.until(HOUSE, lambda house: not house.timers.by_subject)
            assert (await types(world, HOUSE)).count("FixtureClosed") == number + 1

    play(main())
    agrees(path)


def test_temporary_credit_ends_when_it_should_across_a_restart(path):
    clock = SetClock()
    until_ns = NOON_NS + HOUR_NS // 2

    async def before():
        async with running(SqliteStore(path), clock) as world:
            await world.open_house()
            await world.open_book(credit_minor=10_00)
            await world.do("b1", GrantTemporaryCredit("P1", 100_00, until_ns, "asked"))
            await world.do("b1", wager(amount_minor=90_00))

    async def after():
        async with running(SqliteStore(path), clock) as world:
            await world.do("b1", wager(amount_minor=10_00))
            world.set_clock(until_ns)
            await world.until("b1", lambda book: book.tree.players["P1"].temporary_until_ns == 0)
            assert (await types(world, "b1"))[-1] == "TemporaryCreditExpired"
            assert (
                await world.read("b1", lambda book: available_minor(book, book.tree.players["P1"], until_ns)) == -90_00
            )
            assert (await world.refused("b1", wager(amount_minor=1_00))).code == "credit_exceeded"

    play(before())
    play(after())
    agrees(path)


def test_temporary_credit_that_is_granted_anew_ends_at_the_new_time_only(path):
    async def main():
        async with running(SqliteStore(path)) as world:
            await world.open_house()
            await world.open_book(credit_minor=0)
            await world.do("b1", GrantTemporaryCredit("P1", 100_00, NOON_NS + 10, "asked"))
            await world.do("b1", GrantTemporaryCredit("P1", 50_00, NOON_NS + 20, "asked again"))
            world.set_clock(NOON_NS + 10)
            await world.do("b1", wager(amount_minor=50_00))
            world.set_clock(NOON_NS + 20)
            await world.until("b1", lambda book: book.tree.players["P1"].temporary_until_ns == 0)
            assert (await types(world, "b1")).count("TemporaryCreditExpired") == 1

    play(main())
    agrees(path)


def test_the_time_of_a_stream_stands_still_until_a_clock_that_was_set_back_a_little_has_caught_up(path):
    clock = SetClock()

    async def main():
        async with running(SqliteStore(path), clock) as world:
            await world.open_house()
            await world.open_book()
            for moved_ns in (STEP_NS_MAX, 0, STEP_NS_MAX // 2, STEP_NS_MAX + 1, STEP_NS_MAX - 1, 2 * STEP_NS_MAX):
                clock.at_ns = NOON_NS + moved_ns
                await world.do("b1", wager())
                await world.do(HOUSE, Suspend("kind", "total", "given"))
                await world.do(HOUSE, Reopen("kind", "total", ""))
            for stream in ("b1", HOUSE):
                times = [decode_envelope(row[4]).at_ns for row in await world.engine.store.events(stream, 0, 1_000)]
                assert times == sorted(times)

    play(main())
    agrees(path)
