"""Queries and the log side of the live stream: position first, then data, without a gap and without a repeat."""

import asyncio

import pytest
from tests.integration.stores import HeldStore
from tests.integration.world import MONEYLINE, SECOND_NS, Listener, acceptance, passes, play, refusal, running, wager

from runline.domain.accounts import AdjustCredit
from runline.domain.messages import HOUSE, Rejected
from runline.domain.suspension import Suspend
from runline.engine.requests import Accepted
from runline.engine.subscription import Lagged
from runline.store.sqlite import SqliteStore


async def open_stage(world):
    await world.open_house()
    await world.open_book(credit_minor=10**12)


def wagers(world, number):
    return world.bus.send([world.request("b1", wager(amount_minor=1_00)) for _ in range(number)])


def test_a_query_waits_for_the_position_that_it_asks_for(committed):
    async def main():
        async with running(committed()) as world:
            await open_stage(world)
            position, _ = await world.engine.query("b1", lambda book: None)
            asked = asyncio.create_task(
                world.engine.query("b1", lambda book: len(book.tickets.by_number), at_least=position + 3)
            )
            await wagers(world, 2)
            await passes()
            assert not asked.done()
            await wagers(world, 1)
            assert await asked == (position + 3, 3)
            assert await world.engine.query("b1", lambda book: len(book.tickets.by_number), at_least=1) == (
                position + 3,
                3,
            )

    play(main())


def test_a_query_for_a_position_that_is_not_reached_in_time_says_where_the_stream_is(path):
    async def main():
        async with running(SqliteStore(path)) as world:
            await open_stage(world)
            position, _ = await world.engine.query("b1", lambda book: None)
            with pytest.raises(Rejected) as refused:
                await world.engine.query("b1", lambda book: None, at_least=position + 1, wait_s=0)
            assert (refused.value.code, refused.value.details) == ("position_unknown", {"position": position})

    play(main())


def test_a_query_sees_one_moment_only(committed):
    async def main():
        async with running(committed()) as world:
            await open_stage(world)
            flood = asyncio.create_task(wagers(world, 900))
            while not flood.done():
                position, (seq, pending, open_wagers) = await world.engine.query(
                    "b1", lambda book: (book.seq, book.risk.pending.get("P1", 0), len(book.tickets.by_number))
                )
                assert position == seq
                assert pending == open_wagers * 1_00
                await asyncio.sleep(0)
            await flood

    play(main())


def test_a_subscriber_from_the_beginning_gets_every_event_once_while_they_flow(committed, monkeypatch):
    monkeypatch.setattr("runline.engine.subscription.READ_EVENTS", 7)

    async def main():
        async with running(committed()) as world:
            await open_stage(world)
            await wagers(world, 500)
            flood = asyncio.create_task(wagers(world, 500))
            early = world.listen("b1", 0)
            position = (await flood)[-1].position
            late = world.listen("b1", 0)
            last = (await world.do("b1", AdjustCredit("P1", 1, "given"))).position
            for listener in (early, late):
                await listener.reach(last)
                assert listener.positions == list(range(1, last + 1))
            assert last == position + 1
            assert early.seen == late.seen
            early.leave()
            late.leave()

    play(main())


