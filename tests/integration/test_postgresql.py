"""PostgreSQL: who owns a stream, and what is believed after an answer was lost. (What every store does: test_store.py.)"""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import Any
from urllib.parse import quote

import httpx
import msgspec
import pytest
from tests.doubles.coming import WAIT_S, comes_true
from tests.doubles.plain import VOCABULARY
from tests.integration.nodes import PATIENT
from tests.integration.postgresql import cluster, programs
from tests.integration.stores import STORES, child_of
from tests.integration.test_failing_commits import killed_under_load
from tests.integration.test_store import close, held, sealed, stretch, ticket
from tests.integration.world import play, running, wager

from runline.client import Client, RefusedError
from runline.demo.sample import PASSWORD
from runline.domain.hierarchy import Agent
from runline.domain.messages import HOUSE
from runline.domain.suspension import Suspension
from runline.domain.tickets import Ticket
from runline.engine.commit import ELSEWHERE
from runline.engine.engine import Engine
from runline.engine.ids import id_bytes
from runline.engine.ports import Head, StoreError
from runline.engine.requests import Accepted
from runline.evaluate.verify import verify
from runline.store.checking import looked_after
from runline.store.committer import Claim
from runline.store.limits import LOST_NUMBERS
from runline.store.postgres import PostgresStore
from runline.store.postgres_connection import connect
from runline.store.postgres_demands import look_at
from runline.store.postgres_opening import beside, open_database
from runline.store.postgres_target import PostgresTarget
from runline.store.tables import tables_of

TABLES = tables_of(VOCABULARY)

HOLD = "BEGIN; SELECT 1 FROM agents FOR UPDATE"

MOVE = "UPDATE heads SET seq = seq WHERE stream = 'b1'"

WAITING = "SELECT pid FROM pg_stat_activity WHERE application_name LIKE '% committer' AND wait_event_type = $1"


KEEPS = "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'"

KEPT = "CREATE TRIGGER kept BEFORE UPDATE ON heads FOR EACH ROW EXECUTE FUNCTION keep()"


@pytest.fixture
def url(path):
    """The address of a database with Runline's tables."""
    return cluster().of(path)


@pytest.fixture
def open_one(path):
    """Opens stores of one database."""
    return lambda: STORES["postgresql"](path)


def asked(url, sql, *values):
    """What a statement finds, as somebody else sees it."""
    return cluster().ask(url.partition("@/")[2].partition("?")[0], sql, *values)


async def later(url, sql, *values):
    """The same, asked until it finds something."""
    while not (found := await asyncio.to_thread(asked, url, sql, *values)):
        pass
    return found


def reload(*settings):
    """Change settings of the server."""
    for setting in settings:
        cluster().ask("postgres", f"ALTER SYSTEM {setting}")
    cluster().ask("postgres", "SELECT pg_reload_conf()")


# Whose a stream is


@pytest.mark.parametrize("size", [1, 200])
def test_who_lost_a_stream_commits_no_more_of_it_and_the_others_go_on(open_one, size):
    async def main():
        old, new = open_one(), open_one()
        lost = stretch(await old.claim("b1"), size)
        kept = stretch(await old.claim("b2"), 1, [Agent("A1", "root", 1)])
        head = await new.claim("b1")
        assert await old.commit(sealed(lost, kept)) == {"b1"}
        assert await new.heads() == {"b1": head, "b2": kept.after}
        assert await new.events("b1", 0, 10) == []
        assert await held(new, "b2", Agent) == [Agent("A1", "root", 1)]
        assert await new.commit(sealed(stretch(head, size))) == frozenset()
        await close(old)
        await close(new)

    play(main())


def test_what_is_read_for_a_standby_waits_for_nobody_and_nobody_for_it(open_one):
    """A large book takes seconds; proofs, and the rows that commands need, are read meanwhile."""

    async def main():
        store = open_one()
        before = stretch(await store.claim("b1"), 1, [Agent("A1", "root", 1)])
        await store.commit(sealed(before))
        found = []
        # Somebody else is reading.
        async with store.reading, asyncio.timeout(30):
            head = await store.held_at_once("b1", [Agent], lambda row_type, rows: found.extend(rows))
        assert (head, found) == (before.after, [Agent("A1", "root", 1)])
        await close(store)

    play(main())


async def held_up(store, url, size):
    """A commit of so many events that waits for a lock on a row, holding the head: (what is committed, its task, who has the
    row)."""
    before = stretch(await store.claim("b1"), 1, [Agent("A1", "root", 1)])
    await store.commit(sealed(before))
    first = stretch(before.after, size, [Agent("A1", "root", 2)])
    other = await connect(url, "a test")
    await other.execute(HOLD)
    flying = asyncio.create_task(store.commit(sealed(first)))
    await later(url, WAITING, "Lock")
    return first, flying, other


