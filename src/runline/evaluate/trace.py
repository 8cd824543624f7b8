"""Trace: the way of one command, from the door to the disk, each step with its time."""

from typing import Any

import msgspec

from runline.engine.envelope import decode_envelope
from runline.engine.ids import id_bytes
from runline.store.batches import times_of
from runline.store.examined import Examined, examining
from runline.store.statements import BATCHES_AFTER, ENTRIES_OF_COMMAND_ANYWHERE, REFUSED_COMMAND
from runline.store.where import Place


class Trace(msgspec.Struct):
    """What became of a command. Times in UTC nanoseconds of the host; None where it is not known.

    events: (position, type) of what it made; empty if it was refused.
    durable_ns: None if the process ended before it could note it (the events are durable all the same).
    refusal: (code, message) if it was refused.
    """

    command: str
    stream: str
    actor: str
    node: str
    events: list[tuple[int, str]]
    received_ns: int | None
    queued_ns: int | None
    decided_ns: int | None
    sealed_ns: int | None
    durable_ns: int | None
    refusal: tuple[str, str] | None = None


STEPS = ("received", "queued", "decided", "handed to the store", "durable")
"""The steps of a command's way, in the words of the page."""


def steps_of(found: Trace) -> list[tuple[str, int | None]]:
    """(step, its time) in their order."""
    times = (found.received_ns, found.queued_ns, found.decided_ns, found.sealed_ns, found.durable_ns)
    return list(zip(STEPS, times, strict=True))


def trace(place: Place, command: str) -> Trace | None:
    """The way of a command in a database; None if the database does not know it.

    Raises StoreError if it cannot be read, Rejected if this is no id.
    """
    key = id_bytes(command)
    with examining(place) as database, database.state():
        return find(database, key, command)


def find(database: Examined, key: bytes, command: str) -> Trace | None:
    bodies = database.read(ENTRIES_OF_COMMAND_ANYWHERE, (key,))
    if not bodies:
        return find_refusal(database, key, command)
    entries = [decode_envelope(body) for (body,) in bodies]
    first = entries[0]
    batches: Any = database.read(BATCHES_AFTER, (first.node, first.decided_ns))
    sealed_ns, durable_ns = times_of(batches)
    return Trace(
        command,
        first.stream,
        first.actor,
        first.node,
        [(entry.seq, entry.type) for entry in entries],
        first.received_ns,
        first.queued_ns,
        first.decided_ns,
        sealed_ns,
        durable_ns,
    )


def find_refusal(database: Examined, key: bytes, command: str) -> Trace | None:
    for stream, actor, code, message in database.read(REFUSED_COMMAND, (key,)):
        return Trace(command, stream, actor, "", [], None, None, None, None, None, (code, message))
    return None
