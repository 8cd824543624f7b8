"""The simulator: the same seed makes the same run, and what is planted is found."""

import subprocess
import sys

from runline.simulate.run import simulate
from runline.simulate.terminal import run_again, run_seeds

RUN = """
from runline.simulate.run import simulate
outcome, _ = simulate(7, 1_500)
print(outcome.steps, outcome.digest, outcome.wrong, sep=";")
"""


def told(hash_seed: str) -> str:
    """What a run of its own process says, with strings hashed otherwise."""
    done = subprocess.run(
        [sys.executable, "-c", RUN], env={"PYTHONHASHSEED": hash_seed}, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_the_same_seed_makes_the_same_run_whatever_the_hash_seed():
    one = told("1")
    assert one == told("2")
    steps, _, wrong = one.rstrip("\n").split(";")
    assert int(steps) >= 1_500
    assert wrong == ""


def test_a_run_can_be_made_again_from_its_decisions():
    outcome, coverage = simulate(8, 1_200)
    again, _ = simulate(0, 10**9, outcome.decisions)
    assert (again.digest, again.steps, again.wrong) == (outcome.digest, outcome.steps, "")
    assert coverage.steps["request"] > 300


def test_a_story_that_was_written_down_can_be_run_again(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("runline.simulate.world.World.is_well", lambda world: False)
    story = tmp_path / "story.txt"
    assert run_seeds(3, 20, 1, None, story, shrink_s=5) == 1
    assert "not everything is well" in story.read_text()
    assert run_again(story) == 1
    assert "WRONG" in capsys.readouterr().out
    monkeypatch.undo()
    assert run_again(story) == 0