@pytest.mark.parametrize("size", [1, 200])
def test_an_owner_that_is_held_up_in_its_commit_is_ended_by_a_claim(open_one, url, size):
    """The old owner's session waits for a lock on a row, holding the head: no timeout would end it."""

    async def main():
        old, new = open_one(), open_one()
        first, flying, other = await held_up(old, url, size)
        head = await new.claim("b1")
        assert (head.epoch, head.seq) == (2, 1)
        with pytest.raises(StoreError) as failed:
            await flying
        assert failed.value.kind == "lost"
        await other.execute("COMMIT")
        await other.close()
        assert await old.heads() == {"b1": head}
        assert await old.commit(sealed(first)) == {"b1"}
        assert await new.events("b1", 1, 10) == []
        assert await held(new, "b1", Agent) == [Agent("A1", "root", 1)]
        await close(old)
        await close(new)

    play(main())


def test_an_owner_that_stands_still_while_it_copies_is_ended_by_a_claim(open_one, url):
    """Its session waits inside COPY for more, holding the head: no timeout ends that."""

    async def main():
        new = open_one()
        await new.claim("b1")
        old = await connect(url, "runline 77 committer")
        await old.execute(f"BEGIN; {MOVE}")
        more = asyncio.Event()

        async def rows():
            yield b""
            more.set()
            await asyncio.Event().wait()

        copying = asyncio.create_task(old.copy_to_table("events", source=rows()))
        await more.wait()
        assert (await new.claim("b1")).epoch == 2
        assert (
            await asyncio.to_thread(asked, url, "SELECT 1 FROM pg_stat_activity WHERE application_name LIKE '% 77 %'")
            == []
        )
        copying.cancel()
        await asyncio.wait({copying})
        old.terminate()
        await close(new)

    play(main())


def test_a_head_that_somebody_else_holds_is_waited_for_and_who_it_is_is_said(url, monkeypatch):
    monkeypatch.setattr("runline.store.postgres_target.CLAIM_S_MAX", 0.2)
    target = PostgresTarget(url, "runline 77 committer", 77)
    try:
        assert [one.epoch for one in target.claim({"b1": None})] == [1]
        with ThreadPoolExecutor(1) as thread:
            loop = asyncio.new_event_loop()

            def there(work):
                return thread.submit(loop.run_until_complete, work).result()

            other = there(connect(url, "an editor"))
            there(other.execute(f"BEGIN; {MOVE}"))
            with pytest.raises(
                StoreError, match=r"The head of 'b1' is held by an editor \(process \d+ of the server\)"
            ) as failed:
                target.claim({"b1": None, "b0": 0})
            assert failed.value.kind == "transient"
            there(other.execute("ROLLBACK"))
            there(other.close())
            loop.close()
        assert [one.epoch for one in target.claim({"b1": None})] == [2]
    finally:
        target.abandon()


def test_two_processes_that_open_an_empty_database_at_once_make_it_once(path):
    address = cluster().empty("runline_at_once")
    try:
        with ThreadPoolExecutor(2) as threads:
            first, second = threads.map(lambda _: beside(open_database(address)), range(2))
        assert {first.number, second.number} == {1, 2}
        assert first.log == second.log
    finally:
        cluster().ask("postgres", "DROP DATABASE runline_at_once WITH (FORCE)")


# After an answer that was lost


@pytest.mark.parametrize("size", [1, 200])
def test_what_a_killed_committer_left_on_its_way_is_ended_before_the_heads_are_read(open_one, url, size):
    """Its session waits for a lock, and would commit once it has it."""

    async def main():
        store = open_one()
        first, flying, other = await held_up(store, url, size)
        os.kill(child_of(store).pid, signal.SIGKILL)
        with pytest.raises(StoreError) as failed:
            await flying
        assert failed.value.kind == "lost"
        assert await store.heads() == {"b1": first.before}
        await other.execute("COMMIT")
        await other.close()
        assert await store.heads() == {"b1": first.before}
        assert await store.commit(sealed(first)) == frozenset()
        assert await store.heads() == {"b1": first.after}
        await close(store)

    play(main())


@pytest.fixture
def ghost():
    """A synchronous standby that is not there: no commit is over. (Those of this fixture wait for none.)"""
    reload("SET synchronous_commit = 'local'", "SET synchronous_standby_names = 'ghost'")
    yield
    reload("RESET synchronous_standby_names", "RESET synchronous_commit")


def test_a_commit_that_somebody_keeps_from_waiting_for_its_standby_is_not_taken_for_durable(open_one, url, request):
    async def main():
        store = open_one()
        first = stretch(await store.claim("b1"), 1)
        await asyncio.to_thread(request.getfixturevalue, "ghost")
        flying = asyncio.create_task(store.commit(sealed(first)))
        ((pid,),) = await later(url, WAITING, "IPC")
        await asyncio.to_thread(asked, url, "SELECT pg_cancel_backend($1)", pid)
        with pytest.raises(StoreError, match="may not be on its standby") as failed:
            await flying
        assert failed.value.kind == "lost"
        # What is read is believed when a write of one's own is durable, and that waits for the standby as well.
        reading = asyncio.create_task(store.heads())
        await later(url, WAITING.replace("committer", "reader"), "IPC")
        assert not reading.done()
        await asyncio.to_thread(reload, "RESET synchronous_standby_names")
        assert await reading == {"b1": first.after}
        await close(store)

    play(main())


