"""Grading: what a score makes of a wager, and what the wager returns.

Rule: spreads and totals go by margin plus line: above zero wins, below loses, zero pushes. A quarter line is half a wager on
each of its two neighbours. Where a draw is no outcome of the market, it gives the money back. A game that ended before its
official length is void. A score that is not final settles what is over and nothing else. Which parts of a game count, and what
is official, are rows of LeagueRules, never code. (See docs/explanation/grading.md.)
"""

from collections.abc import Sequence
from typing import Literal

import msgspec

from runline.domain.bounds import PERIODS_MAX
from runline.domain.money import Minor, Rounding
from runline.domain.odds import Price
from runline.domain.official import PERIODS, SPORTS, Layout, LeagueRules, Terms, rules_of

Result = Literal["won", "lost", "push", "half_won", "half_lost", "void"]

POINTS_MAX = 10_000
"""The most points of one side that are believed."""

LENGTH_MAX = 10_000
"""The longest game that is believed, in its league's unit."""

SIDES: dict[str, tuple[str, ...]] = {
    "moneyline": ("away", "home"),
    "three_way": ("away", "home", "draw"),
    "spread": ("away", "home"),
    "total": ("over", "under"),
    "draw_no_bet": ("away", "home"),
}
"""The sides of a market by its kind, visitor first."""


class NotGradable(Exception):
    """The score does not say how the wager ended: it contradicts itself, or lacks what the wager is about."""

    code = "not_gradable"


class SelectionInvalid(ValueError):
    """There is no such wager: sport, market, period, side or line do not fit together. `code` names what is wrong."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Score(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """How a game ended, or (not `final`) how it stands.

    home, away: the points, overtime included.
    periods: (home, away) of each period of regulation, in order; of baseball, innings, extra ones too if they are not in
    `overtime`. None if they are not known; then only the whole game can be graded. Of a score that is not final, the periods
    that are over; where `length` is given, the last one may go on still.
    overtime: (home, away) of each overtime; None or empty if there was none, or what it made is not known.
    length: how much was played, in the league's unit; None for the full length, or, while it goes on, to
    the end of the last period given.
    final: false while the game goes on: what is over is settled, nothing else.
    scheduled: how many periods of regulation there are, where they are not those of the league: 7 for a game of baseball that was
    scheduled for seven innings, 2 for a score in halves where the league plays quarters.
    level_after_regulation: it went to overtime, though what overtime made is not known.
    """

    home: int
    away: int
    periods: tuple[tuple[int, int], ...] | None = None
    overtime: tuple[tuple[int, int], ...] | None = None
    length: int | None = None
    final: bool = True
    scheduled: int | None = None
    level_after_regulation: bool = False


def league_rules(sport: str, league: str = "") -> LeagueRules:
    """The rules of a league. Raises SelectionInvalid `sport_invalid`."""
    rules = rules_of(sport, league)
    if rules is None:
        raise SelectionInvalid("sport_invalid", f"A sport is one of {', '.join(SPORTS)}.")
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
    """How a score's periods are divided. Raises NotGradable if the league has no games of so many periods."""
    layout = rules.layout(score.scheduled)
    if layout is None:
        known = " or ".join(f"{layout.count} {layout.name}" for layout in rules.layouts)
        raise NotGradable(f"A game of {rules.sport} is scheduled for {known}.")
    return layout


def check_score(rules: LeagueRules, score: Score) -> Layout:
    """Refuse a score that contradicts itself, and return how it is divided.

    Raises NotGradable: negative or beyond POINTS_MAX, too many or too few periods for what was played, overtime before the end
    of regulation, not the sum of periods and overtime.
    """
    home, away, length = score.home, score.away, score.length
    if not (0 <= home <= POINTS_MAX and 0 <= away <= POINTS_MAX):
        raise NotGradable(f"A side has from 0 to {POINTS_MAX} points.")
    if length is not None and not 0 <= length <= LENGTH_MAX:
        raise NotGradable(f"A game's length is from 0 to {LENGTH_MAX}.")
    layout = layout_of(rules, score)
    periods, overtime = score.periods or (), score.overtime or ()
    if len(periods) + len(overtime) > PERIODS_MAX:
        raise NotGradable(f"A score has at most {PERIODS_MAX} periods.")
    if periods or (overtime and not score.final):
        check_periods(layout, score)
    beyond = bool(overtime) or len(periods) > layout.count or score.level_after_regulation
    if beyond and length is not None and length < layout.length:
        raise NotGradable(f"There is no overtime after {length} of {layout.length} {rules.unit}.")
    check_sums(layout, score)
    return layout


def check_periods(layout: Layout, score: Score) -> None:
    """Refuse periods that are not those of what was played."""
    played, length = len(score.periods or ()), score.length
    begun = layout.count if length is None else layout.begun(length)
    if played > begun and not (layout.extras_listed and begun == layout.count):
        raise NotGradable(f"The score has {played} periods, where {begun} of {layout.count} {layout.name} were played.")
    if played >= begun or (not score.final and not score.overtime):
        return
    if score.final and length is None:
        raise NotGradable(
            f"The score has {played} periods of a game with {layout.count} {layout.name}: not a final score, or ambiguous. "
            "Say `final`: false while the game goes on, `length` if it was called, `scheduled` if regulation has so many."
        )
    raise NotGradable(f"The score has {played} periods, where {begun} of {layout.count} {layout.name} were played.")


