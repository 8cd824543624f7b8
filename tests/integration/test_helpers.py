"""Helper processes: they end with whoever started them, a hung one is replaced, and nobody's program is imported again."""

import asyncio
import os
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from tests.integration.served import PASSWORD, served
from tests.integration.stores import child_of
from tests.integration.world import agrees, play, running, wager

from runline.client import RefusedError
from runline.engine.ids import id_bytes
from runline.helpers import CallingHelper, HelperEnded
from runline.store.sqlite_process import SqliteProcessStore

pytestmark = pytest.mark.usefixtures("programs")

WAIT_S = 30

EMBEDS = """
import asyncio, os, signal, sys, time
from pathlib import Path

print("imported", flush=True)

from runline.bootstrap import outside, running_engine
from runline.bus.local import LocalBus
from runline.client import AsyncClient
from runline.domain.house import OpenBook
from runline.domain.messages import HOUSE
from runline.engine.requests import Request
from runline.gateway.server import listen, make_server
from runline.store.sqlite_process import SqliteProcessStore


async def main(path, then):
    async with running_engine(SqliteProcessStore(path)) as (engine, bus):
        server = make_server(bus, outside(engine.clock))
        with listen("127.0.0.1", 0) as listening:
            serving = asyncio.create_task(server.serve(sockets=[listening]))
            await bus.send_one(Request(HOUSE, bus.new_id(), "platform", OpenBook("b1", "owner")))
            await server.gateway.signing.set_first_password(HOUSE, "platform", "a long password")
            async with AsyncClient("http://%s:%d" % listening.getsockname()[:2]) as client:
                await client.sign_in(HOUSE, "platform", "a long password")
                page = await client.ask("log", type="BookOpened")
                print("history", len(page.items), flush=True)
            if then == "wait":
                await asyncio.Event().wait()
            server.should_exit = True
            await serving


asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
"""


@pytest.fixture
def program(tmp_path):
    """A program that embeds Runline with all its helpers, and has no guard of `__main__`."""
    file = tmp_path / "embeds.py"
    file.write_text(EMBEDS)
    return file


def test_a_program_that_embeds_runline_needs_no_guard(program, path):
    done = subprocess.run(
        [sys.executable, "-W", "error", program, path, "end"], capture_output=True, text=True, check=False, timeout=120
    )
    assert (done.stdout.split("\n"), done.stderr) == (["imported", "history 1", ""], "")
    agrees(path)


