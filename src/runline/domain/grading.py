"""Grading: what a score makes of a wager, and what the wager returns.

Rule: spreads and totals go by margin plus line: above zero wins, below loses, zero pushes. A quarter line is half a wager on
each of its two neighbours. Where a draw is no outcome of the market, it gives the money back. A game that ended before its
official length is void. Which parts of a game count is a row of LeagueRules, never code. (DOMAIN.md, Grading.)
"""

from collections.abc import Sequence
from typing import Literal

import msgspec

from runline.domain.limits import PERIODS_MAX
from runline.domain.money import Minor, Rounding
from runline.domain.odds import Price

Result = Literal["won", "lost", "push", "half_won", "half_lost", "void"]

POINTS_MAX = 10_000
"""The most points of one side that are believed."""

LENGTH_MAX = 10_000
"""The longest game that is believed, in its sport's unit."""

SIDES: dict[str, tuple[str, ...]] = {
    "moneyline": ("away", "home"),
    "three_way": ("away", "home", "draw"),
    "spread": ("away", "home"),
    "total": ("over", "under"),
    "draw_no_bet": ("away", "home"),
}
"""The sides of a market by its kind, visitor first."""

PERIODS = ("game", "1h", "2h", "q1", "q2", "q3", "q4")


class NotGradable(Exception):
    """The score does not say how the wager ended: it contradicts itself, or lacks what the wager is about."""

    code = "not_gradable"


class SelectionInvalid(ValueError):
    """There is no such wager: sport, market, period, side or line do not fit together. `code` names what is wrong."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Score(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """How a game ended.

    home, away: the final score, overtime included.
    periods: (home, away) of each period of regulation, in order; of baseball, innings, extra ones too if they are not in
    `overtime`. None if they are not known; then only the whole game can be graded.
    overtime: (home, away) of each overtime; None or empty if there was none.
    length: how much was played, in the sport's unit (LeagueRules); None for the full length.
    """

    home: int
    away: int
    periods: tuple[tuple[int, int], ...] | None = None
    overtime: tuple[tuple[int, int], ...] | None = None
    length: int | None = None


class Layout(msgspec.Struct, frozen=True):
    """A way to divide regulation into periods.

    count: periods of regulation.
    spans: what wagers are about -> the periods (first, end) that it is made of, as a slice.
    part_length: the length of one period, in the sport's unit; None where no official length depends on it.
    extras_listed: whether extra periods may follow in the same list.
    """

    count: int
    spans: dict[str, tuple[int, int]]
    part_length: int | None = None
    extras_listed: bool = False

    def fits(self, played: int, length: int | None) -> bool:
        """Whether a game of this length (None for full) has this many periods, the last perhaps unfinished."""
        count = self.count
        if length is not None and self.part_length is not None:
            count = min(count, -(-length // self.part_length))
        return played == count or (self.extras_listed and played > count == self.count)


class LeagueRules(msgspec.Struct, frozen=True):
    """How one league's games are graded.

    layouts: the ways in which its scores divide regulation.
    overtime_in: the periods whose wagers include overtime.
    regulation_markets: the kinds of market that never include it, whatever their period.
    length_unit: what `Score.length` counts.
    official: kind of market -> the length from which a wager on the whole game stands. No row: any length.
    complete: period -> the length from which a wager on that period stands. No row: any length.
    """

    sport: str
    layouts: tuple[Layout, ...]
    overtime_in: tuple[str, ...]
    regulation_markets: tuple[str, ...] = ()
    length_unit: str = "minutes"
    official: dict[str, int] = {}
    complete: dict[str, int] = {}

    def has(self, period: str) -> bool:
        """Whether wagers can be about this period."""
        return period == "game" or any(period in layout.spans for layout in self.layouts)

    def is_short(self, market: str, period: str, length: int) -> bool:
        """Whether a game of this length is too short for a wager to stand."""
        needed = self.official.get(market) if period == "game" else self.complete.get(period)
        return needed is not None and length < needed


QUARTERS = {"q1": (0, 1), "q2": (1, 2), "q3": (2, 3), "q4": (3, 4), "1h": (0, 2), "2h": (2, 4)}
HALVES = {"1h": (0, 1), "2h": (1, 2)}

DEFAULT_RULES: dict[str, LeagueRules] = {
    "football": LeagueRules(
        "football",
        layouts=(Layout(4, QUARTERS, part_length=15), Layout(2, HALVES, part_length=30)),
        overtime_in=("game", "2h"),
        official={"moneyline": 55, "three_way": 55, "spread": 55, "total": 55, "draw_no_bet": 55},
        complete={"q1": 15, "q2": 30, "q3": 45, "q4": 60, "1h": 30, "2h": 55},
    ),
    "basketball": LeagueRules(
        "basketball",
        layouts=(Layout(4, QUARTERS), Layout(2, HALVES)),
        overtime_in=("game", "2h"),
        regulation_markets=("three_way",),
    ),
    "baseball": LeagueRules(
        "baseball",
        layouts=(Layout(9, {"1h": (0, 5), "2h": (5, 9)}, part_length=2, extras_listed=True),),
        overtime_in=("game", "2h"),
        regulation_markets=("three_way",),
        length_unit="half-innings",
        official={"moneyline": 10, "three_way": 10, "spread": 17, "total": 17, "draw_no_bet": 10},
        complete={"1h": 10, "2h": 17},
    ),
    "hockey": LeagueRules(
        "hockey",
        layouts=(Layout(3, {"q1": (0, 1), "q2": (1, 2), "q3": (2, 3)}),),
        overtime_in=("game",),
        regulation_markets=("three_way",),
    ),
    "soccer": LeagueRules("soccer", layouts=(Layout(2, HALVES),), overtime_in=()),
}
"""The rules of each sport, for leagues that have none of their own. A three-way is on regulation where overtime always
produces a winner."""


def default_rules(sport: str) -> LeagueRules:
    """The rules of a sport. Raises SelectionInvalid `sport_invalid`."""
    rules = DEFAULT_RULES.get(sport)
    if rules is None:
        raise SelectionInvalid("sport_invalid", f"A sport is one of {', '.join(DEFAULT_RULES)}.")
    return rules


def points_of(parts: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """The sums (home, away) of some periods. Raises NotGradable if one is negative."""
    home = away = 0
    for home_points, away_points in parts:
        if home_points < 0 or away_points < 0:
            raise NotGradable("A period has a negative score.")
        home += home_points
        away += away_points
    return home, away


def layout_of(rules: LeagueRules, score: Score) -> Layout:
    """How a score's periods are divided. Raises NotGradable if it has too many or too few."""
    played = len(score.periods or ())
    for layout in rules.layouts:
        if layout.fits(played, score.length):
            return layout
    counts = " or ".join(str(layout.count) for layout in rules.layouts)
    raise NotGradable(f"The score has {played} periods; a full game of {rules.sport} has {counts}.")


