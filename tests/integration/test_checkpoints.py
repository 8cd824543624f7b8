"""Checkpoints: the WAL is copied beside the writer, stays bounded, and a copying that fails harms nothing."""

import time
from contextlib import contextmanager

import apsw
import pytest

from runline.store.checkpoints import Checkpointer
from runline.store.sqlite import open_connection

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


def test_a_copying_that_fails_is_said_and_asked_for_again(file, monkeypatch, caplog):
    monkeypatch.setattr("runline.store.checkpoints.CHECKPOINT_PAGES", 100)
    with writing(file) as (write, checkpointer):
        checkpointer.beside.close()
        for number in range(ROWS):
            write(number)
        deadline = time.monotonic() + WAIT_S
        while "a checkpoint failed" not in caplog.text and time.monotonic() < deadline:
            time.sleep(0.001)
        assert "a checkpoint failed" in caplog.text
    assert rows(file) == (ROWS, ROWS * 3_000)


def test_what_was_being_copied_when_it_ends_is_whole(file, monkeypatch):
    monkeypatch.setattr("runline.store.checkpoints.CHECKPOINT_PAGES", 10)
    for turn in range(200):
        with writing(file) as (write, _):
            for number in range(12):
                write(turn * 12 + number)
    connection = apsw.Connection(str(file))
    assert connection.pragma("integrity_check") == "ok"
    connection.close()
    assert rows(file) == (2_400, 2_400 * 3_000)
