"""A clock that was wrong for a while: what was done meanwhile takes nothing away from whoever comes at the true time."""

from typing import Any

import pytest
from tests.doubles.coming import comes_true
from tests.doubles.host import SetHost
from tests.doubles.ids import uuid7
from tests.integration.served import served
from tests.integration.world import (
    HOUR_NS,
    NOON_NS,
    SECOND_NS,
    START_NS,
    SetClock,
    World,
    agrees,
    play,
    refusal,
    running,
    start_ns,
    wager,
)

from runline.bootstrap import running_engine
from runline.client import RefusedError
from runline.domain.accounts import AdjustCredit, GrantTemporaryCredit
from runline.domain.messages import HOUSE
from runline.domain.suspension import Suspend
from runline.engine.clock import SystemClock
from runline.engine.envelope import decode_envelope
from runline.engine.requests import Accepted
from runline.evaluate.clock import show_clock
from runline.store.sqlite import SqliteStore

DAY_NS = 24 * HOUR_NS
WRONG = [DAY_NS, 25 * HOUR_NS, 400 * DAY_NS]


@pytest.mark.parametrize("wrong_ns", WRONG)
@pytest.mark.parametrize("restart", [False, True], ids=["running", "restarted"])
def test_one_command_while_the_clock_is_ahead_locks_nothing(path, wrong_ns, restart):
    clock = SetClock()
    on_g3 = "G3:game:moneyline"

    async def wrong(world):
        await world.open_house(fixtures=3)
        await world.open_book()
        first = uuid7(NOON_NS)
        await world.do("b1", wager(market=on_g3, amount_minor=7_00), id=first)
        world.set_clock(NOON_NS + wrong_ns)
        await world.do("b1", AdjustCredit("P1", 9_000_00, "while it is ahead"))
        await world.do(HOUSE, Suspend("kind", "total", "while it is ahead"))
        world.set_clock(NOON_NS + SECOND_NS)
        return first

    async def right(world, first):
        position = 0
        for later in range(3):
            now_ns = NOON_NS + (later + 1) * SECOND_NS
            world.set_clock(now_ns)
            made = uuid7(now_ns - SECOND_NS // 2)
            placed = await world.do("b1", AdjustCredit("P1", 8_000_00 + later, "now"), id=made)
            again = await world.do("b1", AdjustCredit("P1", 8_000_00 + later, "now"), id=made)
            position = placed.position
            assert again == Accepted(placed.position, placed.events, repeated=True)
            await world.do(HOUSE, Suspend("market", f"G{later + 1}:game:moneyline", "now"), id=uuid7(now_ns))
        repeated = await world.do("b1", wager(market=on_g3, amount_minor=7_00), id=first)
        assert repeated.repeated
        (row,) = await world.engine.store.events("b1", position - 1, 1)
        assert decode_envelope(row[4]).at_ns == NOON_NS + 3 * SECOND_NS

    async def whole():
        async with running(SqliteStore(path), clock) as world:
            first = await wrong(world)
            if not restart:
                await right(world, first)
        if restart:
            async with running(SqliteStore(path), clock) as world:
                await right(world, first)

    play(whole())
    agrees(path)


def test_a_repeat_of_what_was_sent_while_the_clock_was_ahead_is_never_done_again(path):
    clock = SetClock()
    ahead = uuid7(NOON_NS + 25 * HOUR_NS)

    async def main():
        async with running(SqliteStore(path), clock) as world:
            await world.open_house(fixtures=3)
            await world.open_book()
            world.set_clock(NOON_NS + 25 * HOUR_NS)
            command = wager(market="G3:game:moneyline")
            await world.do("b1", command, id=ahead)
            for at_ns in (NOON_NS, NOON_NS + HOUR_NS, NOON_NS + 25 * HOUR_NS, NOON_NS + 26 * HOUR_NS):
                world.set_clock(at_ns)
                assert (await world.do("b1", command, id=ahead)).repeated
            assert await world.read("b1", lambda book: len(book.tickets.by_number)) == 1

    play(main())
    agrees(path)


@pytest.mark.parametrize("restart", [False, True], ids=["running", "restarted"])
def test_more_commands_than_are_remembered_while_the_clock_is_ahead_lock_nothing(path, monkeypatch, restart):
    for room in ("window", "recovery"):
        monkeypatch.setattr(f"runline.engine.{room}.WINDOW_COMMANDS_MAX", 10)
    clock = SetClock()

    async def several(world, at_ns, number):
        sent = []
        for one in range(number):
            world.set_clock(at_ns + one * SECOND_NS)
            sent.append(uuid7(world.clock.at_ns))
            await world.do("b1", wager(market="G3:game:moneyline", amount_minor=1_00 + one), id=sent[-1])
        return sent

    async def right(world, executed):
        sent = await several(world, NOON_NS + 100 * SECOND_NS, 15)
        assert await world.read("b1", lambda book: len(book.tickets.by_number)) == executed + 15
        for command_id, amount in zip(sent[-9:], range(1_06, 1_15), strict=True):
            again = await world.do("b1", wager(market="G3:game:moneyline", amount_minor=amount), id=command_id)
            assert again.repeated

    async def whole():
        async with running(SqliteStore(path), clock) as world:
            await world.open_house(fixtures=3)
            await world.open_book()
            await several(world, NOON_NS, 5)
            ahead = await several(world, NOON_NS + 25 * HOUR_NS, 25)
            world.set_clock(NOON_NS + 60 * SECOND_NS)
            if not restart:
                await right(world, 30)
        if restart:
            async with running(SqliteStore(path), clock) as world:
                await right(world, 30)
                world.set_clock(NOON_NS + 25 * HOUR_NS + 30 * SECOND_NS)
                # That day has come: what was executed then is not executed again.
                for one, command_id in enumerate(ahead):
                    again = await world.ask(
                        "b1", wager(market="G3:game:moneyline", amount_minor=1_00 + one), id=command_id
                    )
                    assert again.repeated if isinstance(again, Accepted) else refusal(again).code == "stale_command"
                assert await world.read("b1", lambda book: len(book.tickets.by_number)) == 45

    play(whole())
    agrees(path)


def test_cutoffs_and_credit_go_by_the_true_time_again(path):
    clock = SetClock()

    async def main():
        async with running(SqliteStore(path), clock) as world:
            await world.open_house(fixtures=3)
            await world.open_book(credit_minor=10_00)
            world.set_clock(START_NS - HOUR_NS // 2 + 25 * HOUR_NS)
            await world.until(HOUSE, lambda house: house.catalog.fixtures["G2"].status == "closed")
            world.set_clock(NOON_NS + SECOND_NS)
            # What was closed stays closed; what was not is open until its own start.
            assert (await world.refused("b1", wager())).code == "past_cutoff"
            await world.do("b1", GrantTemporaryCredit("P1", 100_00, NOON_NS + HOUR_NS, "asked"))
            await world.do("b1", wager(market="G3:game:moneyline", amount_minor=90_00))
            world.set_clock(NOON_NS + HOUR_NS)
            await world.until("b1", lambda book: book.tree.players["P1"].temporary_until_ns == 0)
            world.set_clock(start_ns("G3"))
            await world.until(HOUSE, lambda house: house.catalog.fixtures["G3"].status == "closed")

    play(main())
    agrees(path)


@pytest.mark.parametrize("wrong_ns", WRONG)
def test_people_sign_in_at_the_true_time_after_the_clock_was_ahead(path, wrong_ns):
    clock = SetClock()

    async def main():
        async with served(path, clock) as place:
            world = place.world
            await world.open_house()
            await world.open_book()
            await place.give_password("b1", "owner")
            world.set_clock(NOON_NS + wrong_ns)
            ahead = await place.sign_in("b1", "owner")
            await ahead.ask("players")
            world.set_clock(NOON_NS + SECOND_NS)
            await (await place.sign_in("b1", "owner")).ask("players")
            # Nobody knows when a session of that other time would end.
            with pytest.raises(RefusedError, match="session has ended"):
                await ahead.ask("players")

    play(main())


def test_an_engine_goes_on_by_its_own_time_until_a_person_confirms_the_hosts(path, monkeypatch):
    monkeypatch.setattr("runline.engine.timekeeper.LOOK_S", 0.001)
    host: Any = SetHost(NOON_NS)

    async def main():
        clock = SystemClock(host)
        async with running_engine(SqliteStore(path), clock=clock, database=path) as (engine, bus):
            world = World(engine, bus, clock)
            await world.open_house(fixtures=3)
            await world.open_book()
            host.wall += DAY_NS
            await comes_true(lambda: engine.conditions.standing)
            await world.do("b1", wager())
            assert not await world.read(HOUSE, lambda house: house.catalog.fixtures["G1"].status == "closed")
            host.pass_time(SECOND_NS)
            assert show_clock(path, confirmed=True, host=host) == 0
            await world.until(HOUSE, lambda house: house.catalog.fixtures["G1"].status == "closed")
            assert engine.conditions.standing == {}
            await world.do("b1", wager(market="G3:game:moneyline"), id=uuid7(host.wall))

    play(main())
    agrees(path)


def test_an_engine_that_starts_with_a_clock_it_cannot_believe_goes_on_from_its_last_event(path):
    host: Any = SetHost(NOON_NS)

    async def first():
        async with running_engine(SqliteStore(path), clock=SystemClock(host)) as (engine, bus):
            world = World(engine, bus, SystemClock(host))
            await world.open_house(fixtures=3)
            await world.open_book()

    async def second():
        host.wall -= 25 * HOUR_NS
        clock = SystemClock(host)
        async with running_engine(SqliteStore(path), clock=clock) as (engine, bus):
            world = World(engine, bus, clock)
            assert [standing.part for standing in engine.conditions.standing.values()] == ["clock"]
            await world.do("b1", wager(), id=uuid7(NOON_NS))

    play(first())
    play(second())
    agrees(path)
