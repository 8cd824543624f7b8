"""Checkpoints: the WAL is copied beside the writer, stays bounded, and a copying that fails harms nothing."""

import asyncio
import logging
import threading
import time
from contextlib import contextmanager

import apsw
import pytest
from tests.integration.world import agrees, play, running, wager

from runline.engine.ports import StoreError
from runline.evaluate.verify import verify
from runline.store.checkpoints import Checkpointer
from runline.store.file import open_connection, snapshot
from runline.store.sqlite import SqliteStore

PAGE = 4_096
ROWS = 2_000
WAIT_S = 30.0


@pytest.fixture
def file(tmp_path):
    connection = open_connection(tmp_path / "one.db", writing=True)
    connection.execute("CREATE TABLE rows (number INTEGER PRIMARY KEY, body BLOB)")
    connection.close()
    return tmp_path / "one.db"


@contextmanager
def writing(file):
    """A writer of rows and its checkpointer; each call of what it yields is one commit."""
    connection = open_connection(file, writing=True)
    checkpointer = Checkpointer(connection, open_connection(file, writing=True))

    def write(number):
        connection.execute("INSERT INTO rows VALUES (?, zeroblob(3000))", (number,))
        checkpointer.after_commit()

    try:
        yield write, checkpointer
    finally:
        checkpointer.close()
        connection.close()


def wal_pages(file):
    wal = file.with_name(file.name + "-wal")
    return wal.stat().st_size // PAGE


def rows(file):
    connection = open_connection(file, writing=False)
    try:
        return connection.execute("SELECT count(*), sum(length(body)) FROM rows").get
    finally:
        connection.close()


def test_the_wal_is_copied_while_the_writer_goes_on_and_begins_anew(file, monkeypatch):
    monkeypatch.setattr("runline.store.checkpoints.CHECKPOINT_PAGES", 100)
    with writing(file) as (write, checkpointer):
        deadline = time.monotonic() + WAIT_S
        number = begun_anew = before = 0
        while begun_anew < 3 and time.monotonic() < deadline:
            number += 1
            write(number)
            begun_anew += checkpointer.pages < before
            before = checkpointer.pages
        assert begun_anew == 3
    assert rows(file) == (number, number * 3_000)


def test_without_the_thread_the_writer_keeps_the_wal_bounded(file, monkeypatch):
    monkeypatch.setattr("runline.store.checkpoints.CHECKPOINT_PAGES", 10**9)
    monkeypatch.setattr("runline.store.checkpoints.WAL_PAGES_MAX", 200)
    with writing(file) as (write, _):
        for number in range(ROWS):
            write(number)
        assert wal_pages(file) < 250
    assert rows(file) == (ROWS, ROWS * 3_000)


def test_a_reader_of_long_ago_holds_the_copying_up_and_no_commit(file, monkeypatch):
    monkeypatch.setattr("runline.store.checkpoints.CHECKPOINT_PAGES", 100)
    with writing(file) as (write, checkpointer):
        write(-1)
        reader = open_connection(file, writing=False)
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM rows").get == 1
        for number in range(ROWS):
            write(number)
        assert checkpointer.pages > ROWS // 2
        assert reader.execute("SELECT count(*) FROM rows").get == 1
        reader.close()
        deadline = time.monotonic() + WAIT_S
        number, before = ROWS, checkpointer.pages
        while checkpointer.pages >= before and time.monotonic() < deadline:
            write(number)
            number += 1
        assert checkpointer.pages < before


class Heard(logging.Handler):
    """Waits for a line of the log."""

    def __init__(self, words):
        super().__init__()
        self.words = words
        self.heard = threading.Event()

    def emit(self, record):
        if self.words in record.getMessage():
            self.heard.set()


def test_a_copying_that_fails_is_said_and_asked_for_again(file, monkeypatch):
    monkeypatch.setattr("runline.store.checkpoints.CHECKPOINT_PAGES", 100)
    with writing(file) as (write, checkpointer):
        said = Heard("a checkpoint failed")
        logging.getLogger("runline.store").addHandler(said)
        checkpointer.beside.close()
        for number in range(ROWS):
            write(number)
        assert said.heard.wait(WAIT_S)
        logging.getLogger("runline.store").removeHandler(said)
    assert rows(file) == (ROWS, ROWS * 3_000)


def test_what_was_being_copied_when_it_ends_is_whole(file, monkeypatch):
    monkeypatch.setattr("runline.store.checkpoints.CHECKPOINT_PAGES", 10)
    for turn in range(200):
        with writing(file) as (write, _):
            for number in range(12):
                write(turn * 12 + number)
    connection = open_connection(file, writing=False)
    assert connection.pragma("integrity_check") == "ok"
    connection.close()
    assert rows(file) == (2_400, 2_400 * 3_000)


