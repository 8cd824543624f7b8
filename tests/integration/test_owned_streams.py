"""Owned streams: one is adopted, released, doubted and read again without the others."""

import asyncio
import os
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest
from msgspec.structs import replace
from tests.doubles.coming import comes_true
from tests.doubles.declared import declare_otherwise, evolving
from tests.integration.stores import Around, FaultyStore
from tests.integration.test_store import sealed, stretch, ticket
from tests.integration.world import (
    HOME_WINS,
    HOUR_NS,
    NOON_NS,
    SECOND_NS,
    START_NS,
    World,
    agrees,
    bus_to,
    passes,
    play,
    refusal,
    running,
    wager,
)

from runline.bootstrap import begin
from runline.domain.hierarchy import Agent
from runline.domain.house import OpenBook
from runline.domain.invariants import BrokenInvariant
from runline.domain.messages import HOUSE, Rejected
from runline.domain.results import ConfirmResult, EnterResult, ResultConfirmed
from runline.domain.suspension import Reopen, Suspend, Suspended, Suspension
from runline.domain.tickets import VoidWager
from runline.engine.engine import Engine
from runline.engine.ports import StoreError
from runline.engine.recovery import every_stream
from runline.engine.requests import Accepted
from runline.gateway.fan import Fan
from runline.store.memory import MemoryStore
from runline.store.sqlite import SqliteStore

WAIT_S = 30


@asynccontextmanager
async def staged(store):
    """An engine over a store, with two books that take wagers."""
    async with running(store) as world:
        await world.open_house()
        for book in ("b1", "b2"):
            await world.open_book(book, credit_minor=10**12)
        yield world


@asynccontextmanager
async def beside(world, streams, *, proves=True):
    """Another engine on the same store, with these streams, whose house view is fed by the first one's log. proves: whether it
    is said to have all of it, for as long as a test lasts."""
    engine = Engine(world.engine.store, world.clock, os.urandom, world.engine.vocabulary, "n2", founds=False)
    await engine.start(streams)
    if proves:
        engine.house.proved(world.clock.host_ns() + HOUR_NS)
    following = world.engine.subscribe(HOUSE, engine.view.seq)

    async def follow():
        async for committed in following:
            engine.house.follow(committed.seq, committed.at_ns, committed.event)

    task = asyncio.create_task(follow())
    try:
        yield World(engine, bus_to(engine), world.clock)
    finally:
        task.cancel()
        following.close()
        await engine.stop()


def test_a_stream_that_is_released_goes_on_where_it_is_adopted():
    async def main():
        async with staged(MemoryStore(os.urandom)) as world:
            for _ in range(3):
                await world.do("b1", wager(amount_minor=100_00))
            async with beside(world, []) as other:
                assert (await other.refused("b1", wager())).code == "not_here"
                deciding = [asyncio.create_task(world.ask("b1", wager(amount_minor=1_00))) for _ in range(5)]
                await asyncio.sleep(0)
                await world.engine.release("b1")
                # What was decided is durable, what was not is not.
                codes = [getattr(await one, "code", "accepted") for one in deciding]
                assert set(codes) <= {"accepted", "unavailable"}
                assert (await world.refused("b1", wager())).code == "not_here"
                await other.engine.adopt("b1")
                assert await other.read("b1", lambda book: len(book.tickets.by_number)) == 3 + codes.count("accepted")
                await other.do("b1", wager())
                await world.do("b2", wager())
                # The other's books follow a house that is not theirs, and take its results.
                suspended = await world.do(HOUSE, Suspend("all", "", "news"))
                await comes_true(lambda: other.engine.view.seq >= suspended.position)
                assert (await other.refused("b1", wager())).code == "market_suspended"
                await world.do(HOUSE, Reopen("all", "", "go on"))
                await world.play_off("G1", HOME_WINS)
                confirmed = await world.read(HOUSE, lambda house: house.catalog.results["G1"].confirmed_seq)
                await other.until(
                    "b1", lambda book: book.results_taken.house_seq >= confirmed and not book.jobs.by_number
                )
                assert await other.read("b1", lambda book: len(book.tickets.by_number)) == 0
                await other.engine.release("b1")
                await world.engine.adopt("b1")
                assert world.engine.ready
                assert await world.read("b1", lambda book: book.tree.players["P1"].balance_minor) > 0

    play(main())