def check_score(rules: LeagueRules, score: Score) -> None:
    """Refuse a score that contradicts itself.

    Raises NotGradable: negative or beyond POINTS_MAX, too many or too few periods, not the sum of periods and overtime.
    """
    home, away = score.home, score.away
    if not (0 <= home <= POINTS_MAX and 0 <= away <= POINTS_MAX):
        raise NotGradable(f"A side has from 0 to {POINTS_MAX} points.")
    if score.length is not None and not 0 <= score.length <= LENGTH_MAX:
        raise NotGradable(f"A game's length is from 0 to {LENGTH_MAX}.")
    periods, overtime = score.periods, score.overtime
    if not periods and not overtime:
        return
    parts = (*periods, *overtime) if periods and overtime else periods or overtime or ()
    if len(parts) > PERIODS_MAX:
        raise NotGradable(f"A score has at most {PERIODS_MAX} periods.")
    sums = points_of(parts)
    if periods:
        layout_of(rules, score)
        if sums != (home, away):
            raise NotGradable(f"The score is {home}-{away}, but its periods and overtime make {sums[0]}-{sums[1]}.")
    elif sums[0] > home or sums[1] > away:
        raise NotGradable(f"The score is {home}-{away}, but its overtime alone makes {sums[0]}-{sums[1]}.")


