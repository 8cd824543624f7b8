"""Verify, anchor, trace: whatever was changed behind the engine's back is found, and every command's way can be told."""

import subprocess
import sys
from contextlib import closing
from pathlib import Path
from shutil import copytree
from typing import Any

import apsw
import msgspec
import pytest
from tests.doubles.plain import VOCABULARY
from tests.integration.days import a_day, a_settled_day, public_key
from tests.integration.kept import KeptFile, KeptInPostgres
from tests.integration.postgresql import cluster

from runline.engine.ids import id_text
from runline.evaluate.anchor import make_anchor, signing_key
from runline.evaluate.comparing import DIFFERENCES_MAX
from runline.evaluate.terminal import (
    AGREES,
    DIFFERS,
    UNREADABLE,
    anchor_database,
    key_path,
    public_key_path,
    trace_command,
    verify_database,
)
from runline.evaluate.trace import STEPS
from runline.evaluate.verify import verify
from runline.store.file import open_connection
from runline.store.postgres import PostgresStore
from runline.store.schema_change import migrate
from runline.store.tables import tables_of

UNUSED = {
    "archived_fixtures", "cluster_wishes", "credentials", "feeds", "jobs", "sessions", "set_aside", "settlements", "slownesses",
    "ticket_games",
}  # fmt: skip
"""Tables that are empty at the day's end: nobody has signed in, there are no nodes, no feed is watched, nothing is slow, no
game is over for long, all work is done, nothing was set aside, and no ticket is of several games."""


def edit(path, *statements):
    with closing(apsw.Connection(str(path))) as connection:
        for sql in statements:
            connection.execute(sql)


def one(path, sql):
    return KeptFile(path).one(sql)


STORES = ("file", "postgresql")


@pytest.fixture(scope="session")
def day_in_postgresql():
    """The name of a database after a whole day."""
    url = cluster().empty("a_day")
    a_day(lambda: PostgresStore(url))
    return "a_day"


@pytest.fixture(scope="session")
def settled_day_in_postgresql(tmp_path_factory):
    """The name of a database with a fixture settled and play after it, and the folder of an anchor that was taken between."""
    folder, url = tmp_path_factory.mktemp("settled-pg"), cluster().empty("a_settled_day")
    a_settled_day(lambda: PostgresStore(url), url, folder)
    return "a_settled_day", folder


@pytest.fixture(params=STORES)
def kept(request, path):
    """A database of each kind after a whole day, to do anything to."""
    if request.param == "file":
        return KeptFile(request.getfixturevalue("day"))
    return KeptInPostgres(cluster().copy_of(request.getfixturevalue("day_in_postgresql"), path))


@pytest.fixture(params=STORES)
def settled(request, path):
    """A database of each kind with a fixture settled, and a folder with an anchor that was taken then and its key."""
    if request.param == "file":
        folder = request.getfixturevalue("settled_day")
        return KeptFile(folder / "book.db"), folder
    name, folder = request.getfixturevalue("settled_day_in_postgresql")
    return KeptInPostgres(cluster().copy_of(name, path)), copytree(folder, path.with_name("settled-pg"))


def differences(place):
    assert verify_database(place, None, None) == DIFFERS
    return verify(place).differences


def test_what_nobody_has_touched_is_verified(kept, capsys):
    assert verify_database(kept.place, None, None) == AGREES
    said = capsys.readouterr().out
    assert "Verified: log = tables = chain." in said
    report = verify(kept.place)
    assert sum(report.streams.values()) == kept.one("SELECT count(*) FROM events")
    assert {name for name, rows in report.rows.items() if not rows} == UNUSED


def tables_in(found):
    """The tables that differences are about."""
    return {difference.partition(" ")[0] for difference in found}


def test_a_row_that_is_changed_or_gone_is_found_in_every_table(kept):
    tables = set(VOCABULARY.rows) - UNUSED
    for table in tables:
        least = kept.one(f"SELECT min(changed_seq) FROM {table}")
        kept.edit(f"UPDATE {table} SET changed_seq = changed_seq + 1000000 WHERE changed_seq = {least}")
    found = differences(kept.place)
    assert tables_in(found) == tables
    assert all("changed_seq is" in difference for difference in found)
    for table in tables:
        kept.edit(f"DELETE FROM {table}")
    found = differences(kept.place)
    assert tables_in(found) - {f"{table}:" for table in tables} == tables
    assert all(
        "the log has this row, the table does not" in one for one in found if not one.endswith("more rows differ")
    )


