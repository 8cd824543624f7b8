"""Showing: the demo."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter


def demo(
    *,
    headless: bool = False,
    duration: Annotated[str | None, Parameter(name="--for")] = None,
    speed: float | None = None,
    data: Path | None = None,
    scenario: Literal["baseball", "sunday"] | None = None,
    day: str | None = None,
    rate: float | None = None,
    seed: int = 1,
    port: int | None = None,
    committer: Literal["inline", "process"] = "process",
) -> int:
    """Run a real day through the engine: lines, wagers, results, live on a page that you can act on.

    Parameters
    ----------
    headless
        Without the page, in the terminal, until the last result; then verify everything.
    duration
        The real time into which the day is fitted: 20s, 5m (by default 5m, headless 60s).
    speed
        How many times as fast as it was the day passes, instead of --for.
    data
        A new folder to keep the database in; by default a temporary one (headless: removed at the end).
    scenario
        baseball: a day of MLB 2016. sunday: ten NFL games that close at once, ten times the wagers in the five minutes before.
        By default baseball where its season is (in Runline's source), the Sunday elsewhere.
    day
        The day of MLB 2016 to run, as YYYY-MM-DD (US Eastern); by default a full slate with a double-header.
    rate
        Wagers tried a second (by default 20, headless 200).
    seed
        What the simulated bettors' choices follow from.
    port
        The page's port; by default 8000, or any other if that is taken.
    committer
        Where batches are committed: in the engine's own process, or in one of its own on a second core.
    """
    from runline.demo.headless import run_demo
    from runline.demo.walkthrough import walk_through

    if headless:
        return run_demo(
            duration=duration or "60s",
            data=data,
            scenario=scenario,
            day=day,
            rate=200.0 if rate is None else rate,
            seed=seed,
            committer=committer,
        )
    return walk_through(
        duration=duration or "5m",
        speed=speed,
        data=data,
        scenario=scenario,
        day=day,
        rate=20.0 if rate is None else rate,
        seed=seed,
        port=port,
        committer=committer,
    )