def test_what_stands_on_a_batch_that_is_lost_while_its_stream_is_released_is_lost_too(path, impatient):
    async def main():
        faulty = FaultyStore(SqliteStore(path))
        async with staged(faulty) as world:
            begun, fail = asyncio.Event(), asyncio.Event()

            async def fault(store, sealed):
                begun.set()
                await fail.wait()
                raise StoreError("unreadable", "on purpose")

            faulty.fault = fault
            first = asyncio.create_task(world.ask("b1", wager()))
            await begun.wait()
            second = asyncio.create_task(world.ask("b1", wager()))
            await comes_true(lambda: world.engine.writers["b1"].filling)
            releasing = asyncio.create_task(world.engine.release("b1"))
            await comes_true(lambda: world.engine.writers["b1"].stopped)
            faulty.fault = None
            attempts = faulty.attempts
            fail.set()
            assert [refusal(await one).code for one in (first, second)] == ["unavailable"] * 2
            await releasing
            # The store was never offered what stands on nothing.
            assert faulty.attempts == attempts
            await world.engine.adopt("b1")
            assert world.engine.ready
            assert await world.read("b1", lambda book: len(book.tickets.by_number)) == 0
            await world.do("b1", wager())

    play(asyncio.wait_for(main(), WAIT_S))
    agrees(path)


def test_what_a_stream_owes_goes_on_as_soon_as_it_is_adopted(monkeypatch):
    monkeypatch.setattr("runline.domain.settlement.SETTLE_SLICE_WAGERS", 2)
    monkeypatch.setattr("runline.engine.turns.BULK_EVENTS_MAX", 2)

    async def main():
        async with staged(MemoryStore(os.urandom)) as world:
            for _ in range(20):
                await world.do("b1", wager(amount_minor=1_00))
            await world.play_off("G1", HOME_WINS)
            await world.until("b1", lambda book: any(one.done for one in book.jobs.by_number.values()))
            await world.engine.release("b1")
            assert not world.engine.queues.turns["bulk"]
            await passes()
            await world.engine.adopt("b1")
            assert await world.read("b1", lambda book: len(book.jobs.by_number)) == 1
            # Nobody sends it anything.
            await comes_true(lambda: not world.engine.writers["b1"].state.jobs.by_number)

    play(asyncio.wait_for(main(), WAIT_S))


def test_what_was_refused_before_a_stream_was_released_is_kept():
    async def main():
        store = MemoryStore(os.urandom)
        async with staged(store) as world:
            assert (await world.refused("b1", wager("nobody"))).code == "unknown_player"
            await world.engine.release("b1")
            await world.engine.adopt("b1")
            kept = await store.history().look("b1", refused_codes)
            assert kept == ["unknown_player"]

    play(asyncio.wait_for(main(), WAIT_S))


def refused_codes(snapshot):
    return [refusal.code for refusal in snapshot.refusals(None)]


@pytest.mark.parametrize("made", [True, False], ids=["which was made", "which was not"])
def test_a_claim_of_which_nobody_says_whether_it_was_made_owns_nothing(made, monkeypatch):
    async def main():
        async with staged(MemoryStore(os.urandom)) as world, beside(world, []) as other:
            claim = world.engine.store.claim

            async def lost(stream, seen=None):
                if made:
                    await claim(stream, seen)
                raise StoreError("lost", "nobody knows")

            monkeypatch.setattr(world.engine.store, "claim", lost)
            with pytest.raises(StoreError, match="nobody knows"):
                await other.engine.adopt("b1")
            assert "b1" not in other.engine.writers
            monkeypatch.undo()
            await other.engine.adopt("b1")
            await other.do("b1", wager())

    play(asyncio.wait_for(main(), WAIT_S))