def test_a_row_that_the_log_does_not_know_is_found_in_every_table(kept):
    kinds: dict[str, Any] = {"integer": 7, "boolean": True}
    for table in VOCABULARY.rows:
        columns = tables_of(VOCABULARY).by_name[table].columns
        values = ["b1", *(kinds.get(column.kind, "made up") for column in columns[1:])]
        kept.edit(f"INSERT INTO {table} VALUES ({', '.join('?' * len(values))})", *values)
    found = differences(kept.place)
    assert tables_in(found) == set(VOCABULARY.rows)
    assert len(found) == len(VOCABULARY.rows)
    assert all(one.endswith("the table has this row, the log does not") for one in found)


def test_no_more_than_some_differences_of_a_table_are_named(kept):
    kept.edit("UPDATE tickets SET risk_minor = risk_minor + 1")
    found = differences(kept.place)
    assert len(found) == DIFFERENCES_MAX + 1
    assert found[-1] == "tickets: more rows differ"


OF_THE_30TH = " WHERE stream = 'b1' AND seq = 30"

TAMPERED = {
    "an event changed": (
        "UPDATE events SET body = ?" + OF_THE_30TH,
        (lambda kept: kept.one("SELECT body FROM events" + OF_THE_30TH).replace(b'"', b"'"),),
        "b1 #30: the hash does not follow from the bytes",
    ),
    "an event gone": ("DELETE FROM events" + OF_THE_30TH, (), "b1: position 30 is missing"),
    "the last event gone": (
        "DELETE FROM events WHERE stream = 'b1' AND seq = (SELECT seq FROM heads WHERE stream = 'b1')",
        (),
        "b1: the log ends at",
    ),
    "an event beyond the head": (
        "INSERT INTO events SELECT stream, seq + 1, command, digest, body, hash FROM events WHERE stream = 'b1' "
        "ORDER BY seq DESC LIMIT 1",
        (),
        "b1: 1 events lie beyond the head",
    ),
    "another digest": (
        "UPDATE events SET digest = ?" + OF_THE_30TH,
        (lambda kept: b"\0",),
        "b1 #30: the columns differ from the envelope",
    ),
    "another command": (
        "UPDATE events SET command = ?" + OF_THE_30TH,
        (lambda kept: bytes(16),),
        "b1 #30: the columns differ from the envelope",
    ),
    "another hash of the head": (
        "UPDATE heads SET hash = ? WHERE stream = 'b2'",
        (lambda kept: bytes(32),),
        "b2: the head's hash is not that of the last event",
    ),
    "another time of the head": (
        "UPDATE heads SET at_ns = at_ns + 1 WHERE stream = 'b2'",
        (),
        "b2: the head's time is not that of the last event",
    ),
    "another count of the head": (
        "UPDATE heads SET held_sum = held_sum + 1 WHERE stream = 'b2'",
        (),
        "b2: the head counts other rows in memory than there are",
    ),
    "a head gone": ("DELETE FROM heads WHERE stream = 'b2'", (), "b2: there are events, but no head"),
}


@pytest.mark.parametrize("what", TAMPERED)
def test_a_log_that_was_tampered_with_is_told_apart(kept, what):
    sql, values, expected = TAMPERED[what]
    kept.edit(sql, *(value(kept) for value in values))
    assert any(found.startswith(expected) for found in differences(kept.place))


def test_an_event_of_another_kind_of_value_is_told_apart(day):
    edit(day, f"UPDATE events SET body = CAST(body AS TEXT){OF_THE_30TH}")
    assert any(found.startswith("b1 #30: the columns are not of their kind") for found in differences(day))


def test_a_log_that_is_cut_back_with_its_head_no_longer_makes_the_tables(kept):
    kept.edit("DELETE FROM events WHERE stream = 'b1' AND seq > 60")
    kept.edit(
        "UPDATE heads SET seq = 60, hash = (SELECT hash FROM events WHERE stream = 'b1' AND seq = 60) WHERE stream = 'b1'"
    )
    assert any("the table has this row, the log does not" in found for found in differences(kept.place))


# From an anchor


def test_a_database_is_verified_from_an_anchor(settled, capsys):
    database, folder = settled
    assert verify_database(database.place, folder / "anchor", public_key(folder)) == AGREES
    assert "from the anchor" in capsys.readouterr().out
    assert verify_database(database.place, None, None) == AGREES


