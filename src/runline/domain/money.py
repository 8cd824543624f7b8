"""Money: integers in minor units (cents), rounded once and only where a rule says so."""

import re
from functools import lru_cache
from typing import Literal, get_args

import msgspec

Minor = int
"""Minor units of the book's currency: 190.91 is 19091."""

MONEY_MINOR_MAX = 10**15
"""The largest amount that is read, in minor units."""

MINUS_SIGN = "\N{MINUS SIGN}"
"""The minus as a page shows it; it is read like the hyphen that people type."""

ROUNDINGS_CACHED = 256

RoundingMode = Literal["half_up", "half_even", "up", "down"]
"""half_up: a half goes away from zero. half_even: a half goes to the even multiple. up: away from zero. down: towards it."""

MODES: tuple[str, ...] = get_args(RoundingMode)
AMOUNT = re.compile(r"(-?)([0-9]{1,14})(?:\.([0-9]{1,2}))?")


class Rounding(msgspec.Struct, frozen=True, gc=False):
    """How an exact amount becomes money.

    unit_minor: the smallest step, in minor units, ≥ 1; every amount that comes out is a multiple of it.
    """

    mode: RoundingMode = "half_up"
    unit_minor: int = 1

    def __post_init__(self) -> None:
        if self.unit_minor < 1:
            raise ValueError("the unit of a rounding is at least one minor unit")

    def round(self, numerator: int, denominator: int) -> Minor:
        """The amount `numerator / denominator` (minor units, denominator > 0) as a multiple of the unit."""
        if denominator <= 0:
            raise ValueError("the denominator of an amount is positive")
        if numerator < 0:
            # Whatever the mode is, an amount below zero mirrors the one above.
            return -self.round(-numerator, denominator)
        unit = self.unit_minor
        if unit != 1:
            denominator *= unit
        mode = self.mode
        if mode == "half_up":
            steps = (2 * numerator + denominator) // (2 * denominator)
        elif mode == "down":
            steps = numerator // denominator
        elif mode == "up":
            steps = -(-numerator // denominator)
        else:
            steps, rest = divmod(numerator, denominator)
            if 2 * rest > denominator or (2 * rest == denominator and steps % 2):
                steps += 1
        return steps * unit


@lru_cache(maxsize=ROUNDINGS_CACHED)
def parse_rounding(text: str) -> Rounding:
    """A rounding as people write it: `half_up`, `half_up to 0.05`. Without a step it is 0.01.

    Raises ValueError.
    """
    mode, to, step = text.partition(" to ")
    if mode not in MODES:
        raise ValueError(f"a rounding is one of {', '.join(MODES)}, and may go on with ` to 0.05`")
    return Rounding(mode, parse_money(step, positive=True) if to else 1)  # type: ignore[arg-type]


def parse_money(text: str, *, positive: bool = False) -> Minor:
    """The minor units of an amount such as `100.00`, `100` or `-7.5`. The minus may be the real sign (U+2212).

    positive: refuse zero and less.

    Raises ValueError for fractions of a cent, for anything that is not an amount, and beyond MONEY_MINOR_MAX.
    """
    match = AMOUNT.fullmatch(text.replace(MINUS_SIGN, "-"))
    if match is None:
        raise ValueError("an amount is digits, and at most two decimals after a point")
    sign, whole, cents = match.groups()
    size = int(whole) * 100 + (int(cents.ljust(2, "0")) if cents else 0)
    if size > MONEY_MINOR_MAX:
        raise ValueError(f"an amount is at most {format_money(MONEY_MINOR_MAX)}")
    minor = -size if sign else size
    if positive and minor <= 0:
        raise ValueError("the amount must be more than zero")
    return minor


def format_money(minor: Minor) -> str:
    """An amount with two decimals: 19091 is `190.91`."""
    whole, cents = divmod(abs(minor), 100)
    return f"{'-' if minor < 0 else ''}{whole}.{cents:02d}"
