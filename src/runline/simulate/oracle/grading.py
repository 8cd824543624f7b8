"""Grading: what a score makes of a wager.

A quarter line is two wagers of half the stake on its neighbours. What is not over, or not official, is void in a final score and
not to be settled in another one.
"""

from fractions import Fraction
from math import ceil
from typing import Any

from runline.simulate.oracle.money import rounded
from runline.simulate.oracle.odds import Price
from runline.simulate.oracle.official import Division, League, Row
from runline.simulate.oracle.prices import SIDES
from runline.simulate.oracle.state import Score

POINTS_MOST = 10_000
LENGTH_MOST = 10_000
PERIODS_MOST = 64

Pair = tuple[int, int]


class Unsaid(Exception):
    """The score does not say it: it contradicts itself, or lacks it."""


def say_unless(holds: Any) -> None:
    if not holds:
        raise Unsaid


def parts_of(score: Score, name: str) -> list[Pair]:
    """The (home, away) of periods or overtimes."""
    return [(home, away) for home, away in score.get(name) or ()]


def total(parts: list[Pair]) -> Pair:
    """Home's and away's sums."""
    say_unless(all(home >= 0 and away >= 0 for home, away in parts))
    return sum(home for home, _ in parts), sum(away for _, away in parts)


def filled(score: Score) -> Score:
    """A score with all that it may say."""
    empty = {"periods": None, "overtime": None, "length": None, "final": True, "scheduled": None}
    return {**empty, "level_after_regulation": False, **score}


def division_of(rules: League, score: Score) -> Division:
    """How the periods of a score divide regulation."""
    if score["scheduled"] is None:
        return rules.divisions[0]
    found = [division for division in rules.divisions if division.count == score["scheduled"]]
    say_unless(found)
    return found[0]


def checked(rules: League, score: Score) -> Division:
    """Refuse a score that contradicts itself."""
    length = score["length"]
    say_unless(0 <= score["home"] <= POINTS_MOST and 0 <= score["away"] <= POINTS_MOST)
    say_unless(length is None or 0 <= length <= LENGTH_MOST)
    division = division_of(rules, score)
    periods, overtime = parts_of(score, "periods"), parts_of(score, "overtime")
    say_unless(len(periods) + len(overtime) <= PERIODS_MOST)
    if periods or (overtime and not score["final"]):
        # So many periods had begun when it was called; all, if it was not.
        begun = division.count if length is None else min(-(-length // division.part), division.count)
        extras_may_follow = division.extras and begun == division.count
        say_unless(len(periods) <= begun or extras_may_follow)
        goes_on = not score["final"] and not overtime
        say_unless(len(periods) >= begun or goes_on)
    beyond = overtime or len(periods) > division.count or score["level_after_regulation"]
    say_unless(not beyond or length is None or length >= division.length)
    home, away = total(periods + overtime)
    say_unless(home <= score["home"] and away <= score["away"])
    if periods and score["final"]:
        say_unless((home, away) == (score["home"], score["away"]))
    if score["level_after_regulation"] and (periods or overtime):
        home, away = in_regulation(division, score)
        say_unless(home == away)
    return division


def in_regulation(division: Division, score: Score) -> Pair:
    """What regulation made."""
    periods = parts_of(score, "periods")
    if periods:
        return total(periods[: division.count])
    home, away = total(parts_of(score, "overtime"))
    return score["home"] - home, score["away"] - away


def over(division: Division, row: Row, period: str, score: Score) -> bool:
    """Whether a period is over in a game that goes on. What includes overtime is over with the game only."""
    if period != "game" and period not in division.spans:
        return False
    end = division.count if period == "game" else division.spans[period][1]
    if row.overtime and end == division.count:
        return False
    known = len(parts_of(score, "periods"))
    return known >= end and (score["length"] is None or score["length"] // division.part >= end)


def official(rules: League, division: Division, row: Row, period: str, score: Score) -> bool:
    """Whether enough of a game was played that has ended."""
    if score["length"] is None:
        return True
    needed = division.length
    for one in (division, *rules.divisions):
        if period in one.spans:
            needed = one.spans[period][1] * one.part
            break
    if row.official is not None:
        needed = min(needed, row.official)
    if score["home"] > score["away"]:
        needed -= row.less_if_home_leads
    return bool(score["length"] >= needed)


def counted(division: Division, row: Row, market: str, period: str, score: Score) -> Pair:
    """The points (home, away) that a wager is about."""
    periods, overtime = parts_of(score, "periods"), parts_of(score, "overtime")
    if period == "game":
        if row.overtime:
            return score["home"], score["away"]
        if periods or overtime or not score["level_after_regulation"]:
            return in_regulation(division, score)
        say_unless(market != "total")
        return 0, 0
    say_unless(periods and period in division.spans)
    first, end = division.spans[period]
    parts = periods[first:end]
    if row.overtime and end == division.count:
        parts += periods[division.count :] + overtime
    return total(parts)


HALVES = {
    ("won", "won"): "won",
    ("won", "push"): "half_won",
    ("push", "push"): "push",
    ("lost", "push"): "half_lost",
    ("lost", "lost"): "lost",
}


def by_points(beyond: int) -> str:
    """The result of so many quarter points beyond the line."""
    lines = (beyond, beyond) if beyond % 2 == 0 else (beyond - 1, beyond + 1)
    results = sorted("won" if one > 0 else "lost" if one < 0 else "push" for one in lines)
    return HALVES[min(results, key=["won", "lost", "push"].index), max(results, key=["won", "lost", "push"].index)]


def graded(rules: League, market: str, period: str, side: str, line: int | None, asked_of: Score) -> str | None:
    """How a wager stands by a score; None if the score does not say it."""
    score = filled(asked_of)
    try:
        say_unless(side in SIDES[market] and rules.has(period))
        division = checked(rules, score)
        row = rules.row(market, period)
        ends = official(rules, division, row, period, score) if score["final"] else over(division, row, period, score)
        if not ends and not (market == "total" and row.decided_stands):
            return "void" if score["final"] else None
        home, away = counted(division, row, market, period, score)
    except Unsaid:
        return None
    if market == "total" and line is not None:
        beyond = 4 * (home + away) - line
        if not ends and by_points(beyond) != "won":
            return "void" if score["final"] else None
        return by_points(beyond if side == "over" else -beyond)
    margin = away - home if side == "away" else home - away
    if line is not None:
        return by_points(4 * margin + line)
    if market == "three_way":
        winner = "draw" if home == away else "home" if home > away else "away"
        return "won" if side == winner else "lost"
    return "push" if home == away else "won" if margin > 0 else "lost"


def money_back(price: Price, stake: int, result: str, rounding: dict[str, Any]) -> int:
    """What a stake returns. What comes back of it is the player's own, and is never rounded away."""
    if result in ("push", "void"):
        return stake
    own = Fraction(stake) * {"won": 2, "half_won": 2, "half_lost": 1, "lost": 0}[result] / 2
    won = Fraction(stake) * {"won": 2, "half_won": 1}.get(result, 0) / 2 * price.profit
    return max(rounded(own + won, rounding), ceil(own))
