"""Guard: which lines look like a mistake. The narrowest rule that somebody has set holds, then the narrowest that is there."""

from dataclasses import dataclass
from fractions import Fraction
from math import floor

from runline.simulate.oracle.answers import Event, refuse_unless
from runline.simulate.oracle.bounds import one_more
from runline.simulate.oracle.odds import price
from runline.simulate.oracle.official import SPORTS
from runline.simulate.oracle.rules import IN_HOUSE, REASON, Asked, Moment, command, event, ground, happens
from runline.simulate.oracle.state import Game, House

LIMIT_MOST = 10_000
CHECKS = ("no_hold", "price_jump", "line_jump", "contradiction", "swap")
WINNERS = ("moneyline", "draw_no_bet", "three_way")

LIMITS = {"no_hold": 40, "price_jump": 1_500, "contradiction": 600, "swap": 500}
JUMPS = {"football": 28, "basketball": 28, "baseball": 12, "hockey": 12, "soccer": 6}
TOTALS_JUMPS = {"basketball": 40, "baseball": 8, "hockey": 6}


@dataclass
class Line:
    """What is compared of a market."""

    kind: str
    line: int | None
    prices: tuple[str, ...]


def implied(prices: tuple[str, ...]) -> list[int]:
    """What each price says its side's chance is, hold included, in millionths."""
    return [floor(1_000_000 / (1 + price(text).profit)) for text in prices]


def shares(prices: tuple[str, ...]) -> list[int]:
    """The part of each side in what all say, in hundredths of a percent."""
    each = implied(prices)
    return [floor(Fraction(10_000 * one, sum(each))) for one in each]


def rule_of(house: House, game: Game, kind: str, check: str) -> tuple[int, str]:
    """The limit and the action that hold."""
    for scope, subject in (("league", game.league), ("sport", game.sport), ("all", "")):
        for market in (kind, ""):
            if (scope, subject, market, check) in house.guard:
                return house.guard[scope, subject, market, check]
    if check != "line_jump":
        return LIMITS[check], "hold"
    by_sport = JUMPS[game.sport]
    return TOTALS_JUMPS.get(game.sport, by_sport) if kind == "total" else by_sport, "hold"


def no_hold(line: Line, limit: int) -> bool:
    """All prices together imply less than the whole and the limit."""
    return sum(implied(line.prices)) < 1_000_000 + 100 * limit


def price_jump(line: Line, before: Line | None, limit: int) -> bool:
    """At the same line, a side's share is farther than the limit from before."""
    if before is None or before.line != line.line:
        return False
    return any(abs(now - was) > limit for now, was in zip(shares(line.prices), shares(before.prices), strict=True))


def line_jump(line: Line, before: Line | None, limit: int) -> bool:
    """The line is farther than the limit from the one before."""
    return (
        before is not None
        and line.line is not None
        and before.line is not None
        and abs(line.line - before.line) > limit
    )


def contradiction(spread: Line | None, winner: Line | None, limit: int) -> bool:
    """The side that gives points is the underdog, by more than the limit."""
    if spread is None or winner is None or not spread.line:
        return False
    away, home = implied(winner.prices[:2])
    lead = floor(Fraction(10_000 * home, away + home)) - 5_000
    return (lead if spread.line < 0 else -lead) < -limit


def swap(line: Line, before: Line | None, limit: int) -> bool:
    """The prices of the two sides are exchanged, at the same line or at its opposite."""
    if before is None or len(line.prices) != 2 or line.prices != tuple(reversed(before.prices)):
        return False
    apart = abs(shares(line.prices)[0] - shares(line.prices)[1])
    turned = line.kind == "spread" and line.line == -(before.line or 0)
    return apart >= limit and (line.line == before.line or turned)


def tripped(
    house: House, game: Game, line: Line, before: Line | None, beside: dict[str, Line]
) -> list[tuple[str, str]]:
    """The checks that a line trips, each with what is to be done. beside: the sound lines of the same post and period."""
    spread, winner = None, None
    if line.kind == "spread":
        spread, winner = line, next((beside[kind] for kind in WINNERS if kind in beside), None)
    elif line.kind in WINNERS:
        spread, winner = beside.get("spread"), line
    found: list[tuple[str, str]] = []
    for check in CHECKS:
        limit, action = rule_of(house, game, line.kind, check)
        trips = (
            (check == "no_hold" and no_hold(line, limit))
            or (check == "price_jump" and price_jump(line, before, limit))
            or (check == "line_jump" and line_jump(line, before, limit))
            or (check == "contradiction" and contradiction(spread, winner, limit))
            or (check == "swap" and swap(line, before, limit))
        )
        if trips and action != "off":
            found.append((check, action))
    return found


@command("SetGuard", needs="settings_change", streams=IN_HOUSE, reasons=REASON)
def set_guard(house: House, asked: Asked, moment: Moment) -> list[Event]:
    refuse_unless(0 <= asked.limit <= LIMIT_MOST, "limits_invalid", most=LIMIT_MOST)
    refuse_unless((asked.scope == "all") == (asked.subject == ""), "scope_invalid")
    refuse_unless(asked.scope != "league" or asked.subject in house.leagues, "unknown_league")
    refuse_unless(asked.scope != "sport" or asked.subject in SPORTS, "unknown_subject")
    before = house.guard.get((asked.scope, asked.subject, asked.market, asked.check))
    after = None if asked.action == "default" else (asked.limit, asked.action)
    if before == after:
        return []
    if before is None:
        one_more("GUARD_RULES_MAX", len(house.guard))
    place = {name: asked.fields[name] for name in ("scope", "subject", "market", "check")}
    return [happens("GuardSet", **place, before=before, after=after, reason=asked.reason)]


@event("GuardSet")
def guard_set(house: House, at: Asked) -> None:
    key = (at.scope, at.subject, at.market, at.check)
    house.guard.pop(key, None)
    if at.after is not None:
        house.guard[key] = tuple(at.after)
    house.touch("guard", key)


@ground("SetGuard")
def guard_ground(house: House, asked: Asked) -> int:
    return house.when_moved("guard", (asked.scope, asked.subject, asked.market, asked.check))
