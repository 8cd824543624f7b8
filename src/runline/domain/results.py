"""Results: entered by a feed or by hand, then confirmed. Payout follows confirmation; another confirmation regrades."""

from typing import Any

from runline.domain.catalog import CatalogState, Fixture, Result
from runline.domain.grading import NotGradable, Score, check_score, default_rules
from runline.domain.identifiers import reason_text
from runline.domain.messages import Command, Event, Rejected, decides, evolves, grounds
from runline.domain.permissions import Permission


class EnterResult(Command, needs=Permission.RESULT_ENTER, streams=("house",)):
    """Enter (or correct) what happened in a fixture. Nothing is paid before it is confirmed."""

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
def enter_result(house: CatalogState, command: EnterResult, context: Any) -> ResultEntered | tuple[()]:
    fixture = house.fixture(command.fixture)
    if fixture.status == "scheduled" and context.at_ns < fixture.start_ns:
        raise Rejected("fixture_status", "The game has not started.", status=fixture.status)
    if fixture.status == "cancelled":
        raise Rejected("fixture_status", "The game was called off.", status=fixture.status)
    try:
        check_score(default_rules(fixture.sport), command.score)
    except NotGradable as error:
        raise Rejected("not_gradable", str(error)) from None
    result = house.results.get(fixture.name)
    if result is not None and result.entered == command.score:
        return ()
    before = result.entered if result else None
    return ResultEntered(fixture.name, result.revision + 1 if result else 1, before, command.score)


@evolves(ResultEntered)
def result_entered(house: CatalogState, event: ResultEntered) -> None:
    result = house.result_of(event.fixture)
    result.revision = event.revision
    result.entered = event.score


class ConfirmResult(Command, needs=Permission.RESULT_CONFIRM, streams=("house",)):
    """Confirm the score that was entered: every book settles by it.

    revision: the entry that is meant, so that nobody confirms what they have not seen.
    """

    fixture: str
    revision: int


class ResultConfirmed(Event, shown_to=Permission.BOARD_VIEW):
    """A score is official.

    before: the one that was, None for the first.
    regrade: whether an earlier confirmation has settled wagers already.
    """

    fixture: str
    revision: int
    before: Score | None
    score: Score
    regrade: bool


@decides(ConfirmResult)
def confirm_result(house: CatalogState, command: ConfirmResult, context: Any) -> ResultConfirmed | tuple[()]:
    fixture = house.fixture(command.fixture)
    result = house.results.get(fixture.name)
    if result is None or result.entered is None or result.revision != command.revision:
        standing = result.revision if result else 0
        raise Rejected("result_changed", "That is not the result that stands.", revision=standing)
    if result.confirmed == result.entered:
        return ()
    house.move(fixture, "ResultConfirmed")
    regrade = result.confirmations > 0
    return ResultConfirmed(fixture.name, result.revision, result.confirmed, result.entered, regrade)


@evolves(ResultConfirmed)
def result_confirmed(house: CatalogState, event: ResultConfirmed) -> None:
    house.live_on(house.fixtures[event.fixture], "ResultConfirmed")
    result = house.result_of(event.fixture)
    result.confirmed = event.score
    result.confirmed_seq = house.seq
    result.confirmations += 1


class CancelFixture(Command, needs=Permission.RESULT_CONFIRM, streams=("house",)):
    """Call a game off: every wager on it is void."""

    fixture: str
    reason: str


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
def cancel_fixture(house: CatalogState, command: CancelFixture, context: Any) -> FixtureCancelled | tuple[()]:
    fixture = house.fixture(command.fixture)
    if fixture.status == "cancelled":
        return ()
    house.move(fixture, "FixtureCancelled")
    result = house.results.get(fixture.name)
    revision = result.revision + 1 if result else 1
    before = result.confirmed if result else None
    regrade = result is not None and result.confirmations > 0
    return FixtureCancelled(fixture.name, revision, before, regrade, reason_text(command.reason))


@evolves(FixtureCancelled)
def fixture_cancelled(house: CatalogState, event: FixtureCancelled) -> None:
    house.live_on(house.fixtures[event.fixture], "FixtureCancelled")
    result = house.result_of(event.fixture)
    result.revision = event.revision
    result.entered = result.confirmed = None
    result.confirmed_seq = house.seq
    result.confirmations += 1
    house.unschedule("cutoff", event.fixture)


@grounds(CancelFixture)
@grounds(EnterResult)
@grounds(ConfirmResult)
def result_ground(house: CatalogState, command: CancelFixture | EnterResult | ConfirmResult) -> int:
    """The game, and its result."""
    return max(house.moved_seq(Fixture, command.fixture), house.moved_seq(Result, command.fixture))
