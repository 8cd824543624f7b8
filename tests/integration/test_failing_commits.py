"""Disks, committers and handlers that fail: nobody is told of what is not stored, and what goes on agrees with its log."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from shutil import copyfile

import apsw
import pytest
from tests.doubles.coming import comes_true
from tests.doubles.declared import declare_otherwise, evolving
from tests.integration.stores import COMMITTERS, FaultyStore, HeldStore, child_of
from tests.integration.world import (
    acceptance,
    agrees,
    passes,
    play,
    refusal,
    running,
    running_until_the_power_goes,
    wager,
)

from runline.domain.accounts import AdjustCredit
from runline.domain.invariants import BrokenInvariant
from runline.domain.messages import HOUSE, Rejected
from runline.domain.suspension import Suspend
from runline.domain.tickets import WagerPlaced
from runline.engine.ids import id_bytes
from runline.engine.ports import Sealed, StoreError
from runline.engine.requests import Accepted, Outcome, Refused, Request
from runline.evaluate.terminal import DIFFERS, UNREADABLE, verify_database
from runline.store.file import open_connection
from runline.store.memory import MemoryStore
from runline.store.sqlite import SqliteStore
from runline.store.sqlite_process import SqliteProcessStore

WAIT_S = 30
PAGE = 4_096


async def open_stage(world, books=("b1",)):
    await world.open_house()
    for book in books:
        await world.open_book(book, credit_minor=10**12)


async def recovered(world, before):
    """Wait until memory was dropped and recovered since there were that many recoveries."""
    await comes_true(lambda: world.engine.probes.recoveries != before and world.engine.ready)


def edit(path, sql, *values):
    """Change a file behind the engine's back."""
    connection = open_connection(path, writing=True)
    try:
        connection.execute(sql, values)
    finally:
        connection.close()


def stored(path, sql, *values):
    """What a query finds in a file, as another process sees it."""
    connection = open_connection(path, writing=False)
    try:
        return connection.execute(sql, values).fetchall()
    finally:
        connection.close()


def times_stored(path, command_id):
    return stored(path, "SELECT count(*) FROM events WHERE command = ?", id_bytes(command_id))[0][0]


def wagers_of(world, book="b1"):
    return world.read(book, lambda book: len(book.tickets.by_number))


def runline(*words):
    return subprocess.run([sys.executable, "-m", "runline", *map(str, words)], capture_output=True, check=False)


def always(kind, *, first_store=False):
    """A fault of a kind, before or after the batch is really stored."""

    async def fault(store, sealed):
        if first_store:
            await store.commit(sealed)
        raise StoreError(kind, "on purpose")

    return fault


def once(kind, faulty, *, first_store=False):
    """The same fault, only once."""

    async def fault(store, sealed):
        faulty.fault = None
        await always(kind, first_store=first_store)(store, sealed)

    return fault


# What may pass


def test_what_may_pass_is_tried_again_with_the_same_batch(committed, impatient, monkeypatch):
    monkeypatch.setattr("runline.engine.commit.COMMIT_RETRY_S_MAX", WAIT_S)
    tried = []

    async def main():
        faulty = FaultyStore(committed())
        async with running(faulty) as world:
            await open_stage(world)

            async def fault(store, sealed):
                tried.append(sealed)
                if len(tried) < 4:
                    raise StoreError("transient", "on purpose")
                return await store.commit(sealed)

            faulty.fault = fault
            recoveries = world.engine.probes.recoveries
            request = world.request("b1", wager())
            asked = asyncio.create_task(world.bus.send_one(request))
            await faulty.failed.wait()
            assert not asked.done()
            assert isinstance(await asked, Accepted)
            assert len(tried) == 4
            assert all(sealed is tried[0] for sealed in tried)
            assert world.engine.probes.recoveries == recoveries
            assert times_stored(committed.path, request.id) == 1

    play(main())
    agrees(committed.path)


def test_what_does_not_pass_in_time_is_unavailable_and_leaves_nothing(committed, impatient):
    async def main():
        faulty = FaultyStore(committed())
        async with running(faulty) as world:
            await open_stage(world)
            position = await world.until("b1", lambda book: True)
            listener = world.listen("b1", position)
            recoveries = world.engine.probes.recoveries
            faulty.fault = always("transient")
            request = world.request("b1", wager())
            asked = asyncio.create_task(world.bus.send_one(request))
            await faulty.failed.wait()
            with pytest.raises(Rejected) as refused:
                await world.engine.query("b1", lambda book: len(book.tickets.by_number))
            assert refused.value.code == "unavailable"
            assert refusal(await asked).code == "unavailable"
            faulty.fault = None
            await recovered(world, recoveries)
            assert faulty.attempts > 2
            assert await wagers_of(world) == 0
            assert await world.read("b1", lambda book: book.seq) == position
            assert times_stored(committed.path, request.id) == 0
            await asyncio.to_thread(agrees, committed.path)

            first, second = [acceptance(await world.bus.send_one(request)) for _ in range(2)]
            assert (first.position, first.repeated) == (position + 1, False)
            assert (second.position, second.repeated) == (position + 1, True)
            assert await wagers_of(world) == 1
            await listener.reach(position + 1)
            assert listener.positions == [position + 1]
            listener.leave()

    play(main())
    agrees(committed.path)


