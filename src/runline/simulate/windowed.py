"""Windowed: what of rows that stand in an order is on a page, by where the one before has ended and in which time they are."""

from typing import Any

from runline.domain.times import time_of
from runline.simulate.oracle.asking import Page, cut
from runline.simulate.oracle.rules import Asked

Row = dict[str, Any]


def total_of(key: str) -> Row:
    """The sums of no tickets."""
    return {"key": key, "wagers": 0, "risk_minor": 0, "win_minor": 0, "returned_minor": 0}


def in_window(asked: Asked, at_ns: int) -> bool:
    """Whether it was in the time that is asked for."""
    return (not asked.since or at_ns >= time_of(asked.since)) and (not asked.until or at_ns < time_of(asked.until))


def a_number(text: str) -> int | None:
    """The number that `after` names, if it names one."""
    return int(text) if text.isdecimal() and len(text) < 20 else None


def in_order(rows: list[tuple[int, Row]], asked: Asked) -> Page:
    """A page of rows in the order of their numbers."""
    after = a_number(asked.after) if asked.after else None
    if asked.after and after is None:
        return Page([])
    rows = sorted(rows, key=lambda row: row[0], reverse=asked.order == "descending")
    if after is not None:
        rows = [row for row in rows if (row[0] < after if asked.order == "descending" else row[0] > after)]
    return cut(rows, asked.limit)