def test_what_cannot_be_found_out_in_time_stays_in_doubt(open_one, url, request, monkeypatch):
    monkeypatch.setattr("runline.store.postgres.SETTLE_S_MAX", 0.3)

    async def main():
        store = open_one()
        first = stretch(await store.claim("b1"), 1)
        await asyncio.to_thread(request.getfixturevalue, "ghost")
        flying = asyncio.create_task(store.commit(sealed(first)))
        await later(url, WAITING, "IPC")
        os.kill(child_of(store).pid, signal.SIGKILL)
        with pytest.raises(StoreError):
            await flying
        for _ in range(2):
            with pytest.raises(StoreError, match=r"What became of a commit is not known after 0\.3 s") as failed:
                await store.heads()
            assert failed.value.kind == "transient"
        monkeypatch.undo()
        await asyncio.to_thread(reload, "RESET synchronous_standby_names")
        assert await store.heads() == {"b1": first.after}
        await close(store)

    play(main())


def test_a_committer_killed_under_load_takes_nothing_with_it_that_was_acknowledged(open_one, url):
    async def main():
        store = open_one()
        async with running(store) as world:
            await world.open_house()
            await world.open_book("b1", credit_minor=10**12)
            outcomes = await killed_under_load(world, store, kills=3, least=100)
            assert all(isinstance(outcome, Accepted) for _, outcome in outcomes.values())
            assert not world.engine.conditions.standing
        commands = [id_bytes(command_id) for command_id in outcomes]
        sql = "SELECT count(*), count(DISTINCT command) FROM events WHERE command = ANY($1)"
        assert asked(url, sql, commands) == [(len(outcomes), len(outcomes))]

    play(main())


async def keep_at_it(world, accepted, stopped, wait_s=WAIT_S):
    """Wager, one after the other; what is unavailable is sent again under its id. wait_s: how long nothing may be ready."""
    while not stopped.is_set():
        sent = world.request("b1", wager(amount_minor=1_00))
        while not isinstance(outcome := await world.bus.send_one(sent), Accepted):
            assert outcome.code == "unavailable"
            await comes_true(lambda: world.engine.ready, wait_s)
        accepted.append(id_bytes(sent.id))


def test_a_server_that_crashes_and_comes_back_takes_nothing_with_it_that_was_acknowledged(open_one, url):
    async def main():
        async with running(open_one()) as world:
            await world.open_house()
            await world.open_book("b1", credit_minor=10**12)
            accepted: list[bytes] = []
            stopped = asyncio.Event()
            load = [asyncio.create_task(keep_at_it(world, accepted, stopped)) for _ in range(8)]
            await comes_true(lambda: len(accepted) > 100)
            cluster().crash()
            cluster().start()
            known = len(accepted)
            await comes_true(lambda: len(accepted) >= known + 100)
            stopped.set()
            await asyncio.gather(*load)
            assert await world.read("b1", lambda book: len(book.tickets.by_number)) == len(accepted)
            assert not world.engine.conditions.standing
        sql = "SELECT count(*), count(DISTINCT command) FROM events WHERE command = ANY($1)"
        assert asked(url, sql, accepted) == [(len(accepted), len(accepted))]

    play(main())


def test_the_log_is_proved_while_wagers_are_taken(open_one, url):
    async def main():
        async with running(open_one()) as world:
            await world.open_house()
            await world.open_book("b1", credit_minor=10**12)
            accepted: list[bytes] = []
            stopped = asyncio.Event()
            load = [asyncio.create_task(keep_at_it(world, accepted, stopped)) for _ in range(4)]
            for _ in range(3):
                known = len(accepted)
                report = await asyncio.to_thread(verify, url)
                assert report.differences == []
                assert report.rows["tickets"] >= known
                await comes_true(lambda known=known: len(accepted) > known)
            stopped.set()
            await asyncio.gather(*load)

    play(main())


def test_a_standby_is_proved_and_not_served(open_one, url, monkeypatch):
    async def main():
        async with running(open_one()) as world:
            await world.open_house()
            await world.open_book("b1")
            await world.do("b1", wager())

    play(main())
    name = url.partition("@/")[2].partition("?")[0]
    with cluster().standby() as standby:
        there = standby.url(name)
        report = verify(there)
        assert report.differences == []
        assert report.rows["tickets"] == 1
        monkeypatch.setattr("runline.store.postgres_connection.CONNECT_S_MAX", 0)
        with pytest.raises(StoreError, match="The database cannot be reached at ") as failed:
            PostgresStore(there)
        assert failed.value.kind == "transient"


@pytest.mark.parametrize("user", ["runline", "nobody_special"])
def test_who_copies_the_log_for_a_backup_is_no_standby(url, tmp_path, user):
    """Neither to whoever may see what it does, nor to whoever sees its name only."""

    async def main():
        connection = await connect(url.replace("runline@", f"{user}@"), "a test")
        found = await look_at(connection)
        await connection.close()
        assert (found.standbys, found.waited_for) == (0, 0)

    server = cluster()
    if user != "runline":
        server.ask("postgres", f"CREATE ROLE {user} LOGIN")
    command = [programs() / "pg_receivewal", "-h", server.folder, "-U", "runline", "-D", tmp_path, "--no-loop"]
    copying = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        while server.ask("postgres", "SELECT state FROM pg_stat_replication") != [("streaming",)]:
            pass
        play(main())
    finally:
        copying.terminate()
        copying.wait()
        if user != "runline":
            server.ask("postgres", f"DROP ROLE {user}")


