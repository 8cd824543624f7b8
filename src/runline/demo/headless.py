"""Headless: the demo in the terminal. It checks what it is asked for, runs the day, says how it was, and verifies it."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from rich.console import Console

from runline.bootstrap import run
from runline.config import require_known_variables
from runline.demo.closing import show_books, show_largest, show_refusals
from runline.demo.day import Scenario, read_day, scenario_here
from runline.demo.options import (
    check_rate,
    database_in,
    parse_duration,
)
from runline.demo.run import Wanted, run_day
from runline.demo.timeline import show_timeline, write_picture
from runline.domain.messages import Rejected
from runline.engine.ports import StoreError
from runline.evaluate.terminal import verify_database
from runline.shell import DONE, FAILED, UnusableError, complain, to_paste

INTERRUPTED = 130
PICTURE = "latency.svg"


def run_demo(
    *,
    duration: str,
    data: Path | None,
    scenario: Scenario | None,
    day: str | None,
    rate: float,
    seed: int,
    committer: Literal["inline", "process"],
) -> int:
    """`runline demo --headless`: 0 if the day ran and everything verifies, 1 if not, 2 if it cannot be run as asked for."""
    console = Console()
    try:
        require_known_variables(os.environ)
        duration_s, rate_per_s = parse_duration(duration), check_rate(rate)
        played = read_day(scenario_here(scenario, day), day)
        with database_place(data) as database:
            wanted = Wanted(played, duration_s, rate_per_s, seed, committer, database)
            return demonstrate(console, wanted, kept=data is not None)
    except (UnusableError, StoreError) as error:
        return complain(error)
    except Rejected as rejected:
        return complain(f"{rejected.code}: {rejected.message}", FAILED)
    except KeyboardInterrupt:
        complain("interrupted")
        return INTERRUPTED


@contextmanager
def database_place(folder: Path | None) -> Iterator[Path]:
    """Where the database goes: into a folder that stays, or into a temporary one."""
    if folder is not None:
        yield database_in(folder)
        return
    with tempfile.TemporaryDirectory(prefix="runline-demo-") as temporary:
        yield database_in(Path(temporary))


def demonstrate(console: Console, wanted: Wanted, *, kept: bool) -> int:
    """Run the day, say how it was, and verify it."""
    console.print(f"Runline demo. {wanted.day.title()}.", style="bold", highlight=False)
    if wanted.day.about:
        console.print(wanted.day.about, highlight=False, soft_wrap=True)
    ending = run(lambda: run_day(console, wanted))
    console.print()
    show_timeline(console, ending.running.timeline)
    console.print()
    show_books(console, ending.running.terminal.figures, ending.books)
    console.print()
    show_refusals(console, ending.running)
    console.print()
    show_largest(console, ending.running, wanted.database)
    console.print()
    status = verify_database(wanted.database, None, None)
    if kept:
        picture = wanted.database.with_name(PICTURE)
        write_picture(ending.running.timeline, picture)
        console.print(f"The day as a picture: {picture}", highlight=False, soft_wrap=True)
        console.print(f"Kept in {wanted.database}. Check it yourself:\n", highlight=False, soft_wrap=True)
        console.print(to_paste("verify", wanted.database), highlight=False, soft_wrap=True, markup=False)
    faults = list(ending.faults)
    if not ending.running.bettors.accepted:
        faults.append("no wager was accepted")
    for fault in faults:
        complain(fault)
    return status or (FAILED if faults else DONE)