def test_a_full_disk_takes_nothing_and_loses_nothing(path, impatient):
    async def main():
        store = SqliteStore(path)
        async with running(store) as world:
            await open_stage(world)
            await world.do("b1", wager())
            connection = store.connection
            unlimited = connection.pragma("max_page_count")
            connection.pragma("max_page_count", connection.pragma("page_count") + 4)
            accepted: list[Request] = []
            unavailable: list[Request] = []
            outcomes: list[Outcome] = []
            recoveries = world.engine.probes.recoveries
            for _ in range(50):
                requests = [world.request("b1", wager(amount_minor=1_00)) for _ in range(40)]
                recoveries = world.engine.probes.recoveries
                outcomes = await world.bus.send(requests)
                for request, outcome in zip(requests, outcomes, strict=True):
                    (accepted if isinstance(outcome, Accepted) else unavailable).append(request)
                if unavailable:
                    break
            assert {refusal(outcome).code for outcome in outcomes} == {"unavailable"}
            await recovered(world, recoveries)
            assert await wagers_of(world) == 1 + len(accepted)
            assert all(times_stored(path, request.id) == 1 for request in accepted)
            assert not any(times_stored(path, request.id) for request in unavailable)
            await asyncio.to_thread(agrees, path)

            connection.pragma("max_page_count", unlimited)
            for outcome in await world.bus.send(unavailable):
                assert isinstance(outcome, Accepted)
                assert not outcome.repeated
            assert await wagers_of(world) == 1 + len(accepted) + len(unavailable)
            await world.do("b1", wager())
        assert {times_stored(path, request.id) for request in accepted + unavailable} == {1}

    play(main())
    agrees(path)


def test_an_engine_that_is_stopped_while_nothing_can_be_stored_ends(committed, impatient):
    async def main():
        faulty = FaultyStore(committed())
        async with running(faulty) as world:
            await open_stage(world)
            faulty.fault = always("transient")
            asked = [asyncio.create_task(world.ask("b1", wager())) for _ in range(3)]
            await faulty.failed.wait()
        assert {refusal(await one).code for one in asked} == {"unavailable"}

    play(asyncio.wait_for(main(), WAIT_S))
    agrees(committed.path)
    assert stored(committed.path, "SELECT count(*) FROM events WHERE body LIKE '%WagerPlaced%'") == [(0,)]


# What cannot be let out


def test_a_stretch_that_cannot_be_let_out_is_read_again_and_the_others_are_answered(committed, impatient, monkeypatch):
    async def main():
        async with running(committed()) as world:
            await open_stage(world, books=("b1", "b2"))
            before = dict(world.engine.writers)

            def fails(seq):
                raise RuntimeError("on purpose")

            monkeypatch.setattr(before["b1"].positions, "reached", fails)
            outcomes = await world.bus.send([world.request(book, wager()) for book in ("b1", "b2")])
            assert refusal(outcomes[0]).code == "unavailable"
            assert isinstance(outcomes[1], Accepted)
            await comes_true(lambda: world.engine.ready)
            assert [world.engine.writers[one] is before[one] for one in (HOUSE, "b1", "b2")] == [True, False, True]
            # It was stored, and nobody could say so.
            assert [await wagers_of(world, book) for book in ("b1", "b2")] == [1, 1]
            await world.do("b1", wager())

    play(asyncio.wait_for(main(), WAIT_S))
    agrees(committed.path)


async def one_on_its_way_and_one_decided(world, held):
    """Two wagers: the store has the batch of the first, the second waits to be sealed. Who has asked."""
    held.hold()
    asked = [asyncio.create_task(world.ask("b1", wager()))]
    await held.held.wait()
    asked.append(asyncio.create_task(world.ask("b1", wager())))
    await comes_true(lambda: world.engine.batches.filling)
    return asked


def test_after_a_fault_while_answering_the_next_batch_is_stored_before_anything_is_read(impatient, monkeypatch):
    async def main():
        held = HeldStore(MemoryStore(os.urandom))
        held.beside = True
        async with running(held) as world:
            await open_stage(world)
            engine, faults = world.engine, []

            def fails(parts):
                faults.append(engine.batches.committing)
                monkeypatch.undo()
                raise RuntimeError("on purpose")

            asked = await one_on_its_way_and_one_decided(world, held)
            monkeypatch.setattr(engine.batches, "let_out", fails)
            held.let_go()
            held.hold()
            await comes_true(lambda: faults)
            # Another batch must not begin while this one is on its way.
            asked.append(asyncio.create_task(world.ask("b1", wager())))
            await comes_true(lambda: engine.batches.filling)
            assert engine.batches.committing is faults[0]
            held.let_go()
            assert {refusal(await one).code for one in asked} == {"unavailable"}
            await comes_true(lambda: engine.probes.recoveries and engine.ready)
            assert await wagers_of(world) == 2
            await world.do("b1", wager())

    play(asyncio.wait_for(main(), WAIT_S))


