"""Simulated lines: run seeds of the simulator, and say how many lines of the core and the engine they have reached, file by file.

    python tools/simulated_lines.py [--seed 1] [--seeds 12] [--steps 10000] [--least 95]

Seeds run side by side, one on each core. What counts, and what does not, is said in pyproject.toml. Exits 0; 1 if less was
reached than --least, or something did not hold.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

import coverage

ROOT = Path(__file__).resolve().parent.parent
SETTINGS = str(ROOT / "pyproject.toml")


def run_seed(seed: int, steps: int, data: str) -> str:
    """Run a seed in a process of its own, and write down which lines it has reached. Returns what did not hold, "" if all did."""
    lines = coverage.Coverage(data_file=f"{data}.{seed}", config_file=SETTINGS)
    lines.start()
    try:
        # What stands at the top of a module is reached when it is imported.
        from runline.simulate.run import simulate

        return simulate(seed, steps)[0].wrong
    finally:
        lines.stop()
        lines.save()


def main(words: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seed", type=int, default=1, help="the first seed")
    parser.add_argument("--seeds", type=int, default=12, help="how many")
    parser.add_argument("--steps", type=int, default=10_000, help="of each seed")
    parser.add_argument("--least", type=float, default=95.0, help="percent of the lines that are to be reached")
    asked = parser.parse_args(words)
    with TemporaryDirectory() as folder:
        data = str(Path(folder) / "lines")
        cores = os.cpu_count() or 1
        with ProcessPoolExecutor(cores, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
            running = {
                seed: pool.submit(run_seed, seed, asked.steps, data)
                for seed in range(asked.seed, asked.seed + asked.seeds)
            }
            wrong = {seed: told for seed, one in running.items() if (told := one.result())}
        lines = coverage.Coverage(data_file=data, config_file=SETTINGS)
        lines.combine([folder])
        reached = lines.report(show_missing=True)
    for seed, told in wrong.items():
        print(f"seed {seed}: {told}", file=sys.stderr)
    print(f"{reached:.1f} % of the lines are reached by {asked.seeds} seeds, {asked.least:g} % are to be")
    return 1 if wrong or reached < asked.least else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
