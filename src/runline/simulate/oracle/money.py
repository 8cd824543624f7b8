"""Money: integers in minor units. An exact amount becomes money by the book's rounding, once."""

from fractions import Fraction
from math import ceil, floor
from typing import Any

HALF = Fraction(1, 2)


def rounded(exact: Fraction, rounding: dict[str, Any]) -> int:
    """An amount, never below zero here, as a multiple of the rounding's unit."""
    unit: int = rounding.get("unit_minor", 1)
    mode: str = rounding.get("mode", "half_up")
    steps = exact / unit
    below, above = floor(steps), ceil(steps)
    if below == above or mode == "down":
        return below * unit
    if mode == "up":
        return above * unit
    if steps - below == HALF:
        if mode == "half_up":
            return above * unit
        return (below if below % 2 == 0 else above) * unit
    return (below if steps - below < HALF else above) * unit