def test_a_second_engine_on_the_database_takes_over_and_the_first_accepts_nothing_more(open_one, url):
    async def main():
        async with running(open_one()) as first:
            await first.open_house()
            await first.open_book("b1")
            await first.do("b1", wager())
            async with running(open_one()) as second:
                assert await second.read("b1", lambda book: len(book.tickets.by_number)) == 1
                assert (await first.refused("b1", wager())).code == "unavailable"
                reasons = {one.subject: one.reason for one in first.engine.conditions.failing}
                assert reasons["b1"] == "another process owns this stream"
                await second.do("b1", wager())
                assert await second.read("b1", lambda book: len(book.tickets.by_number)) == 2

    play(main())


# Several streams at once


def test_who_claims_several_streams_ends_once_who_holds_some_of_them(open_one, url):
    """Of a node that stands still in the middle of a commit."""

    async def main():
        old, new = open_one(), open_one()
        seen = {f"b{number}": 1 for number in range(1, 6)}
        heads = await old.claim_all(dict.fromkeys(seen, 0))
        holder = await connect(url, old.name)
        await holder.execute("BEGIN")
        for stream in ("b4", "b2", "b3"):
            await holder.execute("UPDATE heads SET seq = seq + 1 WHERE stream = $1", stream)
        claimed = await new.claim_all(seen)
        assert {stream: head.epoch for stream, head in claimed.items()} == dict.fromkeys(seen, 2)
        assert {head.seq for head in claimed.values()} == {0}
        await comes_true(holder.is_closed)
        assert await old.commit(sealed(*map(stretch, heads.values()))) == frozenset(seen)
        assert await new.commit(sealed(*map(stretch, claimed.values()))) == frozenset()
        await close(old)
        await close(new)

    play(main())


def test_how_many_statements_it_takes_to_adopt_streams_does_not_depend_on_how_many_they_are(open_one, monkeypatch):
    async def main():
        async with running(open_one()) as world:
            await world.open_house()
            books = [f"b{number}" for number in range(12)]
            for book in books:
                await world.open_book(book)
                await world.do(book, wager())
            store: Any = world.engine.store
            asked: list[Any] = []
            found: list[Counter[Any]] = []

            def noted(work):
                def note(what, *values):
                    asked.append(what if isinstance(what, str) else type(what))
                    return work(what, *values)

                return note

            monkeypatch.setattr(store, "read", noted(store.read))
            monkeypatch.setattr(store, "order", noted(store.order))
            for some in (books[:2], books[2:]):
                for book in some:
                    await world.engine.release(book)
                asked.clear()
                seen = {book: world.engine.owned.claims[book] for book in some}
                assert await world.engine.adopt_all(seen) == {}
                found.append(Counter(asked))
            assert found[0] == found[1]
            assert set(found[0].values()) == {1}
            for book in books:
                await world.do(book, wager())

    play(main())


def test_a_stream_that_is_taken_alone_is_read_piece_by_piece_as_at_every_start(open_one, monkeypatch):
    """It may be large, and others have their turns between."""
    monkeypatch.setattr("runline.store.postgres.ROWS_AT_ONCE", 2)
    monkeypatch.setattr("runline.store.postgres_together.ROWS_AT_ONCE", 2)

    async def main():
        store = open_one()
        heads = await store.claim_all({"b1": 0, "b2": 0})
        agents = [Agent(f"A{number}", "root", 1) for number in range(9)]
        await store.commit(sealed(stretch(heads["b1"], 1, agents), stretch(heads["b2"], 1, agents)))
        heads = await store.claim_all({"b1": 1, "b2": 1})
        turns = 0

        async def others():
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        task = asyncio.create_task(others())
        assert store.together({"b1": heads["b1"]}) is store
        together = store.together(heads)
        assert await held(together, "b1", Agent) == agents
        before = turns
        # What was read with the first is there already.
        assert await held(together, "b2", Agent) == agents
        assert turns - before >= 5
        task.cancel()
        await close(store)

    play(main())


def test_what_commits_runs_before_the_first_stream_comes(open_one):
    """A stream that is handed over would wait for another process to be started."""

    async def main():
        async with running(open_one()) as world:
            await world.open_house()
            store = open_one()
            engine = Engine(store, world.clock, os.urandom, world.engine.vocabulary, "n2", founds=False)
            await engine.start([])
            assert child_of(store).poll() is None
            assert set(await store.heads()) == {HOUSE}
            await engine.stop()

    play(main())


# A claim whose answer was lost


def unheard(store, claimed=None):
    """The next claim of a store is never heard of, because its committer ends: it is done, or `claimed` (a coroutine) is
    instead."""
    order = store.order

    async def lost(what):
        if not isinstance(what, Claim):
            return await order(what)
        store.order = order
        await (order(what) if claimed is None else claimed)
        child_of(store).kill()
        await store.end()
        raise StoreError("lost", "on purpose")

    store.order = lost


@pytest.mark.parametrize("kind", ["process", "postgresql"])
def test_a_claim_that_was_not_heard_of_is_nobody_elses(kind, path):
    async def main():
        store = STORES[kind](path)
        assert (await store.claim("b1")).epoch == 1
        unheard(store)
        with pytest.raises(StoreError) as failed:
            await store.claim("b1", 1)
        assert failed.value.kind == "lost"
        head = await store.claim("b1", 1)
        assert head.epoch == 3
        assert await store.commit(sealed(stretch(head))) == frozenset()
        await close(store)

    play(main())


