"""Recovery: the one way to start. Read the tables, check them against the log's head, rebuild what is derived, go on.

Rule: what takes long is done in pieces of a few milliseconds, and everything else on the loop has its turns between: other
streams of the process go on while one is read.
"""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from operator import attrgetter
from typing import Any, TypeVar

from runline.domain.house import BookListing, House
from runline.domain.level import Level
from runline.domain.messages import HOUSE
from runline.domain.rows import row_key
from runline.domain.state import Row, State, by_pieces
from runline.domain.vocabulary import Vocabulary
from runline.domain.zones import ZonesOfTheWorld
from runline.engine.envelope import decode_envelope
from runline.engine.limits import AHEAD_MS_MAX, FORGOTTEN_COMMANDS_MAX, SPANS_MAX, TAKEN_AT_ONCE, WINDOW_COMMANDS_MAX
from runline.engine.ports import GENESIS, Head, Reading, StoreError, claimed_elsewhere
from runline.engine.spans import Spans
from runline.engine.window import Window, made_ms
from runline.engine.writer import Writer

S = TypeVar("S", bound=State)

changed_seq = attrgetter("changed_seq")


@contextmanager
def reading(stream: str) -> Iterator[None]:
    """What is stored may be anything, once a disk has garbled it: a row that does not decode, a sum that does not hold.
    (What cannot be read now may be readable later: a transient error stays one.)

    Raises StoreError `unreadable`.
    """
    try:
        yield
    except StoreError as error:
        if error.kind != "row":
            raise
        raise StoreError("unreadable", f"What is stored of {stream!r} cannot be read: {error}") from error
    except Exception as error:
        what = f"What is stored of {stream!r} cannot be read: {type(error).__name__}: {error}"
        raise StoreError("unreadable", what) from error


async def check_head(store: Reading, head: Head) -> None:
    """Refuse to start on a log whose end is not the head that was committed with it.

    Raises StoreError `unreadable`.
    """
    tail = await store.events(head.stream, max(head.seq - 1, 0), 2)
    if head.seq == 0:
        sound = not tail and head.hash == GENESIS
    else:
        sound = len(tail) == 1 and tail[0][1] == head.seq and tail[0][5] == head.hash
    if not sound:
        raise StoreError("unreadable", f"The log of {head.stream!r} does not end at its head, position {head.seq}.")


async def load(store: Reading, state: S, head: Head) -> S:
    """Fill a state from the tables, as of a head."""
    await load_rows(store, state, head)
    state.derive()
    return state


async def load_rows(store: Reading, state: State, head: Head) -> tuple[int, int]:
    """Take the rows that belong in memory; returns how many they are, and the sum of the positions at which they changed."""
    begin_at(state, head)
    for row_type in state.held:
        for rows in by_pieces(await store.held_rows(head.stream, row_type), TAKEN_AT_ONCE):
            take_rows(state, row_type, rows)
            if len(rows) == TAKEN_AT_ONCE:
                await asyncio.sleep(0)
    return state.held_rows, state.held_sum


def begin_at(state: State, head: Head) -> None:
    """A state is as of a head, and has no rows yet."""
    state.seq, state.at_ns = head.seq, head.at_ns
    state.held_rows = state.held_sum = 0


def take_rows(state: State, row_type: type[Row], rows: Sequence[Any]) -> None:
    """Take rows of a type that belong in memory."""
    state.held[row_type].update(zip(map(row_key(row_type), rows), rows, strict=True))
    state.held_rows += len(rows)
    state.held_sum += sum(map(changed_seq, rows))


async def load_whole(store: Reading, state: S, head: Head) -> S:
    """Fill a state from the tables, if they hold what was counted as it was committed: a page of before would hold rows that
    have changed since, or not all of them.

    Raises StoreError `unreadable`.
    """
    await load_rows(store, state, head)
    require_counted(state, head)
    await by_and_by(state.deriving())
    return state


def require_counted(state: State, head: Head) -> None:
    """The rows of a state are as many as were counted as its head was committed. Raises StoreError `unreadable`."""
    found, counted = (state.held_rows, state.held_sum), (head.held_rows, head.held_sum)
    if found != counted:
        what = f"{found[0]} rows of sum {found[1]} were found, {counted[0]} of sum {counted[1]} were committed"
        raise StoreError("unreadable", f"The tables of {head.stream!r} are not those of position {head.seq}: {what}.")


async def load_at_once(store: Reading, state: State) -> Head:
    """Fill the state of a stream that somebody else may own and write to, as of one of its heads, which is returned.

    Raises StoreError.
    """
    with reading(state.stream):
        head = await store.held_at_once(state.stream, list(state.held), partial(take_rows, state))
        state.seq, state.at_ns = head.seq, head.at_ns
        require_counted(state, head)
        await by_and_by(state.deriving())
        return head


async def by_and_by(work: Iterable[None]) -> None:
    """Do what takes long, a piece after the other."""
    for _ in work:
        await asyncio.sleep(0)


async def load_window(store: Reading, stream: str, now_ns: int, position: int | None = None) -> Window:
    """The commands that are remembered, from the log's tail, as of the present. position: where the tail ends, if the stream may
    go on meanwhile."""
    window = Window()
    now_ms = now_ns // 1_000_000
    commands = await store.commands(stream, WINDOW_COMMANDS_MAX)
    forgotten = None
    if len(commands) == WINDOW_COMMANDS_MAX:
        forgotten = await what_is_forgotten(store, stream, commands[0][2], now_ms)
    there = commands if position is None else (command for command in commands if command[2] <= position)
    await by_and_by(window.loading(there, now_ms, forgotten))
    return window


async def what_is_forgotten(store: Reading, stream: str, before: int, now_ms: int) -> Spans:
    """When the ids of the commands up to a position were made. Of those that are too many to be looked at it is taken that the
    clock of their time was right."""
    spans = Spans()
    made, first = await store.made_commands(stream, before, FORGOTTEN_COMMANDS_MAX, SPANS_MAX)
    for begin, end in made:
        spans.add(made_ms(begin), made_ms(end))
    cut = await store.events(stream, first - 1, 1)
    spans.add(0, min(decode_envelope(cut[0][4]).at_ns // 1_000_000 + AHEAD_MS_MAX, now_ms))
    return spans


async def recover_writer(
    store: Reading,
    head: Head,
    house: House | None,
    node: str,
    now_ns: int,
    level: Level,
    vocabulary: Vocabulary,
    zones: ZonesOfTheWorld,
) -> Writer:
    """Bring up the writer of a stream that was claimed. head: as it was then.

    Raises StoreError: `elsewhere` if another process has claimed it while it was read, and may have written to it.
    """
    stream = head.stream
    try:
        with reading(stream):
            await check_head(store, head)
            state = await load_whole(store, vocabulary.state_of(stream), head)
            return Writer(state, head, await load_window(store, stream, now_ns), house, node, zones, level)
    except StoreError as error:
        found = (await store.heads([stream])).get(stream) if error.kind == "unreadable" else None
        if found is not None and found.epoch != head.epoch:
            raise claimed_elsewhere(stream) from error
        raise


async def recover_view(store: Reading, vocabulary: Vocabulary) -> House:
    """The house as this process's books see it: durable, read-only. Whoever owns the house may write to it meanwhile.

    Raises StoreError.
    """
    house = House(vocabulary)
    await load_at_once(store, house)
    return house


async def every_stream(store: Reading) -> list[str]:
    """The house and all its books, as far as they are stored.

    Raises StoreError.
    """
    with reading(HOUSE):
        return [HOUSE, *(listing.name for listing in await store.held_rows(HOUSE, BookListing))]
