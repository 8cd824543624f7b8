"""Endings: a command whose reader has gone, or that somebody interrupts, ends quietly, with the code that shells know."""

import os
import select
import signal
import sys
from collections.abc import Callable
from typing import NoReturn


def run_command(command: Callable[[], object]) -> NoReturn:
    """Run a command to its end and exit with its code. `command | head` ends with 141, as by SIGPIPE, Ctrl-C with 130, as by
    SIGINT."""
    before = identity_of_output()
    try:
        try:
            sys.exit(command())  # type: ignore[arg-type]
        finally:
            for output in (sys.stdout, sys.stderr):
                if output is not None:
                    output.flush()
    except KeyboardInterrupt:
        end_by(signal.SIGINT)
    except BrokenPipeError:
        if not has_lost_its_reader():
            raise
        end_by(signal.SIGPIPE)
    except SystemExit:
        # A console that loses its reader puts another file in the output's place, and exits with a code of its own.
        if identity_of_output() != before:
            end_by(signal.SIGPIPE)
        raise


def identity_of_output() -> tuple[int, int]:
    """Which file is printed to."""
    try:
        output = os.fstat(1)
    except OSError:
        return 0, 0
    return output.st_dev, output.st_ino


def has_lost_its_reader() -> bool:
    """Whether nobody reads what is printed any more."""
    poll = select.poll()
    for descriptor in (1, 2):
        poll.register(descriptor, 0)
    return any(event & (select.POLLERR | select.POLLNVAL) for _, event in poll.poll(0))


def end_by(number: signal.Signals) -> NoReturn:
    """Exit with the code that a shell shows for what a signal has ended (not by the signal: helpers are stopped at an exit)."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(nowhere, descriptor)
    sys.exit(128 + number)
