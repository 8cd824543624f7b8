"""Shell: how the commands speak with the shell that they were called from: what can be pasted, and why something cannot be done.

Rule: whatever goes wrong is said with its file or setting, and with what would mend it.
"""

import difflib
import os
import re
import shlex
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

DONE, FAILED, UNUSABLE = 0, 1, 2
"""How a command ends: it was done; it was not, or what was looked at does not hold; it cannot be done as it was asked for."""

ENVIRONMENT = "RUNLINE_"
"""The beginning of every name of ours in the environment."""

DATA_VARIABLE, URL_VARIABLE, TOKEN_VARIABLE = "RUNLINE_DATA", "RUNLINE_URL", "RUNLINE_TOKEN"

VARIABLES = {
    DATA_VARIABLE: "the folder in which the demo finds the baseball season, as `mlb/`; by default the source's `data`",
    URL_VARIABLE: "the address of the server that commands are sent to, unless `--server` says another",
    TOKEN_VARIABLE: "a session's token, to be used instead of that of whoever has signed in by `runline login`",
}
"""Our names in the environment that are no settings of a server, and what each is."""


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
    if found is not None and Path(found).samefile(called):
        return ["runline"]
    # `make -C FOLDER` has called it from another folder than that of whoever pastes.
    here = Path(os.environ.get("PWD", ".")).resolve() == Path.cwd()
    return [called if here else str(Path(called).absolute())]


def reason_of(error: BaseException) -> str:
    """Why something has failed, in words: of what the system refuses the file and the reason, without its number."""
    named = isinstance(error, OSError) and error.strerror is not None and isinstance(error.filename, str | bytes)
    return f"{os.fsdecode(error.filename)}: {why(error)}" if named else why(error)  # type: ignore[attr-defined]


def why(error: BaseException) -> str:
    """The same without the file, where that is said already."""
    if not isinstance(error, OSError) or error.strerror is None:
        return str(error) or type(error).__name__
    return error.strerror[0].lower() + error.strerror[1:]


def complain(message: object, status: int = UNUSABLE) -> int:
    """Say on the terminal why something cannot be done. Returns the status with which the command ends."""
    print(f"runline: {message}", file=sys.stderr, flush=True)
    return status


def in_words(type_name: str) -> str:
    """An event's type in words, as the page has it: CreditAdjusted is `credit adjusted`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type_name).lower()


def nearest(name: str, names: Iterable[str]) -> str:
    """A hint at the name that was probably meant, or "". It ends in a space, to stand before what else is said."""
    found = difflib.get_close_matches(name, list(names), 1)
    return f"Did you mean {found[0]}? " if found else ""
