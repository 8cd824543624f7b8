"""Envelope: an event as it is logged, and the chain of hashes over the exact stored bytes."""

from functools import cache
from hashlib import blake2b, sha256
from typing import Any

import msgspec

from runline.domain.bounds import PIECE_MAX
from runline.domain.messages import Command, Event, Rejected
from runline.domain.pieces import require_small_pieces
from runline.domain.vocabulary import Vocabulary
from runline.engine.limits import COMMAND_BYTES_MAX

DIGEST_BYTES = 8


class Envelope(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One entry of the log, written as a JSON array in this order.

    seq: contiguous within the stream, from 1. at_ns: the stream's time. node: the process that decided.
    command: the id of the command that caused it. correlation: what its sender relates it to.
    digest: what the command's id stands for (base64); empty for commands of the engine itself.
    received_ns, queued_ns, decided_ns: the host's time on the command's way.
    payload: the event's own fields; its shape follows from type and version.
    """

    stream: str
    seq: int
    at_ns: int
    type: str
    version: int
    actor: str
    session: str
    node: str
    command: str
    correlation: str
    digest: bytes
    received_ns: int
    queued_ns: int
    decided_ns: int
    payload: Any


class Logged(Envelope, frozen=True, array_like=True, gc=False):
    """An envelope as it is read: the payload is decoded when it is asked for."""

    payload: msgspec.Raw

    def event(self, vocabulary: Vocabulary) -> Event:
        """The event, brought up to its type's present version."""
        return event_of(vocabulary, self.type, self.version, self.payload)


encode_envelope = msgspec.json.Encoder().encode
decode_envelope = msgspec.json.Decoder(Logged).decode


@cache
def payload_decoder(kind: type[Event]) -> Any:
    return msgspec.json.Decoder(kind).decode


def event_of(vocabulary: Vocabulary, type_name: str, version: int, payload: msgspec.Raw) -> Event:
    """Decode an event; older versions pass through their upcasters.

    Raises KeyError for an unknown type, msgspec.DecodeError for a payload that does not fit or is of a later version.
    """
    kind = vocabulary.events[type_name]
    current = kind.version
    if version == current:
        event: Event = payload_decoder(kind)(payload)
        return event
    if version > current:
        raise msgspec.ValidationError(f"{type_name} is of version {version}, only {current} is known here")
    fields = msgspec.json.decode(payload)
    for step in range(version, current):
        fields = vocabulary.upcasters[type_name, step](fields)
    return msgspec.convert(fields, kind)


def link(previous: bytes, body: bytes) -> bytes:
    """The hash of an entry: SHA-256 over the hash before and the stored bytes."""
    return sha256(previous + body).digest()


encode_content = msgspec.msgpack.Encoder().encode
encode_any_content = msgspec.json.Encoder().encode


@cache
def has_parts(kind: type[Command]) -> bool:
    """Whether a command holds Structs whose fields at their defaults are left out by hand, for the encoder would write them (they
    stand in events as well, or are a default themselves)."""
    info = msgspec.inspect.type_info(kind)
    structs = [one for one in (info, *types_in(info)) if isinstance(one, msgspec.inspect.StructType)]
    return any(
        isinstance(field.default, msgspec.Struct) or not (field.required or struct.cls.__struct_config__.omit_defaults)
        for struct in structs
        for field in struct.fields
    )


def types_in(kind: Any) -> list[Any]:
    """The types of a command's fields, at any depth."""
    found: list[Any] = []
    inner = [field.type for field in kind.fields] if isinstance(kind, msgspec.inspect.StructType) else [
        *getattr(kind, "types", ()), *getattr(kind, "item_types", ()),
        *([kind.item_type] if hasattr(kind, "item_type") else ()),
    ]  # fmt: skip
    for one in inner:
        found += [one, *types_in(one)]
    return found


@cache
def defaults_of(kind: type[msgspec.Struct]) -> tuple[tuple[str, Any], ...]:
    """The fields of a Struct with their defaults, NODEFAULT where there is none. (To ask for them costs 15 µs.)"""
    return tuple((field.name, field.default) for field in msgspec.structs.fields(kind))


def without_defaults(value: Any) -> Any:
    """A value in which every Struct is a map of the fields that are not at their defaults."""
    if isinstance(value, msgspec.Struct):
        return {
            name: without_defaults(held)
            for name, default in defaults_of(type(value))
            if (held := getattr(value, name)) != default
        }
    return [without_defaults(one) for one in value] if isinstance(value, tuple | list) else value


def content_digest(actor: str, command: Command) -> bytes:
    """What a command's id stands for: who asked for what, but for fields at their defaults (so that a version of Runline that
    has one more knows a command of the one before). 8 bytes.

    Raises Rejected `malformed_command` for what no encoding can hold (half a character, an integer of thousands of digits),
    `too_long`, `too_many`, `too_large` for what no command needs.
    """
    kind = type(command)
    content = (actor, kind.__name__, without_defaults(command) if has_parts(kind) else command)
    try:
        body = encode_content(content)
    except (OverflowError, ValueError):
        # An integer beyond 64 bits. It is for the command's own rule to refuse it, by its own code.
        try:
            body = encode_any_content(content)
        except ValueError as error:
            raise Rejected("malformed_command", str(error)) from None
    if len(body) > PIECE_MAX:
        require_small_pieces(command)
        if len(body) > COMMAND_BYTES_MAX:
            raise Rejected("too_large", "The command is too large.", most=COMMAND_BYTES_MAX)
    return blake2b(body, digest_size=DIGEST_BYTES).digest()
