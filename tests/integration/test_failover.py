"""The database fails over: the primary is killed under load, its standby is promoted, and everybody goes on there."""

import asyncio
import os
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial

from tests.doubles.coming import WAIT_S, comes_true
from tests.doubles.plain import VOCABULARY
from tests.integration.pair import DATABASE, a_pair
from tests.integration.postgresql import by_a_way, cluster
from tests.integration.test_postgresql import keep_at_it
from tests.integration.world import acceptance, play, running, wager

from runline.engine.ids import id_bytes
from runline.engine.ports import nobody_hears
from runline.evaluate.verify import verify
from runline.store.postgres import PostgresStore

FAILOVERS = int(os.environ.get("TEST_FAILOVERS", "1"))

WORKERS = 8
"""How many wagers are under way."""

CUTS = 5 * FAILOVERS

KEPT = "SELECT count(*), count(DISTINCT command) FROM events WHERE command = ANY($1)"


def opened(url):
    """A store on a database."""
    store = PostgresStore(url)
    store.serve(VOCABULARY, nobody_hears)
    return store


async def placed(world, accepted, number):
    """Place so many wagers."""
    for _ in range(number):
        accepted.append(id_bytes((sent := world.request("b1", wager(amount_minor=1_00))).id))
        acceptance(await world.bus.send_one(sent))


class Nobody:
    """Watches, and does not look."""

    async def hear(self, news):
        pass


@asynccontextmanager
async def under_load(url, accepted, wait_s=WAIT_S):
    """An engine on a database, with a book in which wagers are placed without end. accepted: the commands that were. wait_s: as
    of `keep_at_it`."""
    # The way to the database may be one of this loop's.
    store = await asyncio.to_thread(opened, url)
    async with running(store) as world:
        await world.open_house()
        await world.open_book("b1", credit_minor=10**12)
        stopped = asyncio.Event()
        load = [asyncio.create_task(keep_at_it(world, accepted, stopped, wait_s)) for _ in range(WORKERS)]
        try:
            yield world
        finally:
            stopped.set()
            await asyncio.gather(*load)


async def fail_over_under_load(pair, hands, accepted):
    """Kill the primary while wagers are placed, and go on on the other one. Returns how long it took, in seconds: until the
    standby was promoted, and until the next wager was accepted."""
    loop = asyncio.get_running_loop()
    known = len(accepted)
    await comes_true(lambda: len(accepted) > known + 100)
    began_ns = time.monotonic_ns()
    await loop.run_in_executor(hands, pair.fail_over)
    # What was under way may have been durable before.
    promoted_ns, known = time.monotonic_ns(), len(accepted) + WORKERS
    await comes_true(lambda: len(accepted) > known)
    again_ns = time.monotonic_ns()
    return (promoted_ns - began_ns) / 1e9, (again_ns - began_ns) / 1e9


def test_a_failover_to_a_synchronous_standby_takes_nothing_with_it_that_was_acknowledged():
    """Once, or as often as TEST_FAILOVERS says."""
    accepted: list[bytes] = []
    took: list[tuple[float, float]] = []

    async def main():
        loop = asyncio.get_running_loop()
        async with under_load(pair.url, accepted) as world:
            for _ in range(FAILOVERS):
                took.append(await fail_over_under_load(pair, hands, accepted))
                await loop.run_in_executor(hands, partial(pair.follow, waited_for=True))
            known = len(accepted)
            await comes_true(lambda: len(accepted) > known + 100)
            assert not world.engine.conditions.standing

    with ThreadPoolExecutor(1) as hands, a_pair(hands) as pair:
        hands.submit(pair.follow, waited_for=True).result()
        play(main())
        assert pair.primary.ask(DATABASE, KEPT, accepted) == [(len(accepted), len(accepted))]
        assert verify(pair.url).differences == []
    print(f"{FAILOVERS} failovers, {len(accepted)} wagers acknowledged, 0 lost")
    for place, what in enumerate(("promoted", "the first wager")):
        times = sorted(one[place] for one in took)
        print(f"{what}: p50 {times[len(times) // 2]:.2f} s, longest {times[-1]:.2f} s")


