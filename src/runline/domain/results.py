"""Results: entered by a feed or by hand, then confirmed. Payout follows confirmation; another confirmation regrades."""

from typing import TYPE_CHECKING, NoReturn

from runline.domain.catalog import Fixture, Market, Result
from runline.domain.grading import NotGradable, Score, check_score
from runline.domain.identifiers import Reason
from runline.domain.messages import Command, Event, Rejected, decides, evolves, grounds
from runline.domain.official import LeagueRules
from runline.domain.permissions import Permission

if TYPE_CHECKING:
    from runline.domain.context import Context
    from runline.domain.house import House


class EnterResult(Command, needs=Permission.RESULT_ENTER, streams=("house",)):
    """Enter (or correct) what happened in a fixture. Nothing is paid before it is confirmed.

    score: how it ended; or how it stands, if it says that it is not `final`. A final one says as much as the one that is
    confirmed of what wagers may be settled by (periods, overtime).
    """

    fixture: str
    score: Score


class ResultEntered(Event, shown_to=Permission.BOARD_VIEW):
    """A score stands, not yet confirmed.

    before: the one that stood, None for the first.
    """

    fixture: str
    revision: int
    before: Score | None
    score: Score


@decides(EnterResult)
def enter_result(house: "House", command: EnterResult, context: "Context") -> ResultEntered | tuple[()]:
    fixture = house.catalog.fixture(command.fixture)
    if context.at_ns < fixture.start_ns:
        raise Rejected("fixture_status", "The game has not started.", status=fixture.status)
    if fixture.status == "cancelled":
        raise Rejected("fixture_status", "The game was called off.", status=fixture.status)
    rules = house.rulings.rules(fixture.sport, fixture.league)
    try:
        check_score(rules, command.score)
    except NotGradable as error:
        raise Rejected("not_gradable", str(error)) from None
    result = house.catalog.results.get(fixture.name)
    if result is not None and result.confirmed is not None:
        require_as_much(rules, house.catalog.markets_on(fixture.name), result.confirmed, command.score)
    if result is not None and result.entered == command.score:
        return ()
    before = result.entered if result else None
    return ResultEntered(fixture.name, result.revision + 1 if result else 1, before, command.score)


def require_as_much(rules: LeagueRules, markets: list[Market], confirmed: Score, score: Score) -> None:
    """Refuse a final score that lacks what wagers may be settled by: periods, or the overtime that some do not include."""
    if score.periods or not score.final:
        return
    if confirmed.periods and any(market.period != "game" for market in markets):
        lacks("periods")
    on_regulation = any(
        market.period == "game" and not rules.terms(market.kind, market.period).overtime for market in markets
    )
    if went_to_overtime(confirmed) and not went_to_overtime(score) and on_regulation:
        lacks("overtime")


def lacks(missing: str) -> NoReturn:
    raise Rejected(
        "not_gradable",
        f"The score that is confirmed says its {missing}, and wagers are settled by them: say it of this one too.",
        missing=missing,
    )


def went_to_overtime(score: Score) -> bool:
    return bool(score.overtime) or score.level_after_regulation


@evolves(ResultEntered)
def result_entered(house: "House", event: ResultEntered) -> None:
    result = house.catalog.result_of(event.fixture)
    result.revision = event.revision
    result.entered = event.score


class ConfirmResult(Command, needs=Permission.RESULT_CONFIRM, streams=("house",)):
    """Confirm the score that was entered: every book settles by it. One that is not final settles what is over; after a final
    one it takes back whatever is not over, and the game goes on.

    revision: the entry that is meant, so that nobody confirms what they have not seen.
    """

    fixture: str
    revision: int


class ResultConfirmed(Event, shown_to=Permission.BOARD_VIEW):
    """A score is official, and the game is over.

    before: the one that was, None for the first.
    regrade: whether an earlier confirmation has settled wagers already.
    """

    fixture: str
    revision: int
    before: Score | None
    score: Score
    regrade: bool


class ScoreConfirmed(Event, shown_to=Permission.BOARD_VIEW):
    """A score is official, and the game goes on.

    before: the one that was, None for the first; a final one is taken back.
    regrade: whether an earlier confirmation has settled wagers already.
    """

    fixture: str
    revision: int
    before: Score | None
    score: Score
    regrade: bool


@decides(ConfirmResult)
def confirm_result(
    house: "House", command: ConfirmResult, context: "Context"
) -> ResultConfirmed | ScoreConfirmed | tuple[()]:
    fixture = house.catalog.fixture(command.fixture)
    result = house.catalog.results.get(fixture.name)
    if result is None or result.entered is None or result.revision != command.revision:
        standing = result.revision if result else 0
        raise Rejected("result_changed", "That is not the result that stands.", revision=standing)
    if result.confirmed == result.entered:
        return ()
    event = ResultConfirmed if result.entered.final else ScoreConfirmed
    house.catalog.require_step(fixture, event.__name__)
    regrade = result.confirmations > 0
    return event(fixture.name, result.revision, result.confirmed, result.entered, regrade)


@evolves(ResultConfirmed)
@evolves(ScoreConfirmed)
def result_confirmed(house: "House", event: ResultConfirmed | ScoreConfirmed) -> None:
    house.catalog.advance(house.catalog.fixtures[event.fixture], type(event).__name__)
    house.catalog.confirm(event.fixture, event.score)


class CancelFixture(Command, needs=Permission.RESULT_CONFIRM, streams=("house",)):
    """Call a game off: every wager on it is void."""

    fixture: str
    reason: Reason


class FixtureCancelled(Event, shown_to=Permission.BOARD_VIEW):
    """A game is called off.

    before: the score that was official, None if there was none.
    regrade: whether an earlier confirmation has settled wagers already.
    """

    fixture: str
    revision: int
    before: Score | None
    regrade: bool
    reason: str


@decides(CancelFixture)
def cancel_fixture(house: "House", command: CancelFixture, context: "Context") -> FixtureCancelled | tuple[()]:
    fixture = house.catalog.fixture(command.fixture)
    if fixture.status == "cancelled":
        return ()
    house.catalog.require_step(fixture, "FixtureCancelled")
    result = house.catalog.results.get(fixture.name)
    revision = result.revision + 1 if result else 1
    before = result.confirmed if result else None
    regrade = result is not None and result.confirmations > 0
    return FixtureCancelled(fixture.name, revision, before, regrade, command.reason)


@evolves(FixtureCancelled)
def fixture_cancelled(house: "House", event: FixtureCancelled) -> None:
    house.catalog.advance(house.catalog.fixtures[event.fixture], "FixtureCancelled")
    result = house.catalog.confirm(event.fixture, None)
    result.revision = event.revision
    result.entered = None
    house.timers.unschedule("cutoff", event.fixture)


@grounds(CancelFixture)
@grounds(EnterResult)
@grounds(ConfirmResult)
def result_ground(house: "House", command: CancelFixture | EnterResult | ConfirmResult) -> int:
    """The game, and its result."""
    return max(house.moved_seq(Fixture, command.fixture), house.moved_seq(Result, command.fixture))
