"""Simulating: the whole of Runline under every fault, in a time that is made."""

from pathlib import Path


def simulate(
    *,
    seed: int | None = None,
    steps: int = 10_000,
    seeds: int = 1,
    minutes: float | None = None,
    story: Path | None = None,
    table: bool = False,
    shrink_s: float = 60.0,
    replay: Path | None = None,
) -> int:
    """Run all of Runline under faults, in simulated time, and check that what it promises holds. Exits 1 if something does not.

    Parameters
    ----------
    seed
        Which run. The same seed and steps make the same run, byte for byte. Without one it is a fresh one, which is said.
    steps
        How many requests, deliveries, timers and faults.
    seeds
        How many runs, from this seed on.
    minutes
        Instead: as many runs, from this seed on, as begin in so long.
    story
        Where to write what happened if something does not hold; by default here. It ends with the decisions of the shortest run
        that fails so.
    table
        Also show which commands and queries were sent, with which outcomes, and which faults there were.
    shrink_s
        For how many seconds to look for a shorter run that fails alike.
    replay
        Instead of a seed: such a story, whose decisions are run again.
    """
    from runline.simulate.terminal import run_again, run_seeds

    if replay is not None:
        return run_again(replay)
    return run_seeds(seed, steps, seeds, minutes, story, table=table, shrink_s=shrink_s)