def score_for(rules: LeagueRules, market: str, period: str, score: Score) -> tuple[int, int]:
    """The points (home, away) that count for a wager.

    Raises NotGradable if the score contradicts itself or does not have the period, and SelectionInvalid
    `period_invalid` for what is no period at all.
    """
    check_score(rules, score)
    overtime = score.overtime or ()
    with_overtime = period in rules.overtime_in and market not in rules.regulation_markets
    if not score.periods:
        if period != "game":
            require_period(rules, period)
            raise NotGradable("The score does not say how its periods ended.")
        if with_overtime or not overtime:
            return score.home, score.away
        home, away = points_of(overtime)
        return score.home - home, score.away - away
    if period == "game" and with_overtime:
        return score.home, score.away
    layout = layout_of(rules, score)
    regulation = score.periods[: layout.count]
    if period == "game":
        return points_of(regulation)
    require_period(rules, period)
    span = layout.spans.get(period)
    if span is None or span[1] > len(regulation):
        raise NotGradable(f"The score does not say how {period} ended.")
    parts = regulation[span[0] : span[1]]
    return points_of((*parts, *score.periods[layout.count :], *overtime) if with_overtime else parts)


def require_period(rules: LeagueRules, period: str) -> None:
    if period not in PERIODS:
        raise SelectionInvalid("period_invalid", f"A period is one of {', '.join(PERIODS)}.")
    if not rules.has(period):
        raise NotGradable(f"A game of {rules.sport} has no {period}.")


def require_selection(market: str, side: str, line_quarters: int | None) -> None:
    """Refuse a side that the market does not have, and a line that is missing or has no place.

    Raises SelectionInvalid `market_invalid`, `side_invalid`, `line_invalid`.
    """
    sides = SIDES.get(market)
    if sides is None:
        raise SelectionInvalid("market_invalid", f"A market is one of {', '.join(SIDES)}.")
    if side not in sides:
        raise SelectionInvalid("side_invalid", f"The sides of a {market} are {', '.join(sides)}.")
    has_line = market == "spread" or market == "total"
    if has_line != (line_quarters is not None):
        raise SelectionInvalid("line_invalid", f"A {market} {'needs a' if has_line else 'has no'} line.")


def grade(rules: LeagueRules, market: str, period: str, side: str, line_quarters: int | None, score: Score) -> Result:
    """How a wager stands by a score.

    line_quarters: the handicap of the side for a spread, the total for a total, in quarter points; else None.

    Raises NotGradable and SelectionInvalid.
    """
    require_selection(market, side, line_quarters)
    if score.length is not None and rules.is_short(market, period, score.length):
        check_score(rules, score)
        return "void"
    home, away = score_for(rules, market, period, score)
    if line_quarters is not None:
        if market == "total":
            beyond = 4 * (home + away) - line_quarters
            return by_quarters(beyond if side == "over" else -beyond)
        margin = home - away if side == "home" else away - home
        return by_quarters(4 * margin + line_quarters)
    if home == away:
        if market == "three_way":
            return "won" if side == "draw" else "lost"
        return "push"
    return "won" if side == ("home" if home > away else "away") else "lost"


def by_quarters(beyond: int) -> Result:
    """The result of a spread or total that ends this many quarter points beyond its line.

    A quarter point beyond a quarter line is a push on one neighbour and a win (or loss) on the other; anything farther is
    the same on both.
    """
    if beyond > 1:
        return "won"
    if beyond < -1:
        return "lost"
    if beyond == 0:
        return "push"
    return "half_won" if beyond > 0 else "half_lost"


def returned(price: Price, stake_minor: Minor, result: Result, rounding: Rounding) -> Minor:
    """The money back for a ticket, stake included, in minor units: computed exactly and rounded once.

    half_won: half the stake at the price, the other half back. half_lost: half the stake back. A stake that comes back
    whole is the player's own money and is not rounded.
    """
    if result == "lost":
        return 0
    if result == "won":
        denominator = price.denominator
        return rounding.round(stake_minor * (price.numerator + denominator), denominator)
    if result == "push" or result == "void":
        return stake_minor
    if result == "half_won":
        denominator = 2 * price.denominator  # s/2 × (1 + profit) + s/2
        return rounding.round(stake_minor * (price.numerator + denominator), denominator)
    return rounding.round(stake_minor, 2)
