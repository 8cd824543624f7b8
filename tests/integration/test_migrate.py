"""Migrate: a house that moves is the same in its new database, or is not kept there."""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest
from tests.doubles.plain import VOCABULARY
from tests.integration.days import a_day, public_key
from tests.integration.kept import KeptFile, KeptInPostgres
from tests.integration.postgresql import cluster
from tests.integration.test_postgresql import place, server
from tests.integration.world import play, running, wager

from runline.client import Client
from runline.demo.sample import PASSWORD
from runline.engine.ports import StoreError
from runline.evaluate import migrate as moving
from runline.evaluate.terminal import AGREES, DIFFERS, UNREADABLE, migrate_database, verify_database
from runline.store.filled import tables_to_fill
from runline.store.mark import mark_path
from runline.store.postgres import PostgresStore
from runline.store.postgres_examined import session
from runline.store.sqlite import SqliteStore
from runline.store.statements import every_row
from runline.store.where import place_of

WAITING = "SELECT pid FROM pg_stat_activity WHERE application_name = 'runline copying' AND wait_event_type = 'Lock'"


@pytest.fixture
def source(day):
    """A file after a whole day."""
    return KeptFile(day)


@pytest.fixture
def target(tmp_path):
    """A database of PostgreSQL in which nothing is."""
    return KeptInPostgres(cluster().copy_of("template1", tmp_path / "target"))


def open_store(place):
    """A store over a database that is kept."""
    return PostgresStore(place) if isinstance(place, str) else SqliteStore(place)


def everything(kept):
    """All that is stored of a house and its books."""
    return {
        table.name: [
            tuple(int(value) if isinstance(value, bool) else value for value in row)
            for row in kept.find(every_row(table))
        ]
        for table in tables_to_fill(VOCABULARY)
        if table.name != "heads"
    }


async def goes_on(place):
    """The house is served from there, and a wager is taken."""
    async with running(open_store(place)) as world:
        assert not world.engine.conditions.standing
        done = await world.do("b2", wager("P1", 1_00, market="G3:game:moneyline"))
        assert await world.read("b2", lambda book: done.position in book.tickets.by_number)


def test_a_house_that_moves_to_postgresql_and_back_is_the_same_and_goes_on(source, target, tmp_path, capsys):
    assert migrate_database(source.place, target.place) == AGREES
    assert "Kept: every head and row is the same" in capsys.readouterr().out
    before = everything(source)
    assert everything(target) == before
    assert verify_database(target.place, None, None) == AGREES
    back = KeptFile(tmp_path / "back.db")
    assert migrate_database(target.place, back.place) == AGREES
    assert everything(back) == before
    for one in (target, back):
        play(goes_on(one.place))
        assert verify_database(one.place, None, None) == AGREES
    assert everything(source) == before


def test_what_is_copied_is_told_as_json_and_an_anchor_of_the_file_is_one_of_the_copy(settled_day, target, capsys):
    file = KeptFile(settled_day / "book.db")
    assert migrate_database(file.place, target.place, as_json=True) == AGREES
    told = msgspec.json.decode(capsys.readouterr().out)
    assert told["kept"]
    assert told["rows"]["events"] == file.one("SELECT count(*) FROM events") == sum(told["streams"].values())
    assert told["digests"].keys() == told["rows"].keys()
    assert verify_database(target.place, settled_day / "anchor", public_key(settled_day)) == AGREES


def test_a_copy_is_another_log(source, target):
    """So that nobody goes on in it from a position of the one before, which may have gone on as well."""
    assert migrate_database(source.place, target.place) == AGREES
    of_file = source.one("SELECT log FROM openings ORDER BY number DESC LIMIT 1")
    opening = target.find("SELECT log, closed FROM openings")
    assert opening[0][0] not in ("", of_file)
    assert opening[0][1]


# What is refused


def test_a_file_that_is_served_is_not_copied(source, target, capsys, monkeypatch):
    monkeypatch.setattr("runline.store.file.LOCK_WAIT_S", 0.0)
    store = SqliteStore(source.place)
    try:
        assert migrate_database(source.place, target.place) == UNREADABLE
        assert "is in use by another Runline" in capsys.readouterr().err
    finally:
        store.abandon()


def test_a_file_that_has_lost_what_was_durable_is_not_copied(source, target, tmp_path, capsys):
    async def main():
        store = SqliteStore(source.place)
        async with running(store) as world:
            await world.do("b2", wager("P1", 1_00, market="G3:game:moneyline"))
            # What somebody takes away without its write-ahead log and its mark.
            (tmp_path / "taken.db").write_bytes(source.place.read_bytes())

    play(main())
    assert migrate_database(tmp_path / "taken.db", target.place) == UNREADABLE
    assert "taken.db.mark, which says how far it was durable, is missing" in capsys.readouterr().err


def test_a_database_of_postgresql_that_is_served_is_not_copied_and_none_is_copied_into_it(
    source, target, tmp_path, capsys
):
    async def main():
        store = PostgresStore(target.place)
        await store.claim("house")
        assert migrate_beside(target.place, tmp_path / "copy.db") == UNREADABLE
        assert "is being served (runline 1 committer)" in capsys.readouterr().err
        assert migrate_beside(source.place, target.place) == UNREADABLE
        assert "is being served" in capsys.readouterr().err
        await store.close("n1", 1, 0)

    def migrate_beside(one, other):
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(migrate_database, one, other).result()

    play(main())