def test_who_follows_is_told_of_what_could_not_be_let_out_before_what_came_after_it(impatient, monkeypatch):
    async def main():
        held = HeldStore(MemoryStore(os.urandom))
        held.beside = True
        async with running(held) as world:
            await open_stage(world)
            engine, writer, faults = world.engine, world.engine.writers["b1"], []
            position = writer.durable_seq
            listener = world.listen("b1", position)

            def fails(filling, *, stored):
                faults.append(filling)
                monkeypatch.undo()
                raise RuntimeError("on purpose")

            asked = await one_on_its_way_and_one_decided(world, held)
            monkeypatch.setattr(writer, "release", fails)
            async with engine.owned.reading:
                # What comes after it is told before the stream can be read again.
                held.let_go()
                await listener.reach(position + 2)
                assert faults
                assert not engine.probes.recoveries
            await asyncio.gather(*asked)
            await comes_true(lambda: engine.probes.recoveries and engine.ready)
            await world.do("b1", wager())
            await listener.reach(position + 3)
            assert listener.positions == [position + 1, position + 2, position + 3]
            listener.leave()

    play(asyncio.wait_for(main(), WAIT_S))


def test_a_fault_after_a_fault_while_committing_leaves_nobody_waiting(impatient, monkeypatch):
    async def main():
        held = HeldStore(MemoryStore(os.urandom))
        held.beside = True
        async with running(held) as world:
            await open_stage(world)
            engine, writer, faults = world.engine, world.engine.writers["b1"], []

            def fails(*args, **kwargs):
                faults.append(args)
                if len(faults) == 2:
                    monkeypatch.undo()
                raise RuntimeError("on purpose")

            asked = await one_on_its_way_and_one_decided(world, held)
            monkeypatch.setattr(engine.batches, "seal", fails)
            monkeypatch.setattr(writer, "release", fails)
            held.let_go()
            assert {refusal(await one).code for one in asked} == {"unavailable"}
            assert len(faults) == 2
            await comes_true(lambda: engine.probes.recoveries and engine.ready)
            await world.do("b1", wager())

    play(asyncio.wait_for(main(), WAIT_S))


# What cannot be stored


def forbid(path, stream):
    """From here on no event of a stream can be stored."""
    edit(
        path,
        f"CREATE TRIGGER forbidden BEFORE INSERT ON events WHEN NEW.stream = '{stream}' "
        "BEGIN SELECT RAISE(ABORT, 'on purpose'); END",
    )


def test_a_row_that_cannot_be_stored_stops_its_stream_only(committed, impatient):
    parts = []

    async def watched(store, sealed):
        parts.append({stretch.before.stream for stretch in sealed.stretches})
        return await store.commit(sealed)

    async def main():
        faulty = FaultyStore(committed())
        async with running(faulty) as world:
            await open_stage(world, ("b1", "b2"))
            await world.do("b1", wager())
            before = await world.until("b1", lambda book: True)
            forbid(committed.path, "b1")
            faulty.fault = watched
            request = world.request("b1", wager())
            bad, good, house = await asyncio.gather(
                world.bus.send_one(request), world.ask("b2", wager()), world.ask(HOUSE, Suspend("kind", "total", "no"))
            )
            assert parts[0] == {"b1", "b2", HOUSE}
            assert {frozenset(alone) for alone in parts[1:4]} == {frozenset([stream]) for stream in parts[0]}
            assert refusal(bad).code == "unavailable"
            assert isinstance(good, Accepted)
            assert isinstance(house, Accepted)

            assert (await world.refused("b1", wager())).code == "unavailable"
            with pytest.raises(Rejected) as refused:
                await wagers_of(world)
            assert refused.value.code == "unavailable"
            await world.do("b2", wager())
            await world.do(HOUSE, Suspend("all", "", "given"))
            assert (await world.refused("b2", wager())).code != "unavailable"
            assert stored(committed.path, "SELECT seq FROM heads WHERE stream = 'b1'") == [(before,)]
            assert stored(committed.path, "SELECT max(seq) FROM events WHERE stream = 'b1'") == [(before,)]
            assert stored(committed.path, "SELECT count(*) FROM tickets WHERE stream = 'b1'") == [(1,)]
        await asyncio.to_thread(agrees, committed.path)
        edit(committed.path, "DROP TRIGGER forbidden")

        async with running(committed()) as world:
            assert await wagers_of(world) == 1
            await world.do("b1", AdjustCredit("P1", 1, "back again"))
            assert await wagers_of(world, "b2") == 2

    play(main())
    agrees(committed.path)


