"""Walkthrough: `runline demo`. It starts the demo's engine, says where to look, and starts it again when it is killed."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from math import ceil
from pathlib import Path
from typing import Any, Literal

import msgspec
from rich.console import Console
from rich.table import Table

from runline.config import require_known_variables
from runline.demo.day import Day, Scenario, read_day, scenario_here
from runline.demo.options import BadOption, check_rate, database_in, parse_duration
from runline.demo.served import BOOK, HOUSE_SIGN_IN, PASSWORD, SIGN_INS, Plan
from runline.domain.messages import HOUSE
from runline.engine.ports import StoreError
from runline.gateway.server import AddressInUse, listen
from runline.shell import FAILED, UNUSABLE, UnusableError, complain, to_paste
from runline.store.file import open_connection
from runline.store.statements import FIGURES, HEADS_IN_ORDER

PORT = 8_000
SPEED_MAX = 10_000
"""How many times as fast a day may pass that somebody looks at."""

LEAD_NS = 2 * 10**9
"""The day begins this long after the start, when the engine is up."""

QUICK_S = 2.0
QUICK_ENDS_MAX = 3
"""So many ends in a row within QUICK_S are no accident: then it is given up."""


def speed_of(speed: float | None, duration: str, span_s: float) -> float:
    """How many times as fast a day of so many seconds passes. Raises BadOption, which names the option that was given."""
    found = span_s / parse_duration(duration) if speed is None else speed
    if 1 <= found <= SPEED_MAX:
        return found
    if speed is not None:
        raise BadOption(f"--speed takes from 1 to {SPEED_MAX:,} times as fast, not {speed:g}")
    raise BadOption(
        f"--for takes from {ceil(span_s / SPEED_MAX)}s to {span_s:.0f}s for this day on a page, not {duration!r}"
    )


def walk_through(
    *,
    duration: str,
    speed: float | None,
    data: Path | None,
    scenario: Scenario | None,
    day: str | None,
    rate: float,
    seed: int,
    port: int | None,
    committer: Literal["inline", "process"],
) -> int:
    """`runline demo`: until Ctrl-C. 0, or 2 if it cannot be run as asked for."""
    console = Console(highlight=False)
    try:
        require_known_variables(os.environ)
        scenario = scenario_here(scenario, day)
        played = read_day(scenario, day, lines=False)
        span_s = (played.end_ns - played.origin_ns) / 1e9
        speed = speed_of(speed, duration, span_s)
        database = database_in(data or Path(tempfile.mkdtemp(prefix="runline-demo-")))
        with listen("127.0.0.1", free_port(port)) as listening:
            number = listening.getsockname()[1]
        plan = Plan(
            str(database),
            number,
            scenario,
            str(played.date),
            time.time_ns() + LEAD_NS,
            speed,
            check_rate(rate),
            seed,
            committer,
        )
        return keep_running(console, plan, played)
    except (UnusableError, StoreError, AddressInUse) as error:
        return complain(error)


def free_port(wanted: int | None) -> int:
    """The port asked for, else the usual one if it is free, else any."""
    if wanted is not None:
        return wanted
    try:
        with listen("127.0.0.1", PORT):
            return PORT
    except AddressInUse:
        return 0


def keep_running(console: Console, plan: Plan, day: Day) -> int:
    """Run the engine until Ctrl-C, and start it again when it is killed."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    command = [sys.executable, "-m", "runline.demo.served", msgspec.json.encode(plan).decode()]
    quick_ends = 0
    shown = False
    child: subprocess.Popen[str] | None = None
    try:
        while quick_ends < QUICK_ENDS_MAX:
            began = time.monotonic()
            # A session of its own: Ctrl-C is for this process, which then tells the engine.
            child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
            assert child.stdout is not None
            ready = child.stdout.readline().strip() == "ready"
            if ready and not shown:
                welcome(console, plan, day)
                shown = True
            elif ready:
                console.print(f"  up again after {time.monotonic() - began:.1f} s, nothing acknowledged is lost")
            status = wait_for(console, plan, day, child)
            if status == UNUSABLE:
                return UNUSABLE
            console.print(f"The engine has ended ({ended_by(status)}); it is started again.")
            quick_ends = quick_ends + 1 if not ready or time.monotonic() - began < QUICK_S else 0
        return complain("the engine ends at once each time; what it says of it is above", FAILED)
    except KeyboardInterrupt:
        if child is not None and child.poll() is None:
            child.terminate()
            child.wait()
        summary(console, plan)
        return 0


