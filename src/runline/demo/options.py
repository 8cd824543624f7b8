"""Options: what the demo is asked for, checked before anything starts."""

import os
import re
from datetime import date
from math import isfinite
from pathlib import Path

from runline.shell import DATA_VARIABLE, UnusableError, reason_of

DATABASE = "runline.db"
"""The name of the database in the folder that is asked for."""

DURATION = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,3})?)([smh])")
UNIT_S = {"s": 1, "m": 60, "h": 3_600}

DURATION_S_MIN = 1.0
DURATION_S_MAX = 24 * 3_600.0
RATE_MAX = 20_000.0


class BadOption(UnusableError):
    """The demo cannot be run as it is asked for. The message is for people."""


def parse_duration(text: str) -> float:
    """Seconds of `20s`, `5m`, `1h`. Raises BadOption."""
    match = DURATION.fullmatch(text)
    if match is None:
        raise BadOption(f"--for takes a time such as 20s, 5m or 1h, not {text!r}")
    seconds = float(match[1]) * UNIT_S[match[2]]
    if not DURATION_S_MIN <= seconds <= DURATION_S_MAX:
        raise BadOption(f"--for takes from 1s to 24h, not {text!r}")
    return seconds


def check_rate(rate: float) -> float:
    """The rate itself. Raises BadOption."""
    if not isfinite(rate) or not 0 < rate <= RATE_MAX:
        raise BadOption(
            f"--rate takes a number of wagers a second, more than 0 and at most {RATE_MAX:,.0f}, not {rate}"
        )
    return rate


def parse_day(text: str) -> date:
    """The date of `2016-06-25`. Raises BadOption."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadOption(f"--day takes a date such as 2016-06-25, not {text!r}") from None


CHECKOUT = Path(__file__).parents[3]
"""The folder of the source, if this file is part of one."""


def has_baseball() -> bool:
    """Whether the baseball season is said to be here, or is."""
    return bool(os.environ.get(DATA_VARIABLE)) or (CHECKOUT / "data" / "mlb").is_dir()


def baseball_directory() -> Path:
    """Where the baseball season lies: named by RUNLINE_DATA, or in the source.

    Raises BadOption.
    """
    named = os.environ.get(DATA_VARIABLE)
    directory = (Path(named) if named else CHECKOUT / "data") / "mlb"
    if directory.is_dir():
        return directory
    raise BadOption(
        f"the baseball season is not in {directory}. It has a licence of its own and comes with Runline's source only: run the "
        f"demo from a checkout, set {DATA_VARIABLE} to its folder `data`, or see the Sunday: --scenario sunday"
    )


def database_in(folder: Path) -> Path:
    """The new database's place in a folder, which is made if it is missing. Raises BadOption."""
    path = folder / DATABASE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        known = path.exists()
    except OSError as error:
        raise BadOption(f"--data: {reason_of(error)}. Name a folder that can be made or is empty") from None
    if known:
        raise BadOption(f"--data: there is a database already: {path}. The demo needs a folder without one")
    return path