def test_a_subscriber_from_anywhere_gets_what_comes_after(committed):
    async def main():
        async with running(committed()) as world:
            await open_stage(world)
            before = await world.until("b1", lambda book: True)
            flood = asyncio.create_task(wagers(world, 600))
            listeners: list[Listener] = []
            while not flood.done() and len(listeners) < 60:
                head = world.engine.writers["b1"].durable_seq
                listeners += [world.listen("b1", head), world.listen("b1", (before + head) // 2)]
                await asyncio.sleep(0)
            last = before + 600
            for listener in listeners:
                start = listener.subscription.position
                if listener.subscription.position < last or listener.seen:
                    await listener.reach(last)
                    start = listener.positions[0] - 1
                assert listener.positions == list(range(start + 1, last + 1))
                listener.leave()
            assert len(listeners) > 2

    play(main())


def test_what_a_subscriber_gets_is_what_is_logged(committed):
    async def main():
        async with running(committed()) as world:
            await open_stage(world)
            live = world.listen("b1", world.engine.writers["b1"].durable_seq)
            request = world.request("b1", wager(), "P1")
            placed = acceptance(await world.bus.send_one(request))
            await live.reach(placed.position)
            from_log = world.listen("b1", placed.position - 1)
            await from_log.reach(placed.position)
            assert live.seen == from_log.seen
            (seen,) = live.seen
            assert (seen.stream, seen.seq, seen.actor, seen.command) == ("b1", placed.position, "P1", request.id)
            assert [seen.event] == placed.events
            live.leave()
            from_log.leave()

    play(main())


def test_the_house_and_every_book_are_followed_by_themselves(path):
    async def main():
        async with running(SqliteStore(path)) as world:
            await open_stage(world)
            await world.open_book("b2")
            listeners = {stream: world.listen(stream, 0) for stream in (HOUSE, "b1", "b2")}
            last = {
                HOUSE: (await world.do(HOUSE, Suspend("all", "", "given"))).position,
                "b1": (await world.do("b1", AdjustCredit("P1", 1, "given"))).position,
                "b2": (await world.do("b2", AdjustCredit("P1", 1, "given"))).position,
            }
            for stream, listener in listeners.items():
                await listener.reach(last[stream])
                assert {committed.stream for committed in listener.seen} == {stream}
                assert listener.positions == list(range(1, last[stream] + 1))
                listener.leave()

    play(main())


def test_a_subscription_to_what_is_not_yet_there_is_refused(path):
    async def main():
        async with running(SqliteStore(path)) as world:
            await open_stage(world)
            head = world.engine.writers["b1"].durable_seq
            for after in (-1, head + 1):
                with pytest.raises(Rejected) as refused:
                    world.engine.subscribe("b1", after)
                assert (refused.value.code, refused.value.details) == ("position_unknown", {"position": head})

    play(main())


def test_a_subscriber_that_is_too_slow_is_told_so_and_holds_nobody_up(path, monkeypatch):
    monkeypatch.setattr("runline.engine.subscription.SUBSCRIPTION_EVENTS_MAX", 100)

    async def main():
        async with running(SqliteStore(path)) as world:
            await open_stage(world)
            head = world.engine.writers["b1"].durable_seq
            slow = world.engine.subscribe("b1", head)
            quick = world.listen("b1", head)
            last = head
            for _ in range(4):
                last = (await wagers(world, 50))[-1].position
                await quick.reach(last)
            assert quick.positions == list(range(head + 1, last + 1))
            quick.leave()
            with pytest.raises(Lagged, match="More than 100 events behind"):
                async for _ in slow:
                    pass
            assert not world.engine.subscriptions.of["b1"]
            again = world.listen("b1", slow.position)
            await again.reach(last)
            assert again.positions == list(range(slow.position + 1, last + 1))
            again.leave()

    play(main())


def test_a_subscriber_that_left_is_forgotten(path):
    async def main():
        async with running(SqliteStore(path)) as world:
            await open_stage(world)
            subscription = world.engine.subscribe("b1", 0)
            subscription.close()
            subscription.close()
            assert not world.engine.subscriptions.of["b1"]
            await wagers(world, 5)
            assert not subscription.backlog

    play(main())


def test_a_book_takes_no_wagers_while_its_house_view_is_too_old(path):
    async def main():
        store = HeldStore(SqliteStore(path))
        async with running(store) as world:
            await open_stage(world)
            store.hold()
            suspended = asyncio.create_task(world.ask(HOUSE, Suspend("market", MONEYLINE, "news")))
            await store.held.wait()
            world.clock.host_ahead_ns += SECOND_NS
            early = asyncio.create_task(world.ask("b1", wager()))
            await passes()
            world.clock.host_ahead_ns += 2 * SECOND_NS
            late = asyncio.create_task(world.ask("b1", wager()))
            other = asyncio.create_task(world.ask("b1", AdjustCredit("P1", 5_00, "control goes on")))
            await passes()
            store.let_go()
            assert isinstance(await suspended, Accepted)
            assert isinstance(await early, Accepted)
            refused = refusal(await late)
            assert refused.code == "house_stale"
            assert refused.details["lag_ms"] >= 3_000
            assert isinstance(await other, Accepted)
            assert (await world.refused("b1", wager())).code == "market_suspended"

    play(main())
