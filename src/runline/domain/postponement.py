"""Postponement: games that are not played at their start, or not to their end, and what becomes of the wagers on them.

Rule: a wager waits for the game as long as its market's row says (`Window`), from the start as it was when the wager was
placed. If the game does not begin within that time, or is postponed or abandoned when it is over, a timer tells it before, and
then the wager is void; what the score known by then decides stands where the row says so. A game that begins within its window,
or is over, makes nothing void. Whether wagers stand after all may be said by a person, before the end or after it.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from runline.domain.archive import FixtureArchived
from runline.domain.bounds import WINDOW_NOTICE_NS, WINDOW_NOTICE_NS_MIN
from runline.domain.catalog import OVER, Fixture
from runline.domain.fixtures import FixtureRescheduled
from runline.domain.identifiers import Reason
from runline.domain.lateness import WINDOW_LIFE, EarlierStart, LateWindow, Postponement
from runline.domain.messages import Command, Event, Rejected, decides, evolves, fires, grounds
from runline.domain.official import Window
from runline.domain.permissions import Permission
from runline.domain.reopening import FixtureReopened
from runline.domain.results import FixtureCancelled, ResultConfirmed, ScoreConfirmed
from runline.domain.rulings import LeagueRuleSet
from runline.domain.zones import ZoneSet

if TYPE_CHECKING:
    from runline.domain.context import Context
    from runline.domain.house import House

HOUR_NS = 3_600 * 10**9

TIMER = "window"
"""The kind of timer that looks at a game's windows. Its subject is the game."""


class PostponeFixture(Command, needs=Permission.FIXTURES_MANAGE, streams=("house",)):
    """Say that a game is not played at its start, or was broken off, and that nobody knows yet when it goes on. It takes no
    wagers. `RescheduleFixture` says when it will be played, `ResumeFixture` that it goes on, a final result that it is over.
    """

    fixture: str
    reason: Reason


class FixturePostponed(Event, shown_to=Permission.BOARD_VIEW, notice="postponement", told_to_books=True):
    """A game is postponed or broken off: it takes no wagers, and those on it wait for as long as their windows say. Its lines
    are of another time: once it has a new start, each market waits for a new one.

    start_ns: when it should have begun.
    """

    fixture: str
    start_ns: int
    reason: str


class ResumeFixture(Command, needs=Permission.FIXTURES_MANAGE, streams=("house",)):
    """Say that a game that was postponed or broken off is played: its wagers wait no more. It stays closed (`RescheduleFixture`
    is for one that is still to come).
    """

    fixture: str
    reason: Reason


class FixtureResumed(Event, shown_to=Permission.BOARD_VIEW, notice="postponement", told_to_books=True):
    """A game that was postponed or broken off is played."""

    fixture: str
    reason: str


class LetWagersStand(Command, needs=Permission.RESULT_CONFIRM, streams=("house",)):
    """Say that the wagers on a late game stand whatever their windows say: what is void by them is open again, or settled by the
    score, and what would be void some day will not be. `stand` false takes that back: the rule counts again, with a notice before
    it voids anything.
    """

    fixture: str
    reason: Reason
    stand: bool = True


class WagersLetStand(Event, shown_to=Permission.BOARD_VIEW, notice="postponement", told_to_books=True):
    """The wagers on a late game stand, or (not `stand`) their windows count again."""

    fixture: str
    stand: bool
    reason: str


class LookAtWindows(Command, streams=("house",)):
    """It may be time to tell, or to void, what waits for a late game (the engine sends it when the timer is due)."""

    fixture: str


class WindowNearing(Event, shown_to=Permission.BOARD_VIEW, notice="postponement", told_to_books=True):
    """Wagers on these markets, placed while the game was to begin at `start_ns`, are void at `voids_ns` unless it begins by then.

    start_ns: that it had then. ends_ns: the end of their window by the rule. markets: their markets.
    """

    fixture: str
    start_ns: int
    ends_ns: int
    markets: tuple[str, ...]
    voids_ns: int


class WindowLifted(Event, shown_to=Permission.BOARD_VIEW, notice="postponement", told_to_books=True):
    """What was told is not so any more: the game will be played, or was, in time, or the rule is another one.

    window: the position at which it was told. start_ns: that the game had when they were placed. ends_ns: the end of their
    window.
    """

    fixture: str
    window: int
    start_ns: int
    ends_ns: int


class WindowEnded(Event, shown_to=Permission.BOARD_VIEW, notice="postponement", told_to_books=True):
    """Wagers on these markets, placed while the game was to begin at `start_ns`, are void, but for what is decided already.

    window: the position at which it was told. ends_ns: the end of their window by the rule. markets: their markets.
    """

    fixture: str
    window: int
    start_ns: int
    ends_ns: int
    markets: tuple[str, ...]


class WindowsLooked(Event):
    """A game's windows were looked at. next_ns: when they are again, 0 if nothing waits."""

    fixture: str
    next_ns: int


# What a person says