def test_from_an_anchor_only_what_came_after_it_is_replayed_and_all_rows_are_compared(settled):
    database, folder = settled
    body = database.one("SELECT body FROM events WHERE stream = 'b1' AND seq = 5")
    database.edit("UPDATE events SET body = ? WHERE stream = 'b1' AND seq = 5", body + b" ")
    assert verify_database(database.place, None, None) == DIFFERS
    assert verify_database(database.place, folder / "anchor", public_key(folder)) == AGREES
    database.edit("UPDATE players SET credit_limit_minor = 1 WHERE stream = 'b1' AND number = 'P1'")
    assert verify_database(database.place, folder / "anchor", public_key(folder)) == DIFFERS


def test_an_anchor_shows_that_an_older_copy_was_put_back(settled):
    """Log, heads and tables of it agree: only what was kept elsewhere knows more."""
    database, folder = settled
    for table in ("events", "heads", *VOCABULARY.rows):
        database.edit(f"DELETE FROM {table} WHERE stream = 'b1'")
    assert verify_database(database.place, None, None) == AGREES
    assert verify_database(database.place, folder / "anchor", public_key(folder)) == DIFFERS


def test_an_anchor_is_of_no_engine(settled, path):
    """Of the same day it holds the same, whichever database it was taken from."""
    database, folder = settled
    assert make_anchor(
        database.place, path.with_name("again"), signing_key(folder / "book.db.key"), 1, VOCABULARY
    ).digests.keys() == set(VOCABULARY.rows)
    assert verify_database(database.place, path.with_name("again"), public_key(folder)) == AGREES


@pytest.mark.parametrize("what", ["statement", "signature", "tables", "key", "gone"])
def test_an_anchor_that_was_tampered_with_is_not_believed(settled_day, what, tmp_path):
    database, anchor = settled_day / "book.db", settled_day / "anchor"
    key = public_key(settled_day)
    statement = anchor / "anchor.json"
    signed = msgspec.json.decode(statement.read_bytes())
    if what == "tables":
        edit(anchor / "tables.sqlite", "UPDATE players SET credit_limit_minor = 1 WHERE number = 'P1'")
    elif what == "key":
        key = signing_key(tmp_path / "other.key").public_key().public_bytes_raw().hex()
    elif what == "gone":
        statement.unlink()
    else:
        text = signed[what]
        signed[what] = text[:-2] + ("00" if text[-2:] != "00" else "11")
        statement.write_bytes(msgspec.json.encode(signed))
    assert verify_database(database, anchor, key) == UNREADABLE


def test_a_key_has_a_file_of_its_own_where_nothing_lies_beside_the_database(settled, path, capsys):
    database, folder = settled
    key = path.with_name("a.key")
    assert anchor_database(database.place, path.with_name("signed"), key, as_json=True) == AGREES
    public = msgspec.json.decode(capsys.readouterr().out)["public_key"]
    assert public_key_path(key).read_text().strip() == public
    assert verify_database(database.place, path.with_name("signed"), public) == AGREES
    if isinstance(database, KeptInPostgres):
        assert anchor_database(database.place, path.with_name("unsigned")) == UNREADABLE
        assert "Name its file with --key" in capsys.readouterr().err
        assert verify_database(database.place, folder / "anchor", None) == UNREADABLE
        assert "--public-key" in capsys.readouterr().err


def test_an_anchor_of_another_database_differs(settled_day, day, tmp_path):
    key = signing_key(tmp_path / "key")
    make_anchor(day, tmp_path / "anchor", key, 1, VOCABULARY)
    other = key.public_key().public_bytes_raw().hex()
    assert verify_database(settled_day / "book.db", tmp_path / "anchor", other) == DIFFERS


# What cannot be read


def test_what_is_no_database_of_this_runline_cannot_be_read(day, tmp_path):
    assert verify_database(tmp_path / "nothing.db", None, None) == UNREADABLE
    edit(tmp_path / "other.db", "CREATE TABLE things (name)")
    assert verify_database(tmp_path / "other.db", None, None) == UNREADABLE
    edit(day, "UPDATE alembic_version SET version_num = '9999'")
    assert verify_database(day, None, None) == UNREADABLE


def test_what_is_no_database_of_this_runline_cannot_be_read_from_postgresql_either(capsys):
    name = cluster().copy_of("template1", Path("nothing"))
    for sql in (
        "SELECT 1",
        "CREATE TABLE alembic_version (version_num TEXT)",
        "INSERT INTO alembic_version VALUES ('9999')",
    ):
        cluster().ask(name, sql)
        assert verify_database(cluster().url(name), None, None) == UNREADABLE
        assert capsys.readouterr().err.startswith("runline: cannot verify: The database ")
    assert verify_database(cluster().url("runline_nowhere"), None, None) == UNREADABLE
    assert "runline_nowhere" in capsys.readouterr().err


