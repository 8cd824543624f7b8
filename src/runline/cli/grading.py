"""Grading: wagers graded by the engine's own rules."""

import sys
from pathlib import Path


def grade(source: Path | None = None) -> int:
    """Grade wagers by the engine's own rules: JSON lines in, one JSON line out for each. Exits 1 if any was an error.

    Parameters
    ----------
    source
        A file of JSON lines; by default the standard input.
    """
    from runline.evaluate.grade import grade_lines
    from runline.shell import complain, reason_of

    if source is None:
        return grade_lines(sys.stdin.buffer, sys.stdout.buffer)
    try:
        with source.open("rb") as lines:
            return grade_lines(lines, sys.stdout.buffer)
    except BrokenPipeError:
        raise
    except OSError as error:
        return complain(f"the wagers cannot be read: {reason_of(error)}")