def test_what_cannot_be_copied_is_not_tried_at_every_commit(file, monkeypatch):
    monkeypatch.setattr("runline.store.checkpoints.CHECKPOINT_PAGES", 100)
    monkeypatch.setattr("runline.store.checkpoints.WAL_PAGES_MAX", 300)
    with writing(file) as (write, checkpointer):
        write(-1)
        reader = open_connection(file, writing=False)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM rows").fetchall()
        tries = []
        copy = checkpointer.copy

        def counted(connection):
            tries.append(connection)
            return copy(connection)

        monkeypatch.setattr(checkpointer, "copy", counted)
        for number in range(ROWS):
            write(number)
        assert checkpointer.overgrown_pages == checkpointer.pages > ROWS // 2
        # Each hundred pages: a try of the thread, perhaps two, and one of the writer.
        assert len(tries) <= 4 * (checkpointer.pages // 100 + 1)
        reader.close()
        number = ROWS
        deadline = time.monotonic() + WAIT_S
        while checkpointer.overgrown_pages and time.monotonic() < deadline:
            write(number)
            number += 1
        assert not checkpointer.overgrown_pages
        assert checkpointer.wanted_at == 100


def test_a_reader_of_ours_lets_go_of_what_it_looks_at_before_the_wal_grows_beyond_its_bound(file, monkeypatch):
    monkeypatch.setattr("runline.store.file.SNAPSHOT_WAL_BYTES_MAX", 400 * PAGE)
    monkeypatch.setattr("runline.store.file.OPCODES_BETWEEN_LOOKS", 1_000)
    with writing(file) as (write, checkpointer):
        for number in range(50):
            write(number)
        reader = open_connection(file, writing=False)

        def look_for_long():
            count = "SELECT count(*) FROM rows a, rows b, rows c, rows d, rows e WHERE a.number + b.number > c.number"
            with snapshot(reader, file) as too_old:
                assert reader.execute("SELECT count(*) FROM rows").get == 50
                assert not too_old()
                for number in range(50, ROWS):
                    write(number)
                assert too_old()
                reader.execute(count).fetchall()

        with pytest.raises(StoreError, match="Reading was ended: the write-ahead log has grown") as ended:
            look_for_long()
        assert ended.value.kind == "transient"
        number, before = ROWS, checkpointer.pages
        deadline = time.monotonic() + WAIT_S
        while checkpointer.pages >= before and time.monotonic() < deadline:
            write(number)
            number += 1
        assert checkpointer.pages < before
        with snapshot(reader, file):
            assert reader.execute("SELECT count(*) FROM rows").get == number
        reader.close()


def test_the_wals_file_is_cut_back_once_nobody_holds_it_up_any_more(file, monkeypatch):
    monkeypatch.setattr("runline.store.checkpoints.CHECKPOINT_PAGES", 100)
    monkeypatch.setattr("runline.store.file.WAL_KEPT_BYTES", 300 * PAGE)
    with writing(file) as (write, _):
        write(-1)
        reader = open_connection(file, writing=False)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM rows").fetchall()
        for number in range(ROWS):
            write(number)
        assert wal_pages(file) > ROWS
        reader.close()
        deadline = time.monotonic() + WAIT_S
        number = ROWS
        while wal_pages(file) > 310 and time.monotonic() < deadline:
            write(number)
            number += 1
        assert wal_pages(file) <= 310


def test_a_wal_that_is_held_up_is_said_until_it_begins_anew(path, monkeypatch):
    monkeypatch.setattr("runline.store.checkpoints.CHECKPOINT_PAGES", 50)
    monkeypatch.setattr("runline.store.checkpoints.WAL_PAGES_MAX", 100)

    async def main():
        async with running(SqliteStore(path)) as world:
            await world.open_house()
            await world.open_book("b1", credit_minor=10**12)
            reader = open_connection(path, writing=False)
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM heads").fetchall()
            standing = world.engine.conditions.standing
            while ("store", "wal") not in standing:
                await world.do("b1", wager())
            assert standing["store", "wal"].level == "degraded"
            assert "does not let go of it" in standing["store", "wal"].reason
            reader.close()
            while standing:
                await world.do("b1", wager())

    play(main())
    agrees(path)


def test_verifying_while_the_engine_goes_on_holds_no_old_state_while_it_folds_the_log(path, committed, monkeypatch):
    """Between two parts of the log the engine goes on, and nothing keeps its WAL from beginning anew."""
    monkeypatch.setattr("runline.evaluate.replay.READ_EVENTS", 10)

    async def main():
        async with running(committed()) as world:
            await world.open_house()
            await world.open_book("b1", credit_minor=10**12)
            for _ in range(40):
                await world.do("b1", wager())
            loop = asyncio.get_running_loop()
            free = []

            def progress(done, total):
                if done < total:
                    asyncio.run_coroutine_threadsafe(world.do("b1", wager()), loop).result(WAIT_S)
                    checking = open_connection(path, writing=True)
                    free.append(checking.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_RESTART))
                    checking.close()

            report = await asyncio.to_thread(verify, path, None, progress)
            assert report.differences == []
            assert len(free) > 3
            assert all(pages == copied for pages, copied in free)
            assert report.streams["b1"] > 40

    play(main())
    agrees(path)