@decides(PostponeFixture)
def postpone_fixture(house: "House", command: PostponeFixture, context: "Context") -> FixturePostponed | tuple[()]:
    fixture = house.catalog.fixture(command.fixture)
    if fixture.name in house.lateness.postponed:
        return ()
    house.catalog.require_step(fixture, "FixturePostponed")
    return FixturePostponed(fixture.name, fixture.start_ns, command.reason)


@evolves(FixturePostponed)
def fixture_postponed(house: "House", event: FixturePostponed) -> None:
    fixture = house.catalog.fixtures[event.fixture]
    house.catalog.advance(fixture, "FixturePostponed")
    house.catalog.await_lines(fixture)
    house.timers.unschedule("cutoff", event.fixture)
    house.lateness.postpone(Postponement(event.fixture, house.at_ns, event.reason))
    look_soon(house, event.fixture)


@decides(ResumeFixture)
def resume_fixture(house: "House", command: ResumeFixture, context: "Context") -> FixtureResumed | tuple[()]:
    fixture = house.catalog.fixture(command.fixture)
    if fixture.name not in house.lateness.postponed:
        return ()
    if context.at_ns < fixture.start_ns:
        raise Rejected("fixture_status", "Its start is still to come: it is rescheduled.", status=fixture.status)
    return FixtureResumed(fixture.name, command.reason)


@evolves(FixtureResumed)
def fixture_resumed(house: "House", event: FixtureResumed) -> None:
    house.lateness.goes_on(event.fixture)
    look_soon(house, event.fixture)


@decides(LetWagersStand)
def let_wagers_stand(
    house: "House", command: LetWagersStand, context: "Context"
) -> list[WindowNearing | WagersLetStand] | tuple[()]:
    fixture = house.catalog.fixture(command.fixture)
    windows = house.lateness.windows_of.get(fixture.name, [])
    untold: list[WindowNearing] = []
    if command.stand:
        known = {(window.start_ns, window.ends_ns) for window in windows}
        threatened = windows_threatened(house, fixture, context)
        untold = [nearing(fixture, *which, markets, context) for which, markets in threatened if which not in known]
    if not untold and all((window.status == "stands") == command.stand for window in windows):
        return ()
    return [*untold, WagersLetStand(fixture.name, command.stand, command.reason)]


@evolves(WagersLetStand)
def wagers_let_stand(house: "House", event: WagersLetStand) -> None:
    windows = list(house.lateness.windows_of[event.fixture])
    for window in windows:
        if event.stand:
            house.touch(window).status = WINDOW_LIFE[window.status, "WagersLetStand"]
        elif window.status == "stands":
            house.lateness.forget(window)
    house.catalog.settle_anew(event.fixture)
    look_soon(house, event.fixture)


# What follows from other events


def look_soon(house: "House", fixture: str) -> None:
    """Something has changed by which a game's windows go."""
    house.timers.schedule(TIMER, fixture, house.at_ns)


@evolves(FixtureRescheduled)
def start_moved(house: "House", event: FixtureRescheduled) -> None:
    if event.before_ns != event.after_ns:
        house.lateness.moved(EarlierStart(event.fixture, house.seq, event.before_ns))
    house.lateness.goes_on(event.fixture)
    look_soon(house, event.fixture)


@evolves(ResultConfirmed)
@evolves(FixtureCancelled)
def late_game_over(house: "House", event: ResultConfirmed | FixtureCancelled) -> None:
    if house.lateness.is_late(event.fixture):
        house.lateness.goes_on(event.fixture)
        look_soon(house, event.fixture)


@evolves(FixtureReopened)
def late_game_reopened(house: "House", event: FixtureReopened) -> None:
    if house.lateness.is_late(event.fixture):
        look_soon(house, event.fixture)


@evolves(ScoreConfirmed)
def late_game_scored(house: "House", event: ScoreConfirmed) -> None:
    """While it is postponed, its score is that by which what is decided stands."""
    for window in house.lateness.windows_of.get(event.fixture, ()):
        if window.status == "ended" and event.fixture in house.lateness.postponed:
            house.touch(window).score = event.score
    if house.lateness.is_late(event.fixture):
        look_soon(house, event.fixture)


@evolves(LeagueRuleSet)
def windows_ruled(house: "House", event: LeagueRuleSet) -> None:
    look_at_league(house, event.league)


@evolves(ZoneSet)
def windows_moved(house: "House", event: ZoneSet) -> None:
    if event.place == "league":
        look_at_league(house, event.subject)
    elif house.lateness.is_late(event.subject):
        look_soon(house, event.subject)


def look_at_league(house: "House", league: str) -> None:
    """Something has changed for all games of a league: those that are late are looked at, one by one."""
    late = dict.fromkeys((*house.lateness.starts_of, *house.lateness.postponed))
    for name in late:
        fixture = house.catalog.fixtures.get(name)
        if fixture is not None and fixture.league == league and fixture.status not in OVER:
            look_soon(house, name)


@evolves(FixtureArchived)
def late_game_archived(house: "House", event: FixtureArchived) -> None:
    house.timers.unschedule(TIMER, event.fixture)
    house.lateness.archive(event.fixture, house.catalog.fixtures[event.fixture].start_ns)
    house.zones.forget(event.fixture)


# What time causes


