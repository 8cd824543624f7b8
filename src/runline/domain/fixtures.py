"""Fixtures: leagues and games, how they come onto the board, move and close.

Rule: what a game's life allows is the table FIXTURE_LIFE; its cutoff is a timer, and every decision compares the clock as well.
"""

from typing import TYPE_CHECKING

from runline.domain.bounds import ARCHIVED_MAX, FIXTURES_MAX, LEAGUES_MAX
from runline.domain.catalog import Fixture, League, Result, Sport
from runline.domain.identifiers import Reason, identifier, same_again, team_names
from runline.domain.lateness import require_start_kept
from runline.domain.messages import Command, Event, Rejected, decides, evolves, fires, grounds
from runline.domain.permissions import Permission

if TYPE_CHECKING:
    from runline.domain.context import Context
    from runline.domain.house import House


class CreateLeague(Command, needs=Permission.FIXTURES_MANAGE, streams=("house",)):
    """Add a league."""

    league: str
    sport: Sport


class LeagueCreated(Event, shown_to=Permission.BOARD_VIEW):
    """There is a new league."""

    league: str
    sport: str


@decides(CreateLeague)
def create_league(house: "House", command: CreateLeague, context: "Context") -> LeagueCreated | tuple[()]:
    league = house.catalog.leagues.get(identifier(command.league, "league"))
    if league is None:
        if len(house.catalog.leagues) >= LEAGUES_MAX:
            raise Rejected("too_many", "There are as many leagues as there may be.", most=LEAGUES_MAX)
        return LeagueCreated(command.league, command.sport)
    return same_again(command, league.name, sport=league.sport)


@evolves(LeagueCreated)
def league_created(house: "House", event: LeagueCreated) -> None:
    house.catalog.leagues[event.league] = house.touch(League(event.league, event.sport))


class CreateFixture(Command, needs=Permission.FIXTURES_MANAGE, streams=("house",)):
    """Add a game. To add it again as it stands changes nothing; one that differs is refused with what differs, as it stands (see
    `RescheduleFixture`, `RenumberFixture`).

    rotation: the visitor's rotation number, > 0; the home side has the next. No other game that is not over has one of the two.
    away, home: two different teams.
    start_ns: when it begins.
    """

    fixture: str
    league: str
    rotation: int
    away: str
    home: str
    start_ns: int


class FixtureCreated(Event, shown_to=Permission.BOARD_VIEW):
    """There is a new game."""

    fixture: str
    league: str
    sport: str
    rotation: int
    away: str
    home: str
    start_ns: int


START_NS_MAX = 2**62
"""About the year 2116."""


def require_start(start_ns: int) -> int:
    if type(start_ns) is not int or not 0 < start_ns < START_NS_MAX:
        raise Rejected("start_invalid", "The start is not a time.")
    return start_ns


@decides(CreateFixture)
def create_fixture(house: "House", command: CreateFixture, context: "Context") -> FixtureCreated | tuple[()]:
    league = house.catalog.leagues.get(command.league)
    if league is None:
        raise Rejected("unknown_league", f"There is no league {command.league!r}.", league=command.league)
    existing = house.catalog.fixtures.get(identifier(command.fixture, "fixture"))
    if existing is not None:
        stands = {field: getattr(existing, field) for field in ("league", "rotation", "away", "home", "start_ns")}
        return same_again(command, existing.name, **stands)
    if command.fixture in house.catalog.archived:
        raise Rejected("already_exists", "There was a game of this id.", id=command.fixture)
    for games, most in ((house.catalog.fixtures, FIXTURES_MAX), (house.catalog.archived, ARCHIVED_MAX)):
        if len(games) >= most:
            raise Rejected("too_many", "There are as many games as there may be.", most=most)
    house.catalog.rotations.require_free(command.rotation, command.fixture)
    away, home = team_names(command.away, command.home)
    start_ns = require_start(command.start_ns)
    return FixtureCreated(command.fixture, command.league, league.sport, command.rotation, away, home, start_ns)


@evolves(FixtureCreated)
def fixture_created(house: "House", event: FixtureCreated) -> None:
    fixture = Fixture(event.fixture, event.league, event.sport, event.rotation, event.away, event.home, event.start_ns)
    house.catalog.add_fixture(fixture)
    house.timers.schedule("cutoff", event.fixture, event.start_ns)


class RescheduleFixture(Command, needs=Permission.FIXTURES_MANAGE, streams=("house",)):
    """Move a game's start. A game that had begun by its old start is open again until the new one, each market from its next line
    on; unless a result is known: nobody wagers on what has happened."""

    fixture: str
    start_ns: int
    reason: Reason