def test_a_target_that_is_not_empty_is_left_as_it_is(source, target, tmp_path, capsys):
    assert migrate_database(source.place, target.place) == AGREES
    before = everything(target)
    assert migrate_database(source.place, target.place) == UNREADABLE
    assert "The target is not empty: events has rows" in capsys.readouterr().err
    assert everything(target) == before
    assert migrate_database(source.place, source.place) == UNREADABLE
    assert migrate_database(target.place, target.place) == UNREADABLE
    recipes = KeptInPostgres(cluster().copy_of("template1", tmp_path / "recipes"))
    recipes.edit("CREATE TABLE recipes (name TEXT)")
    assert migrate_database(source.place, recipes.place) == UNREADABLE
    assert "a database of another program" in capsys.readouterr().err


def test_a_mark_of_a_file_that_was_there_is_in_the_way(source, tmp_path, capsys):
    new = tmp_path / "new.db"
    mark_path(new).write_bytes(mark_path(source.place).read_bytes())
    assert migrate_database(source.place, new) == UNREADABLE
    assert "new.db.mark is of a database that was there. Remedy: name another file" in capsys.readouterr().err
    assert not new.exists()


def test_a_source_of_another_schema_or_none_is_refused(source, target, tmp_path, capsys):
    assert migrate_database(tmp_path / "nothing.db", target.place) == UNREADABLE
    assert "There is no database" in capsys.readouterr().err
    source.edit("UPDATE alembic_version SET version_num = '0001'")
    assert migrate_database(source.place, target.place) == UNREADABLE
    assert "has schema 0001, this Runline has" in capsys.readouterr().err


def test_a_source_whose_head_moves_meanwhile_is_not_kept(target, tmp_path, capsys, monkeypatch):
    """Somebody has begun to serve it all the same."""
    url = cluster().url(name := cluster().copy_of("template1", tmp_path / "moves"))
    a_day(lambda: PostgresStore(url))
    copy = moving.copy

    def copied(*words):
        found = copy(*words)
        cluster().ask(name, "UPDATE heads SET epoch = epoch + 1 WHERE stream = 'b1'")
        return found

    monkeypatch.setattr(moving, "copy", copied)
    assert migrate_database(url, target.place) == UNREADABLE
    assert "begun to serve the source while it was copied" in capsys.readouterr().err
    refused(target)


# What is not kept


def refused(target):
    """Nobody serves a database that a copy has not filled, and nothing of the copy is in it."""
    with pytest.raises(
        StoreError, match=r"A copy into it has not ended. Remedy: run that `runline migrate` again"
    ) as found:
        open_store(target.place)
    assert found.value.kind == "unreadable"
    assert verify_database(target.place, None, None) == UNREADABLE
    assert not any(everything(target).values())


def test_a_copy_whose_process_is_killed_is_not_served_until_it_is_copied_anew(source, target):
    # So that there is a table at which it can be held up.
    PostgresStore(target.place).abandon()
    command = [sys.executable, "-m", "runline", "migrate", "--from", f"sqlite://{source.place}", "--to", target.place]
    with session(target.place, "a test", writes=True) as (run, connection):
        run(connection.execute("BEGIN; LOCK TABLE players IN EXCLUSIVE MODE"))
        child = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        while not target.find(WAITING):
            assert child.poll() is None
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
    refused(target)
    while migrate_database(source.place, target.place) != AGREES:
        pass  # The server has not noticed yet that the other one has gone.
    play(goes_on(target.place))


@pytest.mark.parametrize("kind", ["postgresql", "file"])
def test_a_copy_of_what_its_log_does_not_make_is_not_kept(source, target, kind, tmp_path, capsys):
    new = target if kind == "postgresql" else KeptFile(tmp_path / "new.db")
    source.edit("UPDATE players SET balance_minor = balance_minor + 1 WHERE number = 'P1'")
    assert migrate_database(source.place, new.place) == DIFFERS
    said = capsys.readouterr().out
    assert "players b1 P1: balance_minor is" in said
    assert "NOT kept: " in said
    refused(new)


def test_a_text_that_postgresql_does_not_have_is_named_with_its_table(source, target, capsys):
    source.edit("UPDATE roles SET name = ? WHERE name = 'clerk'", "cle\0rk")
    assert migrate_database(source.place, target.place) == UNREADABLE
    assert "roles cannot be copied: " in capsys.readouterr().err
    refused(target)


def test_a_file_is_named_by_its_path_or_as_an_address():
    assert place_of("sqlite:///var/lib/book.db") == Path("/var/lib/book.db")
    assert place_of("book.db") == Path("book.db")
    assert place_of("postgresql://runline@/book") == "postgresql://runline@/book"


def test_a_server_goes_on_in_postgresql_where_that_of_a_file_has_stopped(target, path):
    with server("--database", str(path), "--sample") as (child, address), Client(address, deadline_s=5) as client:
        client.sign_in("sample", "P1", PASSWORD)
        first = place(client)
        child.terminate()
        child.wait()
    assert migrate_database(path, target.place) == AGREES
    with server("--store", target.place) as (_, address), Client(address, deadline_s=5) as client:
        client.sign_in("sample", "P1", PASSWORD)
        second = place(client)
        assert [one["number"] for one in client.ask("wagers").items] == [second.position, first.position]
    assert verify_database(target.place, None, None) == AGREES