def test_who_has_not_heard_of_their_claim_does_not_take_another_ones_for_it(open_one):
    """Both would have left the same epoch."""

    async def main():
        old, new = open_one(), open_one()
        assert (await old.claim("b1")).epoch == 1
        unheard(old, new.claim("b1"))
        with pytest.raises(StoreError) as failed:
            await old.claim("b1", 1)
        assert failed.value.kind == "lost"
        for _ in range(2):
            with pytest.raises(StoreError, match="Another process has claimed") as failed:
                await old.claim("b1", 1)
            assert failed.value.kind == "elsewhere"
        assert (await new.heads())["b1"].epoch == 2
        await close(old)
        await close(new)

    play(main())


def test_a_stream_in_doubt_is_not_taken_back_from_who_has_claimed_it_as_our_own_claim_was_lost(open_one):
    async def main():
        async with running(open_one()) as world:
            await world.open_house()
            await world.open_book("b1")
            await world.do("b1", wager())
            other = open_one()
            unheard(world.engine.store, other.claim("b1"))
            world.engine.owned.doubt(world.engine.writers["b1"], "on purpose")
            await comes_true(lambda: world.engine.writers["b1"].stopped == ELSEWHERE)
            head = (await other.heads())["b1"]
            assert head.epoch == world.engine.owned.claims["b1"] + 1
            await close(other)

    play(main())


# What was durable and is not there any more


SET_BACK = "UPDATE heads SET seq = $1, hash = $2, epoch = $3 WHERE stream = 'b1'"

END = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1"

CUT_OFF = "DELETE FROM events WHERE stream = 'b1' AND seq > $1"


async def behind(work):
    """What a store says that finds it has lost something."""
    with pytest.raises(StoreError) as failed:
        await work
    assert failed.value.kind == "behind"
    return str(failed.value)


async def set_back(store, url, events=5):
    """Commit an event of b1 and then some more, of which the database knows nothing any more. Returns the head as it is, and as
    it was."""
    kept = stretch(await store.claim("b1"), 1)
    await store.commit(sealed(kept))
    lost = stretch(kept.after, events)
    await store.commit(sealed(lost))
    await asyncio.to_thread(asked, url, CUT_OFF, 1)
    await asyncio.to_thread(asked, url, SET_BACK, 1, kept.after.hash, 1)
    return kept.after, lost.after


def test_a_database_that_has_less_than_it_had_becomes_another_log_for_everybody(open_one, url):
    async def main():
        store, other = open_one(), open_one()
        theirs = stretch(await other.claim("b2"), 1)
        before = store.log_id
        head, _ = await set_back(store, url)
        said = await behind(store.heads())
        assert (
            "The database has lost what was durable: b1 ends at position 1, and had 6. It is another log since" in said
        )
        assert store.log_id != before
        # Whoever has not heard of it commits nothing more, and hears of it then.
        assert await behind(other.commit(sealed(theirs))) == said
        assert other.log_id == store.log_id
        # Nobody has claimed anything in this log yet: who owned a stream goes on.
        assert (await store.claim("b1", head.epoch)).seq == 1
        assert (await other.claim("b2", 1)).seq == 0
        # Who opens it later has numbers that nobody had.
        third = open_one()
        assert third.log_id == store.log_id
        assert third.number > other.number + LOST_NUMBERS
        ((lease,),) = await asyncio.to_thread(asked, url, "SELECT nextval('cluster_numbers')")
        assert lease > LOST_NUMBERS
        for one in (store, other, third):
            await close(one)

    play(main())


def test_whoever_looks_at_one_stream_hears_of_all_that_is_lost_and_that_it_is_another_log(open_one, url):
    async def main():
        store, other, third = open_one(), open_one(), open_one()
        kept = stretch(await store.claim("b2"), 1)
        await store.commit(sealed(kept))
        head, _ = await set_back(store, url)
        # What it looks at is all there.
        assert await store.heads(["b2"]) == {"b2": kept.after}
        said = await behind(store.heads(["b1"]))
        assert "b1 ends at position 1, and had 6. It is another log since" in said
        # So hears whoever looks at what is all there, or is not there at all.
        assert await behind(other.heads(["b2"])) == said
        assert await behind(third.heads(["b9"])) == said
        assert store.log_id == other.log_id == third.log_id
        found = await other.heads(["b1", "b2"])
        assert {stream: one.seq for stream, one in found.items()} == {"b1": head.seq, "b2": 1}
        for one in (store, other, third):
            await close(one)

    play(main())


def test_a_claim_and_a_commit_find_that_something_is_lost(open_one, url):
    async def main():
        store = open_one()
        head, lost = await set_back(store, url)
        await behind(store.commit(sealed(stretch(lost, 1))))
        await close(store)
        store = open_one()
        store.hear_of("b1", lost.seq, lost.hash)
        await behind(store.claim("b1"))
        assert (await store.claim("b1")).hash == head.hash
        await close(store)

    play(main())