def children_of(pid):
    """The processes that a process has started."""
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def lives(pid):
    """Whether a process runs (a dead one that nobody has taken leave of does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def gone(pids):
    """Wait until these processes have ended."""
    for pid in pids:
        try:
            end = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        try:
            assert select.select([end], [], [], WAIT_S)[0], f"still there: {pid}"
        finally:
            os.close(end)


@pytest.mark.parametrize("stopped", [False, True])
def test_all_helpers_end_with_a_parent_that_is_killed_also_if_they_are_stopped(program, path, stopped):
    child = subprocess.Popen([sys.executable, program, path, "wait"], stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == "imported\n"
        assert child.stdout.readline() == "history 1\n"
        helpers = children_of(child.pid)
        assert len(helpers) >= 3
        if stopped:
            for pid in helpers:
                os.kill(pid, signal.SIGSTOP)
    finally:
        child.kill()
        child.communicate()
    gone(helpers)


def test_signals_to_a_server_and_all_its_helpers_do_not_end_these(path):
    """A terminal or a service manager sends its signals to all of them."""

    async def main():
        store = SqliteProcessStore(path)
        async with running(store) as world:
            await world.open_house()
            pid = child_of(store).pid
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1):
                os.kill(pid, number)
            await world.open_book("b1")
            assert child_of(store).pid == pid

    play(main())


@pytest.fixture
def quick(monkeypatch):
    """A committer is soon taken for hung."""
    monkeypatch.setattr("runline.store.committing.COMMITTER_SLOW_S", 0.5)
    monkeypatch.setattr("runline.store.committing.COMMITTER_SILENT_S_MAX", 1.5)


def test_a_committer_that_hangs_is_said_ended_and_replaced_and_its_batch_is_stored_once(path, quick, monkeypatch):
    said = []

    async def main():
        store = SqliteProcessStore(path)
        async with running(store) as world:
            note = world.engine.conditions.note

            def noted(*words):
                said.append(words)
                note(*words)

            monkeypatch.setattr(world.engine.conditions, "note", noted)
            await world.open_house()
            await world.open_book("b1")
            child = child_of(store)
            os.kill(child.pid, signal.SIGSTOP)
            outcome = await world.do("b1", wager())
            assert child_of(store).pid != child.pid
            assert not lives(child.pid)
            assert not world.engine.conditions.standing
            assert await world.read("b1", lambda book: len(book.tickets.by_number)) == 1
            assert outcome.position == world.engine.writers["b1"].durable_seq

    play(main())
    words = [(part, level, reason) for part, _, level, reason, _ in said]
    assert ("committer", "degraded", "The committer process has not answered for 0.5 s.") in words
    ended = "The committer process has not answered for 1.5 s; it is ended and replaced."
    assert ("committer", "failing", ended) in words
    agrees(path)


def test_a_batch_is_stored_however_long_it_takes_to_see_that_a_committer_hangs(path, quick, monkeypatch):
    monkeypatch.setattr("runline.engine.commit.COMMIT_RETRY_S_MAX", 0.1)

    async def main():
        store = SqliteProcessStore(path)
        async with running(store) as world:
            await world.open_house()
            await world.open_book("b1")
            os.kill(child_of(store).pid, signal.SIGSTOP)
            await world.do("b1", wager())

    play(main())
    agrees(path)


def test_a_committer_that_hangs_as_it_is_told_to_close_does_not_hold_the_stop_up(path, quick):
    async def main():
        store = SqliteProcessStore(path)
        async with running(store) as world:
            await world.open_house()
            child = child_of(store)
            os.kill(child.pid, signal.SIGSTOP)
        assert not lives(child.pid)

    play(main())
    agrees(path)


def test_a_helper_gives_back_what_a_function_returns_and_what_it_raises():
    async def main():
        helper = CallingHelper()
        assert await helper.call(sum, [1, 2, 3]) == 6
        with pytest.raises(ZeroDivisionError):
            await helper.call(divmod, 1, 0)
        assert await asyncio.gather(*(helper.call(abs, -number) for number in range(20))) == list(range(20))
        first = await helper.call(os.getpid)
        os.kill(first, signal.SIGKILL)
        with pytest.raises(HelperEnded):
            await helper.call(time.sleep, 5)
        assert await helper.call(os.getpid) != first
        helper.close()

    asyncio.run(main())


def test_a_helper_that_hangs_is_replaced():
    async def main():
        helper = CallingHelper(abs, -1, silent_s_max=3.0)
        first = await helper.call(os.getpid)
        os.kill(first, signal.SIGSTOP)
        with pytest.raises(HelperEnded):
            await helper.call(abs, -1)
        assert await helper.call(os.getpid) != first
        assert not lives(first)
        helper.close()

    asyncio.run(main())


def test_sign_in_and_history_go_on_once_a_helper_that_hangs_is_replaced(path, monkeypatch):
    monkeypatch.setattr("runline.gateway.passwords.WORKER_SILENT_S_MAX", 3.0)
    monkeypatch.setattr("runline.store.readers.READER_SILENT_S_MAX", 3.0)

    async def main():
        others = children_of(os.getpid())
        async with served(path) as place:
            await place.world.open_house()
            await place.world.open_book("b1")
            client = await place.sign_in("b1", "owner")
            await client.ask("log")
            helpers = {*children_of(os.getpid())} - {*others}
            assert len(helpers) >= 2
            for pid in helpers:
                os.kill(pid, signal.SIGSTOP)
            for _ in range(3):
                with suppress(RefusedError):
                    await client.ask("log")
            assert (await client.ask("log")).items
            with suppress(RefusedError):
                await place.client().sign_in("b1", "owner", PASSWORD)
            await place.client().sign_in("b1", "owner", PASSWORD)

    asyncio.run(main())


def test_a_helper_that_cannot_be_prepared_says_why():
    async def main():
        helper = CallingHelper(divmod, 1, 0)
        for _ in range(2):
            with pytest.raises(ZeroDivisionError):
                await helper.call(abs, 1)
        helper.close()

    asyncio.run(main())


def test_what_cannot_be_sent_back_is_told_in_words():
    async def main():
        helper = CallingHelper()
        with pytest.raises(RuntimeError, match="cannot be sent back"):
            await helper.call(id_bytes, "no id")
        helper.close()

    asyncio.run(main())


def test_who_waits_for_a_helper_that_is_closed_meanwhile_is_told():
    async def main():
        helper = CallingHelper(time.sleep, 60)
        calls = [asyncio.create_task(helper.call(abs, 1)) for _ in range(3)]
        await asyncio.sleep(0)
        helper.close()
        assert [type(error) for error in await asyncio.gather(*calls, return_exceptions=True)] == [HelperEnded] * 3
        busy = CallingHelper()
        assert await busy.call(abs, -1) == 1
        call = asyncio.create_task(busy.call(time.sleep, 60))
        await asyncio.sleep(0)
        busy.close()
        with pytest.raises(HelperEnded):
            await call
        with pytest.raises(HelperEnded):
            await busy.call(abs, 1)

    asyncio.run(main())
