"""Guard: what looks like a mistake in a line that is posted.

Rule: each check compares a line with a limit, which is data: a rule of a league, a sport or all, for a kind of market or all. The
narrowest that somebody has set holds, otherwise the narrowest of DEFAULTS. What trips a check waits for a person (`hold`), stands
and is told (`alert`), or passes (`off`).
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, get_args

import msgspec

from runline.domain.access import User
from runline.domain.audience import Audience
from runline.domain.bounds import GUARD_LIMIT_MAX, GUARD_RULES_MAX
from runline.domain.catalog import Fixture, Market, MarketKind
from runline.domain.identifiers import Reason
from runline.domain.messages import Command, Event, Rejected, decides, evolves, grounds
from runline.domain.odds import PRICES_CACHED, parse_price
from runline.domain.official import SPORTS
from runline.domain.permissions import Permission
from runline.domain.queries.declared import Asked, Page, query
from runline.domain.queries.pages import page_of
from runline.domain.state import Part, Row, State

if TYPE_CHECKING:
    from runline.domain.context import Context
    from runline.domain.house import House

Check = Literal["no_hold", "price_jump", "line_jump", "contradiction", "swap"]
"""no_hold: all sides together imply less than 100 % and so many hundredths of a percent. price_jump: a side's share of what they
imply is more than so many hundredths of a percent away from the line before. line_jump: the handicap or total is more than so
many quarter points away from it. contradiction: the side that gives points is an underdog on the moneyline, by more than so many
hundredths of a percent. swap: the prices of the two sides are exchanged, which were at least so many hundredths of a percent
apart."""

CHECKS: tuple[Check, ...] = get_args(Check)

Action = Literal["hold", "alert", "off"]
Scope = Literal["all", "sport", "league"]

SCOPES: tuple[Scope, ...] = ("league", "sport", "all")
"""The narrowest first."""

WHOLE = 1_000_000
"""What is certain, as a share: prices imply shares in millionths, which add up to more than the whole by the book's hold."""

RuleKey = tuple[str, str, str, str]
"""Scope, subject, kind of market ("" for all), check."""

DEFAULTS: dict[RuleKey, int] = {
    ("all", "", "", "no_hold"): 40,
    ("all", "", "", "price_jump"): 1_500,
    ("all", "", "", "contradiction"): 600,
    ("all", "", "", "swap"): 500,
    ("all", "", "", "line_jump"): 40,
    ("sport", "football", "", "line_jump"): 28,
    ("sport", "basketball", "", "line_jump"): 28,
    ("sport", "basketball", "total", "line_jump"): 40,
    ("sport", "baseball", "", "line_jump"): 12,
    ("sport", "baseball", "total", "line_jump"): 8,
    ("sport", "hockey", "", "line_jump"): 12,
    ("sport", "hockey", "total", "line_jump"): 6,
    ("sport", "soccer", "", "line_jump"): 6,
}
"""The limits where nobody has set another one; what trips them is held. Of the 173,000 changes of a line in a season of baseball
(`data/mlb`) 33 trip them. A run line that changes its favourite (three runs) does not, nor do moneylines near even."""


class GuardRule(Row, table="guard_rules", key=4):
    """How one check is made somewhere.

    scope, subject: of a league or a sport; `all` and "". market: a kind, "" for all.
    limit: in the unit of the check (see `Check`).
    """

    scope: str
    subject: str
    market: str
    check: str
    limit: int
    action: str
    changed_seq: int = 0


class Guard(Part, named="guard", streams=("house",), keeps={GuardRule: "rules"}):
    """The house's rules of what looks like a mistake."""

    __slots__ = ("made", "rules")

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self.rules: dict[RuleKey, GuardRule] = {}
        self.made: dict[tuple[str, str, str], tuple[tuple[Check, int, str], ...]] = {}

    def checks(self, fixture: Fixture, kind: str) -> tuple[tuple[Check, int, str], ...]:
        """The checks that are made of a market of a game, each with its limit and its action; worked out once for all markets of
        a league and a kind, until a rule is set."""
        place = (fixture.league, fixture.sport, kind)
        found = self.made.get(place)
        if found is None:
            rules = ((check, *self.rule(fixture, kind, check)) for check in CHECKS)
            found = self.made[place] = tuple(rule for rule in rules if rule[2] != "off")
        return found

    def rule(self, fixture: Fixture, kind: str, check: Check) -> tuple[int, str]:
        """The limit and the action that hold for a market of a game."""
        subjects = {"league": fixture.league, "sport": fixture.sport, "all": ""}
        keys = [(scope, subjects[scope], market, check) for scope in SCOPES for market in (kind, "")]
        for key in keys:
            rule = self.rules.get(key)
            if rule is not None:
                return rule.limit, rule.action
        return next(DEFAULTS[key] for key in keys if key in DEFAULTS), "hold"


