"""Commands, events and refusals: what every room speaks in.

A command is a wish (`PlaceWager`), an event is a fact (`WagerPlaced`), a refusal is a stable code. A command's handler
decides from the state alone; an event's handler evolves the state and cannot fail.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any, ClassVar, Literal, TypeVar, dataclass_transform, get_args

import msgspec

from runline.domain.permissions import Permission, StreamKind
from runline.domain.times import with_times

Lane = Literal["control", "wagers", "bulk"]
"""control: whatever changes what is allowed. wagers: what players do. bulk: long and mass work, last in line."""

HOUSE = "house"
"""The id of the house's stream. A book's stream has the book's id."""


def kind_of(stream: str) -> StreamKind:
    """Which kind a stream is of."""
    return "house" if stream == HOUSE else "book"


ENGINE = "engine"
"""The actor of commands that time, jobs and the house cause."""

GATEWAY = "gateway"
"""The actor of what the gateway sends about signing in and out."""

Sender = Literal["engine", "gateway"]

SENTENCE_LENGTH_MAX = 500
"""Characters of a refusal's sentence, which may repeat what was asked for and is kept for the activity log."""


@dataclass_transform(frozen_default=True, field_specifiers=(msgspec.field,))
class CommandMeta(msgspec.StructMeta):
    """Takes a command's declaration: the permission it needs, its lane, the streams that know it.

    sender: who may send it if it needs no permission. secret: it holds what no client may send as it is (the gateway makes
    it), so that it has no door of its own. urgent: it is taken from a screen that nobody has used for a while, without the
    password. since: the level from which on there is it (`domain/level.py`).
    """

    def __new__(
        mcls,
        name: str,
        bases: tuple[type, ...],
        namespace: dict[str, Any],
        *,
        needs: Permission | None = None,
        lane: Lane = "control",
        streams: tuple[StreamKind, ...] = ("book",),
        sender: Sender = "engine",
        secret: bool = False,
        urgent: bool = False,
        since: int = 1,
        **config: Any,
    ) -> Any:
        cls: Any = super().__new__(mcls, name, bases, namespace, **config)
        cls.needs = needs
        cls.since = since
        cls.sender = sender
        cls.secret = secret
        cls.urgent = urgent
        cls.lane = lane
        cls.streams = streams
        return cls


class Command(
    msgspec.Struct, metaclass=CommandMeta, frozen=True, forbid_unknown_fields=True, omit_defaults=True, gc=False
):
    """A wish, imperative. A command that needs no permission is internal: only its sender may send it.

    Fields at their defaults are left out where a command is encoded, so that its digest stays when a field is added.
    """

    sender: ClassVar[Sender]
    secret: ClassVar[bool]
    urgent: ClassVar[bool]
    needs: ClassVar[Permission | None]
    since: ClassVar[int]
    lane: ClassVar[Lane]
    streams: ClassVar[tuple[StreamKind, ...]]


@dataclass_transform(frozen_default=True, field_specifiers=(msgspec.field,))
class EventMeta(msgspec.StructMeta):
    """Takes an event's declaration: who may see it and the version of its shape.

    changes_sight: it may end a session, or take something from what somebody sees; whoever shows things must look again.
    leaves: the field with the node under which whom it concerns has stood until then: there it is seen, too, and nothing after.
    topic: in which it is told, live, besides `log`. notice: which kind of notification it is, where somebody should look at it
    (see `Event.is_notable`, `Event.is_notable_at`). told_to_books: whether it is a notification in every book when it happens in
    the house. secret: the fields that nobody may see. They stand in rows only, never in the log (see `bare`). since: the level
    from which on there is it (`domain/level.py`).
    """

    def __new__(
        mcls,
        name: str,
        bases: tuple[type, ...],
        namespace: dict[str, Any],
        *,
        shown_to: Permission = Permission.LOG_VIEW,
        version: int = 1,
        secret: tuple[str, ...] = (),
        changes_sight: bool = False,
        leaves: str = "",
        topic: str = "",
        notice: str = "",
        told_to_books: bool = False,
        since: int = 1,
        **config: Any,
    ) -> Any:
        cls: Any = super().__new__(mcls, name, bases, namespace, **config)
        cls.shown_to = shown_to
        cls.leaves = leaves
        cls.topic = topic
        cls.notice = notice
        cls.told_to_books = told_to_books
        cls.changes_sight = changes_sight
        cls.version = version
        cls.secret = secret
        cls.since = since
        return cls


class Event(msgspec.Struct, metaclass=EventMeta, frozen=True, gc=False):
    """A fact, in the past tense. It holds ids, never a person's data."""

    shown_to: ClassVar[Permission]
    changes_sight: ClassVar[bool]
    leaves: ClassVar[str]
    secret: ClassVar[tuple[str, ...]]
    version: ClassVar[int]
    since: ClassVar[int]
    topic: ClassVar[str]
    notice: ClassVar[str]
    told_to_books: ClassVar[bool]

    def is_notable(self, state: Any) -> bool:
        """Whether somebody should look at this one, if its type is a notification at all."""
        return True

    def is_notable_at(self, state: Any, node: str) -> bool:
        """Whether whoever looks at a node should look at this one, which is notable to somebody."""
        return True


def bare(event: Event) -> Event:
    """An event without its secrets: as it is logged, shown and remembered."""
    fields = msgspec.structs.asdict(event)
    for name in type(event).secret:
        del fields[name]
    return type(event)(**fields)


encode = msgspec.json.Encoder().encode


@cache
def opening(kind: type[Event]) -> tuple[bytes, bool]:
    """The beginning of an event's JSON, its type; and whether there are times in it."""
    return b'{"type":"' + kind.__name__.encode() + b'"', b'_ns"' in encode(msgspec.json.schema(kind))