@fires(TIMER)
def window_is_due(subject: str) -> Command:
    return LookAtWindows(subject)


@decides(LookAtWindows)
def look_at_windows(house: "House", command: LookAtWindows, context: "Context") -> list[Event]:
    fixture = house.catalog.fixtures.get(command.fixture)
    if fixture is None:
        return [WindowsLooked(command.fixture, 0)]
    threatened = dict(windows_threatened(house, fixture, context))
    events: list[Event] = []
    next_ns: list[int] = []
    for window in house.lateness.windows_of.get(fixture.name, ()):
        which = window.start_ns, window.ends_ns
        if window.status != "told":
            continue
        if threatened.get(which) != window.markets:
            events.append(WindowLifted(fixture.name, window.number, *which))
            continue
        del threatened[which]
        if context.at_ns >= window.voids_ns:
            events.append(WindowEnded(fixture.name, window.number, *which, window.markets))
        else:
            next_ns.append(window.voids_ns)
    for (start_ns, ends_ns), markets in threatened.items():
        if context.at_ns >= ends_ns - WINDOW_NOTICE_NS:
            told = nearing(fixture, start_ns, ends_ns, markets, context)
            events.append(told)
            next_ns.append(told.voids_ns)
        else:
            next_ns.append(ends_ns - WINDOW_NOTICE_NS)
    return [*events, WindowsLooked(fixture.name, min(next_ns, default=0))]


def nearing(
    fixture: Fixture, start_ns: int, ends_ns: int, markets: tuple[str, ...], context: "Context"
) -> WindowNearing:
    """The event that tells a window; where it is told late, the wagers are void later."""
    return WindowNearing(fixture.name, start_ns, ends_ns, markets, max(ends_ns, context.at_ns + WINDOW_NOTICE_NS_MIN))


def windows_threatened(
    house: "House", fixture: Fixture, context: "Context"
) -> Iterator[tuple[tuple[int, int], tuple[str, ...]]]:
    """What will be void if nothing changes: ((start when placed, end of the window), markets)."""
    if fixture.status in OVER:
        return
    lateness = house.lateness
    postponed = fixture.name in lateness.postponed
    windows = lateness.windows_of.get(fixture.name, ())
    standing = [window.start_ns for window in windows if window.status == "stands"]
    void = [(window.start_ns, market) for window in windows if window.status == "ended" for market in window.markets]
    rules = house.rulings.rules(fixture.sport, fixture.league)
    zone = house.zones.of(fixture, rules.zone)
    starts = dict.fromkeys([*(start.start_ns for start in lateness.starts_of.get(fixture.name, ())), fixture.start_ns])
    for start_ns in starts:
        if start_ns in standing:
            continue
        found: dict[int, list[str]] = {}
        for market in house.catalog.markets_on(fixture.name):
            ends_ns = window_ends_ns(rules.window_of(market.kind, market.period), start_ns, zone, context)
            if (postponed or fixture.start_ns >= ends_ns) and (start_ns, market.name) not in void:
                found.setdefault(ends_ns, []).append(market.name)
        for ends_ns, markets in found.items():
            yield (start_ns, ends_ns), tuple(markets)


def window_ends_ns(window: Window, start_ns: int, zone: str, context: "Context") -> int:
    """When a window ends: the first moment that is too late. A zone that the zone database does not have any more is universal
    time."""
    if window.by == "hours":
        return start_ns + window.hours * HOUR_NS
    ends_ns = context.zones.date_ends_ns(zone, start_ns)
    return ends_ns if ends_ns is not None else context.zones.date_ends_ns("UTC", start_ns) or start_ns


@evolves(WindowNearing)
def window_nearing(house: "House", event: WindowNearing) -> None:
    row = LateWindow(event.fixture, house.seq, event.start_ns, event.ends_ns, event.markets, event.voids_ns, "told")
    house.lateness.tell(row)


@evolves(WindowLifted)
def window_lifted(house: "House", event: WindowLifted) -> None:
    house.lateness.forget(house.lateness.windows[event.fixture, event.window])


@evolves(WindowEnded)
def window_ended(house: "House", event: WindowEnded) -> None:
    window = house.touch(house.lateness.windows[event.fixture, event.window])
    window.status = WINDOW_LIFE[window.status, "WindowEnded"]
    result = house.catalog.settle_anew(event.fixture)
    window.score = result.confirmed


@evolves(WindowsLooked)
def windows_looked(house: "House", event: WindowsLooked) -> None:
    if event.next_ns:
        house.timers.schedule(TIMER, event.fixture, event.next_ns)
    else:
        house.timers.unschedule(TIMER, event.fixture)


@grounds(PostponeFixture)
@grounds(ResumeFixture)
@grounds(LetWagersStand)
def lateness_ground(house: "House", command: PostponeFixture | ResumeFixture | LetWagersStand) -> int:
    """The game, whether it is postponed, and its windows."""
    windows = house.lateness.windows_of.get(command.fixture, ())
    game, postponed = house.moved_seq(Fixture, command.fixture), house.moved_seq(Postponement, command.fixture)
    return max(game, postponed, *(window.changed_seq for window in windows))
