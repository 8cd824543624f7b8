"""The stages: a line each, what fails in full, and an exit that tells."""

import asyncio
import sys

import pytest

import stages
from stages import Stage


@pytest.fixture(autouse=True)
def logs(tmp_path, monkeypatch):
    monkeypatch.setattr(stages, "LOGS", tmp_path / "logs")


def says(name: str, text: str, status: int = 0) -> Stage:
    return Stage(name, [sys.executable, "-c", f"print({text!r}); raise SystemExit({status})"])


def run(*lanes: list[Stage]) -> bool:
    return asyncio.run(stages.run_all([lanes]))


def test_what_passes_is_a_line_and_what_it_skipped(capsys):
    assert run([says("unit", "noise\nSKIPPED [1] test_it.py:3: no browser\n12 passed, 1 skipped in 3.20s")])
    said = capsys.readouterr().out
    assert "noise" not in said
    assert "SKIPPED [1] test_it.py:3: no browser\n" in said
    assert "passed  12 passed, 1 skipped\n" in said
    assert said.endswith("all passed (some tests were skipped, see above: unit)\n")


def test_a_stage_that_has_skipped_everything_says_so(capsys):
    assert run(
        [says("e2e", "SKIPPED [9] test_it.py:3: no browser\n9 skipped in 0.20s")], [says("unit", "1 passed in 1s")]
    )
    said = capsys.readouterr().out
    assert "passed  9 skipped\n" in said
    assert said.endswith("all passed (some tests were skipped, see above: e2e)\n")


def test_what_fails_is_printed_in_full_and_named_at_the_end_and_the_others_go_on(capsys):
    assert not run([says("mypy", "all of it", 1), says("unit", "1 passed in 0.1s")], [says("e2e", "5 passed in 9s")])
    said = capsys.readouterr().out
    assert "all of it" in said
    assert {line.split()[0] for line in said.splitlines() if " s  " in line} == {"mypy", "unit", "e2e"}
    assert said.endswith("FAILED: mypy\n")


def test_what_a_stage_says_is_kept(capsys):
    run([says("unit", "noise")])
    assert (stages.LOGS / "unit.log").read_text() == "noise\n"


def test_every_task_knows_its_stages_and_an_unknown_one_is_refused(capsys):
    assert all(stage.command for task in stages.TASKS.values() for phase in task for lane in phase for stage in lane)
    assert stages.main(["everything"]) == 2
    assert "quick | check | test | long" in capsys.readouterr().err


WHERE = "import os, pathlib; pathlib.Path(os.environ['TMPDIR'], 'left').touch(); print(os.environ['TMPDIR'])"


@pytest.mark.parametrize("room", [True, False])
def test_temporary_files_are_in_memory_where_there_is_room_and_go_with_their_stage(tmp_path, monkeypatch, room):
    memory, elsewhere = tmp_path / "memory", tmp_path / "elsewhere"
    for folder in (memory, elsewhere):
        folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(elsewhere))
    monkeypatch.setattr(stages, "MEMORY", memory)
    monkeypatch.setattr(stages, "MEMORY_BYTES_MIN", 0 if room else 2**63)
    assert run([Stage("memory", [sys.executable, "-c", WHERE], in_memory=True)])
    said = (stages.LOGS / "memory.log").read_text()
    assert said.startswith(str(memory if room else elsewhere))
    assert list(memory.iterdir()) == []


def test_a_stage_that_goes_behind_the_others_is_the_same_command(capsys):
    assert run([stages.behind(says("unit", "3 passed in 0.1s"))])
    assert "3 passed" in capsys.readouterr().out
