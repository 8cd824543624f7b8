"""Outcomes: what a book loses by how a game ends.

Rule: wagers on one market were taken at the lines that stood then, and two of them on different sides can both win. So exposure
is worked out over outcomes (the margin for a spread, the sum of points for a total, else the winner or level), never over sides:
the worst case is the most that is lost by any final score, the best case the least. A quarter line is won or lost by half of what
was written. Amounts are minor units; what is positive is lost by the book, what is negative is kept.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import msgspec

from runline.domain.grading import SIDES
from runline.domain.money import Minor

Place = tuple[str, int | None]
"""A side of a market at a line, as the side has it: a handicap or the total, in quarter points; None where there is none."""

RISING = ("home", "over")
"""The sides that win if the margin of the home side, or the sum of points, is large."""

LEVEL = "level"
"""The outcome of a game that nobody wins."""


@dataclass(slots=True)
class Stand:
    """What stands on one side of a market at one line: what the book would keep, and what it would pay out on top."""

    risk_minor: int = 0
    win_minor: int = 0
    wagers: int = 0


class Case(msgspec.Struct, frozen=True):
    """What is lost (+) or kept (-) by some outcomes, in minor units.

    outcome: those outcomes in words: `home by 4 to 6`, `47 or more`, `level`.
    low, high: the same in numbers, both included: the margin of the home side for a spread, the sum of points for a total; None
    where there is no bound, or the market is about the winner only.
    """

    exposure_minor: Minor = 0
    outcome: str = ""
    low: int | None = None
    high: int | None = None


class Cases(msgspec.Struct, frozen=True):
    """What a market can cost. sides: the most that is lost where wagers on a side win (without any: where all others lose)."""

    worst: Case
    best: Case
    sides: dict[str, Minor]


NOTHING = Case()

Span = tuple[int | None, int | None, int]
"""(low, high, minor units) of neighbouring margins or sums by which as much is lost."""


def cases_of(market: str, stands: Mapping[Place, Stand]) -> Cases:
    """What a market can cost by what stands in it; all nothing without wagers."""
    kind = market.rsplit(":", 1)[1]
    if not stands:
        return Cases(NOTHING, NOTHING, dict.fromkeys(SIDES[kind], 0))
    if kind == "spread" or kind == "total":
        return by_number(kind, stands)
    return by_winner(kind, stands)


def by_winner(kind: str, stands: Mapping[Place, Stand]) -> Cases:
    """What a market about the winner can cost. Where a draw is no side of it, it gives the money back."""
    kept = sum(stand.risk_minor for stand in stands.values())
    sides = dict.fromkeys(SIDES[kind], -kept)
    for (side, _), stand in stands.items():
        sides[side] += stand.win_minor + stand.risk_minor
    cases = [Case(minor, f"{side} wins" if side != "draw" else LEVEL) for side, minor in sides.items()]
    if "draw" not in sides:
        cases.append(Case(0, LEVEL))
    return Cases(
        max(cases, key=lambda case: case.exposure_minor), min(cases, key=lambda case: case.exposure_minor), sides
    )


def by_number(kind: str, stands: Mapping[Place, Stand]) -> Cases:
    """What a market about a margin or a sum can cost."""
    spans = spans_of(kind, stands)
    words = margin_words if kind == "spread" else sum_words

    def case(span: Span) -> Case:
        low, high, lost = span
        return Case(lost, words(low, high), low, high)

    lower, upper = SIDES[kind] if kind == "spread" else reversed(SIDES[kind])
    top = max((last_won(line) for side, line in stands if side == lower), default=None)
    bottom = min((first_won(side, line) for side, line in stands if side == upper), default=None)
    beneath = [lost for low, _, lost in spans if low is None or (top is not None and low <= top)] or [spans[0][2]]
    above = [lost for _, high, lost in spans if high is None or (bottom is not None and high >= bottom)]
    most = {lower: max(beneath), upper: max(above)}
    return Cases(
        case(max(spans, key=lambda span: span[2])),
        case(min(spans, key=lambda span: span[2])),
        {side: most[side] for side in SIDES[kind]},
    )


def spans_of(kind: str, stands: Mapping[Place, Stand]) -> list[Span]:
    """All margins, or sums, from below: neighbours by which as much is lost are one span."""
    below = 0
    steps: dict[int, int] = {}
    for (side, line), stand in stands.items():
        rises = side in RISING
        lost, won = -2 * stand.risk_minor, 2 * stand.win_minor
        before, after = (lost, won) if rises else (won, lost)
        below += before
        number, part = divmod(pushed_at(side, line), 4)
        if part == 2:
            steps[number + 1] = steps.get(number + 1, 0) + after - before
            continue
        # On the line, or a quarter point beside it: nothing, or half of what lies on that side.
        between, beside = {0: (number, 0), 1: (number, before // 2), 3: (number + 1, after // 2)}[part]
        steps[between] = steps.get(between, 0) + beside - before
        steps[between + 1] = steps.get(between + 1, 0) + after - beside
    lowest = None
    if kind == "total":
        lowest = 0
        below += sum(steps.pop(number) for number in sorted(steps) if number <= 0)
    spans: list[Span] = []
    starts = [lowest, *sorted(steps), None]
    lost_twice = below
    for start, following in pairwise(starts):
        if start is not None:
            lost_twice += steps.get(start, 0)
        # Half a minor unit counts against the book.
        lost = -(-lost_twice // 2)
        low, high = start, following - 1 if following is not None else None
        if spans and spans[-1][2] == lost:
            low = spans.pop()[0]
        spans.append((low, high, lost))
    return spans


def pushed_at(side: str, line: int | None) -> int:
    """The margin of the home side, or the sum, at which a wager gets its stake back, in quarter points."""
    assert line is not None
    return -line if side == "home" else line


def first_won(side: str, line: int | None) -> int:
    """The least margin or sum by which a wager on a side that rises wins something."""
    return pushed_at(side, line) // 4 + 1


def last_won(line: int | None) -> int:
    """The largest margin or sum by which a wager on a side that falls wins something."""
    assert line is not None
    return -(-line // 4) - 1


def sum_words(low: int | None, high: int | None) -> str:
    """Sums of points in words."""
    if high is None:
        return f"{low} or more" if low else "any score"
    if not low:
        return f"{high} or fewer" if high else "0"
    return str(low) if low == high else f"{low} to {high}"


def margin_words(low: int | None, high: int | None) -> str:
    """Margins of the home side in words."""
    if low is None and high is None:
        return "any score"
    if low is None:
        assert high is not None
        if high in (-1, 0):
            return "away wins" if high else "away wins or level"
        return f"away by {-high} or more" if high < 0 else f"home by {high} or less, level or away"
    if high is None:
        if low in (0, 1):
            return "home wins" if low else "level or home wins"
        return f"home by {low} or more" if low > 0 else f"away by {-low} or less, level or home"
    if low == high:
        return margin_word(low)
    if low > 0:
        return f"home by {low} to {high}"
    if high < 0:
        return f"away by {-high} to {-low}"
    return f"{margin_word(low)} to {margin_word(high)}"


def margin_word(margin: int) -> str:
    """A margin of the home side in words."""
    if not margin:
        return LEVEL
    return f"home by {margin}" if margin > 0 else f"away by {-margin}"