def test_a_stream_that_the_house_view_does_not_know_is_not_claimed():
    async def main():
        store = MemoryStore(os.urandom)
        async with staged(store) as world:
            before = await store.heads()
            with pytest.raises(Rejected) as refused:
                await world.engine.adopt("b9")
            assert refused.value.code == "unknown_book"
            assert await store.heads() == before
            assert "b9" not in world.engine.writers
            assert (await world.refused("b9", wager())).code == "unknown_book"

    play(main())


def test_several_streams_are_adopted_together_and_none_for_which_something_is_in_the_way():
    async def main():
        store = MemoryStore(os.urandom)
        async with staged(store) as world:
            await world.open_book("b3")
            await world.open_book("b4")
            for book in ("b1", "b2", "b3", "b4"):
                await world.engine.release(book)
            seen = {stream: head.epoch for stream, head in (await store.heads()).items()}
            await store.claim("b2")
            # A row is not what was committed.
            del store.rows["players"]["b3", "P1"]
            wrong = await world.engine.adopt_all({**seen, "b9": 0})
            assert {stream: getattr(error, "kind", "") or error.code for stream, error in wrong.items()} == {
                "b2": "elsewhere", "b3": "unreadable", "b9": "unknown_book",
            }  # fmt: skip
            assert set(world.engine.writers) == {HOUSE, "b1", "b4"}
            for book in ("b1", "b4"):
                await world.do(book, wager())
            assert (await store.heads())["b1"].epoch == seen["b1"] + 1
            # What is owned goes on as it is.
            assert await world.engine.adopt_all({"b1": seen["b1"]}) == {}
            assert "b9" not in await store.heads()

    play(asyncio.wait_for(main(), WAIT_S))


def test_nobody_waits_for_a_store_that_is_away_once_for_each_stream():
    class Away(Around):
        """Of each stream it is asked for less than everything, and then for nothing."""

        asked = 0

        def together(self, heads):
            return self

        async def commands(self, stream, limit):
            self.asked += 1
            raise StoreError("transient", "it is away")

    async def main():
        async with staged(MemoryStore(os.urandom)) as world, beside(world, []) as other:
            store = other.engine.process.store = Away(world.engine.store)
            seen = {stream: (await store.heads())[stream].epoch for stream in ("b1", "b2")}
            wrong = await other.engine.adopt_all(seen)
            assert {stream: error.kind for stream, error in wrong.items()} == {"b1": "transient", "b2": "transient"}
            assert store.asked == 1

    play(asyncio.wait_for(main(), WAIT_S))


def test_a_stream_that_could_not_enter_everywhere_is_not_owned_and_may_be_adopted_later(monkeypatch):
    async def main():
        async with staged(MemoryStore(os.urandom)) as world:
            await world.engine.release("b1")

            def fails(writer):
                raise RuntimeError("on purpose")

            monkeypatch.setattr(world.engine.reads, "enter", fails)
            with pytest.raises(RuntimeError):
                await world.engine.adopt("b1")
            assert (await world.refused("b1", wager())).code == "not_here"
            monkeypatch.undo()
            await world.engine.adopt("b1")
            await world.do("b1", wager())

    play(main())


def test_a_book_whose_house_view_nobody_feeds_takes_no_wagers():
    async def main():
        async with staged(MemoryStore(os.urandom)) as world, beside(world, ["b1"], proves=False) as other:
            assert (await other.refused("b1", wager())).code == "house_stale"
            host_ns = world.clock.host_ns()
            other.engine.house.proved(host_ns)
            await other.do("b1", wager())
            # A proof is as old as it is.
            world.clock.host_ahead_ns += 3 * SECOND_NS
            assert (await other.refused("b1", wager())).details["lag_ms"] >= 3_000
            other.engine.house.proved(world.clock.host_ns())
            await other.do("b1", wager())

    play(main())


