"""Games: leagues and fixtures, how they come onto the board, move, close and leave."""

from runline.simulate.oracle.answers import Event, Refused, refuse_unless
from runline.simulate.oracle.bounds import one_more
from runline.simulate.oracle.rules import IN_HOUSE, REASON, Asked, Moment, command, event, ground, happens
from runline.simulate.oracle.state import Game, House, Known
from runline.simulate.oracle.text import an_id, two_teams

ROTATION_MOST = 2**31 - 2
TIME_MOST_NS = 2**62
ARCHIVED_AFTER_NS = 30 * 24 * 3_600 * 10**9
OVER = ("final", "cancelled")

STEPS = {
    "FixtureClosed": {"scheduled": "closed"},
    "FixtureRescheduled": {"scheduled": "scheduled", "closed": "scheduled"},
    "ResultConfirmed": {"closed": "final", "final": "final"},
    "ScoreConfirmed": {"closed": "closed", "final": "closed"},
    "FixturePostponed": {"scheduled": "closed", "closed": "closed"},
    "FixtureCancelled": {"scheduled": "cancelled", "closed": "cancelled", "final": "cancelled"},
    "FixtureReopened": {"closed": "scheduled", "final": "scheduled", "cancelled": "scheduled"},
}
"""The life of a game: what an event makes of its status."""


def a_game(house: House, name: str) -> Game:
    """A game that is still in memory."""
    if name not in house.games and name in house.archived:
        raise Refused("fixture_status", status="archived")
    refuse_unless(name in house.games, "unknown_fixture", fixture=name)
    return house.games[name]


def may_step(game: Game, step: str) -> None:
    """Refuse what the life of a game does not know."""
    refuse_unless(game.status in STEPS[step], "fixture_status", status=game.status)


def take_step(house: House, game: Game, step: str) -> None:
    """A step in a game's life. What is over leaves memory some time later."""
    game.status = STEPS[step][game.status]
    house.touch("game", game.name)
    if game.status in OVER:
        house.set_timer("archive", game.name, house.at_ns + ARCHIVED_AFTER_NS)
    else:
        house.end_timer("archive", game.name)


def free_numbers(house: House, rotation: int, name: str) -> None:
    """Two numbers that no other game has which is not over."""
    refuse_unless(0 < rotation <= ROTATION_MOST, "rotation_invalid", most=ROTATION_MOST)
    for number in (rotation, rotation + 1):
        others = [
            game.name
            for game in house.games.values()
            if number in (game.rotation, game.rotation + 1) and game.status not in OVER and game.name != name
        ]
        if others:
            raise Refused("rotation_taken", rotation=number, fixture=min(others))


def a_start(start_ns: int) -> None:
    """A time at which a game may begin."""
    refuse_unless(0 < start_ns < TIME_MOST_NS, "start_invalid")


def known_of(house: House, name: str) -> Known:
    """What is known of a game; nothing before somebody enters something."""
    return house.results.get(name, Known())


def wait_for_lines(house: House, name: str) -> None:
    """All markets of a game wait for a line that is newer than this moment."""
    for market in house.of_game.get(name, ()):
        market.off, market.entered_ns, market.seq = "waiting", max(market.entered_ns, house.at_ns), house.seq
        house.touch("market", market.name)


def nothing_held(house: House, name: str) -> None:
    """No line of a game waits for a person any more."""
    for market in [market for market, held in house.held.items() if held.game == name]:
        del house.held[market]
        house.touch("held", market)


@command("CreateLeague", needs="fixtures_manage", streams=IN_HOUSE)
def create_league(house: House, asked: Asked, moment: Moment) -> list[Event]:
    an_id(asked.league)
    known = house.leagues.get(asked.league)
    if known is not None:
        refuse_unless(known == asked.sport, "already_exists", id=asked.league, differs={"sport": known})
        return []
    one_more("LEAGUES_MAX", len(house.leagues))
    return [happens("LeagueCreated", league=asked.league, sport=asked.sport)]


@event("LeagueCreated")
def league_created(house: House, at: Asked) -> None:
    house.leagues[at.league] = at.sport
    house.touch("league", at.league)


@ground("CreateLeague")
def league_ground(house: House, asked: Asked) -> int:
    return house.when_moved("league", asked.league)


@command("CreateFixture", needs="fixtures_manage", streams=IN_HOUSE)
def create_fixture(house: House, asked: Asked, moment: Moment) -> list[Event]:
    refuse_unless(asked.league in house.leagues, "unknown_league", league=asked.league)
    an_id(asked.fixture)
    game = house.games.get(asked.fixture)
    if game:
        stands = {name: getattr(game, name) for name in ("league", "rotation", "away", "home", "start_ns")}
        differs = {name: value for name, value in stands.items() if value != asked.fields[name]}
        refuse_unless(not differs, "already_exists", id=asked.fixture, differs=differs)
        return []
    refuse_unless(asked.fixture not in house.archived, "already_exists", id=asked.fixture)
    one_more("FIXTURES_MAX", len(house.games))
    one_more("ARCHIVED_MAX", len(house.archived))
    free_numbers(house, asked.rotation, asked.fixture)
    two_teams(asked.away, asked.home)
    a_start(asked.start_ns)
    return [happens("FixtureCreated", **asked.fields, sport=house.leagues[asked.league])]


