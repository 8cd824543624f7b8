"""Rulings: the rows that the house's staff have set, and zones. A result is graded by the rows that stood as it was confirmed."""

from dataclasses import replace
from typing import Any

from runline.simulate.oracle.answers import Event, refuse_unless
from runline.simulate.oracle.bounds import one_more
from runline.simulate.oracle.games import OVER, a_game, look_soon
from runline.simulate.oracle.official import DRAWN, League, Row, rules_of
from runline.simulate.oracle.rules import IN_HOUSE, REASON, Asked, Moment, command, event, ground, happens
from runline.simulate.oracle.state import House

LENGTH_MOST = 10_000
HOURS_MOST = 31 * 24


def standing(house: House, league: str, seq: int | None = None) -> dict[tuple[str, str], dict[str, Any]]:
    """The rows of a league that stand, or stood at a position, by (market, period)."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for number, of, market, period, rule in house.rulings:
        if of == league and (seq is None or number <= seq):
            found.pop((market, period), None)
            if rule is not None:
                found[market, period] = rule
    return found


def rows_of(market: str, period: str, rule: dict[str, Any]) -> list[Row]:
    """The rows of a ruling. One that names no market leaves those with a draw in them on regulation."""
    row = Row((market,) if market else (), (period,) if period else (), **rule)
    return [row] if market else [row, replace(row, markets=DRAWN, overtime=False)]


def league_rules(house: House, sport: str, league: str, seq: int | None = None) -> League:
    """The rules of a league, now or as they stood at a position. The more particular row holds, a market before a period."""
    rules, own = rules_of(sport, league), standing(house, league, seq)
    order = sorted(own, key=lambda place: (place[0] != "", place[1] != "", place))
    return replace(rules, rows=(*rules.rows, *(row for place in order for row in rows_of(*place, own[place]))))


def whole(rule: dict[str, Any]) -> dict[str, Any]:
    """A rule with all that it may say."""
    empty = {"overtime": False, "official": None, "less_if_home_leads": 0, "decided_stands": False, "window": None}
    window = rule.get("window")
    return {**empty, **rule, "window": window and {"hours": 0, "known_stands": True, **window}}


def a_possible(rule: dict[str, Any]) -> None:
    """Lengths and windows that there are."""
    official, less = rule["official"], rule["less_if_home_leads"]
    refuse_unless(official is None or 0 < official <= LENGTH_MOST, "limits_invalid", most=LENGTH_MOST)
    refuse_unless(0 <= less < LENGTH_MOST, "limits_invalid", most=LENGTH_MOST)
    window = rule["window"]
    if window is not None:
        hours = window["hours"]
        possible = 0 < hours <= HOURS_MOST if window["by"] == "hours" else hours == 0
        refuse_unless(possible, "limits_invalid", most=HOURS_MOST)


@command("SetLeagueRule", needs="settings_change", streams=IN_HOUSE, reasons=REASON)
def set_league_rule(house: House, asked: Asked, moment: Moment) -> list[Event]:
    refuse_unless(asked.league in house.leagues, "unknown_league", league=asked.league)
    rules = rules_of(house.leagues[asked.league], asked.league)
    refuse_unless(not asked.period or rules.has(asked.period), "line_invalid")
    rule = None if asked.rule is None else whole(asked.rule)
    if rule is not None:
        a_possible(rule)
    before = standing(house, asked.league).get((asked.market, asked.period))
    if before == rule:
        return []
    one_more("RULINGS_PER_LEAGUE_MAX", sum(1 for one in house.rulings if one[1] == asked.league))
    place = {"league": asked.league, "market": asked.market, "period": asked.period}
    return [happens("LeagueRuleSet", **place, before=before, after=rule, reason=asked.reason)]


@event("LeagueRuleSet")
def league_rule_set(house: House, at: Asked) -> None:
    house.rulings.append((house.seq, at.league, at.market, at.period, at.after))
    house.touch("rulings", at.league)
    look_at_league(house, at.league)


def look_at_league(house: House, league: str) -> None:
    """The windows of a league's games that are late may end at other times."""
    for name, game in house.games.items():
        if game.league == league and game.status not in OVER and (name in house.starts or name in house.postponed):
            look_soon(house, name)


@ground("SetLeagueRule")
def rulings_ground(house: House, asked: Asked) -> int:
    return house.when_moved("rulings", asked.league)


@command("SetZone", needs="fixtures_manage", streams=IN_HOUSE, reasons=REASON)
def set_zone(house: House, asked: Asked, moment: Moment) -> list[Event]:
    if asked.place == "fixture":
        a_game(house, asked.subject)
    else:
        refuse_unless(asked.subject in house.leagues, "unknown_league", league=asked.subject)
    refuse_unless(not asked.zone or moment.calendar.knows(asked.zone), "unknown_zone")
    before = house.zones.get((asked.place, asked.subject), "")
    if before == asked.zone:
        return []
    place = {"place": asked.place, "subject": asked.subject}
    return [happens("ZoneSet", **place, before=before, after=asked.zone, reason=asked.reason)]


@event("ZoneSet")
def zone_set(house: House, at: Asked) -> None:
    house.zones.pop((at.place, at.subject), None)
    if at.after:
        house.zones[at.place, at.subject] = at.after
    house.touch("zone", (at.place, at.subject))
    if at.place == "league":
        look_at_league(house, at.subject)
    elif is_late(house, at.subject):
        look_soon(house, at.subject)


def is_late(house: House, name: str) -> bool:
    """Whether a game was moved, is postponed, or windows of it were told."""
    return bool(house.starts.get(name)) or name in house.postponed or bool(house.windows.get(name))


@ground("SetZone")
def zone_ground(house: House, asked: Asked) -> int:
    return house.when_moved("zone", (asked.place, asked.subject))
