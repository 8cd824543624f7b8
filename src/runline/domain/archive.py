"""Archive: games that are over for long leave memory, with their markets and their result.

Rule: what is archived stays in the tables as it was, and nothing changes it any more. Its id is never given again.
"""

from typing import Any

from runline.domain.catalog import CatalogState
from runline.domain.messages import Command, Event, decides, evolves, fires
from runline.domain.permissions import Permission


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
def archive_fixture(house: CatalogState, command: ArchiveFixture, context: Any) -> FixtureArchived | tuple[()]:
    timer = house.timers.get(("archive", command.fixture))
    if timer is None or context.at_ns < timer.due_ns:
        return ()
    return FixtureArchived(command.fixture)


@evolves(FixtureArchived)
def fixture_archived(house: CatalogState, event: FixtureArchived) -> None:
    house.archive_fixture(house.fixtures[event.fixture])
    house.unschedule("archive", event.fixture)
