"""Repeated commands: their answers come from the log, a few readings for many, and whoever waits has turns."""

import asyncio

import pytest
from tests.integration.stores import Around
from tests.integration.world import passes, play, running, wager

from runline.bus.gathering import Gather
from runline.engine import repeats
from runline.engine.limits import REPEATS_PER_USER_MAX
from runline.engine.requests import Accepted
from runline.store.sqlite import SqliteStore


class Counted(Around):
    """Counts what is read of the log."""

    readings = 0

    async def events(self, *asked):
        self.readings += 1
        return await self.store.events(*asked)


@pytest.fixture
def stage(tmp_path):
    """Run a test in a book with two players."""

    def run(main):
        async def set_up():
            async with running(Counted(SqliteStore(tmp_path / "book.db"))) as world:
                await world.open_house()
                await world.open_book(players=2, credit_minor=10**12)
                await main(world, world.engine.store)

        play(set_up())

    return run


async def answers(gather):
    async with asyncio.timeout(30):
        await gather.done
    return gather.outcomes


def again(requests):
    """The same commands, sent again."""
    return [type(one)(one.stream, one.id, one.actor, one.command) for one in requests]


async def place(world, number, by="P1"):
    """Wagers, in their order, and their answers."""
    requests = [world.request("b1", wager(by, 1_00), by) for _ in range(number)]
    return requests, await world.bus.send(requests)


def test_a_thousand_repeats_of_one_command_cost_a_few_readings(stage):
    async def main(world, store):
        (request,), (first,) = await place(world, 1)
        for outcome in await world.bus.send([again([request])[0] for _ in range(1_000)]):
            assert outcome == Accepted(first.position, first.events, repeated=True)
        assert store.readings < 50

    stage(main)


def test_what_was_sent_together_is_read_together(stage):
    async def main(world, store):
        requests, first = await place(world, 500)
        outcomes = await world.bus.send(again(requests))
        assert [(one.position, one.events) for one in outcomes] == [(one.position, one.events) for one in first]
        assert store.readings < 50
        # Also what lies apart or comes in another order gets its own answer.
        assert await world.bus.send(again(requests[::-50])) == outcomes[::-50]

    stage(main)


def test_whoever_repeats_much_lets_others_have_their_answers(stage):
    async def main(world, store):
        requests, _ = await place(world, 200)
        others, _ = await place(world, 1, "P2")
        backwards, one = Gather(200), Gather(1)
        world.engine.submit(again(requests[::-1]), backwards)
        world.engine.submit(again(others), one)
        assert all(outcome.repeated for outcome in await answers(one))
        # Each repeat backwards is a reading of its own.
        assert None in backwards.outcomes
        assert all(outcome.repeated for outcome in await answers(backwards))

    stage(main)


def test_so_many_repeats_of_one_user_wait_and_no_more(stage, monkeypatch):
    monkeypatch.setattr(repeats, "REPEATS_PER_USER_MAX", 3)

    async def main(world, store):
        requests, _ = await place(world, 5)
        outcomes = await world.bus.send(again(requests))
        assert [getattr(one, "code", "accepted") for one in outcomes].count("busy") == 2
        assert all(one.repeated for one in await world.bus.send(again(requests[:3])))
        await passes()
        assert world.engine.answers.repeats.waiting == {}
        assert REPEATS_PER_USER_MAX >= 1_000

    stage(main)