def test_an_empty_database_agrees(tmp_path):
    path = tmp_path / "new.db"
    connection = open_connection(path, writing=True)
    migrate(connection, path)
    connection.close()
    assert verify_database(path, None, None) == AGREES


# The way of a command


def test_the_way_of_a_command_is_told_step_by_step(kept, capsys):
    command = kept.one("SELECT command FROM events WHERE stream = 'b1' AND seq = 40")
    assert trace_command(kept.place, id_text(command)) == AGREES
    said = capsys.readouterr().out
    lines = said.splitlines()
    assert lines[1].startswith("#40 ")
    assert [line.split("  ")[0] for line in lines[-5:]] == list(STEPS)
    assert said.count(" ms") == 5


def test_the_way_of_a_command_is_told_as_json(day, capsys):
    command = id_text(one(day, "SELECT command FROM events WHERE stream = 'b1' AND seq = 40"))
    assert trace_command(day, command, as_json=True) == AGREES
    found = msgspec.json.decode(capsys.readouterr().out)
    assert (found["command"], found["stream"], found["events"][0][0]) == (command, "b1", 40)
    assert found["received_ns"] <= found["decided_ns"] <= found["durable_ns"]
    assert trace_command(day, "01890a5d-ac96-7b7c-8000-000000000000", as_json=True) == DIFFERS
    assert msgspec.json.decode(capsys.readouterr().out) is None


def test_what_was_verified_is_told_as_json_with_every_difference(day, capsys):
    assert verify_database(day, None, None, as_json=True) == AGREES
    found = msgspec.json.decode(capsys.readouterr().out)
    assert (found["verified"], found["from"], found["differences"]) == (True, None, [])
    assert found["streams"].keys() == {"house", "b1", "b2"}
    edit(day, "UPDATE players SET balance_minor = balance_minor + 1 WHERE number = 'P1'")
    assert verify_database(day, None, None, as_json=True) == DIFFERS
    found = msgspec.json.decode(capsys.readouterr().out)
    assert not found["verified"]
    assert "players" in found["differences"][0]


def test_an_anchor_is_told_as_json_and_what_stands_in_its_way_is_named(day, tmp_path, capsys):
    assert anchor_database(day, tmp_path / "anchor", as_json=True) == AGREES
    found = msgspec.json.decode(capsys.readouterr().out)
    assert found["public_key"] == public_key(day.parent)
    assert found["heads"].keys() == {"house", "b1", "b2"}
    assert anchor_database(day, tmp_path / "anchor") == UNREADABLE
    assert "an anchor needs a new folder" in capsys.readouterr().err
    public_key_path(key_path(day)).unlink()
    assert verify_database(day, tmp_path / "anchor", None) == UNREADABLE
    assert "--public-key" in capsys.readouterr().err


def test_a_refused_command_is_told_with_its_reason(kept, capsys):
    command = kept.one("SELECT first_id FROM refusals WHERE stream = 'b1'")
    code = kept.one("SELECT code FROM refusals WHERE stream = 'b1'")
    assert trace_command(kept.place, id_text(command)) == AGREES
    assert f": {code}. " in capsys.readouterr().out


def test_an_unknown_command_and_one_that_is_none_are_told_apart(kept, capsys):
    assert trace_command(kept.place, "01890a5d-ac96-7b7c-8000-000000000000") == DIFFERS
    assert "does not know that command" in capsys.readouterr().out
    assert trace_command(kept.place, "no id") == UNREADABLE


def test_the_commands_exit_as_they_say(day, day_in_postgresql):
    def run(*words):
        return subprocess.run(
            [sys.executable, "-m", "runline", *map(str, words)], capture_output=True, text=True, check=False
        )

    assert run("verify", day).returncode == AGREES
    made = run("anchor", day, day.with_name("kept"))
    assert (made.returncode, made.stderr) == (0, "")
    assert run("verify", day, "--anchor", day.with_name("kept")).returncode == AGREES
    edit(day, "DELETE FROM players WHERE number = 'P1'")
    assert run("verify", day).returncode == DIFFERS
    assert run("verify", Path("/nowhere.db")).returncode == UNREADABLE
    assert run("verify", cluster().url(day_in_postgresql)).returncode == AGREES
