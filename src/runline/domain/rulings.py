"""Rulings: the rows of leagues' rules that the house's staff have set, before those that a league or its sport has.

Rule: a row is of a league × market × period, and of those that fit a wager the most particular holds; one that names no market
leaves markets with a draw in them on regulation. A change counts from its position on: a result is graded by the rows that
stood as it was confirmed, so that all rows that ever stood are kept.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

import msgspec

from runline.domain.bounds import RULINGS_PER_LEAGUE_MAX, WINDOW_HOURS_MAX
from runline.domain.catalog import MarketKind
from runline.domain.grading import LENGTH_MAX, league_rules
from runline.domain.identifiers import Reason
from runline.domain.messages import Command, Event, Rejected, decides, evolves, grounds
from runline.domain.official import DRAW_MARKETS, LeagueRules, Period, Terms, Window
from runline.domain.permissions import Permission
from runline.domain.state import Part, Row, State

if TYPE_CHECKING:
    from runline.domain.context import Context
    from runline.domain.house import House


class LeagueRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """What holds for some wagers of a league. See `Terms`, whose fields these are.

    overtime: whether overtime counts. official: from which length they stand, None for all that was scheduled, in the league's
    unit. less_if_home_leads: how much less is enough where the home side leads. decided_stands: whether a total that is beyond
    its line already stands in a game that is called. window: how long they wait for a game that is postponed or abandoned, None
    for the league's.
    """

    overtime: bool = False
    official: int | None = None
    less_if_home_leads: int = 0
    decided_stands: bool = False
    window: Window | None = None

    def terms(self, market: str, period: str) -> tuple[Terms, ...]:
        """The rows that it makes."""
        markets, periods = (market,) if market else (), (period,) if period else ()
        row = Terms(
            markets,
            periods,
            self.overtime,
            self.official,
            self.less_if_home_leads,
            self.decided_stands,
            self.window,
        )
        if market or not self.overtime:
            return (row,)
        return row, msgspec.structs.replace(row, markets=DRAW_MARKETS, overtime=False)


class Ruling(Row, table="rulings"):
    """A row that was set, or (`rule` None) taken away.

    number: the position from which it stands. market, period: "" for all.
    """

    number: int
    league: str
    market: str
    period: str
    rule: LeagueRule | None
    changed_seq: int = 0


class Rulings(Part, named="rulings", streams=("house",), keeps={Ruling: "by_number"}):
    """The rows that the house's staff have set."""

    __slots__ = ("by_number", "of_league")

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self.by_number: dict[int, Ruling] = {}
        self.of_league: dict[str, list[Ruling]] = {}
        """In the order of their numbers."""

    def derive(self) -> None:
        self.of_league = {}
        for number in sorted(self.by_number):
            ruling = self.by_number[number]
            self.of_league.setdefault(ruling.league, []).append(ruling)

    def add(self, ruling: Ruling) -> None:
        """Take in a new row."""
        self.by_number[ruling.number] = self.state.touch(ruling)
        self.of_league.setdefault(ruling.league, []).append(ruling)

    def standing(self, league: str, seq: int | None = None) -> dict[tuple[str, str], LeagueRule]:
        """The rows of a league that stand, or stood at a position, by (market, period)."""
        return standing_by(self.of_league.get(league, ()), seq)

    def rules(self, sport: str, league: str, seq: int | None = None) -> LeagueRules:
        """The rules of a league as they stand, or stood at a position. Raises SelectionInvalid `sport_invalid`."""
        return rules_by(self.of_league.get(league, ()), sport, league, seq)


def standing_by(rulings: Iterable[Ruling], seq: int | None) -> dict[tuple[str, str], LeagueRule]:
    """Of a league's rows, in the order of their numbers, those that stand, or stood at a position, by (market, period)."""
    found: dict[tuple[str, str], LeagueRule] = {}
    for ruling in rulings:
        if seq is not None and ruling.number > seq:
            break
        found.pop((ruling.market, ruling.period), None)
        if ruling.rule is not None:
            found[ruling.market, ruling.period] = ruling.rule
    return found


def rules_by(rulings: Iterable[Ruling], sport: str, league: str, seq: int | None) -> LeagueRules:
    """The rules of a league by its rows, as they stand, or stood at a position. Raises SelectionInvalid `sport_invalid`.

    Of the rows that fit a wager the more particular come later, a market more than a period: "" is before all names.
    """
    rules = league_rules(sport, league)
    found = standing_by(rulings, seq)
    own = [row for key in sorted(found) for row in found[key].terms(*key)]
    return msgspec.structs.replace(rules, rows=(*rules.rows, *own)) if own else rules


class SetLeagueRule(Command, needs=Permission.SETTINGS_CHANGE, streams=("house",)):
    """Say what holds for wagers of a league, on a market, a period, or all. It counts from now on: for results that are confirmed
    later, and windows of postponed games that have not ended.

    market: a kind of market, "" for all. period: "" for all. rule: None to have again what the league has by itself.
    """

    league: str
    rule: LeagueRule | None
    reason: Reason
    market: MarketKind | Literal[""] = ""
    period: Period | Literal[""] = ""


class LeagueRuleSet(Event, shown_to=Permission.BOARD_VIEW, notice="league_rule", told_to_books=True):
    """What holds for wagers of a league is another rule.

    market: a kind of market, "" for all. period: "" for all. before, after: None for what the league has by itself.
    """

    league: str
    market: str
    period: str
    before: LeagueRule | None
    after: LeagueRule | None
    reason: str


@decides(SetLeagueRule)
def set_league_rule(house: "House", command: SetLeagueRule, context: "Context") -> LeagueRuleSet | tuple[()]:
    league = house.catalog.leagues.get(command.league)
    if league is None:
        raise Rejected("unknown_league", f"There is no league {command.league!r}.", league=command.league)
    rules = league_rules(league.sport, league.name)
    if command.period and not rules.has(command.period):
        raise Rejected("line_invalid", f"A game of {league.sport} has no {command.period}.")
    if command.rule is not None:
        require_possible(command.rule)
    before = house.rulings.standing(league.name).get((command.market, command.period))
    if before == command.rule:
        return ()
    if len(house.rulings.of_league.get(league.name, ())) >= RULINGS_PER_LEAGUE_MAX:
        raise Rejected("too_many", "This league's rules have changed too often.", most=RULINGS_PER_LEAGUE_MAX)
    return LeagueRuleSet(league.name, command.market, command.period, before, command.rule, command.reason)


def require_possible(rule: LeagueRule) -> None:
    """Refuse lengths and windows that there are not.

    Raises Rejected `limits_invalid`.
    """
    lengths = (rule.official if rule.official is not None else 1, rule.less_if_home_leads + 1)
    if not all(0 < length <= LENGTH_MAX for length in lengths):
        raise Rejected("limits_invalid", "There is no game of such a length.", most=LENGTH_MAX)
    window = rule.window
    if window is not None and not (0 < window.hours <= WINDOW_HOURS_MAX if window.by == "hours" else window.hours == 0):
        raise Rejected("limits_invalid", "A window has hours, or is a date.", most=WINDOW_HOURS_MAX)


@evolves(LeagueRuleSet)
def league_rule_set(house: "House", event: LeagueRuleSet) -> None:
    house.rulings.add(Ruling(house.seq, event.league, event.market, event.period, event.after))


@grounds(SetLeagueRule)
def ruling_ground(house: "House", command: SetLeagueRule) -> int:
    """The rules of this league."""
    rulings = house.rulings.of_league.get(command.league)
    return rulings[-1].number if rulings else 0
