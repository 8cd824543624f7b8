"""Codec: what goes over a bus, as bytes and back again. Commands and events are named by their types, outcomes by what they are.

Each value is a MessagePack array; the fields of a command or an event are JSON in it, as in the log.
Within one process nothing is encoded; the links between processes use this, and tests run the gateway over bytes and over a link
(`tests/doubles/wired.py`), so that what goes over the bus stays what can.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any, overload

import msgspec

from runline.domain.messages import Command, Event, Rejected, bare, event_json, told_json
from runline.domain.preview import Moves
from runline.domain.vocabulary import Vocabulary
from runline.engine.envelope import event_of
from runline.engine.requests import Accepted, Outcome, Previewed, Refused, Request, refused
from runline.engine.subscription import Committed

VALUE_LENGTH = 100
"""Characters of a refusal's value that JSON cannot hold, and which is told as text."""


class NamedCommand(msgspec.Struct, array_like=True, gc=False):
    """A command by its type."""

    type: str
    fields: bytes


class NamedEvent(msgspec.Struct, array_like=True, gc=False):
    """An event by its type and the version of its shape; without what nobody may see."""

    type: str
    version: int
    fields: bytes


class RequestFrame(msgspec.Struct, array_like=True, gc=False):
    """See `Request`."""

    stream: str
    id: str
    actor: str
    command: NamedCommand
    session: str
    correlation: str
    preview: bool
    if_position: int | None
    bulk: bool
    received_ns: int


class AcceptedFrame(msgspec.Struct, array_like=True, tag="accepted", gc=False):
    """See `Accepted`."""

    position: int
    events: list[NamedEvent]
    repeated: bool


class PreviewedFrame(msgspec.Struct, array_like=True, tag="previewed", gc=False):
    """See `Previewed`."""

    position: int
    events: list[NamedEvent]
    moves: bytes


class RefusedFrame(msgspec.Struct, array_like=True, tag="refused", gc=False):
    """See `Refused`. details: as JSON."""

    position: int
    code: str
    message: str
    details: bytes


OutcomeFrame = AcceptedFrame | PreviewedFrame | RefusedFrame


class CommittedFrame(msgspec.Struct, array_like=True):
    """See `Committed`."""

    stream: str
    seq: int
    at_ns: int
    actor: str
    command: str
    event: NamedEvent
    size: int
    epoch: int
    digest: bytes
    hash: bytes


to_json = msgspec.json.Encoder().encode
encode = msgspec.msgpack.Encoder().encode
decode_outcome_frame = msgspec.msgpack.Decoder(OutcomeFrame).decode
decode_committed_frames = msgspec.msgpack.Decoder(list[CommittedFrame]).decode
decode_moves = msgspec.json.Decoder(Moves).decode


@cache
def command_decoder(kind: type[Command]) -> Any:
    return msgspec.json.Decoder(kind).decode


def named(event: Event) -> NamedEvent:
    """An event as it is told."""
    kind = type(event)
    return NamedEvent(kind.__name__, kind.version, to_json(bare(event) if kind.secret else event))


def event_named(vocabulary: Vocabulary, event: NamedEvent) -> Event:
    """The event that was told."""
    return event_of(vocabulary, event.type, event.version, msgspec.Raw(event.fields))


def events_named(vocabulary: Vocabulary, events: Sequence[NamedEvent]) -> list[Event]:
    """The events that were told."""
    return [event_named(vocabulary, event) for event in events]


class ToldEvents(Sequence[Event]):
    """Events that were told, as events for whoever looks at one: most are passed on as they came."""

    __slots__ = ("named", "vocabulary")

    def __init__(self, vocabulary: Vocabulary, named: list[NamedEvent]) -> None:
        self.vocabulary = vocabulary
        self.named = named

    def json(self) -> bytes:
        """Each as `event_json` has it, with commas between."""
        return b",".join(map(self.json_of, self.named))

    def json_of(self, event: NamedEvent) -> bytes:
        kind = self.vocabulary.events[event.type]
        if event.version == kind.version:
            return told_json(kind, event.fields)
        return event_json(event_named(self.vocabulary, event))

    @overload
    def __getitem__(self, index: int) -> Event: ...

    @overload
    def __getitem__(self, index: slice) -> list[Event]: ...

    def __getitem__(self, index: int | slice) -> Event | list[Event]:
        if isinstance(index, slice):
            return events_named(self.vocabulary, self.named[index])
        return event_named(self.vocabulary, self.named[index])

    def __len__(self) -> int:
        return len(self.named)

    def __eq__(self, other: object) -> bool:
        return list(self) == list(other) if isinstance(other, Sequence) else NotImplemented

    __hash__ = None  # type: ignore[assignment]


