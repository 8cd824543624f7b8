"""Money: integers in minor units. An exact amount becomes money by the book's rounding, once."""

from fractions import Fraction
from typing import Any


def rounded(exact: Fraction, rounding: dict[str, Any]) -> int:
    """An amount, never below zero here, as a multiple of the rounding's unit."""
    unit: int = rounding.get("unit_minor", 1)
    mode: str = rounding.get("mode", "half_up")
    whole = exact.denominator * unit
    below, rest = divmod(exact.numerator, whole)
    above = below + 1
    if rest == 0 or mode == "down":
        return below * unit
    if mode == "up":
        return above * unit
    if 2 * rest == whole:
        if mode == "half_up":
            return above * unit
        return (below if below % 2 == 0 else above) * unit
    return (below if 2 * rest < whole else above) * unit
