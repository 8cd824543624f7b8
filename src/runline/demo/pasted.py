"""Pasted: what people are told to call next, as it works in the shell that they have called the demo from."""

import shlex
import shutil
import sys
from pathlib import Path


def to_paste(*words: object) -> str:
    """A command of ours with its words. It begins as this one was called where `runline` alone would not be found."""
    if shutil.which("runline"):
        ours = ["runline"]
    elif Path(sys.argv[0]).name == "runline":
        ours = [sys.argv[0]]
    else:
        ours = [sys.executable, "-m", "runline"]
    return shlex.join([*ours, *map(str, words)])
