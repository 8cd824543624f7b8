"""The lint of waits: what waits by the clock is found, and nothing else."""

from pathlib import Path
from textwrap import dedent

import pytest

import waits

BAD = {
    "a sleep of the thread": "time.sleep(0.01)",
    "a sleep by name": "sleep(1)",
    "an awaited sleep": "async def test():\n    await asyncio.sleep(0.001)",
    "a sleep of what a name says": "time.sleep(PAUSE_S)",
    "a sleep without a number": "time.sleep()",
    "a loop that gives turns until something holds": "async def test():\n    while not done:\n        await asyncio.sleep(0)",
}


@pytest.mark.parametrize("source", BAD.values(), ids=BAD)
def test_what_waits_by_the_clock_is_found(source):
    assert len(waits.check(Path("test.py"), source)) >= 1


GOOD = {
    "a turn for others": "async def test():\n    await asyncio.sleep(0)",
    "turns in a loop that does something": "async def test():\n    while it:\n        act()\n        await asyncio.sleep(0)",
    "turns that are counted": "async def test():\n    for _ in range(9):\n        await asyncio.sleep(0)",
    "a line that says why": "time.sleep(1)  # waits: the disk is slow",
    "a line before it that says why": "# waits: the disk is slow\ntime.sleep(1)",
    "a helper that is told to sleep": "helper.call(time.sleep, 60)",
    "a loop that reads": "while connection.recv(1_000):\n    pass",
    "an event": "async def test():\n    await event.wait()",
}


@pytest.mark.parametrize("source", GOOD.values(), ids=GOOD)
def test_nothing_else_is_found(source):
    assert waits.check(Path("test.py"), source) == []


def test_a_reason_that_is_empty_or_elsewhere_exempts_nothing():
    source = """
        time.sleep(1)  # waits:
        # waits: a reason

        time.sleep(2)
    """
    assert [finding.line for finding in waits.check(Path("test.py"), dedent(source).strip())] == [1, 4]


def test_what_is_found_is_printed_and_told_by_the_exit(tmp_path, capsys):
    file = tmp_path / "test_it.py"
    file.write_text("import time\n\ntime.sleep(1)\n")
    assert waits.main([str(tmp_path)]) == 1
    assert capsys.readouterr().out == f"{file}:3: a sleep: wait for what must have happened\n"
    file.write_text("")
    assert waits.main([str(file)]) == 0
    (tmp_path / "empty").mkdir()
    assert waits.main([str(tmp_path / "empty")]) == 2