def request_frame(request: Request) -> RequestFrame:
    """A request as it is told. Raises ValueError or OverflowError for a command that no encoding can hold."""
    return RequestFrame(
        request.stream,
        request.id,
        request.actor,
        NamedCommand(type(request.command).__name__, to_json(request.command)),
        request.session,
        request.correlation,
        request.preview,
        request.if_position,
        request.bulk,
        request.received_ns,
    )


def request_told(vocabulary: Vocabulary, frame: RequestFrame) -> Request:
    """The request that was told, wholly validated. vocabulary: of whoever is to execute it.

    Raises Rejected `malformed_command`, `unknown_command`.
    """
    kind = vocabulary.commands.get(frame.command.type)
    if kind is None:
        raise Rejected("unknown_command", f"There is no command {frame.command.type[:64]!r}.")
    try:
        command = command_decoder(kind)(frame.command.fields)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise Rejected("malformed_command", str(error) or type(error).__name__) from None
    return Request(
        frame.stream,
        frame.id,
        frame.actor,
        command,
        frame.session,
        frame.correlation,
        frame.preview,
        frame.if_position,
        frame.bulk,
        frame.received_ns,
    )


def outcome_frame(outcome: Outcome) -> OutcomeFrame:
    """An outcome as it is told."""
    if isinstance(outcome, Accepted):
        return AcceptedFrame(outcome.position, list(map(named, outcome.events)), outcome.repeated)
    if isinstance(outcome, Previewed):
        return PreviewedFrame(outcome.position, list(map(named, outcome.events)), to_json(outcome.moves))
    return RefusedFrame(outcome.position, outcome.code, outcome.message, details_json(outcome.details))


def details_json(details: dict[str, Any]) -> bytes:
    """The values of a refusal. What JSON cannot hold is told as text."""
    try:
        return to_json(details)
    except (ValueError, OverflowError, TypeError):
        return to_json({key: repr(value)[:VALUE_LENGTH] for key, value in details.items()})


def outcome_told(vocabulary: Vocabulary, frame: OutcomeFrame) -> Outcome:
    """The outcome that was told."""
    if isinstance(frame, AcceptedFrame):
        return Accepted(frame.position, ToldEvents(vocabulary, frame.events), frame.repeated)
    if isinstance(frame, PreviewedFrame):
        return Previewed(frame.position, events_named(vocabulary, frame.events), decode_moves(frame.moves))
    return Refused(frame.position, frame.code, frame.message, msgspec.json.decode(frame.details))


def encode_rejected(rejected: Rejected) -> bytes:
    """Why a question is not answered, as bytes."""
    return encode(outcome_frame(refused(0, rejected)))


def decode_rejected(body: bytes) -> Rejected:
    """Why a question is not answered. Raises msgspec.DecodeError for what is no refusal."""
    frame = decode_outcome_frame(body)
    if not isinstance(frame, RefusedFrame):
        raise msgspec.ValidationError("this is no refusal")
    return Rejected(frame.code, frame.message, **msgspec.json.decode(frame.details))


def encode_committed(happened: Sequence[Committed]) -> bytes:
    """Durable events as bytes."""
    return encode(
        [
            CommittedFrame(
                one.stream,
                one.seq,
                one.at_ns,
                one.actor,
                one.command,
                named(one.event),
                one.size,
                one.epoch,
                one.digest,
                one.hash,
            )
            for one in happened
        ]
    )


def decode_committed(vocabulary: Vocabulary, body: bytes) -> list[Committed]:
    """The durable events that were told. Raises msgspec.DecodeError for what is none."""
    return [
        Committed(
            one.stream,
            one.seq,
            one.at_ns,
            one.actor,
            one.command,
            event_named(vocabulary, one.event),
            one.size,
            one.epoch,
            one.digest,
            one.hash,
        )
        for one in decode_committed_frames(body)
    ]
