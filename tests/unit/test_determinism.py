"""Determinism: the same commands give the same events and rows, byte for byte, in every process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.doubles.deeds import season
from tests.doubles.transcript import digest, transcript

PROJECT = Path(__file__).parents[2]


def test_the_same_commands_give_the_same_bytes():
    once, again = season(3, deeds=300), season(3, deeds=300)
    assert transcript(once) == transcript(again)
    assert transcript(once.house) == transcript(again.house)
    assert transcript(once) != transcript(season(4, deeds=300))


@pytest.mark.parametrize("hash_seed", ["1", "2"])
def test_another_process_that_orders_its_sets_otherwise_gives_the_same_bytes(hash_seed):
    printed = subprocess.run(
        [sys.executable, "-m", "tests.doubles.transcript", "11"],
        cwd=PROJECT,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=True,
    )
    assert printed.stdout.strip() == digest(11)
