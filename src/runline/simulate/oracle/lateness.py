"""Lateness: games that are not played at their start. A wager waits as long as its market's window says, from the start as it
was when the wager was placed; then it is void, but for what is decided, unless somebody says that it stands."""

from typing import Any

from runline.simulate.oracle.answers import Event, refuse_unless
from runline.simulate.oracle.board import markets_of
from runline.simulate.oracle.games import (
    OVER,
    a_game,
    goes_on,
    look_soon,
    may_step,
    nothing_held,
    take_step,
    wait_for_lines,
)
from runline.simulate.oracle.results import confirm
from runline.simulate.oracle.rules import IN_HOUSE, REASON, Asked, Moment, command, event, ground, happens
from runline.simulate.oracle.rulings import league_rules
from runline.simulate.oracle.state import Game, House, Window

HOUR_NS = 3_600 * 10**9
NOTICE_NS = HOUR_NS
NOTICE_LEAST_NS = HOUR_NS // 2

Place = tuple[int, int]
"""Of a window: the start when its wagers were placed, and its end."""


def start_at(house: House, name: str, seq: int) -> int:
    """The start that a game had at a position."""
    for until_seq, start_ns in house.starts.get(name, []):
        if seq < until_seq:
            return start_ns
    return house.games[name].start_ns if name in house.games else 0


def ended_for(house: House, name: str, market: str, seq: int) -> Window | None:
    """The window by which a wager is void that was placed at a position."""
    start_ns = start_at(house, name, seq)
    for window in house.windows.get(name, []):
        if window.status == "ended" and window.start_ns == start_ns and market in window.markets:
            return window
    return None


def ends_ns(window: dict[str, Any], start_ns: int, zone: str, moment: Moment) -> int:
    """The first moment that is too late."""
    if window["by"] == "hours":
        return start_ns + int(window["hours"]) * HOUR_NS
    return moment.calendar.day_ends_ns(zone, start_ns)


def threatened(house: House, game: Game, moment: Moment) -> dict[Place, tuple[str, ...]]:
    """The markets that will be void if nothing changes, by start and end."""
    if game.status in OVER:
        return {}
    windows = house.windows.get(game.name, [])
    rules = league_rules(house, game.sport, game.league)
    said = house.zones.get(("fixture", game.name)) or house.zones.get(("league", game.league))
    found: dict[Place, tuple[str, ...]] = {}
    for start_ns in dict.fromkeys([*(start_ns for _, start_ns in house.starts.get(game.name, [])), game.start_ns]):
        if any(window.status == "stands" and window.start_ns == start_ns for window in windows):
            continue
        for market in markets_of(house, game.name):
            end = ends_ns(rules.window_of(market.kind, market.period), start_ns, said or rules.zone, moment)
            void = any(
                window.status == "ended" and window.start_ns == start_ns and market.name in window.markets
                for window in windows
            )
            if not void and (game.name in house.postponed or game.start_ns >= end):
                found[start_ns, end] = (*found.get((start_ns, end), ()), market.name)
    return found


def nearing(game: Game, place: Place, markets: tuple[str, ...], moment: Moment) -> Event:
    """A window is told; what is told late is void later."""
    start_ns, end = place
    fields = {"start_ns": start_ns, "ends_ns": end, "markets": markets}
    return happens("WindowNearing", fixture=game.name, **fields, voids_ns=max(end, moment.at_ns + NOTICE_LEAST_NS))


@command("PostponeFixture", needs="fixtures_manage", streams=IN_HOUSE, reasons=REASON)
def postpone_fixture(house: House, asked: Asked, moment: Moment) -> list[Event]:
    game = a_game(house, asked.fixture)
    if game.name in house.postponed:
        return []
    may_step(game, "FixturePostponed")
    return [happens("FixturePostponed", fixture=game.name, start_ns=game.start_ns, reason=asked.reason)]


@event("FixturePostponed")
def fixture_postponed(house: House, at: Asked) -> None:
    take_step(house, house.games[at.fixture], "FixturePostponed")
    wait_for_lines(house, at.fixture)
    nothing_held(house, at.fixture)
    house.end_timer("cutoff", at.fixture)
    house.postponed[at.fixture] = (house.at_ns, at.reason)
    house.touch("postponed", at.fixture)
    look_soon(house, at.fixture)


