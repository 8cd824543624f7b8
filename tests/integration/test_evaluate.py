"""Verify, anchor, trace: whatever was changed behind the engine's back is found, and every command's way can be told."""

import subprocess
import sys
from contextlib import closing
from pathlib import Path

import apsw
import msgspec
import pytest
from tests.doubles.plain import VOCABULARY
from tests.integration.days import public_key

from runline.engine.ids import id_text
from runline.evaluate.anchor import make_anchor, signing_key
from runline.evaluate.terminal import (
    AGREES,
    DIFFERS,
    UNREADABLE,
    anchor_database,
    public_key_path,
    trace_command,
    verify_database,
)
from runline.evaluate.trace import STEPS
from runline.evaluate.verify import verify
from runline.store.file import open_connection
from runline.store.schema_change import migrate
from runline.store.tables import tables_of

UNUSED = {
    "archived_fixtures", "credentials", "feeds", "jobs", "sessions", "set_aside", "settlements", "slownesses",
    "ticket_games",
}  # fmt: skip
"""Tables that are empty at the day's end: nobody has signed in, no feed is watched, nothing is slow, no
game is over for long, all work is done, nothing was set aside, and no ticket is of several games."""


def edit(path, *statements):
    with closing(apsw.Connection(str(path))) as connection:
        for sql in statements:
            connection.execute(sql)


def one(path, sql):
    with closing(apsw.Connection(str(path))) as connection:
        return connection.execute(sql).get


def differences(path):
    assert verify_database(path, None, None) == DIFFERS
    return verify(path).differences


def test_what_nobody_has_touched_is_verified(day, capsys):
    assert verify_database(day, None, None) == AGREES
    said = capsys.readouterr().out
    assert "Verified: log = tables = chain." in said
    report = verify(day)
    assert sum(report.streams.values()) == one(day, "SELECT count(*) FROM events")
    assert {name for name, rows in report.rows.items() if not rows} == UNUSED


@pytest.mark.parametrize("table", sorted(set(VOCABULARY.rows) - UNUSED))
def test_a_row_that_is_changed_or_gone_is_found_in_every_table(day, table):
    chosen = f"SELECT changed_seq FROM {table} ORDER BY changed_seq LIMIT 1"
    edit(day, f"UPDATE {table} SET changed_seq = changed_seq + 1000000 WHERE changed_seq = ({chosen})")
    found = differences(day)
    assert found
    assert all(difference.startswith(f"{table} ") for difference in found)
    assert "changed_seq" in found[0]
    edit(day, f"DELETE FROM {table}")
    found = differences(day)
    assert "the log has this row, the table does not" in found[0]


@pytest.mark.parametrize("table", sorted(VOCABULARY.rows))
def test_a_row_that_the_log_does_not_know_is_found_in_every_table(day, table):
    columns = tables_of(VOCABULARY).by_name[table].columns
    values = ["'b1'", *("7" if column.kind in ("integer", "boolean") else "'made up'" for column in columns[1:])]
    edit(day, f"INSERT INTO {table} VALUES ({', '.join(values)})")
    (found,) = differences(day)
    assert found.startswith(f"{table} b1 ")
    assert found.endswith("the table has this row, the log does not")


