"""The demo's staff: simulated people have users of their own, and leave alone what somebody else has done."""

import asyncio
import os
from contextlib import asynccontextmanager

from tests.integration.world import play, running

from runline.demo.operators import Operators
from runline.demo.people import BOOKS, people_of, set_up
from runline.demo.terminal import Terminal
from runline.domain.lines import LineMoved, MoveLine
from runline.domain.messages import HOUSE
from runline.domain.suspension import Reopen, Suspend, Suspended
from runline.store.memory import MemoryStore

HARBOR = people_of(BOOKS[0])
OWNER = HARBOR.owner
LAYER = ("fixture", "G1")


@asynccontextmanager
async def a_demo():
    """The demo's books with a game, the staff, and the terminal on which it sees what has happened."""
    async with running(MemoryStore(os.urandom)) as world:
        await world.open_house()
        await set_up(world.bus, 1, 1.0)
        terminal = Terminal(world.bus.vocabulary, [HARBOR.book])
        listeners = {stream: world.listen(stream, 0) for stream in terminal.streams}

        async def look():
            """The terminal shows everything that has happened."""
            for stream, listener in listeners.items():
                await listener.reach((await world.engine.query(stream, lambda _: None))[0])
                take = terminal.take_house if stream == HOUSE else terminal.take_book
                for committed in listener.seen:
                    if committed.seq > terminal.streams[stream].seq:
                        take(committed)

        await look()
        yield world, look, Operators(world.bus, world.clock, terminal, [HARBOR], 1)
        for listener in listeners.values():
            listener.leave()


def layer(world):
    return world.read(HARBOR.book, lambda book: book.suspensions.layers.get(LAYER))


def moved(world, market):
    return world.read(HARBOR.book, lambda book: book.lines.by_market.get(market))


def test_what_the_owner_has_closed_the_staff_leaves_closed():
    async def main():
        async with a_demo() as (world, _, staff):
            await world.do(HARBOR.book, Suspend("fixture", "G1", "weather"), by=OWNER)
            await staff.suspend(HARBOR)
            assert (await layer(world)).reason == "weather"

    play(main())


def test_what_the_owner_closes_anew_meanwhile_stays_closed():
    async def main():
        async with a_demo() as (world, _, staff):
            suspending = asyncio.create_task(staff.suspend(HARBOR))
            await world.until(HARBOR.book, lambda book: LAYER in book.suspensions.layers)
            await world.do(HARBOR.book, Reopen("fixture", "G1", "it is dry"), by=OWNER)
            await world.do(HARBOR.book, Suspend("fixture", "G1", "weather"), by=OWNER)
            await suspending
            assert (await layer(world)).reason == "weather"
            assert staff.outcomes["position_moved"] == 1

    play(main())


def test_the_staff_reopens_what_it_has_closed_itself_in_its_own_name():
    async def main():
        async with a_demo() as (world, _, staff):
            position, _ = await world.engine.query(HARBOR.book, lambda book: None)
            listener = world.listen(HARBOR.book, position)
            await staff.suspend(HARBOR)
            assert await layer(world) is None
            await listener.reach(position + 2)
            assert [committed.actor for committed in listener.seen] == [HARBOR.desk, HARBOR.desk]
            assert isinstance(listener.seen[0].event, Suspended)
            listener.leave()

    play(main())


def test_a_line_that_the_owner_has_moved_stays_where_they_moved_it():
    async def main():
        async with a_demo() as (world, look, staff):
            for kind in ("moneyline", "total"):
                await world.do(HARBOR.book, MoveLine(f"G1:game:{kind}", "hide", reason="mine"), by=OWNER)
            await look()
            for _ in range(10):
                await staff.offset(HARBOR)
                await look()
            assert (await moved(world, "G1:game:moneyline")).mode == "hide"
            assert (await moved(world, "G1:game:total")).mode == "hide"
            assert staff.outcomes.total() == 0

    play(main())


def test_the_staff_goes_back_to_the_house_where_it_has_departed_itself():
    async def main():
        async with a_demo() as (world, look, staff):
            position, _ = await world.engine.query(HARBOR.book, lambda book: None)
            listener = world.listen(HARBOR.book, position)
            for _ in range(20):
                await look()
                await staff.offset(HARBOR)
            await listener.reach(position + staff.outcomes["changed"])
            moves = [one.event for one in listener.seen if isinstance(one.event, LineMoved)]
            assert {"offset", "follow"} == {one.after.mode for one in moves}
            assert {one.actor for one in listener.seen} == {HARBOR.desk}
            listener.leave()

    play(main())