def test_a_house_view_that_misses_an_event_is_no_longer_current():
    async def main():
        async with staged(MemoryStore(os.urandom)) as world, beside(world, ["b1"], proves=False) as other:
            view = other.engine.house
            view.proved(world.clock.host_ns())
            with pytest.raises(BrokenInvariant):
                view.follow(view.state.seq + 2, NOON_NS, Suspended("all", "", "root", "news"))
            view.proved(world.clock.host_ns())
            assert (await other.refused("b1", wager())).code == "house_stale"
            await other.engine.owned.reach(view.state.seq)
            view.proved(world.clock.host_ns())
            await other.do("b1", wager())

    play(main())


def test_a_book_is_followed_live_where_the_house_is_not_owned():
    async def main():
        async with staged(MemoryStore(os.urandom)) as world:
            await world.engine.release("b1")
            async with beside(world, ["b1"]) as other, asyncio.timeout(WAIT_S):
                turns = other.bus.questions.turns
                taken: list[None] = []
                turn = turns.turn

                async def counted():
                    taken.append(None)
                    await turn()

                turns.turn = counted
                caller = await other.sign_in("b1", "owner")
                fan = Fan(other.bus, other.clock)
                screen = await fan.join("b1", caller.session, ("lines", "wagers"), None)
                assert b"event: image" in await screen.next()
                await passes()
                # Who waits for something does not ask for it again and again.
                assert len(taken) < 10
                await world.do(HOUSE, Suspend("all", "", "news"))
                frame = await screen.next()
                assert b"event: delta" in frame
                assert b'"fixture":"G1"' in frame
                await world.do(HOUSE, Reopen("all", "", "go on"))
                await screen.next()
                await comes_true(lambda: other.engine.view.seq >= world.engine.view.seq)
                await other.do("b1", wager())
                assert b"WagerPlaced" in await screen.next()
                fan.close()

    play(main())


def test_who_starts_owns_the_streams_that_it_is_given_and_no_others():
    async def main():
        store = MemoryStore(os.urandom)
        async with staged(store) as world:
            assert await every_stream(store) == [HOUSE, "b1", "b2"]
            before = await store.heads()
            async with beside(world, []) as other:
                assert not other.engine.writers
                assert other.engine.view.books.by_name.keys() == {"b1", "b2"}
            assert await store.heads() == before
            # A book that the house opens begins in one of them only.
            async with beside(world, []) as other:
                await world.open_book("b3")
                await comes_true(lambda: "b3" in other.engine.view.books.by_name)
                assert "b3" not in other.engine.writers
                await world.do("b3", wager())

    play(main())


def test_a_book_that_is_opened_while_another_process_takes_all_streams_is_taken_too():
    class Opening(Around):
        """A store whose present owner opens a book before its streams are claimed."""

        opens: Any = None

        async def claim(self, stream, seen=None):
            opens, self.opens = self.opens, None
            if opens is not None:
                await opens()
            return await self.store.claim(stream, seen)

    async def main():
        store = Opening(MemoryStore(os.urandom))
        async with staged(store) as world:
            store.opens = partial(world.open_book, "b3")
            engine = Engine(store, world.clock, os.urandom, world.engine.vocabulary, "n2")
            try:
                await begin(engine, "platform")
                assert set(engine.writers) == {HOUSE, "b1", "b2", "b3"}
                await World(engine, bus_to(engine), world.clock).do("b3", wager())
            finally:
                await engine.stop()

    play(asyncio.wait_for(main(), WAIT_S))


def test_a_stream_that_another_has_adopted_stops_alone():
    async def main():
        async with staged(MemoryStore(os.urandom)) as world, beside(world, ["b1"]) as other:
            await other.do("b1", wager())
            assert (await world.refused("b1", wager())).code == "unavailable"
            (condition,) = world.engine.conditions.failing
            assert (condition.subject, condition.reason) == ("b1", "another process owns this stream")
            await world.do("b2", wager())
            await other.do("b1", wager())

    play(main())