def test_a_failover_that_loses_what_was_acknowledged_is_seen_and_said_and_another_log_goes_on():
    """The standby was cut off: nobody waits for it."""
    kept: list[bytes] = []
    lost: list[bytes] = []
    again: list[bytes] = []

    async def main():
        loop = asyncio.get_running_loop()
        store = opened(pair.url)
        async with running(store) as world:
            await world.open_house()
            await world.open_book("b1", credit_minor=10**12)
            await loop.run_in_executor(hands, partial(pair.follow, waited_for=False))
            await placed(world, kept, 20)
            position = await world.read("b1", lambda book: book.seq)
            await loop.run_in_executor(hands, pair.caught_up)
            await loop.run_in_executor(hands, pair.cut)
            await world.open_book("b2")
            await placed(world, lost, 30)
            before = store.log_id
            hub = world.bus.watch("b1", Nobody()).hub  # type: ignore[attr-defined]
            assert hub.log.startswith(before.encode())
            await loop.run_in_executor(hands, pair.fail_over)
            # Nobody asks anything: that the database has failed over is seen by itself.
            await comes_true(lambda: store.log_id != before and world.engine.ready)
            assert hub.log.startswith(store.log_id.encode())
            (said,) = [one for one in world.engine.conditions.standing.values() if one.subject == "log"]
            assert (said.part, said.level) == ("store", "degraded")
            assert f"b1 ends at position {position}, and had {position + 30}" in said.reason
            assert await world.read("b1", lambda book: len(book.tickets.by_number)) == 20
            # What was opened after that is gone as well.
            assert list(world.engine.writers) == ["house", "b1"]
            await placed(world, again, 10)
            assert not world.engine.conditions.failing
        other = opened(pair.url)
        assert other.log_id == store.log_id
        assert other.number > store.number + 1_000
        await other.close("n2", 0, 0)

    with ThreadPoolExecutor(1) as hands, a_pair(hands) as pair:
        play(main())
        assert pair.primary.ask(DATABASE, KEPT, kept + again) == [(30, 30)]
        assert pair.primary.ask(DATABASE, KEPT, lost) == [(0, 0)]
        assert verify(pair.url).differences == []


def database_of(address):
    """The name of the database that an address leads to."""
    return address.partition("@/")[2].partition("?")[0]


def stored_once(address, accepted):
    """Every command that was acknowledged is stored, once; and the log is what it was."""
    assert cluster().ask(database_of(address), KEPT, accepted) == [(len(accepted), len(accepted))]
    assert verify(address).differences == []


def test_connections_that_are_cut_again_and_again_take_nothing_with_them(path):
    address = cluster().of(path)
    accepted: list[bytes] = []

    async def main():
        async with (
            by_a_way(database_of(address)) as (way, url),
            under_load(url, accepted) as world,
        ):
            for _ in range(CUTS):
                known = len(accepted)
                await comes_true(lambda known=known: len(accepted) > known + 20)
                way.end_all()
            known = len(accepted)
            await comes_true(lambda: len(accepted) > known + 20)
            assert not world.engine.conditions.standing

    play(main())
    stored_once(address, accepted)


def test_a_connection_that_stands_still_is_given_up_and_what_was_on_it_is_found_out(path, monkeypatch):
    monkeypatch.setattr("runline.store.committing.COMMITTER_SLOW_S", 0.2)
    monkeypatch.setattr("runline.store.committing.COMMITTER_SILENT_S_MAX", 0.8)
    address = cluster().of(path)
    accepted: list[bytes] = []

    async def main():
        async with (
            by_a_way(database_of(address)) as (way, url),
            under_load(url, accepted) as world,
        ):
            await comes_true(lambda: len(accepted) > 20)
            way.cut_all()
            known = len(accepted)
            await comes_true(lambda: len(accepted) > known + 20)
            assert not world.engine.conditions.standing

    play(main())
    stored_once(address, accepted)


def test_a_standby_that_stands_still_holds_up_what_is_acknowledged_and_nothing_else(monkeypatch):
    """Commits wait for it. The committer is replaced meanwhile, and nobody takes a batch for durable that may not be there."""
    monkeypatch.setattr("runline.store.committing.COMMITTER_SLOW_S", 0.2)
    monkeypatch.setattr("runline.store.committing.COMMITTER_SILENT_S_MAX", 0.8)
    accepted: list[bytes] = []

    async def main():
        async with under_load(pair.url, accepted) as world:
            await comes_true(lambda: len(accepted) > 20)
            pair.stand_still()
            await comes_true(lambda: not world.engine.ready)
            held = len(accepted)
            (said,) = [one.reason for one in world.engine.conditions.failing if one.part == "committer"]
            assert said.startswith("The committer process has ")
            assert len(accepted) == held
            pair.go_on()
            await comes_true(lambda: len(accepted) > held + 20)
            assert not world.engine.conditions.standing

    with ThreadPoolExecutor(1) as hands, a_pair(hands) as pair:
        hands.submit(pair.follow, waited_for=True).result()
        play(main())
        assert pair.primary.ask(DATABASE, KEPT, accepted) == [(len(accepted), len(accepted))]


FULL = (
    "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
    "RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$",
    "CREATE TRIGGER full_disk BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION full_disk()",
)
"""What a server says whose disk is full, of each event that is written."""


def test_a_server_whose_disk_is_full_takes_nothing_until_there_is_room_again(path, impatient):
    address = cluster().of(path)
    name = database_of(address)
    accepted: list[bytes] = []

    async def main():
        async with under_load(address, accepted) as world:
            await comes_true(lambda: len(accepted) > 20)
            for sql in FULL:
                await asyncio.to_thread(cluster().ask, name, sql)
            await comes_true(lambda: not world.engine.ready)
            assert any("No space left on device (53100)" in one.reason for one in world.engine.conditions.failing)
            known = len(accepted)
            await asyncio.to_thread(cluster().ask, name, "DROP TRIGGER full_disk ON events")
            await comes_true(lambda: len(accepted) > known + 20)
            assert not world.engine.conditions.failing

    play(main())
    stored_once(address, accepted)
