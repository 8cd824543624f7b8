"""Rules: for each command, who may send it, what it leads to and what it is about; for each event, what it changes.

Rule: a command is judged in one order. May its sender send it? Does their session go on, and is somebody there? Does it say why?
What is its rule? And has what it is about changed since they looked?
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from runline.simulate.oracle.answers import Event
from runline.simulate.oracle.state import House, User

if TYPE_CHECKING:
    from runline.simulate.oracle.calendar import Calendar


class Asked:
    """A command's fields, by their names."""

    def __init__(self, fields: dict[str, Any]) -> None:
        self.fields = fields

    def __getattr__(self, name: str) -> Any:
        return self.fields[name]


@dataclass
class Moment:
    """What a rule knows besides the stream: the time, who asks, in which session, and the house as it is seen. looked_seq: at
    which position of the stream rows were looked for that are not in memory; None: as it is now. nodes: those that share the
    streams and are there, each with whether it takes some; None where no other process could."""

    at_ns: int
    user: User
    session: str
    house: House
    lag_ms: int
    calendar: "Calendar"
    looked_seq: int | None = None
    nodes: dict[str, bool] | None = None


Decide = Callable[[Any, Asked, Moment], Sequence[Event]]
Take = Callable[[Any, Asked], None]
Ground = Callable[[Any, Asked], int]


@dataclass
class Rule:
    """needs: the permission, "" where only `sender` may. reasons, remarks: the fields that say why."""

    decide: Decide
    needs: str
    sender: str
    streams: tuple[str, ...]
    urgent: bool
    reasons: tuple[str, ...]
    remarks: tuple[str, ...]


RULES: dict[str, Rule] = {}
TAKES: dict[str, Take] = {}
GROUNDS: dict[str, Ground] = {}

D = TypeVar("D", bound=Decide)
T = TypeVar("T", bound=Take)
G = TypeVar("G", bound=Ground)


def command(
    name: str,
    *,
    needs: str = "",
    sender: str = "engine",
    streams: tuple[str, ...] = ("book",),
    urgent: bool = False,
    reasons: tuple[str, ...] = (),
    remarks: tuple[str, ...] = (),
) -> Callable[[D], D]:
    """Say what a command leads to."""

    def enter(decide: D) -> D:
        assert name not in RULES
        RULES[name] = Rule(decide, needs, sender, streams, urgent, reasons, remarks)
        return decide

    return enter


def event(*names: str) -> Callable[[T], T]:
    """Say what an event changes."""

    def enter(take: T) -> T:
        for name in names:
            assert name not in TAKES
            TAKES[name] = take
        return take

    return enter


def ground(*names: str) -> Callable[[G], G]:
    """Say at which position what a command is about has changed last."""

    def enter(find: G) -> G:
        for name in names:
            assert name not in GROUNDS
            GROUNDS[name] = find
        return find

    return enter


def happens(kind: str, /, **fields: Any) -> Event:
    """An event."""
    return Event(kind, fields)


BOTH = ("house", "book")
IN_HOUSE = ("house",)
REASON = ("reason",)
