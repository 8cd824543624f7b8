"""Terminal: what a run is told as."""

import sys
import time
from pathlib import Path

from runline.domain.vocabulary import plain_vocabulary
from runline.shell import complain
from runline.simulate.coverage import Coverage
from runline.simulate.run import simulate


def say(text: str) -> None:
    """Tell whoever started this."""
    print(text, flush=True)


def run_seeds(seed: int, steps: int, minutes: float | None, story: Path | None, *, table: bool) -> int:
    """Run a seed, or, for some minutes, one fresh seed after the other. Returns 1 if something did not hold."""
    until = time.monotonic() + minutes * 60 if minutes is not None else None
    vocabulary = plain_vocabulary()
    coverage, seeds, done = Coverage(), 0, 0
    began = time.process_time()
    while True:
        outcome, reached = simulate(seed, steps, vocabulary=vocabulary)
        coverage.add(reached)
        seeds, done = seeds + 1, done + outcome.steps
        say(
            f"seed {seed}: {outcome.steps} steps, {outcome.events} events, {outcome.passed_s:.0f} s, digest {outcome.digest}"
        )
        if outcome.wrong:
            complain(f"seed {seed}: {outcome.wrong}")
            (sys.stdout.write(outcome.story + "\n") if story is None else story.write_text(outcome.story + "\n"))
            return 1
        if until is None or time.monotonic() >= until:
            break
        seed += 1
    rate = done / max(time.process_time() - began, 1e-9)
    say(f"{seeds} seeds, {done} steps, {rate:.0f} steps/s of a core, nothing was wrong")
    if table:
        say(coverage.table())
    return 0