def test_what_becomes_durable_while_heads_are_read_is_not_missed(open_one):
    async def main():
        store = open_one()
        before = stretch(await store.claim("b1"), 1)
        await store.commit(sealed(before))
        read, log_id = store.read, store.log_id

        async def slow(sql, *values):
            rows = await read(sql, *values)
            store.read = read
            await store.commit(sealed(stretch(before.after, 1)))
            return rows

        store.read = slow
        assert (await store.heads())["b1"].seq == 1
        assert (await store.heads())["b1"].seq == 2
        assert store.log_id == log_id
        await close(store)

    play(main())


def test_what_others_have_told_of_is_missed_as_well(open_one, url):
    async def main():
        store, other = open_one(), open_one()
        _, lost = await set_back(store, url)
        other.hear_of("b1", lost.seq, lost.hash)
        found = await asyncio.gather(behind(store.heads()), behind(other.heads()))
        assert found[0] == found[1]
        assert other.log_id == store.log_id
        await close(store)
        await close(other)

    play(main())


def test_a_log_that_has_gone_on_otherwise_is_not_taken_for_the_one_that_was(open_one, url):
    """Somebody who knows nothing of what was lost has gone on in its place, and is further by now."""

    async def main():
        store = open_one()
        _, lost = await set_back(store, url, events=2)
        other = open_one()
        longer = stretch(await other.claim("b1"), 7)
        longer.events = [(*one[:5], b"other %026d" % one[1]) for one in longer.events]
        longer.after = msgspec.structs.replace(longer.after, hash=longer.events[-1][5])
        await other.commit(sealed(longer))
        assert longer.after.seq > lost.seq
        before = store.log_id
        assert len(await store.events("b1", 0, 10)) == 8
        await asyncio.to_thread(asked, url, END, f"runline {store.number} reader")
        await comes_true(lambda: store.log_id != before)
        await close(store)
        await close(other)

    play(main())


# What is written


def test_many_rows_and_few_are_stored_alike(open_one):
    """A large batch is copied table by table, a small one goes over as one statement."""

    async def main():
        store = open_one()
        head = await store.claim("b1")
        tickets: list[Ticket] = []
        for size in (1, 90, 2, 120):
            new = [ticket(number) for number in range(head.seq + 1, head.seq + size + 1)]
            known = [ticket(one.number, "settled", result="won") for one in tickets[-3:]]
            tickets = [*tickets[: len(tickets) - len(known)], *known, *new]
            layer = Suspension("league", "MLB", f"after {head.seq}", 1, "root", 1)
            batch = sealed(stretch(head, size, [*new, *known, layer]))
            assert await store.commit(batch) == frozenset()
            head = batch.stretches[0].after
            assert await held(store, "b1", Suspension) == [layer]
        assert await held(store, "b1", Ticket) == [one for one in tickets if one.status == "open"]
        assert len(await store.events("b1", 0, 1_000)) == 213
        await close(store)

    play(main())


def test_a_stream_that_nobody_has_claimed_is_whoevers_commits_first(open_one):
    async def main():
        first, second = open_one(), open_one()
        unclaimed = Head("b1", 0, 0, bytes(32), 0)
        mine = stretch(unclaimed, 1)
        assert await first.commit(sealed(mine)) == frozenset()
        assert await second.commit(sealed(stretch(unclaimed, 2))) == {"b1"}
        assert await first.heads() == {"b1": mine.after}
        await close(first)
        await close(second)

    play(main())


@pytest.mark.parametrize("size", [1, 200])
def test_a_server_that_does_not_move_a_head_is_said_and_nothing_is_stored(open_one, url, size):
    """Something in the database keeps it from being changed."""

    async def main():
        store = open_one()
        head = await store.claim("b1")
        await asyncio.to_thread(asked, url, KEEPS)
        await asyncio.to_thread(asked, url, KEPT)
        with pytest.raises(StoreError, match="and the server does not move them") as failed:
            await store.commit(sealed(stretch(head, size)))
        assert failed.value.kind == "unreadable"
        await asyncio.to_thread(asked, url, "DROP TRIGGER kept ON heads")
        assert await store.events("b1", 0, 10) == []
        assert await store.commit(sealed(stretch(head, size))) == frozenset()
        await close(store)

    play(main())


def test_a_text_with_a_nul_is_a_row_that_can_never_be_stored(open_one):
    async def main():
        store = open_one()
        head = await store.claim("b1")
        for size in (1, 200):
            with pytest.raises(StoreError) as failed:
                await store.commit(sealed(stretch(head, size, [Agent("A\0", "root", 1)])))
            assert failed.value.kind == "row"
        assert await store.heads() == {"b1": head}
        await close(store)

    play(main())


# A server


@contextmanager
def server(*words):
    """A server that is killed at the end; (the process, its address). A busy machine starves it at times: the house is current
    for it all the same."""
    command = [sys.executable, "-c", PATIENT, "serve", "--port", "0", *words]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    try:
        address = next(found for line in child.stdout if (found := re.search(r"http://\S+", line)))[0]
        yield child, address
    finally:
        child.kill()
        child.wait()
        child.stdout.close()


def place(client):
    """A wager of the sample's player."""
    market = "sample-game:game:moneyline"
    return client.send(
        "PlaceWager", player="P1", market=market, side="home", line_quarters=None, price="-130", amount_minor=25_00
    )


