"""Context: what a decision knows besides the state: the time, who asks, and the house as this process sees it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from runline.domain.access import User
from runline.domain.invariants import check
from runline.domain.zones import ONLY_UTC, ZonesOfTheWorld

if TYPE_CHECKING:
    from runline.domain.house import House


class Neighbours:
    """The nodes that share the streams, as this process knows them. taking: by name those that are there, each with whether it
    takes streams; None where no other process could have any, empty as long as it is not known."""

    __slots__ = ("taking",)

    def __init__(self, taking: Mapping[str, bool] | None = None) -> None:
        self.taking = taking


NOBODY = Neighbours()


class Context(msgspec.Struct, frozen=True, gc=False):
    """The context of one decision.

    at_ns: the stream's time (UTC nanoseconds); it goes back only where a clock that was wrong has been put right.
    user: who asks, as the state knows them.
    session: the session they ask in, or "".
    house: the durable house view (in the house's own stream: None).
    house_lag_ms: how far that view may be behind the house.
    fetched: keys of the rows that were fetched because the command follows them (see `Following`), in order.
    zones: the zones of the world, as a port.
    neighbours: the nodes that share the streams, as far as they are known just now.
    """

    at_ns: int
    user: User
    session: str
    house: "House | None"
    house_lag_ms: int
    fetched: tuple[int, ...] = ()
    zones: ZonesOfTheWorld = ONLY_UTC
    neighbours: Neighbours = NOBODY

    def view(self) -> "House":
        """The house as a book sees it."""
        check(self.house is not None, "a book decides with a house view")
        assert self.house is not None
        return self.house
