"""Archive: games that are over for long leave memory, with their markets and their result.

Rule: what is archived stays in the tables as it was, and nothing changes it any more. Its id is never given again.
"""

from typing import TYPE_CHECKING

from runline.domain.messages import Command, Event, decides, evolves, fires
from runline.domain.permissions import Permission

if TYPE_CHECKING:
    from runline.domain.context import Context
    from runline.domain.house import House


class ArchiveFixture(Command, streams=("house",)):
    """A game is over for long (the engine sends it when the timer is due)."""

    fixture: str


class FixtureArchived(Event, shown_to=Permission.LOG_VIEW):
    """A game has left memory."""

    fixture: str


@fires("archive")
def archiving_is_due(subject: str) -> Command:
    return ArchiveFixture(subject)


@decides(ArchiveFixture)
def archive_fixture(house: "House", command: ArchiveFixture, context: "Context") -> FixtureArchived | tuple[()]:
    timer = house.timers.by_subject.get(("archive", command.fixture))
    if timer is None or context.at_ns < timer.due_ns:
        return ()
    return FixtureArchived(command.fixture)


@evolves(FixtureArchived)
def fixture_archived(house: "House", event: FixtureArchived) -> None:
    house.catalog.archive_fixture(house.catalog.fixtures[event.fixture])
    house.timers.unschedule("archive", event.fixture)
