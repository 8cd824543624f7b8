"""Leagues: the queries about how games are settled: a league's rules, the periods of its scores, the games that are late, and
those that await a result."""

from itertools import islice

import msgspec

from runline.domain.access import User
from runline.domain.audience import Audience
from runline.domain.book import Book
from runline.domain.grading import SIDES, Score
from runline.domain.house import House
from runline.domain.official import PERIODS, Window
from runline.domain.permissions import Permission
from runline.domain.queries.declared import Asked, Page, query
from runline.domain.queries.pages import page_of
from runline.domain.state import State

START_DIGITS_MAX = 20
"""Digits of a start in a page's `after`: more than any has."""


class LeagueRuleRow(msgspec.Struct):
    """What holds for wagers on one kind of market and period of a league. Lengths are in `unit`.

    market: the kind of market. period: the part of the game. set_by_staff: whether it is a row that the house's staff have set.
    See `SetLeagueRule`.
    """

    league: str
    market: str
    period: str
    unit: str
    overtime: bool
    official: int | None
    less_if_home_leads: int
    decided_stands: bool
    window: Window
    set_by_staff: bool


class LeagueRulesAsked(Asked[LeagueRuleRow], frozen=True, kw_only=True):
    """league: whose rules; none are shown where there is no such league."""

    league: str = ""


@query(
    "league_rules",
    needs=Permission.BOARD_VIEW,
    asked=LeagueRulesAsked,
    row=LeagueRuleRow,
    streams=("house", "book"),
)
def league_rules(
    state: State, house: House, user: User, audience: Audience, asked: LeagueRulesAsked, now_ns: int
) -> Page:
    """The rules by which a league's wagers are settled, for each kind of market and period."""
    league = house.catalog.leagues.get(asked.league)
    if league is None:
        return Page([])
    rules = house.rulings.rules(league.sport, league.name)
    own = house.rulings.standing(league.name)
    places = [(market, period) for market in SIDES for period in PERIODS if rules.has(period)]

    def row(market: str, period: str) -> LeagueRuleRow:
        terms = rules.terms(market, period)
        return LeagueRuleRow(
            league.name,
            market,
            period,
            rules.unit,
            terms.overtime,
            terms.official,
            terms.less_if_home_leads,
            terms.decided_stands,
            rules.window_of(market, period),
            any(key in own for key in ((market, period), (market, ""), ("", period), ("", ""))),
        )

    names = [":".join(place) for place in places]
    first = names.index(asked.after) + 1 if asked.after in names else 0
    rows = (row(*place) for place in islice(places, first, None))
    return page_of(rows, asked, lambda row: f"{row.market}:{row.period}")


class LayoutRow(msgspec.Struct):
    """A way in which a league's scores divide regulation. The first is meant where a score does not say another (`scheduled`).

    layout: what the periods are called. periods: how many there are. part_length: the length of each, in `unit`. extras_listed:
    whether extra periods follow in the same list, and not as overtime.
    """

    league: str
    layout: str
    periods: int
    part_length: int
    unit: str
    extras_listed: bool


class LayoutsAsked(Asked[LayoutRow], frozen=True, kw_only=True):
    """league: whose scores; none are shown where there is no such league."""

    league: str = ""


@query("layouts", needs=Permission.BOARD_VIEW, asked=LayoutsAsked, row=LayoutRow, streams=("house", "book"))
def layouts(state: State, house: House, user: User, audience: Audience, asked: LayoutsAsked, now_ns: int) -> Page:
    """The periods that a league's scores are made of, the league's own first."""
    league = house.catalog.leagues.get(asked.league)
    if league is None:
        return Page([])
    rules = house.rulings.rules(league.sport, league.name)
    names = [str(one.count) for one in rules.layouts]
    first = names.index(asked.after) + 1 if asked.after in names else 0
    rows = (
        LayoutRow(league.name, one.name, one.count, one.part_length, rules.unit, one.extras_listed)
        for one in rules.layouts[first:]
    )
    return page_of(rows, asked, lambda row: str(row.periods))


