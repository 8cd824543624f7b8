"""Zones: where games are played, as far as the clock on the wall goes.

Rule: a game is in the zone of its venue if that is known, else in its league's, else in that of its league's rules. What a date
there is in universal time is asked of a port: the zones of the world are data that change, and are read outside.
"""

from typing import TYPE_CHECKING, Literal, Protocol, final

from runline.domain.identifiers import Reason
from runline.domain.messages import Command, Event, Rejected, decides, evolves, grounds
from runline.domain.permissions import Permission
from runline.domain.state import Part, Row, State

if TYPE_CHECKING:
    from runline.domain.catalog import Fixture
    from runline.domain.context import Context
    from runline.domain.house import House

DAY_NS = 24 * 3_600 * 10**9

PlaceKind = Literal["league", "fixture"]


class ZonesOfTheWorld(Protocol):
    """What knows the zones of the zone database, by name."""

    def date_ends_ns(self, zone: str, at_ns: int) -> int | None:
        """When the date of a moment ends in a zone, in UTC nanoseconds; None if there is no such zone."""


@final
class OnlyUtc:
    """Knows one zone."""

    def date_ends_ns(self, zone: str, at_ns: int) -> int | None:
        return (at_ns // DAY_NS + 1) * DAY_NS if zone == "UTC" else None


ONLY_UTC = OnlyUtc()


class Zone(Row, table="zones", key=2):
    """The zone of a league's games, or of one game's venue. place: league or fixture. zone: by its name in the zone database."""

    place: str
    subject: str
    zone: str
    changed_seq: int = 0


class ZonesKept(Part, named="zones", streams=("house",), keeps={Zone: "by_place"}):
    """The zones that were said."""

    __slots__ = ("by_place",)

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self.by_place: dict[tuple[str, str], Zone] = {}

    def said_of(self, place: str, subject: str) -> str:
        """The zone of a place, "" if none was said."""
        known = self.by_place.get((place, subject))
        return known.zone if known is not None else ""

    def of(self, fixture: "Fixture", otherwise: str) -> str:
        """The zone in which a game is played. otherwise: where neither the venue's nor the league's was said."""
        return self.said_of("fixture", fixture.name) or self.said_of("league", fixture.league) or otherwise

    def forget(self, fixture: str) -> None:
        """A game has left memory."""
        known = self.by_place.pop(("fixture", fixture), None)
        if known is not None:
            self.state.drop(known)


class SetZone(Command, needs=Permission.FIXTURES_MANAGE, streams=("house",)):
    """Say in which zone a league's games are played, or one game. Its date there is what postponed wagers may wait for.

    zone: by its name in the zone database, "America/New_York"; "" to say nothing.
    """

    place: PlaceKind
    subject: str
    zone: str
    reason: Reason


class ZoneSet(Event, shown_to=Permission.BOARD_VIEW):
    """A league or a game is in another zone. "": none is said."""

    place: str
    subject: str
    before: str
    after: str
    reason: str


@decides(SetZone)
def set_zone(house: "House", command: SetZone, context: "Context") -> ZoneSet | tuple[()]:
    if command.place == "fixture":
        house.catalog.fixture(command.subject)
    elif command.subject not in house.catalog.leagues:
        raise Rejected("unknown_league", f"There is no league {command.subject!r}.", league=command.subject)
    if command.zone and context.zones.date_ends_ns(command.zone, context.at_ns) is None:
        raise Rejected("unknown_zone", f"There is no zone {command.zone!r} in the zone database.")
    before = house.zones.said_of(command.place, command.subject)
    if before == command.zone:
        return ()
    return ZoneSet(command.place, command.subject, before, command.zone, command.reason)


@evolves(ZoneSet)
def zone_set(house: "House", event: ZoneSet) -> None:
    key = event.place, event.subject
    zone = house.zones.by_place.get(key)
    if not event.after:
        if zone is not None:
            house.drop(house.zones.by_place.pop(key))
        return
    if zone is None:
        zone = house.zones.by_place[key] = Zone(event.place, event.subject, event.after)
    house.touch(zone).zone = event.after


@grounds(SetZone)
def zone_ground(house: "House", command: SetZone) -> int:
    """The zone that was said."""
    return house.moved_seq(Zone, (command.place, command.subject))