def event_json(event: Event) -> bytes:
    """An event as everyone who may may see it: its type, then its fields without those that are secret, and the texts beside its
    times."""
    kind = type(event)
    return told_json(kind, encode(bare(event) if kind.secret else event))


def told_json(kind: type[Event], body: bytes) -> bytes:
    """The same of an event of this kind. body: its fields without those that are secret, as JSON."""
    start, has_times = opening(kind)
    if has_times:
        body = with_times(body)
    return start + (b"}" if body == b"{}" else b"," + body[1:])


def event_body(event: Event) -> bytes:
    """The same without those texts, for a page that gets them as a whole."""
    kind = type(event)
    body = encode(bare(event) if kind.secret else event)
    start, _ = opening(kind)
    return start + (b"}" if body == b"{}" else b"," + body[1:])


class Rejected(Exception):
    """A business refusal: a stable code, a sentence for people, and the values that help."""

    def __init__(self, code: str, message: str, **details: Any) -> None:
        super().__init__(message)
        self.code = code
        self.message = message[:SENTENCE_LENGTH_MAX]
        self.details = details


def lacking(permission: Permission) -> Rejected:
    """The refusal of who does not hold a permission."""
    return Rejected("not_permitted", f"This needs the permission {permission.value}.", permission=permission.value)


F = TypeVar("F", bound=Callable[..., Any])

Decided = Event | Sequence[Event]

Declared = Literal[
    "decides",
    "evolves",
    "grounds",
    "heeds",
    "wants",
    "fires",
    "upcasts",
    "shows",
    "reads",
    "slices",
    "slice_wants",
    "causes",
    "misses",
    "makes_up",
    "pays",
    "changes",
]

DECLARATIONS = "declarations"
"""The attribute of a function that has what is declared of it: pairs of `Declared` and what it is about."""


def declares(what: Declared, about: Any) -> Callable[[F], F]:
    """A decorator that notes what a function is for. The vocabulary reads it with the noun in whose file the function stands."""

    def note(function: F) -> F:
        function.__dict__.setdefault(DECLARATIONS, []).append((what, about))
        return function

    return note


def decides(command: type[Command]) -> Callable[[F], F]:
    """Declare what decides a command: (state, command, context) -> event or events; or it raises Rejected. Of a command that
    needs a permission the type of what comes back names the events: by that it is known of an entry which one was used."""
    return declares("decides", command)


def events_of(decide: Callable[..., Any]) -> list[type[Event]]:
    """The events that something decides, by the type that it says comes back."""
    return list(events_in(decide.__annotations__.get("return")))


def events_in(kind: Any) -> Iterator[type[Event]]:
    """The types of events that stand in another type."""
    if isinstance(kind, type) and issubclass(kind, Event):
        yield kind
    for inner in get_args(kind):
        yield from events_in(inner)


def evolves(event: type[Event]) -> Callable[[F], F]:
    """Declare what changes the state by an event: (state, event) -> None. Several nouns may evolve one event, also one of another
    noun; they do so in the order of the vocabulary."""
    return declares("evolves", event)


def grounds(command: type[Command]) -> Callable[[F], F]:
    """Declare what says at which position a command's ground last moved: (state, command) -> position."""
    return declares("grounds", command)


def heeds(command: type[Command]) -> Callable[[F], F]:
    """Declare what the writer keeps in mind of a command that was accepted and makes no event: (state, command, context) -> None.
    It is in no row and in no log, so that it is gone after a restart; nothing that others see may follow from it."""
    return declares("heeds", command)


def wants(message: type[Command] | type[Event]) -> Callable[[F], F]:
    """Declare which rows out of memory a command or a replayed event needs: (state, message) -> list of needs."""
    return declares("wants", message)


def fires(kind: str) -> Callable[[F], F]:
    """Declare what a due timer becomes: (its subject) -> command."""
    return declares("fires", kind)


def slices(kind: str) -> Callable[[F], F]:
    """Declare what a slice of such a job does: (state, job, context) -> Slice. It decides, and changes nothing."""
    return declares("slices", kind)


def slice_wants(kind: str) -> Callable[[F], F]:
    """Declare which rows out of memory the next slice of such a job needs: (state, job) -> list of needs."""
    return declares("slice_wants", kind)


def causes(event: type[Event], command: type[Command]) -> Callable[[F], F]:
    """Declare what an event of the house makes each book do: (house, event) -> such a command, with the event's position as
    `house_seq`.

    A book takes what the house causes in the house's order. So what is at or below its position there (`results_taken`) it has
    taken, and the command's event moves that position: a book whose position stands after it stops. What gives such commands to
    a book that was not there, and what makes up for one that was set aside, are declared as well: by `misses` and `makes_up`.
    """
    return declares("causes", (event, command))


def misses(command: type[Command]) -> Callable[[F], F]:
    """Declare what a book has missed of such commands of the house: (house, position up to which it has taken them) -> commands,
    each with its position as `house_seq`, in order."""
    return declares("misses", command)


def makes_up(command: type[Command]) -> Callable[[F], F]:
    """Declare what happens as such a command of the house is taken up that was set aside: (book, its position in the house,
    context) -> events, which the type of what comes back names."""
    return declares("makes_up", command)


def pays(kind: str) -> Callable[[F], F]:
    """Declare how a ticket of a kind ends and what it returns, stake included, by how its legs ended: (ticket, endings, rounding)
    -> (result, minor units)."""
    return declares("pays", kind)


def upcasts(event: str, version: int) -> Callable[[F], F]:
    """Declare what brings the fields of an event from `version` to `version + 1`: (fields) -> fields."""
    return declares("upcasts", (event, version))