def test_a_house_that_cannot_be_stored_takes_wagers_from_every_book_and_nothing_else(committed, impatient):
    async def main():
        async with running(committed()) as world:
            await open_stage(world, ("b1", "b2"))
            forbid(committed.path, HOUSE)
            assert (await world.refused(HOUSE, Suspend("all", "", "given"))).code == "unavailable"
            for book in ("b1", "b2"):
                assert (await world.refused(book, wager())).code == "house_stale"
                await world.do(book, AdjustCredit("P1", 1, "control goes on"))
        await asyncio.to_thread(agrees, committed.path)
        edit(committed.path, "DROP TRIGGER forbidden")
        async with running(committed()) as world:
            await world.do("b1", AdjustCredit("P1", 10**9, "as before"))
            await world.do("b1", wager())

    play(main())
    agrees(committed.path)


# What is not known to be stored


def not_stored(world, faulty):
    """How many attempts stored nothing, so far. (In how many batches commands go depends on the machine.)"""
    return faulty.attempts - world.engine.probes.batches


@pytest.mark.parametrize("first_store", [True, False], ids=["it was stored", "it was not stored"])
def test_a_lost_answer_of_the_store_is_found_out_from_the_heads(committed, impatient, first_store, monkeypatch):
    monkeypatch.setattr("runline.engine.commit.COMMIT_RETRY_S_MAX", WAIT_S)

    async def main():
        faulty = FaultyStore(committed())
        async with running(faulty) as world:
            await open_stage(world, ("b1", "b2"))
            listener = world.listen("b1", await world.until("b1", lambda book: True))
            recoveries, attempts = world.engine.probes.recoveries, not_stored(world, faulty)
            faulty.fault = once("lost", faulty, first_store=first_store)
            requests = [world.request(book, wager()) for book in ("b1", "b2")]
            outcomes = await world.bus.send(requests)
            assert all(isinstance(outcome, Accepted) and not outcome.repeated for outcome in outcomes)
            assert not_stored(world, faulty) == attempts + (0 if first_store else 1)
            assert world.engine.probes.recoveries == recoveries
            for request, outcome in zip(requests, outcomes, strict=True):
                assert times_stored(committed.path, request.id) == 1
                again = acceptance(await world.bus.send_one(request))
                assert again == Accepted(outcome.position, acceptance(outcome).events, repeated=True)
            await world.do("b1", wager())
            assert await wagers_of(world) == 2
            await listener.reach(outcomes[0].position + 1)
            assert listener.positions == [outcomes[0].position, outcomes[0].position + 1]
            listener.leave()

    play(main())
    agrees(committed.path)


def test_a_batch_that_becomes_durable_after_the_heads_were_read_does_not_stop_its_streams(committed, impatient):
    async def main():
        faulty = FaultyStore(committed())
        async with running(faulty) as world:
            await open_stage(world, ("b1", "b2"))
            recoveries, attempts = world.engine.probes.recoveries, not_stored(world, faulty)

            async def again(store, sealed):
                faulty.fault = None
                # What was to store it first has not ended, as it seemed, and is quicker than the second attempt.
                assert not await store.commit(sealed)
                return await store.commit(sealed)

            async def late(store, sealed):
                faulty.fault = again
                raise StoreError("lost", "on purpose")

            faulty.fault = late
            requests = [world.request(book, wager()) for book in ("b1", "b2")]
            outcomes = [acceptance(outcome) for outcome in await world.bus.send(requests)]
            assert not any(outcome.repeated for outcome in outcomes)
            assert not_stored(world, faulty) == attempts + 1
            assert world.engine.probes.recoveries == recoveries
            assert [times_stored(committed.path, request.id) for request in requests] == [1, 1]
            for book in ("b1", "b2"):
                await world.do(book, wager())

    play(main())
    agrees(committed.path)


@pytest.mark.parametrize("first_store", [True, False], ids=["it was stored", "it was not stored"])
def test_when_nobody_can_tell_whether_it_was_stored_the_same_command_may_be_sent_again(
    committed, impatient, first_store
):
    async def main():
        faulty = FaultyStore(committed())
        async with running(faulty) as world:
            await open_stage(world)
            position = await world.until("b1", lambda book: True)
            listener = world.listen("b1", position)
            recoveries = world.engine.probes.recoveries
            faulty.unreadable = StoreError("transient", "on purpose")
            faulty.fault = once("lost", faulty, first_store=first_store)
            request = world.request("b1", wager())
            assert refusal(await world.bus.send_one(request)).code == "unavailable"
            assert refusal(await world.bus.send_one(request)).code == "unavailable"
            said = "cannot be recovered, trying again: on purpose"
            await comes_true(lambda: any(said in one.reason for one in world.engine.conditions.failing))
            faulty.unreadable = None
            await recovered(world, recoveries)
            assert not world.engine.conditions.standing
            assert await wagers_of(world) == times_stored(committed.path, request.id) == int(first_store)
            outcome = acceptance(await world.bus.send_one(request))
            assert (outcome.position, outcome.repeated) == (position + 1, first_store)
            assert times_stored(committed.path, request.id) == 1
            await listener.reach(position + 1)
            await world.do("b1", wager())
            await listener.reach(position + 2)
            assert listener.positions == [position + 1, position + 2]
            listener.leave()

    play(main())
    agrees(committed.path)


