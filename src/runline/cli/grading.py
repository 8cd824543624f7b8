"""Grading: wagers graded by the engine's own rules."""

import sys
from pathlib import Path


def grade(source: Path | None = None, *, american: bool = False) -> int:
    """Grade wagers by the engine's own rules: JSON lines in, one JSON line out for each. Exits 1 if any was an error.

    Parameters
    ----------
    source
        A file of JSON lines; by default the standard input.
    american
        Every price is American, also without its sign or as a number, as data files have them: 145 is +145.
    """
    from runline.evaluate.grade import grade_lines
    from runline.shell import complain, reason_of

    if source is None:
        return grade_lines(sys.stdin.buffer, sys.stdout.buffer, american=american)
    try:
        with source.open("rb") as lines:
            return grade_lines(lines, sys.stdout.buffer, american=american)
    except BrokenPipeError:
        raise
    except OSError as error:
        return complain(f"the wagers cannot be read: {reason_of(error)}")
