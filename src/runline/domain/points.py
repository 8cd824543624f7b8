"""Points: handicaps and totals, as integer quarter points. -3½ is -14."""

import re

from runline.domain.bounds import LINE_QUARTERS_MAX
from runline.domain.money import MINUS_SIGN

Quarters = int
"""Quarter points."""

PICK = "PK"
"""A spread of zero."""

GLYPHS = ("", "¼", "½", "¾")
"""The part of a point, by its quarters."""

POINTS_LENGTH_MAX = 16
"""Characters of a line."""

POINTS = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]{1,2})|([¼½¾]))?")


def parse_points(text: str) -> Quarters:
    """The quarter points of a line: `-3.75`, `-3½`, `+3¼`, `8.5`, `PK`. The minus may be the real sign (U+2212).

    Raises ValueError for anything that is not a multiple of a quarter, and beyond LINE_QUARTERS_MAX.
    """
    if text.upper() == PICK:
        return 0
    match = POINTS.fullmatch(text.replace(MINUS_SIGN, "-")) if len(text) <= POINTS_LENGTH_MAX else None
    if match is None or not any(match.groups()[1:]):
        raise ValueError("a line is a number of points, such as -3.5, +7, 44½ or PK")
    sign, whole, decimals, glyph = match.groups()
    part = GLYPHS.index(glyph) if glyph else 0
    if decimals:
        part, rest = divmod(int(decimals.ljust(2, "0")), 25)
        if rest:
            raise ValueError("a line is a multiple of a quarter point")
    quarters = 4 * int(whole or 0) + part
    if quarters > LINE_QUARTERS_MAX:
        raise ValueError(f"a line is at most {LINE_QUARTERS_MAX // 4} points")
    return -quarters if sign == "-" else quarters


def format_points(quarters: Quarters, signed: bool) -> str:
    """A line as the board shows it.

    signed: a handicap (`-3½`, `+7`, `PK`); otherwise a total (`44½`).
    """
    if not quarters:
        return PICK if signed else "0"
    whole, part = divmod(abs(quarters), 4)
    sign = "-" if quarters < 0 else "+" if signed else ""
    return f"{sign}{whole or ''}{GLYPHS[part]}"