class FixtureRescheduled(Event, shown_to=Permission.BOARD_VIEW):
    """A game starts at another time. begun: whether it had begun by its old start."""

    fixture: str
    before_ns: int
    after_ns: int
    begun: bool
    reason: str


@decides(RescheduleFixture)
def reschedule_fixture(
    house: "House", command: RescheduleFixture, context: "Context"
) -> FixtureRescheduled | tuple[()]:
    fixture = house.catalog.fixture(command.fixture)
    postponed = fixture.name in house.lateness.postponed
    if fixture.start_ns == require_start(command.start_ns) and not postponed:
        return ()
    house.catalog.require_step(fixture, "FixtureRescheduled")
    require_start_kept(house, fixture.name)
    result = house.catalog.results.get(fixture.name)
    if result is not None and not result.nothing_known:
        raise Rejected("fixture_status", "This game has a result already.", revision=result.revision)
    if fixture.status == "closed" and command.start_ns <= context.at_ns:
        raise Rejected("past_cutoff", "The new start is over already.")
    house.catalog.rotations.require_free(fixture.rotation, fixture.name)
    begun = context.at_ns >= fixture.start_ns
    return FixtureRescheduled(fixture.name, fixture.start_ns, command.start_ns, begun, command.reason)


@evolves(FixtureRescheduled)
def fixture_rescheduled(house: "House", event: FixtureRescheduled) -> None:
    fixture = house.catalog.fixtures[event.fixture]
    house.catalog.advance(fixture, "FixtureRescheduled")
    fixture.start_ns = event.after_ns
    if event.begun:
        house.catalog.await_lines(fixture)
    house.timers.schedule("cutoff", event.fixture, event.after_ns)


class RenumberFixture(Command, needs=Permission.FIXTURES_MANAGE, streams=("house",)):
    """Give a game another rotation number, the visitor's. No other game that is not over has it, or the next one."""

    fixture: str
    rotation: int
    reason: Reason


class FixtureRenumbered(Event, shown_to=Permission.BOARD_VIEW):
    """A game has another rotation number."""

    fixture: str
    before: int
    after: int
    reason: str


@decides(RenumberFixture)
def renumber_fixture(house: "House", command: RenumberFixture, context: "Context") -> FixtureRenumbered | tuple[()]:
    fixture = house.catalog.fixture(command.fixture)
    house.catalog.rotations.require_free(command.rotation, fixture.name)
    if fixture.rotation == command.rotation:
        return ()
    return FixtureRenumbered(fixture.name, fixture.rotation, command.rotation, command.reason)


@evolves(FixtureRenumbered)
def fixture_renumbered(house: "House", event: FixtureRenumbered) -> None:
    house.catalog.renumber_fixture(house.catalog.fixtures[event.fixture], event.after)


class CloseFixture(Command, streams=("house",)):
    """The cutoff is reached (the engine sends it when the timer is due)."""

    fixture: str


class FixtureClosed(Event, shown_to=Permission.BOARD_VIEW):
    """No more wagers on this game."""

    fixture: str
    cutoff_ns: int


@fires("cutoff")
def cutoff_is_due(subject: str) -> Command:
    return CloseFixture(subject)


@decides(CloseFixture)
def close_fixture(house: "House", command: CloseFixture, context: "Context") -> FixtureClosed | tuple[()]:
    fixture = house.catalog.fixture(command.fixture)
    if fixture.status != "scheduled" or context.at_ns < fixture.start_ns:
        return ()
    return FixtureClosed(fixture.name, fixture.start_ns)


@evolves(FixtureClosed)
def fixture_closed(house: "House", event: FixtureClosed) -> None:
    house.catalog.advance(house.catalog.fixtures[event.fixture], "FixtureClosed")
    house.timers.unschedule("cutoff", event.fixture)


@grounds(RescheduleFixture)
def start_ground(house: "House", command: RescheduleFixture) -> int:
    """The game, and its result."""
    return max(house.moved_seq(Fixture, command.fixture), house.moved_seq(Result, command.fixture))


@grounds(RenumberFixture)
def rotation_ground(house: "House", command: RenumberFixture) -> int:
    """The game."""
    return house.moved_seq(Fixture, command.fixture)


@grounds(CreateLeague)
def league_ground(house: "House", command: CreateLeague) -> int:
    """Whether there is such a league."""
    return house.moved_seq(League, command.league)


@grounds(CreateFixture)
def new_fixture_ground(house: "House", command: CreateFixture) -> int:
    """The game, if there is one, and its league."""
    return max(house.moved_seq(Fixture, command.fixture), house.moved_seq(League, command.league))