def test_a_stream_in_doubt_that_another_has_adopted_is_not_taken_back_from_them(impatient):
    async def main():
        async with staged(MemoryStore(os.urandom)) as world, beside(world, ["b1"]) as other:
            await other.do("b1", wager())
            before = world.engine.writers["b2"]
            world.engine.owned.doubt_all("on purpose")
            await comes_true(lambda: world.engine.writers["b2"] is not before and not world.engine.owned.starting)
            (condition,) = world.engine.conditions.failing
            assert (condition.subject, condition.reason) == ("b1", "another process owns this stream")
            await other.do("b1", wager())
            # Whoever says so takes it back.
            world.engine.start_stopped()
            await comes_true(lambda: world.engine.ready)
            await world.do("b1", wager())
            assert (await other.refused("b1", wager())).code == "unavailable"

    play(main())


class Interrupted(Around):
    """A store to which somebody else comes, once, after something was asked of it about b1. reads: what."""

    def __init__(self, store, reads):
        super().__init__(store)
        self.reads = reads
        self.comes = None

    def __getattr__(self, name):
        found = super().__getattr__(name)
        if name != self.reads:
            return found

        async def read(*words):
            answer = await found(*words)
            if words[0] != "b1":
                return answer
            comes, self.comes = self.comes, None
            if comes is not None:
                await comes()
            return answer

        return read


@pytest.mark.parametrize("reads", ["claim", "events", "held_rows"])
def test_a_stream_that_is_claimed_while_it_is_looked_at_is_not_taken_back_nor_called_damaged(impatient, reads):
    """Whoever comes has wagers taken before the first one reads on: what it reads is of two positions."""

    async def main():
        store = Interrupted(MemoryStore(os.urandom), reads)
        async with staged(store) as world:
            others: list[Any] = []

            async def comes():
                theirs = beside(world, ["b1"])
                other = await theirs.__aenter__()
                others.append((theirs, other))
                await other.do("b1", wager())

            store.comes = comes
            world.engine.owned.doubt(world.engine.writers["b1"], "on purpose")
            await comes_true(lambda: others and not world.engine.owned.starting)
            (condition,) = world.engine.conditions.failing
            assert (condition.subject, condition.reason) == ("b1", "another process owns this stream")
            ((theirs, other),) = others
            await other.do("b1", wager())
            assert not other.engine.conditions.failing
            await theirs.__aexit__(None, None, None)

    play(main())


@pytest.mark.usefixtures("impatient")
def test_a_row_that_somebody_else_has_changed_is_not_taken_into_memory_and_the_stream_is_read_again():
    async def main():
        async with staged(MemoryStore(os.urandom)) as world:
            number = (await world.do("b1", wager())).position
            await world.play_off()
            await world.settled("b1")
            store, writer = world.engine.store, world.engine.writers["b1"]
            fetch, asked = store.fetch, []

            async def fetch_later(stream, needs):
                found = await fetch(stream, needs)
                asked.append(found)
                return [
                    [replace(row, status="open", changed_seq=writer.state.seq + 1) for row in rows] for rows in found
                ]

            store.fetch = fetch_later
            assert (await world.refused("b1", VoidWager(number, "asked"))).code == "unavailable"
            assert asked
            assert number not in writer.state.tickets.by_number
            store.fetch = fetch
            await comes_true(lambda: not world.engine.writers["b1"].stopped)
            assert world.engine.writers["b1"] is not writer
            await world.do("b1", VoidWager(number, "asked"))

    play(main())


@pytest.mark.parametrize("reads", ["events", "held_rows"])
def test_a_stream_that_is_claimed_while_it_is_adopted_is_said_to_be_elsewhere_and_not_to_be_damaged(reads):
    async def main():
        store = Interrupted(MemoryStore(os.urandom), reads)
        async with staged(store) as world:

            async def comes():
                head = await store.claim("b1")
                rows = [Agent("A9", "root", 1), Suspension("all", "", "night", 0, "root", 1), ticket(9)]
                await store.commit(sealed(stretch(head, 1, rows)))

            store.comes = comes
            with pytest.raises(StoreError, match="Another process has claimed 'b1' meanwhile") as failed:
                async with beside(world, ["b1"]):
                    pass
            assert failed.value.kind == "elsewhere"

    play(main())


