"""What a dead node has left at the server: its sessions are ended all together, each once, and waited for."""

import asyncio
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress

import pytest
from tests.doubles.coming import WAIT_S, comes_true
from tests.integration.postgresql import cluster
from tests.integration.test_postgresql import asked
from tests.integration.world import play

from runline.engine.ports import StoreError
from runline.store.limits import BACKEND_ENDS_MS
from runline.store.postgres_connection import connect
from runline.store.postgres_target import HOLDERS, PostgresTarget

SESSIONS = 8
OF_EACH = 3
"""How many heads each session of the dead node holds."""

OLD, NEW = "runline 77 committer", "runline 78 committer"

MOVE_ALL = "UPDATE heads SET seq = seq + 1 WHERE stream = ANY($1)"

ENDS_ONE = f"SELECT pid FROM pg_stat_activity WHERE application_name = '{NEW}' AND wait_event = 'BackendTermination'"


@pytest.fixture
def url(path):
    """The address of a database with Runline's tables."""
    return cluster().of(path)


@asynccontextmanager
async def a_target(url, name, number):
    """A committer's side, on a thread of its own: what does something with it there."""
    with ThreadPoolExecutor(1) as thread:
        loop = asyncio.get_running_loop()
        target = await loop.run_in_executor(thread, PostgresTarget, url, name, number)
        try:
            yield target, lambda work, *values: loop.run_in_executor(thread, work, *values)
        finally:
            await loop.run_in_executor(thread, target.abandon)


@asynccontextmanager
async def left_behind(url, sessions):
    """Sessions of a node that has died in the middle of its commits: (each with its streams, the processes of the server).
    Those processes stand still, and end when they go on."""
    async with a_target(url, OLD, 77) as (target, do):
        streams = [[f"b{number}-{one}" for one in range(OF_EACH)] for number in range(sessions)]
        await do(target.claim, {one: 0 for some in streams for one in some})
    found = []
    for some in streams:
        holder = await connect(url, OLD)
        await holder.execute("BEGIN")
        await holder.execute(MOVE_ALL, some)
        found.append((holder, some))
    processes = [holder.get_server_pid() for holder, _ in found]
    for process in processes:
        os.kill(process, signal.SIGSTOP)
    try:
        yield found, processes
    finally:
        for process in processes:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGCONT)
        for holder, _ in found:
            holder.terminate()


def test_sessions_that_do_not_end_are_each_ended_once_and_waited_for_together_no_longer_than_one(url):
    async def main():
        async with left_behind(url, SESSIONS) as (found, processes):
            streams = [one for _, some in found for one in some]
            ending = await connect(url, NEW)
            # One after the other they would take twice as long as that.
            await ending.execute(f"SET statement_timeout = {SESSIONS // 2 * BACKEND_ENDS_MS}")
            rows = await ending.fetch(HOLDERS, streams, BACKEND_ENDS_MS)
            assert sorted(row["pid"] for row in rows) == sorted(processes)
            # None of them is taken for gone that is not.
            assert [row[3] for row in rows] == [False] * SESSIONS
            for process in processes:
                os.kill(process, signal.SIGCONT)
            await comes_true(lambda: all(holder.is_closed() for holder, _ in found))
            assert await ending.fetch(HOLDERS, streams, BACKEND_ENDS_MS) == []
            await ending.close()

    play(main())


def test_who_takes_over_waits_until_the_sessions_that_it_ends_are_gone_and_finds_nothing_of_what_they_did(
    url, monkeypatch
):
    monkeypatch.setattr("runline.store.postgres_target.CLAIM_S_MAX", WAIT_S)

    async def main():
        async with left_behind(url, 2) as (found, processes), a_target(url, NEW, 78) as (target, do):
            seen = {one: 1 for _, some in found for one in some}
            claiming = do(target.claim, seen)
            async with asyncio.timeout(WAIT_S):
                while not await asyncio.to_thread(asked, url, ENDS_ONE):
                    assert not claiming.done()
            # One of them goes, and the other is waited for.
            os.kill(processes[0], signal.SIGCONT)
            await comes_true(found[0][0].is_closed)
            assert not claiming.done()
            os.kill(processes[1], signal.SIGCONT)
            heads = await claiming
            assert {head.stream: (head.epoch, head.seq) for head in heads} == dict.fromkeys(seen, (2, 0))
            await comes_true(found[1][0].is_closed)

    play(main())


def test_who_waits_too_long_for_a_session_to_end_says_which_it_is_and_claims_nothing(url, monkeypatch):
    monkeypatch.setattr("runline.store.postgres_target.CLAIM_S_MAX", 0.0)
    monkeypatch.setattr("runline.store.postgres_target.BACKEND_ENDS_MS", 10)

    async def main():
        async with left_behind(url, 1) as (found, [process]), a_target(url, NEW, 78) as (target, do):
            [(_, some)] = found
            with pytest.raises(StoreError, match=rf"is held by {OLD} \(process {process} of the server\)") as failed:
                await do(target.claim, dict.fromkeys(some, 1))
            assert failed.value.kind == "transient"
            epochs = await asyncio.to_thread(
                asked, url, "SELECT DISTINCT epoch FROM heads WHERE stream = ANY($1)", some
            )
            assert epochs == [(1,)]

    play(main())