def test_a_server_keeps_its_book_in_postgresql_through_a_kill_and_gives_way_to_another(url):
    with server("--store", url, "--sample") as (child, address), Client(address) as client:
        client.sign_in("sample", "P1", PASSWORD)
        with closing(client.stream("wagers")) as frames:
            assert next(frames).kind == "image"
            first = place(client)
            assert any(frame.kind == "delta" and frame.position >= first.position for frame in frames)
        os.kill(child.pid, signal.SIGKILL)
    with server("--store", url) as (_, address), Client(address) as client:
        client.sign_in("sample", "P1", PASSWORD)
        assert [one["number"] for one in client.ask("wagers").items] == [first.position]
        second = place(client)
        with server("--store", url) as (_, other), Client(other) as newer:
            newer.sign_in("sample", "P1", PASSWORD)
            third = place(newer)
            assert [one["number"] for one in newer.ask("wagers").items] == [
                third.position,
                second.position,
                first.position,
            ]
            with pytest.raises(RefusedError) as refused:
                place(client)
            assert refused.value.code == "unavailable"
            assert httpx.get(f"{address}/v1/ready").status_code == 503
            assert httpx.get(f"{other}/v1/ready").status_code == 200


# What is refused


def test_a_database_of_another_program_is_refused_and_left_as_it_is(path):
    address = cluster().empty("recipes")
    try:
        asked(address, "CREATE TABLE recipes (name TEXT)")
        with pytest.raises(
            StoreError, match=r"It is a database of another program. Remedy: create an empty one"
        ) as failed:
            PostgresStore(address)
        assert failed.value.kind == "unreadable"
        assert asked(address, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(1,)]
    finally:
        cluster().ask("postgres", "DROP DATABASE recipes WITH (FORCE)")


def test_a_database_of_a_newer_schema_is_refused_in_plain_words(url):
    asked(url, "UPDATE alembic_version SET version_num = '9999'")
    asked(url, "UPDATE cluster_level SET level = 9")
    with pytest.raises(
        StoreError, match=r"It is of level 9, and this Runline of level \d, which could not read all of it"
    ):
        PostgresStore(url)


def test_a_server_that_does_not_keep_what_it_is_given_is_refused_with_the_remedy(url):
    asked(url, 'ALTER TABLE agents ALTER COLUMN name TYPE text COLLATE "default"')
    reload("SET fsync = off")
    try:
        with pytest.raises(StoreError) as failed:
            PostgresStore(url)
    finally:
        reload("RESET fsync")
    assert "fsync is off: a power cut takes what was acknowledged. Remedy: fsync = on" in str(failed.value)
    assert "agents.name is not sorted by its bytes" in str(failed.value)


def test_a_server_that_becomes_less_than_it_must_be_is_said_to_be_so_while_it_serves(url, monkeypatch):
    monkeypatch.setattr("runline.store.postgres_checking.DEMANDS_EVERY_S", 0.01)

    async def main():
        said: asyncio.Queue[tuple[str, str, str | None, str]] = asyncio.Queue()

        def report(*words):
            said.put_nowait(words)

        # What its own setting is does not matter: sessions that commit have theirs.
        await asyncio.to_thread(asked, url, f"ALTER DATABASE {name} SET synchronous_commit = off")
        async with looked_after(report, url):
            assert await said.get() == ("store", "server", None, "")
            await asyncio.to_thread(reload, "SET fsync = off")
            try:
                while (last := await said.get())[2] is None:
                    pass
            finally:
                await asyncio.to_thread(reload, "RESET fsync")
            assert last[:3] == ("store", "server", "degraded")
            assert "fsync is off: a power cut takes what was acknowledged" in last[3]
            while (await said.get())[2] is not None:
                pass

    name = url.partition("@/")[2].partition("?")[0]
    play(main())


def test_a_session_commits_durably_whatever_the_databases_own_setting_is(url):
    name = url.partition("@/")[2].partition("?")[0]
    asked(url, f"ALTER DATABASE {name} SET synchronous_commit = off")
    target = PostgresTarget(url, "runline 77 committer", 77)
    try:
        assert target.run(target.run(target.connected()).fetchval("SHOW synchronous_commit")) == "on"
        (head,) = target.claim({"b1": None})
        assert target.commit(sealed(stretch(head)), TABLES) == frozenset()
    finally:
        target.abandon()


def test_who_cannot_sign_in_and_a_server_that_is_not_there_are_said(url, tmp_path, monkeypatch):
    monkeypatch.setattr("runline.store.postgres_connection.CONNECT_S_MAX", 0)
    with pytest.raises(StoreError, match=r'"runline_nowhere" does not exist .*Remedy: createdb ') as failed:
        PostgresStore(cluster().url("runline_nowhere"))
    assert failed.value.kind == "unreadable"
    there = rf"The database cannot be reached at {tmp_path}: no such file or directory. Remedy: start PostgreSQL"
    with pytest.raises(StoreError, match=there) as failed:
        PostgresStore(f"postgresql://runline@/none?host={tmp_path}")
    assert failed.value.kind == "transient"
    with pytest.raises(StoreError, match=r'role "nobody" does not exist .*Remedy: name a user of PostgreSQL') as failed:
        PostgresStore(url.replace("runline@", "nobody@"))
    assert failed.value.kind == "unreadable"


