"""Windows: what of a history is asked for, as a range of numbers: later is higher.

Time in a stream goes back only where a clock that was wrong was put right (`time_of` in `domain/execution.py`). There a window is
not exact: it begins and ends at one of the places where the time was that.
"""

from collections.abc import Callable
from typing import Any

from runline.domain.queries.windows import Window
from runline.domain.times import time_of
from runline.reads.limits import NUMBER_DIGITS_MAX


def first_at(time: Callable[[int], int | None], since_ns: int, position: int) -> int:
    """The lowest number at which it was so late, above all if it never was.

    time: of what has the highest number up to this one; None if there is nothing.
    """
    low, high = 1, position + 1
    while low < high:
        middle = (low + high) // 2
        at_ns = time(middle)
        if at_ns is not None and at_ns >= since_ns:
            high = middle
        else:
            low = middle + 1
    return low


def span(
    position: int,
    asked: Window[Any],
    time: Callable[[int], int | None],
    *,
    ascending: bool = False,
    paged: bool = True,
) -> tuple[int, int]:
    """(above, below): between which numbers a page's rows are, by its window and by where the page before has ended."""
    above = first_at(time, time_of(asked.since), position) - 1 if asked.since else 0
    below = first_at(time, time_of(asked.until), position) if asked.until else position + 1
    if not asked.after or not paged:
        return above, below
    after = number_of(asked.after)
    if after is None:
        return below, below
    return (max(above, after), below) if ascending else (above, min(below, after))


def signed_number_of(text: str) -> int | None:
    """The number that a page's `after` names, which may be below zero."""
    number = number_of(text.removeprefix("-"))
    return -number if number is not None and text.startswith("-") else number


def number_of(text: str) -> int | None:
    """The number that a page's `after` names, None if it names none."""
    return int(text) if text.isdecimal() and len(text) < NUMBER_DIGITS_MAX else None