def test_when_only_some_stretches_were_stored_memory_follows_the_store(committed, impatient):
    async def main():
        faulty = FaultyStore(committed())
        async with running(faulty) as world:
            await open_stage(world, ("b1", "b2"))
            recoveries = world.engine.probes.recoveries

            async def half(store, sealed):
                faulty.fault = None
                parts = [stretch for stretch in sealed.stretches if stretch.before.stream == "b1"]
                await store.commit(Sealed(sealed.node, sealed.sealed_ns, sealed.durable_before_ns, parts))
                raise StoreError("lost", "on purpose")

            faulty.fault = half
            requests = [world.request(book, wager()) for book in ("b1", "b2")]
            assert {refusal(outcome).code for outcome in await world.bus.send(requests)} == {"unavailable"}
            await recovered(world, recoveries)
            assert [await wagers_of(world, book) for book in ("b1", "b2")] == [1, 0]
            assert [acceptance(outcome).repeated for outcome in await world.bus.send(requests)] == [True, False]
            assert [await wagers_of(world, book) for book in ("b1", "b2")] == [1, 1]

    play(main())
    agrees(committed.path)


# Faults of ours


def break_wagers(world, stream, amount_minor, error):
    """A wager of this amount breaks its book, after it has changed half of it."""
    sound = evolving(WagerPlaced)

    def broken(book, event):
        sound(book, event)
        if book.stream == stream and event.risk_minor == amount_minor:
            raise error

    declare_otherwise(world.engine.vocabulary, "evolvers", WagerPlaced, broken)


@pytest.mark.parametrize("error", [BrokenInvariant("on purpose"), ZeroDivisionError("on purpose")], ids=type)
@pytest.mark.parametrize("bulk", [False, True], ids=["wagers", "bulk"])
def test_a_stream_that_breaks_stops_alone_and_lets_nothing_out(committed, impatient, error, bulk):
    async def main():
        held = HeldStore(committed())
        async with running(held) as world:
            await open_stage(world, ("b1", "b2"))
            durable = await world.do("b1", wager())
            listener = world.listen("b1", durable.position)
            recoveries = world.engine.probes.recoveries
            break_wagers(world, "b1", 66_00, error)
            held.hold()
            flying = asyncio.create_task(world.ask("b1", wager(amount_minor=1_00)))
            await held.held.wait()
            requests = [
                world.request(book, wager(amount_minor=amount_minor), bulk=bulk)
                for book in ("b1", "b2")
                for amount_minor in (2_00, 66_00, 3_00, 4_00)
            ]
            asked = asyncio.create_task(world.bus.send(requests))
            queried = asyncio.ensure_future(world.engine.query("b1", lambda book: len(book.tickets.by_number)))
            await passes()
            held.let_go()
            assert isinstance(await flying, Accepted)
            outcomes = await asked
            assert {refusal(outcome).code for outcome in outcomes[:4]} == {"unavailable"}
            assert all(isinstance(outcome, Accepted) for outcome in outcomes[4:])
            (found,) = await asyncio.gather(queried, return_exceptions=True)
            assert found.code == "unavailable" if isinstance(found, Rejected) else found == (durable.position + 1, 2)
            assert world.engine.probes.recoveries == recoveries
            assert (await world.refused("b1", wager())).code == "unavailable"
            await world.do("b2", wager())
            await world.do(HOUSE, Suspend("kind", "total", "no"))
            await passes()
            assert listener.positions == [durable.position + 1]
            listener.leave()
        assert [times_stored(committed.path, request.id) for request in requests] == [0] * 4 + [1] * 4
        await asyncio.to_thread(agrees, committed.path)

        async with running(committed()) as world:
            assert await wagers_of(world) == 2
            outcomes = await world.bus.send(requests)
            assert [acceptance(outcome).repeated for outcome in outcomes] == [False] * 4 + [True] * 4
            assert await wagers_of(world) == 6

    play(main())
    agrees(committed.path)


# A committer that is killed


async def keep_wagering(world, outcomes, stopped):
    while not stopped.is_set():
        requests = [world.request("b1", wager(amount_minor=1_00)) for _ in range(20)]
        for request, outcome in zip(requests, await world.bus.send(requests), strict=True):
            outcomes[request.id] = (request, outcome)
        await asyncio.sleep(0)


async def killed_under_load(world, store, kills, least):
    """Wager, and kill the committer again and again, each time once so many more have been answered; what became of each request,
    by its id."""
    outcomes: dict[str, tuple[Request, Outcome]] = {}
    stopped = asyncio.Event()
    load = [asyncio.create_task(keep_wagering(world, outcomes, stopped)) for _ in range(8)]
    for _ in range(kills):
        killed, known = store.committer, len(outcomes)
        os.kill(child_of(store).pid, signal.SIGKILL)
        await comes_true(
            lambda killed=killed, known=known: store.committer not in (None, killed) and len(outcomes) >= known + least
        )
    stopped.set()
    await asyncio.gather(*load)
    return outcomes


