"""Results: entered, then confirmed; every book settles by what is confirmed. What is entered wrongly is entered again."""

from runline.simulate.oracle.answers import Event, Refused, refuse_unless
from runline.simulate.oracle.board import markets_of
from runline.simulate.oracle.games import (
    a_game,
    free_numbers,
    goes_on,
    known_of,
    look_soon,
    may_step,
    nothing_held,
    take_step,
    wait_for_lines,
)
from runline.simulate.oracle.grading import Unsaid, checked, filled
from runline.simulate.oracle.official import League
from runline.simulate.oracle.rules import IN_HOUSE, REASON, Asked, Moment, command, event, happens
from runline.simulate.oracle.rulings import is_late, league_rules
from runline.simulate.oracle.state import Game, House, Known, Score

NOTHING_KNOWN = filled({"home": 0, "away": 0, "final": False})


def to_overtime(score: Score) -> bool:
    """Whether a score says that it went to overtime."""
    return bool(score["overtime"]) or score["level_after_regulation"]


def as_much(house: House, rules: League, game: Game, confirmed: Score, score: Score) -> None:
    """A final score says as much as the one that is confirmed of what wagers may be settled by."""
    if score["periods"] or not score["final"]:
        return
    markets = markets_of(house, game.name)
    of_parts = any(market.period != "game" for market in markets)
    refuse_unless(not (confirmed["periods"] and of_parts), "not_gradable", missing="periods")
    on_regulation = any(market.period == "game" and not rules.row(market.kind, "game").overtime for market in markets)
    lost = to_overtime(confirmed) and not to_overtime(score)
    refuse_unless(not (lost and on_regulation), "not_gradable", missing="overtime")


@command("EnterResult", needs="result_enter", streams=IN_HOUSE)
def enter_result(house: House, asked: Asked, moment: Moment) -> list[Event]:
    game, score = a_game(house, asked.fixture), filled(asked.score)
    refuse_unless(moment.at_ns >= game.start_ns, "fixture_status", status=game.status)
    refuse_unless(game.status != "cancelled", "fixture_status", status=game.status)
    rules, known = league_rules(house, game.sport, game.league), known_of(house, game.name)
    try:
        checked(rules, score)
    except Unsaid:
        raise Refused("not_gradable") from None
    if known.confirmed is not None:
        as_much(house, rules, game, known.confirmed, score)
    if known.entered == score:
        return []
    fields = {"revision": known.revision + 1, "before": known.entered, "score": score}
    return [happens("ResultEntered", fixture=game.name, **fields)]


@event("ResultEntered")
def result_entered(house: House, at: Asked) -> None:
    known = house.results.setdefault(at.fixture, Known())
    known.revision, known.entered = at.revision, at.score
    house.touch("result", at.fixture)


@command("ConfirmResult", needs="result_confirm", streams=IN_HOUSE)
def confirm_result(house: House, asked: Asked, moment: Moment) -> list[Event]:
    game = a_game(house, asked.fixture)
    known = known_of(house, game.name)
    if known.entered is None or known.revision != asked.revision:
        raise Refused("result_changed", revision=known.revision)
    if known.confirmed == known.entered:
        return []
    step = "ResultConfirmed" if known.entered["final"] else "ScoreConfirmed"
    may_step(game, step)
    fields = {"revision": known.revision, "before": known.confirmed, "score": known.entered, "regrade": known.times > 0}
    return [happens(step, fixture=game.name, **fields)]


def confirm(house: House, name: str, score: Score | None) -> Known:
    """Wagers on a game are settled by this from here on; None: it was called off, or nothing is known. Every book takes it."""
    known, game = house.results.setdefault(name, Known()), house.games[name]
    known.confirmed, known.confirmed_seq, known.times = score, house.seq, known.times + 1
    house.touch("result", name)
    by = score if score is not None or game.status == "cancelled" else NOTHING_KNOWN
    house.newest[name] = house.seq
    house.told[house.seq] = {
        "fixture": name,
        "sport": game.sport,
        "league": game.league,
        "house_seq": house.seq,
        "score": by,
        "regrade": known.times > 1,
    }
    return known


@event("ResultConfirmed")
def result_confirmed(house: House, at: Asked) -> None:
    take_step(house, house.games[at.fixture], "ResultConfirmed")
    confirm(house, at.fixture, at.score)
    if is_late(house, at.fixture):
        goes_on(house, at.fixture)
        look_soon(house, at.fixture)


@event("ScoreConfirmed")
def score_confirmed(house: House, at: Asked) -> None:
    take_step(house, house.games[at.fixture], "ScoreConfirmed")
    confirm(house, at.fixture, at.score)
    for window in house.windows.get(at.fixture, []):
        # While it is postponed, its score is that by which what is decided stands.
        if window.status == "ended" and at.fixture in house.postponed:
            window.score, window.seq = at.score, house.seq
    if is_late(house, at.fixture):
        look_soon(house, at.fixture)


@command("CancelFixture", needs="result_confirm", streams=IN_HOUSE, reasons=REASON)
def cancel_fixture(house: House, asked: Asked, moment: Moment) -> list[Event]:
    game = a_game(house, asked.fixture)
    known = known_of(house, game.name)
    if game.status == "cancelled":
        return []
    may_step(game, "FixtureCancelled")
    fields = {"revision": known.revision + 1, "before": known.confirmed, "regrade": known.times > 0}
    return [happens("FixtureCancelled", fixture=game.name, **fields, reason=asked.reason)]


@event("FixtureCancelled")
def fixture_cancelled(house: House, at: Asked) -> None:
    take_step(house, house.games[at.fixture], "FixtureCancelled")
    known = confirm(house, at.fixture, None)
    known.revision, known.entered = at.revision, None
    nothing_held(house, at.fixture)
    house.end_timer("cutoff", at.fixture)
    if is_late(house, at.fixture):
        goes_on(house, at.fixture)
        look_soon(house, at.fixture)


@command("ReopenFixture", needs="result_confirm", streams=IN_HOUSE, reasons=REASON)
def reopen_fixture(house: House, asked: Asked, moment: Moment) -> list[Event]:
    game = a_game(house, asked.fixture)
    known = known_of(house, game.name)
    if game.status != "cancelled" and known.entered is None and known.confirmed is None:
        return []
    may_step(game, "FixtureReopened")
    if moment.at_ns < game.start_ns:
        free_numbers(house, game.rotation, game.name)
    fields = {"status": game.status, "revision": known.revision + 1, "before": known.confirmed, "reason": asked.reason}
    return [happens("FixtureReopened", fixture=game.name, **fields)]


@event("FixtureReopened")
def fixture_reopened(house: House, at: Asked) -> None:
    game = house.games[at.fixture]
    take_step(house, game, "FixtureReopened")
    known = confirm(house, game.name, None)
    known.entered, known.revision = None, at.revision
    wait_for_lines(house, game.name)
    nothing_held(house, game.name)
    if game.name in house.postponed:
        take_step(house, game, "FixturePostponed")
    else:
        house.set_timer("cutoff", game.name, game.start_ns)
    if is_late(house, game.name):
        look_soon(house, game.name)