def test_a_wrong_password_is_said_and_never_shown(url):
    """And so is a user who may not make tables."""
    rules = cluster().folder / "data" / "pg_hba.conf"
    before = rules.read_text()
    rules.write_text(f"local all careful scram-sha-256\n{before}")
    try:
        cluster().ask("postgres", "CREATE ROLE careful LOGIN PASSWORD 'right'")
        cluster().ask("postgres", "SELECT pg_reload_conf()")
        with pytest.raises(StoreError, match=r"failed for user .*Remedy: give the password by PGPASSWORD") as failed:
            PostgresStore(url.replace("runline@", "careful:wrong@"))
        assert failed.value.kind == "unreadable"
        assert "wrong" not in str(failed.value)
        with pytest.raises(StoreError, match=r"permission denied .*Remedy: let the user of the address own"):
            PostgresStore(url.replace("runline@", "careful:right@"))
    finally:
        rules.write_text(before)
        cluster().ask("postgres", "DROP ROLE careful")
        cluster().ask("postgres", "SELECT pg_reload_conf()")


def test_a_host_that_says_nothing_and_one_that_only_follows_keep_nobody_from_the_one_that_takes_commits(
    url, open_one, monkeypatch
):
    """Each host is asked for as long as it may take, whatever the others do."""

    async def main():
        async with running(open_one()) as world:
            await world.open_house()
        silent = socket.create_server(("127.0.0.1", 0))
        with silent, cluster().standby() as standby:
            hosts = f"127.0.0.1,{standby.folder},{cluster().folder}"
            ports = f"{silent.getsockname()[1]},5432,5432"
            several = f"postgresql://runline@/{name}?host={quote(hosts, safe='')}&port={quote(ports, safe='')}"
            connection = await connect(several, "a test")
            assert await connection.fetchval("SELECT pg_is_in_recovery()") is False
            assert standby.ask(name, "SELECT pg_is_in_recovery()", writes=False) == [(True,)]
            await connection.close()
            monkeypatch.setattr("runline.store.postgres_connection.CONNECT_S_MAX", 0)
            monkeypatch.setattr("runline.store.postgres_connection.CONNECT_TRY_S_MAX", 0.3)
            hosts = f"127.0.0.1,{standby.folder}"
            several = f"postgresql://runline@/{name}?host={quote(hosts, safe='')}&port={ports[:-5]}"
            with pytest.raises(StoreError, match=r"it is a standby, or takes no commits") as failed:
                await connect(several, "a test")
            assert failed.value.kind == "transient"
            assert "does not answer in time" in str(failed.value)

    name = url.partition("@/")[2].partition("?")[0]
    play(main())


def test_how_a_server_lets_us_in_is_what_it_says_itself(url):
    rules = cluster().folder / "data" / "pg_hba.conf"
    before = rules.read_text()
    rules.write_text(f"local all careful scram-sha-256\nlocal all careless password\n{before}")
    cluster().ask("postgres", "SELECT pg_reload_conf()")
    try:
        for user, how in (("careful", "scram-sha-256"), ("careless", "password"), ("runline", "trust")):
            if how != "trust":
                cluster().ask("postgres", f"CREATE ROLE {user} LOGIN PASSWORD 'right'")

            async def found(user=user):
                connection = await connect(url.replace("runline@", f"{user}:right@"), "a test")
                try:
                    return await look_at(connection)
                finally:
                    await connection.close()

            server = asyncio.run(found())
            assert (server.let_in, server.near) == (how, True)
    finally:
        rules.write_text(before)
        cluster().ask("postgres", "DROP ROLE careful")
        cluster().ask("postgres", "DROP ROLE IF EXISTS careless")
        cluster().ask("postgres", "SELECT pg_reload_conf()")


def test_a_server_whose_database_is_away_ends_when_it_is_told_to(path):
    url = cluster().url(cluster().copy_of("template1", path))
    with server("--store", url, "--sample") as (child, address), Client(address) as client:
        client.sign_in("sample", "P1", PASSWORD)
        first = place(client)
        cluster().crash()
        try:
            child.terminate()
            assert child.wait() == 0
        finally:
            cluster().start()
    with server("--store", url) as (_, address), Client(address) as client:
        client.sign_in("sample", "P1", PASSWORD)
        assert [one["number"] for one in client.ask("wagers").items] == [first.position]


def test_an_engine_whose_database_is_away_refuses_what_comes_and_ends(open_one, url, impatient, monkeypatch):
    monkeypatch.setattr("runline.store.postgres_connection.CONNECT_S_MAX", 0.1)

    async def main():
        try:
            async with running(open_one()) as world:
                await world.open_house()
                await world.open_book("b1")
                accepted = await world.do("b1", wager())
                cluster().crash()
                assert (await world.refused("b1", wager())).code == "unavailable"
                assert "b1" in {one.subject for one in world.engine.conditions.failing}
        finally:
            # Who comes now waits until it has recovered.
            monkeypatch.undo()
            cluster().start()
        async with running(open_one()) as world:
            assert await world.read("b1", lambda book: list(book.tickets.by_number)) == [accepted.position]

    play(main())