def test_a_stream_in_doubt_is_read_again_as_often_as_it_takes_though_it_was_claimed(impatient):
    class Failing(Around):
        """A store from which nothing can be read, a few times, once a stream is claimed."""

        left = 0

        async def events(self, stream, after, limit):
            if self.left:
                self.left -= 1
                raise StoreError("transient", "on purpose")
            return await self.store.events(stream, after, limit)

    async def main():
        failing = Failing(MemoryStore(os.urandom))
        async with staged(failing) as world:
            failing.left = 3
            world.engine.owned.doubt(world.engine.writers["b1"], "on purpose")
            await comes_true(lambda: world.engine.ready)
            assert not failing.left
            await world.do("b1", wager())

    play(main())


def test_a_batch_whose_fate_nobody_knows_concerns_its_streams_only(path, impatient):
    async def main():
        faulty = FaultyStore(SqliteStore(path))
        async with staged(faulty) as world:
            before = dict(world.engine.writers)

            async def fault(store, sealed):
                if any(stretch.before.stream == "b1" for stretch in sealed.stretches):
                    raise StoreError("unreadable", "on purpose")
                return await store.commit(sealed)

            faulty.fault = fault
            lost = asyncio.create_task(world.ask("b1", wager()))
            kept = asyncio.create_task(world.ask("b2", wager()))
            assert refusal(await lost).code == "unavailable"
            await kept
            faulty.fault = None
            await comes_true(lambda: world.engine.ready or not world.engine.writers["b1"].stopped)
            assert world.engine.writers["b1"] is not before["b1"]
            assert world.engine.writers[HOUSE] is before[HOUSE]
            await world.do("b1", wager())
            for number in range(3):
                faulty.fault = fault
                assert (await world.refused("b1", wager())).code == "unavailable"
                other = world.engine.writers["b2"]
                await world.do("b2", wager(amount_minor=1_00 + number))
                assert world.engine.writers["b2"] is other
                faulty.fault = None
                await comes_true(lambda: not world.engine.writers["b1"].stopped)
            assert await world.read("b1", lambda book: len(book.tickets.by_number)) == 1

    play(main())
    agrees(path)


@pytest.mark.parametrize("part", ["agenda.happened", "batches.note_refusals"])
def test_a_fault_in_one_streams_turn_concerns_that_stream(path, impatient, monkeypatch, part):
    name, method = part.split(".")

    async def main():
        async with staged(SqliteStore(path)) as world:
            before = dict(world.engine.writers)
            owner = getattr(world.engine, name)
            sound = getattr(owner, method)

            def fails(writer):
                if writer.stream == "b1":
                    raise RuntimeError("on purpose")
                sound(writer)

            monkeypatch.setattr(owner, method, fails)
            command = wager() if name == "agenda" else wager("nobody")
            await world.ask("b1", command)
            await comes_true(lambda: world.engine.writers["b1"] is not before["b1"])
            monkeypatch.undo()
            await comes_true(lambda: world.engine.ready)
            await world.do("b1", wager())
            await world.do("b2", wager())
            assert [world.engine.writers[one] is before[one] for one in (HOUSE, "b1", "b2")] == [True, False, True]
            assert world.engine.probes.recoveries == 1

    play(main())
    agrees(path)


def test_a_fault_in_the_loop_itself_has_every_stream_read_again(path, impatient, monkeypatch):
    async def main():
        async with staged(SqliteStore(path)) as world:
            before = dict(world.engine.writers)

            def fails(*arguments):
                monkeypatch.undo()
                raise RuntimeError("on purpose")

            monkeypatch.setattr(world.engine.turns, "take_turns", fails)
            assert (await world.refused("b1", wager())).code == "unavailable"
            await comes_true(lambda: world.engine.ready)
            assert not any(world.engine.writers[one] is before[one] for one in before)
            for book in ("b1", "b2"):
                await world.do(book, wager())

    play(main())
    agrees(path)