@event("FixtureCreated")
def fixture_created(house: House, at: Asked) -> None:
    house.games[at.fixture] = Game(at.fixture, at.league, at.sport, at.rotation, at.away, at.home, at.start_ns)
    house.set_timer("cutoff", at.fixture, at.start_ns)
    house.touch("game", at.fixture)


@ground("CreateFixture")
def new_game_ground(house: House, asked: Asked) -> int:
    return max(house.when_moved("game", asked.fixture), house.when_moved("league", asked.league))


@command("RescheduleFixture", needs="fixtures_manage", streams=IN_HOUSE, reasons=REASON)
def reschedule_fixture(house: House, asked: Asked, moment: Moment) -> list[Event]:
    game = a_game(house, asked.fixture)
    a_start(asked.start_ns)
    if asked.start_ns == game.start_ns and game.name not in house.postponed:
        return []
    may_step(game, "FixtureRescheduled")
    one_more("EARLIER_STARTS_MAX", len(house.starts.get(game.name, [])))
    known = known_of(house, game.name)
    refuse_unless(known.entered is None and known.confirmed is None, "fixture_status", revision=known.revision)
    refuse_unless(game.status == "scheduled" or asked.start_ns > moment.at_ns, "past_cutoff")
    free_numbers(house, game.rotation, game.name)
    fields = {"before_ns": game.start_ns, "after_ns": asked.start_ns, "begun": moment.at_ns >= game.start_ns}
    return [happens("FixtureRescheduled", fixture=game.name, **fields, reason=asked.reason)]


@event("FixtureRescheduled")
def fixture_rescheduled(house: House, at: Asked) -> None:
    game = house.games[at.fixture]
    game.start_ns = at.after_ns
    take_step(house, game, "FixtureRescheduled")
    if at.begun:
        wait_for_lines(house, game.name)
        nothing_held(house, game.name)
    if at.before_ns != at.after_ns:
        house.starts.setdefault(game.name, []).append((house.seq, at.before_ns))
    house.set_timer("cutoff", game.name, at.after_ns)
    goes_on(house, game.name)
    look_soon(house, game.name)


def goes_on(house: House, name: str) -> None:
    """A game is not postponed any more."""
    if house.postponed.pop(name, None) is not None:
        house.touch("postponed", name)


def look_soon(house: House, name: str) -> None:
    """Something has changed by which the windows of a game's wagers go."""
    house.set_timer("window", name, house.at_ns)


@ground("RescheduleFixture", "EnterResult", "ConfirmResult", "CancelFixture", "ReopenFixture")
def game_and_result_ground(house: House, asked: Asked) -> int:
    return max(house.when_moved("game", asked.fixture), house.when_moved("result", asked.fixture))


@command("RenumberFixture", needs="fixtures_manage", streams=IN_HOUSE, reasons=REASON)
def renumber_fixture(house: House, asked: Asked, moment: Moment) -> list[Event]:
    game = a_game(house, asked.fixture)
    free_numbers(house, asked.rotation, game.name)
    if game.rotation == asked.rotation:
        return []
    fields = {"before": game.rotation, "after": asked.rotation, "reason": asked.reason}
    return [happens("FixtureRenumbered", fixture=game.name, **fields)]


@event("FixtureRenumbered")
def fixture_renumbered(house: House, at: Asked) -> None:
    house.games[at.fixture].rotation = at.after
    house.touch("game", at.fixture)


@ground("RenumberFixture")
def game_ground(house: House, asked: Asked) -> int:
    return house.when_moved("game", asked.fixture)


@command("CloseFixture", streams=IN_HOUSE)
def close_fixture(house: House, asked: Asked, moment: Moment) -> list[Event]:
    game = a_game(house, asked.fixture)
    if game.status != "scheduled" or moment.at_ns < game.start_ns:
        return []
    return [happens("FixtureClosed", fixture=game.name, cutoff_ns=game.start_ns)]


@event("FixtureClosed")
def fixture_closed(house: House, at: Asked) -> None:
    take_step(house, house.games[at.fixture], "FixtureClosed")
    nothing_held(house, at.fixture)
    house.end_timer("cutoff", at.fixture)


@command("ArchiveFixture", streams=IN_HOUSE)
def archive_fixture(house: House, asked: Asked, moment: Moment) -> list[Event]:
    due_ns = house.timers.get(("archive", asked.fixture))
    if due_ns is None or moment.at_ns < due_ns:
        return []
    return [happens("FixtureArchived", fixture=asked.fixture)]


@event("FixtureArchived")
def fixture_archived(house: House, at: Asked) -> None:
    game = house.games.pop(at.fixture)
    # That it has left is what its commands are refused for, not that it has changed.
    house.moved.pop(("game", game.name), None)
    house.moved.pop(("result", game.name), None)
    for market in house.of_game.pop(game.name, ()):
        del house.markets[market.name]
        house.moved.pop(("market", market.name), None)
    house.archived[game.name] = (game.league, game.sport, house.results.pop(game.name))
    house.end_timer("archive", game.name)
    house.end_timer("window", game.name)
    goes_on(house, game.name)
    if any(window.status == "ended" for window in house.windows.get(game.name, [])):
        house.starts.setdefault(game.name, []).append((house.seq, game.start_ns))
    else:
        house.windows.pop(game.name, None)
        house.starts.pop(game.name, None)
    if house.zones.pop(("fixture", game.name), None) is not None:
        house.touch("zone", ("fixture", game.name))