@command("ResumeFixture", needs="fixtures_manage", streams=IN_HOUSE, reasons=REASON)
def resume_fixture(house: House, asked: Asked, moment: Moment) -> list[Event]:
    game = a_game(house, asked.fixture)
    if game.name not in house.postponed:
        return []
    refuse_unless(moment.at_ns >= game.start_ns, "fixture_status", status=game.status)
    return [happens("FixtureResumed", fixture=game.name, reason=asked.reason)]


@event("FixtureResumed")
def fixture_resumed(house: House, at: Asked) -> None:
    goes_on(house, at.fixture)
    look_soon(house, at.fixture)


@command("LetWagersStand", needs="result_confirm", streams=IN_HOUSE, reasons=REASON)
def let_wagers_stand(house: House, asked: Asked, moment: Moment) -> list[Event]:
    game = a_game(house, asked.fixture)
    windows = house.windows.get(game.name, [])
    told = {(window.start_ns, window.ends_ns) for window in windows}
    untold = []
    if asked.stand:
        places = threatened(house, game, moment)
        untold = [nearing(game, place, markets, moment) for place, markets in places.items() if place not in told]
    if not untold and all((window.status == "stands") == asked.stand for window in windows):
        return []
    return [*untold, happens("WagersLetStand", fixture=game.name, stand=asked.stand, reason=asked.reason)]


@event("WagersLetStand")
def wagers_let_stand(house: House, at: Asked) -> None:
    if at.stand:
        for window in house.windows[at.fixture]:
            window.status, window.seq = "stands", house.seq
    else:
        keep_windows(house, at.fixture, [one for one in house.windows[at.fixture] if one.status != "stands"])
    known = house.results.get(at.fixture)
    confirm(house, at.fixture, known.confirmed if known else None)
    look_soon(house, at.fixture)


def keep_windows(house: House, name: str, windows: list[Window]) -> None:
    """The windows of a game are these."""
    house.windows[name] = windows
    if not windows:
        del house.windows[name]


@ground("PostponeFixture", "ResumeFixture", "LetWagersStand")
def lateness_ground(house: House, asked: Asked) -> int:
    windows = [window.seq for window in house.windows.get(asked.fixture, [])]
    return max([house.when_moved("game", asked.fixture), house.when_moved("postponed", asked.fixture), *windows])


@command("LookAtWindows", streams=IN_HOUSE)
def look_at_windows(house: House, asked: Asked, moment: Moment) -> list[Event]:
    game = house.games.get(asked.fixture)
    if game is None:
        return [happens("WindowsLooked", fixture=asked.fixture, next_ns=0)]
    places = threatened(house, game, moment)
    events: list[Event] = []
    looks: list[int] = []
    for window in house.windows.get(game.name, []):
        if window.status != "told":
            continue
        place = (window.start_ns, window.ends_ns)
        fields = {"fixture": game.name, "window": window.number, "start_ns": window.start_ns, "ends_ns": window.ends_ns}
        if places.get(place) != window.markets:
            events.append(happens("WindowLifted", **fields))
            continue
        del places[place]
        if moment.at_ns >= window.voids_ns:
            events.append(happens("WindowEnded", **fields, markets=window.markets))
        else:
            looks.append(window.voids_ns)
    for place, markets in places.items():
        if moment.at_ns < place[1] - NOTICE_NS:
            looks.append(place[1] - NOTICE_NS)
        else:
            told = nearing(game, place, markets, moment)
            events.append(told)
            looks.append(told.fields["voids_ns"])
    return [*events, happens("WindowsLooked", fixture=game.name, next_ns=min(looks, default=0))]


@event("WindowNearing")
def window_nearing(house: House, at: Asked) -> None:
    window = Window(house.seq, at.start_ns, at.ends_ns, tuple(at.markets), at.voids_ns, seq=house.seq)
    house.windows.setdefault(at.fixture, []).append(window)


@event("WindowLifted")
def window_lifted(house: House, at: Asked) -> None:
    keep_windows(house, at.fixture, [one for one in house.windows[at.fixture] if one.number != at.window])


@event("WindowEnded")
def window_ended(house: House, at: Asked) -> None:
    known = house.results.get(at.fixture)
    for window in house.windows[at.fixture]:
        if window.number == at.window:
            window.status, window.seq = "ended", house.seq
            window.score = known.confirmed if known else None
    confirm(house, at.fixture, known.confirmed if known else None)


@event("WindowsLooked")
def windows_looked(house: House, at: Asked) -> None:
    if at.next_ns:
        house.set_timer("window", at.fixture, at.next_ns)
    else:
        house.end_timer("window", at.fixture)
