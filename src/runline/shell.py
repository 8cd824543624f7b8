"""Shell: how the commands speak with the shell that they were called from: what can be pasted, and why something cannot be done.

Rule: whatever goes wrong is said with its file or setting, and with what would mend it.
"""

import difflib
import os
import shlex
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

DONE, FAILED, UNUSABLE = 0, 1, 2
"""How a command ends: it was done; it was not, or what was looked at does not hold; it cannot be done as it was asked for."""

ENVIRONMENT = "RUNLINE_"
"""The beginning of every name of ours in the environment."""

DATA_VARIABLE = "RUNLINE_DATA"
"""The folder of the baseball season, for the demo."""

URL_VARIABLE, TOKEN_VARIABLE = "RUNLINE_URL", "RUNLINE_TOKEN"
"""The server's address and a session's token, for the commands that are sent to a server."""

VARIABLES = (DATA_VARIABLE, URL_VARIABLE, TOKEN_VARIABLE)
"""Our names in the environment that are no settings of a server."""


class UnusableError(Exception):
    """A command cannot be done as it was asked for. The message is for people."""


def to_paste(*words: object) -> str:
    """A command of ours with its words. It begins as this one was called where `runline` alone would not be it."""
    return shlex.join([*our_name(), *map(str, words)])


def our_name() -> list[str]:
    """How this program is called from the same shell."""
    called = sys.argv[0]
    found = shutil.which("runline")
    if Path(called).name != "runline":
        # As a module: a `runline` beside the same Python is the same program.
        own = found is not None and Path(found).resolve().parent == Path(sys.executable).absolute().parent
        return ["runline"] if own else [sys.executable, "-m", "runline"]
    return ["runline"] if found is not None and Path(found).samefile(called) else [called]


def reason_of(error: BaseException) -> str:
    """Why something has failed, in words: of what the system refuses the file and the reason, without its number."""
    if not isinstance(error, OSError) or error.strerror is None:
        return str(error) or type(error).__name__
    said = error.strerror[0].lower() + error.strerror[1:]
    return f"{os.fsdecode(error.filename)}: {said}" if isinstance(error.filename, str | bytes) else said


def complain(message: object, status: int = UNUSABLE) -> int:
    """Say on the terminal why something cannot be done. Returns the status with which the command ends."""
    print(f"runline: {message}", file=sys.stderr, flush=True)
    return status


def nearest(name: str, names: Iterable[str]) -> str:
    """A hint at the name that was probably meant, or "". It ends in a space, to stand before what else is said."""
    found = difflib.get_close_matches(name, list(names), 1)
    return f"Did you mean {found[0]}? " if found else ""