def wait_for(console: Console, plan: Plan, day: Day, child: "subprocess.Popen[str]") -> int:
    """Wait until the engine ends, and say meanwhile when the day is over. Returns its status."""
    over_ns = plan.began_ns + int((day.end_ns - day.origin_ns) / plan.speed)
    if time.time_ns() < over_ns:
        try:
            return child.wait((over_ns - time.time_ns()) / 1e9)
        except subprocess.TimeoutExpired:
            what = "the last of these results is in" if day.later else "the last result is in"
            console.print(f"The day is over: {what}. The page stays as it is; Ctrl-C ends it.")
    return child.wait()


def ended_by(status: int) -> str:
    """Why a process has ended."""
    return signal.Signals(-status).name if status < 0 else f"exit {status}"


def welcome(console: Console, plan: Plan, day: Day) -> None:
    """Say where to look, and as whom."""
    minutes = (day.end_ns - day.origin_ns) / 1e9 / plan.speed / 60
    console.print(f"[bold]Runline demo.[/bold] {day.title()}, in {minutes:.3g} minutes.\n", soft_wrap=True)
    if day.about:
        console.print(f"{day.about}\n", soft_wrap=True)
    console.print(f"Open [bold]http://127.0.0.1:{plan.port}/?book={BOOK}[/bold] and sign in to the book {BOOK} as\n")
    table = Table(box=None, pad_edge=False, show_header=False)
    for what, user in SIGN_INS:
        table.add_row(f"  {what}", f"[bold]{user}[/bold]", f"password {PASSWORD}")
    console.print(table)
    what, user = HOUSE_SIGN_IN
    console.print(
        f"\nThe house, whose games they are: [bold]http://127.0.0.1:{plan.port}/?book={HOUSE}[/bold]\n", soft_wrap=True
    )
    house = Table(box=None, pad_edge=False, show_header=False)
    house.add_row(f"  {what}", f"[bold]{user}[/bold]", f"password {PASSWORD}")
    console.print(house)
    console.print("\nTwo windows side by side show it best: the owner, and the agent. Ctrl-C ends it.")
    console.print("In another terminal, as the owner (the password is asked for):\n")
    address = f"http://127.0.0.1:{plan.port}"
    for words in (("login", address, "--book", BOOK, "--user", SIGN_INS[0][1]), ("tail", "wagers", "--min", 500)):
        console.print(to_paste(*words), soft_wrap=True, markup=False)
    console.print()


def summary(console: Console, plan: Plan) -> None:
    """What has happened, where it is, and how to go on."""
    connection = open_connection(Path(plan.database), writing=False)
    console.print("\n")
    table = Table(title="What has happened", title_justify="left", box=None)
    for name in ("book", "log entries", "wagers", "open", "handle", "net win of the book"):
        table.add_column(name, justify="left" if name == "book" else "right")
    heads: list[Any] = connection.execute(HEADS_IN_ORDER).fetchall()
    for stream, _, events, *_ in heads:
        figures: Any = connection.execute(FIGURES, (stream,)).fetchone()
        wagers, still_open, handle, won = figures
        if wagers:
            row = (f"{wagers:,}", f"{still_open:,}", f"{handle / 100:,.2f}", f"{won / 100:,.2f}")
        else:
            row = ("", "", "", "")
        table.add_row(stream, f"{events:,}", *row)
    connection.close()
    console.print(table)
    console.print(f"\nThe data are in {plan.database}. Check them, or serve them again as they are:\n", soft_wrap=True)
    for words in (("verify", plan.database), ("serve", "--database", plan.database)):
        console.print(to_paste(*words), soft_wrap=True, markup=False)