def test_a_committer_killed_under_load_takes_nothing_with_it_that_was_acknowledged(path):
    async def main():
        store = SqliteProcessStore(path)
        async with running(store) as world:
            await open_stage(world)
            listener = world.listen("b1", await world.until("b1", lambda book: True))
            outcomes = await killed_under_load(world, store, kills=5, least=400)

            accepted = {key: found for key, found in outcomes.items() if isinstance(found[1], Accepted)}
            assert accepted
            for request, outcome in outcomes.values():
                if isinstance(outcome, Refused):
                    assert outcome.code == "unavailable"
                    assert isinstance(await world.bus.send_one(request), Accepted)
            assert await wagers_of(world) == len(outcomes)
            last = (await world.do("b1", wager())).position
            await listener.reach(last)
            assert listener.positions == list(range(listener.positions[0], last + 1))
            assert len(listener.positions) == len(outcomes) + 1
            listener.leave()
        for key, (_, outcome) in accepted.items():
            found = stored(path, "SELECT stream, seq FROM events WHERE command = ?", id_bytes(key))
            assert found == [("b1", outcome.position)]

    play(main())
    agrees(path)


def test_a_committer_killed_before_it_has_begun_a_batch_is_replaced_and_the_batch_is_stored(path):
    async def main():
        store = SqliteProcessStore(path)
        async with running(store) as world:
            await open_stage(world)
            recoveries, child = world.engine.probes.recoveries, child_of(store)
            os.kill(child.pid, signal.SIGSTOP)
            requests = [world.request("b1", wager()) for _ in range(10)]
            asked = asyncio.create_task(world.bus.send(requests))
            await passes()
            assert not asked.done()
            os.kill(child.pid, signal.SIGKILL)
            assert all(isinstance(outcome, Accepted) for outcome in await asked)
            assert child_of(store).pid != child.pid
            assert world.engine.probes.recoveries == recoveries
            assert {times_stored(path, request.id) for request in requests} == {1}

    play(main())
    agrees(path)


def test_a_committer_killed_while_idle_is_replaced_for_the_next_wager(path):
    async def main():
        store = SqliteProcessStore(path)
        async with running(store) as world:
            await open_stage(world)
            child = child_of(store)
            os.kill(child.pid, signal.SIGKILL)
            await asyncio.to_thread(child.wait)
            await world.do("b1", wager())
            assert child_of(store).pid != child.pid
            os.kill(child_of(store).pid, signal.SIGKILL)

    play(main())
    agrees(path)


def test_a_page_that_is_damaged_where_a_batch_is_to_be_written_is_not_tried_again_and_said(committed):
    tried = []

    async def main():
        faulty = FaultyStore(committed())
        async with running(faulty) as world:
            await open_stage(world)

            async def fault(store, sealed):
                tried.append(sealed)
                raise StoreError("unreadable", "A page of the file does not have its checksum")

            recoveries = world.engine.probes.recoveries
            faulty.fault = fault
            assert refusal(await world.bus.send_one(world.request("b1", wager()))).code == "unavailable"
            await recovered(world, recoveries)
            faulty.fault = None
            (condition,) = world.engine.conditions.standing.values()
            assert (condition.part, condition.subject) == ("store", "pages")
            await world.do("b1", wager())
        assert len(tried) == 1

    play(main())
    agrees(committed.path)


# Torn and garbled files


def log_of(path):
    return stored(path, "SELECT stream, seq, hash FROM events ORDER BY stream, seq")


def copied(path, copy):
    """Copy a file that is open, in another process: this one's locks on it would go with the descriptor."""
    subprocess.run(["cp", path, copy], check=True)


@pytest.fixture(scope="module")
def cut_off_once(tmp_path_factory):
    """(a folder as a power cut leaves it, what the last checkpoint held, what was acknowledged)."""
    folder = tmp_path_factory.mktemp("cut")
    path, left, checked = (folder / name / "book.db" for name in ("running", "left", "checked"))

    async def main():
        store = SqliteStore(path)
        async with running_until_the_power_goes(store) as world:
            world.engine.cause(HOUSE, found_house())
            await world.engine.query(HOUSE, lambda house: None, at_least=1)
            await open_stage(world)
            for _ in range(20):
                await world.do("b1", wager())
            store.connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_RESTART)
            for _ in range(10):
                await world.do("b1", wager())
            acknowledged = log_of(path)
            for copy in (left, checked):
                copy.parent.mkdir()
                copied(path, copy)
            for beside in ("-wal", ".mark"):
                copied(f"{path}{beside}", f"{left}{beside}")
            return acknowledged

    acknowledged = asyncio.run(main())
    return left, log_of(checked), acknowledged


def found_house():
    from runline.domain.house import FoundHouse

    return FoundHouse("platform")


@pytest.fixture
def cut_off(cut_off_once, path):
    left, checkpointed, acknowledged = cut_off_once
    assert len(checkpointed) < len(acknowledged)
    copyfile(left, path)
    for beside in ("-wal", ".mark"):
        copyfile(f"{left}{beside}", f"{path}{beside}")
    return Path(f"{path}-wal"), checkpointed, acknowledged