class Line(msgspec.Struct, frozen=True, gc=False):
    """A sound line: its prices are of record, in the order of the kind's SIDES."""

    kind: MarketKind
    line_quarters: int | None
    prices: tuple[str, ...]


@lru_cache(maxsize=PRICES_CACHED)
def implied(prices: tuple[str, ...]) -> tuple[int, ...]:
    """What each price implies, in millionths, the hold included."""
    known = [parse_price(text) for text in prices]
    return tuple(WHOLE * price.denominator // (price.numerator + price.denominator) for price in known)


@lru_cache(maxsize=PRICES_CACHED)
def shares(prices: tuple[str, ...]) -> tuple[int, ...]:
    """The part of each side in what all imply, in hundredths of a percent."""
    each = implied(prices)
    whole = sum(each)
    return tuple(10_000 * one // whole for one in each)


def favoured(winner: Line) -> int:
    """How much more likely than not the home side is to win by a line that says who does, in hundredths of a percent."""
    away, home = implied(winner.prices[:2])
    return 10_000 * home // (away + home) - 5_000


class Seen(msgspec.Struct, frozen=True, gc=False):
    """What is compared: a line, the one before (None for a market's first), and what the same board says of the same period: of a
    spread, who wins; of who wins, the spread (None if it says nothing)."""

    line: Line
    before: Line | None
    other: Line | None


def hold_missing(seen: Seen, limit: int) -> bool:
    return sum(implied(seen.line.prices)) - WHOLE < 100 * limit


def price_jumps(seen: Seen, limit: int) -> bool:
    line, before = seen.line, seen.before
    if before is None or before.line_quarters != line.line_quarters:
        return False
    moves = (abs(now - was) for now, was in zip(shares(line.prices), shares(before.prices), strict=True))
    return max(moves) > limit


def line_jumps(seen: Seen, limit: int) -> bool:
    line, before = seen.line.line_quarters, seen.before.line_quarters if seen.before else None
    return line is not None and before is not None and abs(line - before) > limit


def contradicts(seen: Seen, limit: int) -> bool:
    if seen.other is None:
        return False
    spread, winner = (seen.line, seen.other) if seen.line.kind == "spread" else (seen.other, seen.line)
    quarters, home = spread.line_quarters, favoured(winner)
    if not quarters:
        return False
    return (home if quarters < 0 else -home) < -limit


def swaps(seen: Seen, limit: int) -> bool:
    line, before = seen.line, seen.before
    if before is None or len(line.prices) != 2 or line.prices != before.prices[::-1]:
        return False
    first, second = shares(line.prices)
    same = line.line_quarters == before.line_quarters
    turned = line.kind == "spread" and line.line_quarters == -(before.line_quarters or 0)
    return abs(first - second) >= limit and (same or turned)


TRIPS: dict[Check, Callable[[Seen, int], bool]] = {
    "no_hold": hold_missing,
    "price_jump": price_jumps,
    "line_jump": line_jumps,
    "contradiction": contradicts,
    "swap": swaps,
}

WINNERS: tuple[MarketKind, ...] = ("moneyline", "draw_no_bet", "three_way")
"""The kinds that say who wins, the one first that is compared with the spread if there are several."""


def other_of(line: Line, beside: Mapping[MarketKind, Line]) -> Line | None:
    """What a line is compared with of those beside it, which are of the same game and period (see `Seen`)."""
    if line.kind == "spread":
        return next((beside[kind] for kind in WINNERS if kind in beside), None)
    return beside.get("spread") if line.kind in WINNERS else None


def before_of(market: Market | None) -> Line | None:
    """The line that a market had last, whether it is on the board or off."""
    if market is None:
        return None
    return Line(market.kind, market.line_quarters, market.prices)  # type: ignore[arg-type]


def tripped(house: "House", fixture: Fixture, seen: Seen) -> list[tuple[Check, str]]:
    """The checks that a line trips, each with what is to be done."""
    checks = house.guard.checks(fixture, seen.line.kind)
    return [(check, action) for check, limit, action in checks if TRIPS[check](seen, limit)]


class SetGuard(Command, needs=Permission.SETTINGS_CHANGE, streams=("house",)):
    """Say how a check of the lines that are posted is made: in all games, a sport's or a league's; for a kind of market or all.

    action: `hold` (a person confirms it), `alert` (it stands, and is told), `off`; `default` takes this rule away, so that the
    next wider one holds.
    limit: ≥ 0, in hundredths of a percent, of `line_jump` in quarter points; of no meaning for `off` and `default`.
    scope: whose games: `all`, a `sport`'s, a `league`'s. subject: its name, "" for all. market: a kind of market, "" for every
    one.
    """

    check: Check
    action: Literal["hold", "alert", "off", "default"]
    reason: Reason
    limit: int = 0
    scope: Scope = "all"
    subject: str = ""
    market: MarketKind | Literal[""] = ""


class GuardSet(Event):
    """A check is made in another way from here on.

    scope: whose games: `all`, a `sport`'s, a `league`'s. subject: its name, "" for all. market: a kind of market, "" for every
    one.
    before, after: (limit, action); None where there is no rule.
    """

    scope: str
    subject: str
    market: str
    check: str
    before: tuple[int, str] | None
    after: tuple[int, str] | None
    reason: str


@decides(SetGuard)
def set_guard(house: "House", command: SetGuard, context: "Context") -> GuardSet | tuple[()]:
    if type(command.limit) is not int or not 0 <= command.limit <= GUARD_LIMIT_MAX:
        raise Rejected("limits_invalid", "The limit is not negative, and bounded.", most=GUARD_LIMIT_MAX)
    require_scope(house, command.scope, command.subject)
    rule = house.guard.rules.get((command.scope, command.subject, command.market, command.check))
    before = (rule.limit, rule.action) if rule is not None else None
    after = None if command.action == "default" else (command.limit, command.action)
    if before == after:
        return ()
    if rule is None and len(house.guard.rules) >= GUARD_RULES_MAX:
        raise Rejected("too_many", "There are as many rules of the guard as there may be.", most=GUARD_RULES_MAX)
    return GuardSet(command.scope, command.subject, command.market, command.check, before, after, command.reason)


def require_scope(house: "House", scope: str, subject: str) -> None:
    if (scope == "all") != (subject == ""):
        raise Rejected("scope_invalid", "Every scope but `all` names a subject.")
    if scope == "league" and subject not in house.catalog.leagues:
        raise Rejected("unknown_league", f"There is no league {subject!r}.", league=subject)
    if scope == "sport" and subject not in SPORTS:
        raise Rejected("unknown_subject", f"There is no sport {subject!r}.", subject=subject)


@evolves(GuardSet)
def guard_set(house: "House", event: GuardSet) -> None:
    key = (event.scope, event.subject, event.market, event.check)
    house.guard.made = {}
    if event.after is None:
        house.drop(house.guard.rules.pop(key))
        return
    rule = house.guard.rules.get(key)
    if rule is None:
        rule = house.guard.rules[key] = GuardRule(*key, *event.after)
    rule.limit, rule.action = event.after
    house.touch(rule)


@grounds(SetGuard)
def guard_ground(house: "House", command: SetGuard) -> int:
    """The rule itself: others may come and go."""
    return house.moved_seq(GuardRule, (command.scope, command.subject, command.market, command.check))


class GuardRow(msgspec.Struct):
    """How a check is made somewhere.

    scope: whose games: `all`, a `sport`'s, a `league`'s. subject: its name, "" for all. market: a kind of market, "" for every
    one.
    limit: in hundredths of a percent, of `line_jump` in quarter points. default: nobody has set it.
    """

    scope: str
    subject: str
    market: str
    check: str
    limit: int
    action: str
    default: bool


class GuardAsked(Asked[GuardRow], frozen=True, kw_only=True):
    """Nothing else."""


@query("guard", needs=Permission.LINES_POST, asked=GuardAsked, row=GuardRow, streams=("house",))
def guard(house: "House", view: "House", user: User, audience: Audience, asked: GuardAsked, now_ns: int) -> Page:
    """The rules by which lines that look like a mistake are held or told."""

    def rows() -> list[GuardRow]:
        rules = house.guard.rules
        own = [GuardRow(*key, rule.limit, rule.action, False) for key, rule in rules.items()]
        rest = [GuardRow(*key, limit, "hold", True) for key, limit in DEFAULTS.items() if key not in rules]
        return sorted(own + rest, key=name_of)

    def name_of(row: GuardRow) -> str:
        return ":".join((row.scope, row.subject, row.market, row.check))

    return page_of((row for row in rows() if name_of(row) > asked.after), asked, name_of)