class WindowRow(msgspec.Struct):
    """Until when the wagers on some markets wait that were placed while the game was to begin at `start_ns`.

    start_ns: that it had then. ends_ns: when their window ends by the rule. voids_ns: when they are void. status: `told`, `ended`
    (they are void), or `stands` (a person says so). markets: their markets.
    """

    start_ns: int
    ends_ns: int
    voids_ns: int
    status: str
    markets: tuple[str, ...]


class LateGameRow(msgspec.Struct):
    """A game that is postponed or broken off, or whose wagers' windows are near or over.

    start_ns: that it has now, None if it is archived. postponed_ns: since when nobody knows when it goes on, None if somebody
    does. reason: why, to the house's staff; "" to others.
    """

    fixture: str
    start_ns: int | None
    postponed_ns: int | None
    reason: str
    windows: list[WindowRow]


class LateGamesAsked(Asked[LateGameRow], frozen=True, kw_only=True):
    """Nothing else."""


@query("late_games", needs=Permission.BOARD_VIEW, asked=LateGamesAsked, row=LateGameRow, streams=("house", "book"))
def late_games(state: State, house: House, user: User, audience: Audience, asked: LateGamesAsked, now_ns: int) -> Page:
    """The games that are postponed, and until when the wagers on them wait, by game."""

    def row(name: str) -> LateGameRow:
        fixture, postponed = house.catalog.fixtures.get(name), house.lateness.postponed.get(name)
        windows = [
            WindowRow(window.start_ns, window.ends_ns, window.voids_ns, window.status, window.markets)
            for window in house.lateness.windows_of.get(name, ())
        ]
        return LateGameRow(
            name,
            fixture.start_ns if fixture is not None else None,
            postponed.since_ns if postponed is not None else None,
            postponed.reason if postponed is not None and not isinstance(state, Book) else "",
            windows,
        )

    return page_of((row(name) for name in house.lateness.order.after(asked.after)), asked, lambda row: row.fixture)


class AwaitingRow(msgspec.Struct):
    """A game that has begun and is not over.

    postponed_ns: since when nobody knows when it goes on, None if somebody does. revision: of the score that was entered last, 0
    if none was. entered: the score that was entered last, None if none was. confirmed: how it stands officially while it goes on,
    None if nobody has said so.
    """

    fixture: str
    league: str
    sport: str
    rotation: int
    away: str
    home: str
    start_ns: int
    postponed_ns: int | None
    revision: int
    entered: Score | None
    confirmed: Score | None


class AwaitingAsked(Asked[AwaitingRow], frozen=True, kw_only=True):
    """Nothing else."""


@query("awaiting", needs=Permission.BOARD_VIEW, asked=AwaitingAsked, row=AwaitingRow, streams=("house", "book"))
def awaiting(state: State, house: House, user: User, audience: Audience, asked: AwaitingAsked, now_ns: int) -> Page:
    """The games that have begun and await their final result, the one that began first before the others."""

    def row(name: str) -> AwaitingRow:
        game, result = house.catalog.fixtures[name], house.catalog.results.get(name)
        postponed = house.lateness.postponed.get(name)
        return AwaitingRow(
            name,
            game.league,
            game.sport,
            game.rotation,
            game.away,
            game.home,
            game.start_ns,
            postponed.since_ns if postponed is not None else None,
            result.revision if result is not None else 0,
            result.entered if result is not None else None,
            result.confirmed if result is not None else None,
        )

    start, _, name = asked.after.partition(":")
    after = (int(start) if start.isdecimal() and len(start) < START_DIGITS_MAX else -1, name)
    rows = (row(name) for _, name in house.catalog.begun.after(after))
    return page_of(rows, asked, lambda row: f"{row.start_ns}:{row.fixture}")