def test_a_part_that_cannot_let_go_of_a_stream_keeps_no_other_from_being_read_again(path, impatient, monkeypatch):
    async def main():
        async with staged(SqliteStore(path)) as world:
            before = dict(world.engine.writers)

            def holds(writer):
                raise RuntimeError("on purpose")

            def fails(*arguments):
                fault.undo()
                raise RuntimeError("on purpose")

            with pytest.MonkeyPatch.context() as fault:
                monkeypatch.setattr(world.engine.agenda, "leave", holds)
                fault.setattr(world.engine.turns, "take_turns", fails)
                assert (await world.refused("b1", wager())).code == "unavailable"
                await comes_true(lambda: world.engine.ready)
            assert not any(world.engine.writers[one] is before[one] for one in before)
            monkeypatch.undo()
            for book in ("b1", "b2"):
                await world.do(book, wager())

    play(asyncio.wait_for(main(), WAIT_S))
    agrees(path)


def test_a_house_view_that_cannot_follow_is_read_again_and_books_take_no_wagers_meanwhile(path, impatient):
    async def main():
        async with staged(SqliteStore(path)) as world:
            engine, view = world.engine, world.engine.view
            books = [engine.writers[book] for book in ("b1", "b2")]
            sound = evolving(Suspended)

            def fails(state, event):
                if state is view:
                    raise RuntimeError("on purpose")
                sound(state, event)

            declare_otherwise(engine.vocabulary, "evolvers", Suspended, fails)
            # It is durable, so it is accepted; what the view makes of it is another matter.
            assert isinstance(await world.ask(HOUSE, Suspend("all", "", "news")), Accepted)
            assert (await world.refused("b1", wager())).code in ("house_stale", "market_suspended")
            await comes_true(lambda: engine.ready)
            assert engine.view is not view
            assert [engine.writers[book] for book in ("b1", "b2")] == books
            assert (await world.refused("b1", wager())).code == "market_suspended"
            await world.do(HOUSE, Reopen("all", "", "go on"))
            await world.do("b1", wager())

    play(main())
    agrees(path)


@pytest.mark.parametrize("fails_in", ["the view", "what is handed on"])
def test_a_result_that_the_house_view_could_not_follow_reaches_the_books(path, impatient, monkeypatch, fails_in):
    async def main():
        async with staged(SqliteStore(path)) as world:
            await world.do("b1", wager(amount_minor=100_00))
            engine, view = world.engine, world.engine.view
            sound = evolving(ResultConfirmed)

            def fails(state, event):
                if state is view:
                    raise RuntimeError("on purpose")
                sound(state, event)

            def fails_once(seq, event):
                monkeypatch.undo()
                raise RuntimeError("on purpose")

            if fails_in == "the view":
                declare_otherwise(engine.vocabulary, "evolvers", ResultConfirmed, fails)
            world.set_clock(START_NS + HOUR_NS)
            await world.do(HOUSE, EnterResult("G1", HOME_WINS))
            if fails_in == "what is handed on":
                monkeypatch.setattr(engine.deliveries, "hear", fails_once)
            await world.do(HOUSE, ConfirmResult("G1", 1))
            await comes_true(lambda: engine.ready)
            await world.settled("b1")
            assert await world.read("b1", lambda book: book.tree.players["P1"].balance_minor) == 102_00

    play(main())
    agrees(path)


def test_a_book_whose_opening_the_house_view_could_not_follow_begins(path, impatient, monkeypatch):
    async def main():
        async with staged(SqliteStore(path)) as world:

            def fails_once(seq, event):
                monkeypatch.undo()
                raise RuntimeError("on purpose")

            monkeypatch.setattr(world.engine.deliveries, "hear", fails_once)
            await world.do(HOUSE, OpenBook("b3", "owner"))
            await comes_true(lambda: world.engine.ready and "b3" in world.engine.writers)
            await world.until("b3", lambda book: bool(book.settings.by_book))

    play(main())
    agrees(path)
