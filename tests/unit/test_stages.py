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
