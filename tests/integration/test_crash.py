"""kill -9 under load: what was acknowledged is there once, nothing else is half there, and it all goes on."""

import asyncio
import os
import subprocess
import sys
import time
from base64 import b64decode
from pathlib import Path
from random import Random
from typing import Any

import pytest
from tests.doubles.coded import decode_request
from tests.doubles.plain import VOCABULARY
from tests.integration.world import World

from runline.bootstrap import running_engine
from runline.engine.ids import id_bytes
from runline.engine.requests import Accepted, Outcome
from runline.evaluate.verify import verify
from runline.store.file import open_connection
from runline.store.sqlite import SqliteStore

KILLS = int(os.environ.get("TEST_KILLS", "5"))
KILLS_PER_FILE = 5
CHILD = Path(__file__).with_name("crash_child.py")


def run_and_kill(path, committer, seed, notes, after_s):
    """Run the child until some time after it is ready (or while it recovers, if that is negative), then kill it."""
    command = [sys.executable, str(CHILD), str(path), committer, str(seed), str(notes)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        try:
            if after_s >= 0:
                assert child.stdout is not None
                assert child.stdout.readline() == b"ready\n", "the child ended by itself"
            time.sleep(abs(after_s))  # waits: the kill comes at any moment
            assert child.poll() is None, "the child ended by itself"
        finally:
            child.kill()


def read_notes(notes):
    """(the requests that were sent; what was acknowledged: id -> (stream, position))."""
    sent, acknowledged = [], {}
    for line in notes.read_bytes().splitlines(keepends=True):
        if line.startswith(b"S ") and line.endswith(b"\n"):
            sent.append(decode_request(VOCABULARY, b64decode(line[2:-1])))
        elif line.startswith(b"A ") and line.endswith(b"\n"):
            _, stream, command, position = line.decode().split()
            acknowledged[command] = (stream, int(position))
    return sent, acknowledged


def check_acknowledged(path, acknowledged):
    """Every acknowledged command is in the log exactly once: its events are contiguous and end at the position it heard."""
    connection = open_connection(path, writing=False)
    for command, (stream, position) in acknowledged.items():
        found: list[Any] = connection.execute(
            "SELECT stream, seq FROM events WHERE command = ? ORDER BY seq", (id_bytes(command),)
        ).fetchall()
        assert found, f"{command} was acknowledged and is lost"
        first = found[0][1]
        assert found == [(stream, seq) for seq in range(first, position + 1)], command
    connection.close()


async def go_on(path, sent, acknowledged):
    """Start again, let jobs and timers finish, send every command again."""
    async with running_engine(SqliteStore(path)) as (engine, bus):
        again: dict[str, Outcome] = {}
        for start in range(0, len(sent), 500):
            part = sent[start : start + 500]
            outcomes = await bus.send(part)
            again |= {request.id: outcome for request, outcome in zip(part, outcomes, strict=True)}
        for command, (_, position) in acknowledged.items():
            outcome = again[command]
            assert isinstance(outcome, Accepted), (command, outcome)
            assert outcome.repeated
            assert outcome.position == position
        for start in range(0, len(sent), 500):
            part = sent[start : start + 500]
            for request, outcome in zip(part, await bus.send(part), strict=True):
                before = again[request.id]
                if isinstance(before, Accepted) and before.events:
                    assert isinstance(outcome, Accepted)
                    assert outcome.repeated
                    assert outcome.events == before.events
        if "b1" in engine.writers:
            await World(engine, bus, engine.clock).until("b1", lambda book: not book.jobs.by_number)
            assert not (await engine.query("b1", lambda book: overdue(book, engine.clock.now_ns())))[1]
            assert (await engine.query("b1", lambda book: book.ledger.sum_minor))[1] == 0


def overdue(book, now_ns):
    """Timers that should have fired well before now."""
    return [timer for timer in book.timers.by_subject.values() if timer.due_ns < now_ns - 5 * 10**9]


@pytest.mark.crash
@pytest.mark.parametrize("committer", ["process", "inline"])
def test_killed_under_load_it_goes_on_with_all_that_was_acknowledged(tmp_path, committer):
    rounds = (KILLS + 1) // 2 if committer == "process" else KILLS // 2
    random = Random(f"crash {committer}")
    for number in range(rounds):
        path = tmp_path / f"{number // KILLS_PER_FILE}.db"
        notes = tmp_path / f"{number // KILLS_PER_FILE}.notes"
        recovering = number % KILLS_PER_FILE == 3
        after_s = -random.uniform(0.2, 0.8) if recovering else random.uniform(0.2, 1.2)
        print(f"{committer} kill {number + 1} of {rounds}, {after_s:+.2f} s")
        run_and_kill(path, committer, random.randrange(10**6), notes, after_s)
        sent, acknowledged = read_notes(notes)
        assert acknowledged
        check_acknowledged(path, acknowledged)
        asyncio.run(go_on(path, sent, acknowledged))
        check_acknowledged(path, acknowledged)
        assert verify(path).differences == []
