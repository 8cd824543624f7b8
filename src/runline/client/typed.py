"""Typed: what is sent and asked as the types that declare it, and what comes back as theirs.

Rule: a query's type knows its row (`WagersAsked` is an `Asked[WagerRow]`), so that whoever asks knows what comes.
"""

from functools import cache
from typing import Any, Generic, TypeVar

import msgspec

from runline.client.answers import Executed
from runline.domain.messages import Command, Event
from runline.domain.preview import Moves
from runline.domain.queries.declared import Asked
from runline.domain.vocabulary import Vocabulary, plain_vocabulary

R = TypeVar("R")
E = TypeVar("E", bound=Event)


class OtherEvent(msgspec.Struct, frozen=True):
    """An event of a type that this client does not know: the server's version is newer."""

    type: str
    fields: dict[str, Any]


class Happened(msgspec.Struct, frozen=True):
    """What came of a command.

    position: of its stream after it. events: what happened, in order.
    repeated: it was executed before, and changed nothing now.
    """

    position: int
    events: tuple[Event | OtherEvent, ...]
    repeated: bool = False

    def event(self, kind: type[E]) -> E:
        """The first event of a type. Raises LookupError if there is none."""
        for event in self.events:
            if isinstance(event, kind):
                return event
        raise LookupError(f"No {kind.__name__} has come of it.")


class Preview(Happened, frozen=True):
    """What would come of a command. moves: what would move."""

    moves: Moves = msgspec.field(default_factory=Moves)


class Rows(msgspec.Struct, Generic[R]):
    """A page of rows.

    next: what the next page begins with; "" after the last. position, house: of the streams, where it is true.
    """

    position: int
    items: list[R]
    next: str = ""
    house: int = 0


@cache
def vocabulary() -> Vocabulary:
    """What this client knows of."""
    return plain_vocabulary()


@cache
def decoder_of(kind: Any) -> Any:
    return msgspec.json.Decoder(kind)


@cache
def names() -> dict[type[Asked[Any]], tuple[str, type]]:
    """The name and the row of the query that each type asks."""
    return {query.asked: (query.name, query.row) for query in vocabulary().queries.values()}


def event_of(body: bytes | msgspec.Raw | dict[str, Any]) -> Event | OtherEvent:
    """An event, as the log (`LogRow.event`), an answer or a frame has it."""
    fields: dict[str, Any] = body if isinstance(body, dict) else msgspec.json.decode(body)
    name = str(fields.get("type", ""))
    kind = vocabulary().events.get(name)
    if kind is None:
        return OtherEvent(name, {key: value for key, value in fields.items() if key != "type"})
    return msgspec.convert(fields, kind)


def happened(executed: Executed) -> Happened:
    """An outcome, typed."""
    return Happened(executed.position, tuple(map(event_of, executed.events)), executed.repeated)


def previewed(executed: Executed) -> Preview:
    """What would happen, typed."""
    moves = msgspec.convert(executed.moves, Moves)
    return Preview(executed.position, tuple(map(event_of, executed.events)), moves=moves)


def fields_of(command: Command) -> dict[str, Any]:
    """A command's fields, as they are sent."""
    found: dict[str, Any] = msgspec.to_builtins(command)
    return found


def parameters_of(asked: Asked[Any]) -> tuple[str, dict[str, str]]:
    """(the query's name, its parameters) of what is asked for."""
    name, _ = names()[type(asked)]
    values = msgspec.to_builtins(asked)
    return name, {
        key: msgspec.json.encode(value).decode() if type(value) is bool else str(value) for key, value in values.items()
    }


def rows_of(asked: Asked[R], body: bytes) -> Rows[R]:
    """The page that a query was answered with."""
    _, row = names()[type(asked)]
    found: Rows[R] = decoder_of(Rows[row]).decode(body)  # type: ignore[valid-type]
    return found


def after(asked: Asked[R], next_: str) -> Asked[R]:
    """What asks for the page that begins there."""
    return msgspec.structs.replace(asked, after=next_)
