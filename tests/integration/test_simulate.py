"""The simulator: the same seed makes the same run, and what is planted is found."""

import subprocess
import sys

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