def check_sums(layout: Layout, score: Score) -> None:
    """Refuse a score that is not what its periods and overtime make."""
    periods, overtime = score.periods or (), score.overtime or ()
    home, away = points_of((*periods, *overtime))
    whole = bool(periods) and score.final
    if home > score.home or away > score.away or (whole and (home, away) != (score.home, score.away)):
        raise NotGradable(f"The score is {score.home}-{score.away}, but its periods and overtime make {home}-{away}.")
    if score.level_after_regulation and (periods or overtime):
        home, away = regulation_of(layout, score)
        if home != away:
            raise NotGradable(f"Regulation was level, but it ended {home}-{away}.")


def regulation_of(layout: Layout, score: Score) -> tuple[int, int]:
    """The points (home, away) of regulation."""
    if score.periods:
        return points_of(score.periods[: layout.count])
    home, away = points_of(score.overtime or ())
    return score.home - home, score.away - away


def is_over(layout: Layout, terms: Terms, period: str, score: Score) -> bool:
    """Whether a period is over by a score that is not final. What includes overtime is over with the game only."""
    if period != "game" and period not in layout.spans:
        return False
    end = layout.count if period == "game" else layout.spans[period][1]
    if terms.overtime and end == layout.count:
        return False
    played = len(score.periods or ())
    if score.length is not None:
        played = min(played, score.length // layout.part_length)
    return played >= end


def is_short(rules: LeagueRules, layout: Layout, terms: Terms, period: str, score: Score) -> bool:
    """Whether a game that was called is too short for a wager to stand."""
    if score.length is None:
        return False
    needed = rules.end_of(layout, period)
    if terms.official is not None:
        needed = min(needed, terms.official)
    if score.home > score.away:
        needed -= terms.less_if_home_leads
    return score.length < needed


def points_for(layout: Layout, terms: Terms, market: str, period: str, score: Score) -> tuple[int, int]:
    """The points (home, away) that count for a wager, so far if its period is not over.

    Raises NotGradable if the score does not have them.
    """
    if period == "game" and terms.overtime:
        return score.home, score.away
    if period == "game":
        if not score.level_after_regulation or score.periods or score.overtime:
            return regulation_of(layout, score)
        if market == "total":
            raise NotGradable("The score does not say what regulation made.")
        return 0, 0  # level: whatever both have
    span = layout.spans.get(period)
    if not score.periods:
        raise NotGradable(f"The score does not say how {period} ended: its `periods` are missing.")
    if span is None:
        raise NotGradable(f"The score does not say how {period} ended: it is in {layout.name}.")
    first, end = span
    parts = score.periods[first:end]
    if terms.overtime and end == layout.count:
        parts = (*parts, *score.periods[layout.count :], *(score.overtime or ()))
    return points_of(parts)


def points_counted(rules: LeagueRules, market: str, period: str, score: Score) -> tuple[int, int] | None:
    """The points (home, away) that count for a wager by a score; None if the score does not have them."""
    try:
        layout = layout_of(rules, score)
        return points_for(layout, rules.terms(market, period), market, period, score)
    except NotGradable:
        return None


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

    Raises NotGradable (a score that is not final: while the wager's period goes on) and SelectionInvalid.
    """
    require_selection(market, side, line_quarters)
    require_period(rules, period)
    layout = check_score(rules, score)
    terms = rules.terms(market, period)
    if score.final:
        over = not is_short(rules, layout, terms, period, score)
    else:
        over = is_over(layout, terms, period, score)
    if not over and not (market == "total" and terms.decided_stands):
        return unofficial(score)
    home, away = points_for(layout, terms, market, period, score)
    if line_quarters is not None:
        if market == "total":
            beyond = 4 * (home + away) - line_quarters
            if not over and by_quarters(beyond) != "won":
                return unofficial(score)
            return by_quarters(beyond if side == "over" else -beyond)
        margin = home - away if side == "home" else away - home
        return by_quarters(4 * margin + line_quarters)
    if home == away:
        if market == "three_way":
            return "won" if side == "draw" else "lost"
        return "push"
    return "won" if side == ("home" if home > away else "away") else "lost"


def unofficial(score: Score) -> Result:
    """What is not over: void in a game that has ended, not to be settled in one that goes on."""
    if not score.final:
        raise NotGradable("That is not a final score, and what the wager is about is not over.")
    return "void"


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

    half_won: half the stake at the price, the other half back. half_lost: half the stake back. What comes back of the stake is
    the player's own money: it is not rounded to a unit, and no rounding of the rest takes from it.
    """
    if result == "lost":
        return 0
    if result == "push" or result == "void":
        return stake_minor
    if result == "half_lost":
        return max(rounding.round(stake_minor, 2), -(-stake_minor // 2))
    denominator = price.denominator
    if result == "half_won":
        denominator *= 2  # s/2 × (1 + profit) + s/2
    money = rounding.round(stake_minor * (price.numerator + denominator), denominator)
    return money if money > stake_minor else stake_minor
