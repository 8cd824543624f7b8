"""Reopening: the way back of a game that is over by mistake, confirmed or called off.

Rule: nothing is known of a game that is reopened: what was settled by it is taken back, its tickets are open again, and it is
as it was before, by its start and the clock; one that is postponed stays closed, as it was. Its lines are those of another
time: each market waits for a new one.
"""

from typing import TYPE_CHECKING

from runline.domain.catalog import Fixture, Result
from runline.domain.grading import Score
from runline.domain.identifiers import Reason
from runline.domain.messages import Command, Event, decides, evolves, grounds
from runline.domain.permissions import Permission

if TYPE_CHECKING:
    from runline.domain.context import Context
    from runline.domain.house import House


class ReopenFixture(Command, needs=Permission.RESULT_CONFIRM, streams=("house",)):
    """Take back that a game is over, or called off, or what was entered or confirmed of it. Wagers on it are open again, in every
    book. It takes wagers only if its start is still to come and it is not postponed, and each market from its next line on. (A
    score that is wrong is corrected by entering and confirming the right one.)
    """

    fixture: str
    reason: Reason


class FixtureReopened(Event, shown_to=Permission.BOARD_VIEW, notice="game_reopened", told_to_books=True):
    """A game goes on, or is still to come, after all.

    status: what it was: `final`, `cancelled`, or `closed` with a score. before: the score that was official, None if none was.
    revision: of its result from here on, so that nobody confirms what was entered before without having looked.
    """

    fixture: str
    status: str
    revision: int
    before: Score | None
    reason: str


@decides(ReopenFixture)
def reopen_fixture(house: "House", command: ReopenFixture, context: "Context") -> FixtureReopened | tuple[()]:
    fixture = house.catalog.fixture(command.fixture)
    result = house.catalog.results.get(fixture.name)
    if result is None or (fixture.status != "cancelled" and result.nothing_known):
        return ()  # (What was called off has a result from then on.)
    house.catalog.require_step(fixture, "FixtureReopened")
    if context.at_ns < fixture.start_ns:
        house.catalog.rotations.require_free(fixture.rotation, fixture.name)
    return FixtureReopened(fixture.name, fixture.status, result.revision + 1, result.confirmed, command.reason)


@evolves(FixtureReopened)
def fixture_reopened(house: "House", event: FixtureReopened) -> None:
    catalog = house.catalog
    fixture = catalog.fixtures[event.fixture]
    catalog.advance(fixture, "FixtureReopened")
    result = catalog.confirm(event.fixture, None)
    result.entered, result.revision = None, event.revision
    catalog.await_lines(fixture)
    if event.fixture in house.lateness.postponed:
        catalog.advance(fixture, "FixturePostponed")
    else:
        house.timers.schedule("cutoff", event.fixture, fixture.start_ns)


@grounds(ReopenFixture)
def reopening_ground(house: "House", command: ReopenFixture) -> int:
    """The game, and its result."""
    return max(house.moved_seq(Fixture, command.fixture), house.moved_seq(Result, command.fixture))