async def start_and_go_on(path, *, accept_loss=False):
    """(What is there after a start, whether a wager is taken then.)"""
    async with running(SqliteStore(path, accept_loss=accept_loss)) as world:
        found = log_of(path)
        await world.do("b1", wager())
    return found


@pytest.mark.parametrize("committer", COMMITTERS)
def test_after_a_power_cut_everything_acknowledged_is_there(cut_off, path, committer):
    async def main():
        async with running(COMMITTERS[committer](path)) as world:
            assert log_of(path) == cut_off[2]
            await world.do("b1", wager())

    play(main())
    agrees(path)


FRAME = PAGE + 24


@pytest.mark.parametrize(
    "left_bytes",
    [0, 10, 32, 32 + 24, 32 + FRAME // 2, 32 + FRAME, 32 + 10 * FRAME - 1, 32 + 31 * FRAME + 777, 32 + 60 * FRAME + 8],
)
def test_a_torn_write_ahead_log_gives_a_beginning_of_what_was_acknowledged(cut_off, path, left_bytes):
    wal, checkpointed, acknowledged = cut_off
    with wal.open("r+b") as file:
        file.truncate(left_bytes)
    found = asyncio.run(start_and_go_on(path, accept_loss=True))
    agrees(path)
    for stream in (HOUSE, "b1"):
        here, all_of_it, least = (
            [row for row in log if row[0] == stream] for log in (found, acknowledged, checkpointed)
        )
        assert here == all_of_it[: len(here)]
        assert len(here) >= len(least)


@pytest.mark.parametrize("at_frame", [0, 3, 17, 40])
def test_garbage_in_the_write_ahead_log_is_refused_until_the_loss_is_accepted(cut_off, path, at_frame):
    wal, checkpointed, acknowledged = cut_off
    with wal.open("r+b") as file:
        file.seek(32 + at_frame * FRAME + 1_000)
        file.write(b"\xa5" * 300)
    for _ in range(2):
        assert "its write-ahead log is damaged before its end" in start_error(path)
    found = asyncio.run(start_and_go_on(path, accept_loss=True))
    agrees(path)
    here, all_of_it, least = ([row for row in log if row[0] == "b1"] for log in (found, acknowledged, checkpointed))
    assert here == all_of_it[: len(here)]
    assert len(least) <= len(here) < len(all_of_it)


@pytest.mark.parametrize("size", [1, 24, FRAME, 3 * FRAME + 5])
def test_garbage_after_the_write_ahead_log_takes_nothing_away(cut_off, path, size):
    wal, _, acknowledged = cut_off
    with wal.open("ab") as file:
        file.write(b"\x5a" * size)
    assert asyncio.run(start_and_go_on(path)) == acknowledged
    agrees(path)


@pytest.fixture(scope="module")
def made_once(tmp_path_factory):
    """A file after a whole day: a game is settled in one of two books, the log has many pages."""
    path = tmp_path_factory.mktemp("made") / "book.db"

    async def main():
        async with running(SqliteStore(path)) as world:
            await world.open_house(fixtures=2)
            for book in ("b1", "b2"):
                await world.open_book(book, players=3)
                for number in range(60):
                    market = f"G{1 + number % 2}:game:moneyline"
                    await world.do(book, wager(f"P{1 + number % 3}", 5_00 + number, market=market))
                await world.refused(book, wager("P1", 10**9))
            await world.play_off("G1")
            await world.settled("b1", "G1")
            await world.settled("b2", "G1")

    asyncio.run(main())
    return path


@pytest.fixture
def made(made_once, path):
    """A copy of that file, to do anything to."""
    copyfile(made_once, path)
    return path


async def start(path):
    async with running(SqliteStore(path)):
        pass


def start_error(path):
    """Why an engine does not start on a file; empty if it does."""
    try:
        asyncio.run(start(path))
    except StoreError as error:
        return f"{error.kind}: {error}"
    return ""


def garble(path, offset, size=64):
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(b"\xff" * size)


def test_an_event_whose_bytes_are_garbled_is_not_read_at_all(made):
    ((body,),) = stored(
        made, "SELECT body FROM events WHERE stream = 'b1' AND length(body) < 900 ORDER BY seq LIMIT 1 OFFSET 20"
    )
    content = made.read_bytes()
    assert content.count(body) == 1
    garble(made, content.index(body) + len(body) // 2, 8)
    done = runline("verify", made)
    assert done.returncode == UNREADABLE
    assert b"A page of the file does not have its checksum" in b" ".join(done.stderr.split())
    assert b"Traceback" not in done.stdout + done.stderr


def test_an_event_that_was_changed_through_the_database_is_named_by_verify(made):
    ((seq, body),) = stored(made, "SELECT seq, body FROM events WHERE stream = 'b1' AND instr(body, '\"P1\"') LIMIT 1")
    edit(made, "UPDATE events SET body = ? WHERE stream = 'b1' AND seq = ?", body.replace(b'"P1"', b'"P2"'), seq)
    done = runline("verify", made)
    assert done.returncode == DIFFERS
    assert b"the hash does not follow from the bytes" in b" ".join(done.stdout.split())
    assert b"Traceback" not in done.stdout + done.stderr


def test_the_last_event_garbled_is_not_started_on(made):
    ((last,),) = stored(made, "SELECT seq FROM heads WHERE stream = 'b1'")
    edit(made, "UPDATE events SET hash = zeroblob(32) WHERE stream = 'b1' AND seq = ?", last)
    assert "does not end at its head" in start_error(made)
    assert verify_database(made, None, None) == DIFFERS


def pages_of(path, table):
    return [row[0] for row in stored(path, "SELECT pageno FROM dbstat WHERE name = ?", table)]


@pytest.mark.parametrize(
    "table", ["events", "tickets", "heads", "players", "markets", "alembic_version", "sqlite_schema"]
)
@pytest.mark.parametrize(("start_at", "size"), [(0, 64), (1_500, 500), (PAGE - 200, 200), (0, PAGE)])
def test_a_garbled_page_is_a_clear_error_and_never_a_fault(made, table, start_at, size, capsys):
    pages = pages_of(made, table)
    assert pages
    garble(made, (pages[len(pages) // 2] - 1) * PAGE + start_at, size)
    code = verify_database(made, None, None)
    assert code in (0, DIFFERS, UNREADABLE)
    reason = start_error(made)
    assert reason.startswith("unreadable: ") or not reason
    if size == PAGE:
        assert code in (DIFFERS, UNREADABLE)
    if not reason:
        assert verify_database(made, None, None) == code


@pytest.mark.parametrize(
    "tampered",
    [
        "DELETE FROM heads WHERE stream = 'b1'",
        "UPDATE heads SET seq = seq + 1 WHERE stream = 'b1'",
        "UPDATE heads SET seq = seq - 1 WHERE stream = 'b1'",
        "UPDATE heads SET hash = zeroblob(32) WHERE stream = 'b1'",
        "DELETE FROM heads WHERE stream = 'house'",
        "DELETE FROM events WHERE stream = 'b1' AND seq = (SELECT max(seq) FROM events WHERE stream = 'b1')",
    ],
)
def test_a_head_that_is_not_the_logs_end_is_not_started_on(made, tampered, capsys):
    edit(made, tampered)
    before = verify_database(made, None, None)
    assert before in (DIFFERS, UNREADABLE)
    for _ in range(2):
        assert start_error(made).startswith("unreadable: ")


@pytest.mark.parametrize(
    "tampered",
    [
        "UPDATE heads SET seq = 'many' WHERE stream = 'b1'",
        "UPDATE tickets SET fixture = CAST(x'83' AS TEXT) WHERE stream = 'b1'",
        "UPDATE tickets SET ended = CAST(x'83' AS TEXT) WHERE stream = 'b1'",
        "UPDATE tickets SET more = '[[1]]' WHERE stream = 'b1'",
        "UPDATE tickets SET number = 'many' || number WHERE stream = 'b1' AND number % 2",
        "UPDATE tickets SET risk_minor = 'much' WHERE stream = 'b1'",
        "UPDATE events SET body = CAST(x'83' AS TEXT) WHERE stream = 'b1' AND seq = 5",
        "UPDATE events SET stream = CAST(x'83' AS TEXT) WHERE stream = 'b1' AND seq = 5",
    ],
)
def test_a_value_of_another_kind_is_a_difference_or_an_error_and_never_a_fault(made, tampered, capsys):
    edit(made, tampered)
    reason = start_error(made)
    assert reason.startswith("unreadable: ") or not reason
    assert verify_database(made, None, None) in (DIFFERS, UNREADABLE)


# A second one


@pytest.mark.parametrize("second", COMMITTERS)
def test_a_second_opening_of_the_same_file_is_told_who_has_it(committed, path, impatient, second):
    async def main():
        async with running(committed()) as world:
            await open_stage(world)
            for _ in range(2):
                with pytest.raises(StoreError, match=f"in use by another Runline .process {os.getpid()}.") as refused:
                    COMMITTERS[second](path)
                assert refused.value.kind == "unreadable"
            await world.do("b1", wager())
        async with running(COMMITTERS[second](path)) as world:
            await world.do("b1", wager())

    play(main())
    agrees(path)


OPEN = (
    "import sys; from pathlib import Path; from runline.store.sqlite import SqliteStore; SqliteStore(Path(sys.argv[1]))"
)


def test_a_second_process_cannot_open_the_same_file_and_may_verify_it(path):
    async def main():
        async with running(SqliteStore(path)) as world:
            await open_stage(world)
            await world.do("b1", wager())
            done = subprocess.run([sys.executable, "-c", OPEN, str(path)], capture_output=True, check=False)  # noqa: ASYNC221
            assert done.returncode == 1
            assert f"StoreError: {path} is in use by another Runline (process {os.getpid()})." in done.stderr.decode()
            assert runline("verify", path).returncode == 0
            await world.do("b1", wager())

    play(main())
    agrees(path)