TAMPERED = {
    "an event changed": (
        "UPDATE events SET body = CAST(replace(CAST(body AS TEXT), '\"', \"'\") AS BLOB) WHERE stream = 'b1' AND seq = 30",
        "b1 #30: the hash does not follow from the bytes",
    ),
    "an event of another kind of value": (
        "UPDATE events SET body = CAST(body AS TEXT) WHERE stream = 'b1' AND seq = 30",
        "b1 #30: the columns are not of their kind",
    ),
    "an event gone": ("DELETE FROM events WHERE stream = 'b1' AND seq = 30", "b1: position 30 is missing"),
    "the last event gone": (
        "DELETE FROM events WHERE stream = 'b1' AND seq = (SELECT seq FROM heads WHERE stream = 'b1')",
        "b1: the log ends at",
    ),
    "an event beyond the head": (
        "INSERT INTO events SELECT stream, seq + 1, command, digest, body, hash FROM events WHERE stream = 'b1' "
        "ORDER BY seq DESC LIMIT 1",
        "b1: 1 events lie beyond the head",
    ),
    "another digest": (
        "UPDATE events SET digest = x'00' WHERE stream = 'b1' AND seq = 30",
        "b1 #30: the columns differ from the envelope",
    ),
    "another command": (
        "UPDATE events SET command = zeroblob(16) WHERE stream = 'b1' AND seq = 30",
        "b1 #30: the columns differ from the envelope",
    ),
    "another hash of the head": (
        "UPDATE heads SET hash = zeroblob(32) WHERE stream = 'b2'",
        "b2: the head's hash is not that of the last event",
    ),
    "another time of the head": (
        "UPDATE heads SET at_ns = at_ns + 1 WHERE stream = 'b2'",
        "b2: the head's time is not that of the last event",
    ),
    "a head gone": ("DELETE FROM heads WHERE stream = 'b2'", "b2: there are events, but no head"),
}


@pytest.mark.parametrize("what", TAMPERED)
def test_a_log_that_was_tampered_with_is_told_apart(day, what):
    sql, expected = TAMPERED[what]
    edit(day, sql)
    assert any(found.startswith(expected) for found in differences(day))


def test_a_log_that_is_cut_back_with_its_head_no_longer_makes_the_tables(day):
    edit(
        day,
        "DELETE FROM events WHERE stream = 'b1' AND seq > 60",
        "UPDATE heads SET seq = 60, hash = (SELECT hash FROM events WHERE stream = 'b1' AND seq = 60) WHERE stream = 'b1'",
    )
    assert any("the table has this row, the log does not" in found for found in differences(day))


# From an anchor


def test_a_database_is_verified_from_an_anchor(settled_day, capsys):
    database, anchor = settled_day / "book.db", settled_day / "anchor"
    assert verify_database(database, anchor, public_key(settled_day)) == AGREES
    assert "from the anchor" in capsys.readouterr().out
    assert verify_database(database, None, None) == AGREES


def test_from_an_anchor_only_what_came_after_it_is_replayed_and_all_rows_are_compared(settled_day):
    database, anchor = settled_day / "book.db", settled_day / "anchor"
    edit(database, "UPDATE events SET body = CAST(body || ' ' AS BLOB) WHERE stream = 'b1' AND seq = 5")
    assert verify_database(database, None, None) == DIFFERS
    assert verify_database(database, anchor, public_key(settled_day)) == AGREES
    edit(database, "UPDATE players SET credit_limit_minor = 1 WHERE stream = 'b1' AND number = 'P1'")
    assert verify_database(database, anchor, public_key(settled_day)) == DIFFERS


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


def test_an_empty_database_agrees(tmp_path):
    path = tmp_path / "new.db"
    connection = open_connection(path, writing=True)
    migrate(connection, path)
    connection.close()
    assert verify_database(path, None, None) == AGREES


# The way of a command


def test_the_way_of_a_command_is_told_step_by_step(day, capsys):
    command = one(day, "SELECT command FROM events WHERE stream = 'b1' AND seq = 40")
    assert trace_command(day, id_text(command)) == AGREES
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
    public_key_path(day).unlink()
    assert verify_database(day, tmp_path / "anchor", None) == UNREADABLE
    assert "--public-key" in capsys.readouterr().err


def test_a_refused_command_is_told_with_its_reason(day, capsys):
    command = one(day, "SELECT first_id FROM refusals WHERE stream = 'b1'")
    code = one(day, "SELECT code FROM refusals WHERE stream = 'b1'")
    assert trace_command(day, id_text(command)) == AGREES
    assert f": {code}. " in capsys.readouterr().out


def test_an_unknown_command_and_one_that_is_none_are_told_apart(day, capsys):
    assert trace_command(day, "01890a5d-ac96-7b7c-8000-000000000000") == DIFFERS
    assert "does not know that command" in capsys.readouterr().out
    assert trace_command(day, "no id") == UNREADABLE


def test_the_commands_exit_as_they_say(day):
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
