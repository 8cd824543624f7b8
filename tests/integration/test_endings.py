"""How a command ends when nobody reads what it prints, or somebody presses Ctrl-C: quietly, and a shell sees why."""

import os
import signal
import subprocess
import sys

import pytest
from tests.integration.world import play, running

from runline.cli import app
from runline.store.sqlite import SqliteStore

COMMANDS = sorted(name for name in app if not name.startswith("-"))

COMMANDS += ["book create", "book list", "book password"]

QUESTION = (
    b'{"id":1,"sport":"football","market":"spread","side":"home","line":"-3","price":"-110","stake":"100.00",'
    b'"score":{"home":24,"away":20}}\n'
)


def started(*words, **streams):
    return subprocess.Popen([sys.executable, "-m", "runline", *map(str, words)], stderr=subprocess.PIPE, **streams)


def end_without_a_reader(*words, stdin=b""):
    """The end of a command into a pipe that nobody reads: its code, and what it complained of."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        child = started(*words, stdin=subprocess.PIPE, stdout=writing)
    finally:
        os.close(writing)
    _, complaint = child.communicate(stdin, timeout=60)
    return child.returncode, complaint


@pytest.fixture
def database(path):
    """A file with a house and a book."""

    async def main():
        async with running(SqliteStore(path)) as world:
            await world.open_house()
            await world.open_book()

    play(main())
    return path


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_every_command_ends_quietly_without_a_reader(name):
    assert end_without_a_reader(*name.split(), "--help") == (128 + signal.SIGPIPE, b"")


def test_grade_ends_quietly_without_a_reader():
    assert end_without_a_reader("grade", stdin=QUESTION * 20_000) == (128 + signal.SIGPIPE, b"")


def test_grade_of_a_file_ends_quietly_without_a_reader(tmp_path):
    file = tmp_path / "wagers.jsonl"
    file.write_bytes(QUESTION * 20_000)
    assert end_without_a_reader("grade", file) == (128 + signal.SIGPIPE, b"")


@pytest.mark.parametrize("words", [("verify",), ("clock",), ("trace",)], ids=lambda words: words[0])
def test_what_looks_at_a_database_ends_quietly_without_a_reader(database, words):
    more = ("01900000-0000-7000-8000-000000000000",) if words == ("trace",) else ()
    assert end_without_a_reader(*words, database, *more) == (128 + signal.SIGPIPE, b"")


def test_an_anchor_is_written_and_ends_quietly_without_a_reader(database, tmp_path):
    assert end_without_a_reader("anchor", database, tmp_path / "anchor") == (128 + signal.SIGPIPE, b"")
    assert (tmp_path / "anchor").is_dir()


def test_the_settings_end_quietly_without_a_reader():
    assert end_without_a_reader("config") == (128 + signal.SIGPIPE, b"")


def test_a_server_that_cannot_say_its_address_ends_quietly_and_leaves_a_sound_file(tmp_path):
    code, complaint = end_without_a_reader("serve", "--database", tmp_path / "book.db", "--port", 0)
    assert (code, complaint) == (128 + signal.SIGPIPE, b"")
    assert (
        subprocess.run([sys.executable, "-m", "runline", "verify", tmp_path / "book.db"], check=False).returncode == 0
    )


def test_ctrl_c_ends_quietly():
    child = started("grade", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    child.stdin.write(QUESTION)
    child.stdin.flush()
    child.send_signal(signal.SIGINT) if child.stdout.readline() else None
    _, complaint = child.communicate(timeout=60)
    assert (child.returncode, complaint) == (128 + signal.SIGINT, b"")


def test_a_command_that_is_read_keeps_its_own_code(tmp_path):
    child = started("grade", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    child.communicate(b"nonsense\n", timeout=60)
    assert child.returncode == 1
    child = started("trace", tmp_path / "none.db", "x", stdout=subprocess.PIPE)
    child.communicate(timeout=60)
    assert child.returncode == 2
