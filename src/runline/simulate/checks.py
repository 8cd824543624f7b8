"""Checks: what must hold of a process in full: its log, its tables and what it has in memory say the same, and the laws hold.

Rule: what is in memory is looked at only where all of it is durable, for nothing else was promised.
"""

from collections.abc import Coroutine
from typing import Any, TypeVar

from runline.domain.book import Book
from runline.domain.house import House
from runline.domain.ledger import LedgerEntry
from runline.domain.messages import HOUSE
from runline.domain.tickets import Ticket
from runline.domain.vocabulary import Vocabulary
from runline.engine.limits import BATCH_EVENTS_MAX, LANE_DEPTH_MAX
from runline.engine.ports import StoreError
from runline.engine.recovery import load_whole
from runline.simulate.disk import Disk
from runline.simulate.folded import Folded
from runline.simulate.laws import (
    all_hold,
    derived,
    legs_stand_by_the_results,
    memory_is_what_a_restart_would_rebuild,
    the_entries_are_the_balances,
)
from runline.simulate.network import SENT_BYTES_MAX
from runline.simulate.nodes import Node
from runline.simulate.story import Wrong

V = TypeVar("V")

COMMAND_EVENTS_MAX = 1_000
"""More than the events of the largest command."""

UNREAD_BYTES_MAX = SENT_BYTES_MAX + 1024 * 1024
"""What may lie in the network for one who does not read: what it takes, and the largest frame."""


def at_once(work: Coroutine[Any, Any, V]) -> V:
    """What a coroutine returns that waits for nothing. (Where it lets others have their turns, there are none.)"""
    try:
        while work.send(None) is None:
            pass
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]
    work.close()
    raise AssertionError("this was not to wait")


def tables_agree(disk: Disk, folded: Folded) -> None:
    """Every table is the log, folded. Raises Wrong."""
    kept, ours = disk.kept.rows, folded.store.rows
    for name in {**kept, **ours}:
        stored, expected = kept.get(name, {}), ours.get(name, {})
        if stored != expected:
            keys = [key for key in {**stored, **expected} if stored.get(key) != expected.get(key)]
            raise Wrong(f"{name} {keys[0]}: stored {stored.get(keys[0])}, by the log {expected.get(keys[0])}")


def queues_are_bounded(node: Node) -> None:
    """Nothing waits beyond its bound. Raises Wrong."""
    engine = node.engine
    for stream, writer in engine.writers.items():
        for lane, most in LANE_DEPTH_MAX.items():
            if len(writer.lanes.ranks[lane]) > most:
                raise Wrong(f"{stream}: {len(writer.lanes.ranks[lane])} wait in the lane {lane}")
    if engine.batches.filled > BATCH_EVENTS_MAX + COMMAND_EVENTS_MAX:
        raise Wrong(f"{engine.batches.filled} events are in a batch")
    for pipe in node.pipes:
        if not pipe.ended and pipe.unread_bytes > UNREAD_BYTES_MAX:
            raise Wrong(f"{pipe.unread_bytes} bytes wait for one who does not read")


def is_settled(book: Book, house: House) -> bool:
    """Whether a book has settled all that the house has confirmed, and nothing of it was set aside. The house is a view, which
    may be behind what the book had taken where it was before."""
    catalog = house.catalog
    confirmed = [one.confirmed_seq for one in catalog.results.values()]
    last_seq = max([0, *confirmed, *(one.confirmed_seq for one in catalog.archived.values())])
    begun = bool(book.results_taken.by_book) and last_seq <= book.results_taken.house_seq <= house.seq
    return begun and not book.jobs.by_number and not book.aside.by_number


def memory_agrees(node: Node, disk: Disk, vocabulary: Vocabulary) -> int:
    """What a process has in memory of each stream is what a start would read, where all of it is durable. Returns of how many
    streams that was seen. Raises Wrong."""
    seen = 0
    for stream, writer in node.engine.writers.items():
        head = disk.kept.known_heads.get(stream)
        if writer.stopped or head is None or writer.state.seq != head.seq or writer.filling or writer.sealed:
            continue
        if writer.state.seq != writer.durable_seq:
            raise Wrong(f"{stream}: {writer.state.seq} is durable, the writer says {writer.durable_seq}")
        try:
            recovered = at_once(load_whole(disk.kept, vocabulary.state_of(stream), head))
        except StoreError as error:
            raise Wrong(f"{stream}: a start could not read it: {error}") from error
        try:
            resting = node.engine.agenda.setbacks.failures.get(writer, {})
            memory_is_what_a_restart_would_rebuild(writer.state, recovered, resting)
            if isinstance(writer.state, Book):
                all_hold(writer.state)
                the_entries_are_the_balances(writer.state, disk.kept.stored(stream, LedgerEntry))
                if is_settled(writer.state, node.engine.view):
                    legs_stand_by_the_results(writer.state, node.engine.view, disk.kept.stored(stream, Ticket))
            elif stream == HOUSE and node.engine.view.seq == head.seq:
                assert derived(node.engine.view, copy=True) == derived(recovered), "the view is another"
        except AssertionError as error:
            raise Wrong(f"{stream} at {head.seq}: memory is not what is stored: {error}") from error
        seen += 1
    return seen
