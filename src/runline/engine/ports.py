"""Ports: what the engine needs from outside, and the sealed batch that it hands over."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Concatenate, Literal, ParamSpec, Protocol, TypeVar

import msgspec

from runline.domain.messages import Event
from runline.domain.state import Need, R, Row
from runline.engine.conditions import Component, Level
from runline.engine.ids import Entropy

if TYPE_CHECKING:
    from runline.domain.vocabulary import Vocabulary

V = TypeVar("V")
P = ParamSpec("P")

EventRow = tuple[str, int, bytes, bytes, bytes, bytes]
"""stream, seq, command id (16 bytes), content digest (8 bytes; empty for internal commands), body, hash."""

Happened = tuple[int, int, str, str, Event]
"""An event that has happened in a stream: position, time, actor, command id, event."""

GENESIS = bytes(32)
"""The hash before a stream's first event."""


TakeRows = Callable[[type[Row], Sequence[Any]], None]
"""Takes some rows of a type."""


class Head(msgspec.Struct, frozen=True):
    """Where a stream's log ends. epoch: counts owners; a commit of an older one is left out. held_rows, held_sum: how many of its
    rows belong in memory, and the sum of the positions at which they changed, by which a start knows that it has read all."""

    stream: str
    epoch: int
    seq: int
    hash: bytes
    at_ns: int
    held_rows: int = 0
    held_sum: int = 0


class Refusal(msgspec.Struct, gc=False):
    """Refusals of one kind within one minute: key (minute, actor, command, code), then how many, and the first of them: its id,
    its sentence, and the values that help, in JSON."""

    minute: int
    actor: str
    command: str
    code: str
    count: int
    first_ns: int
    last_ns: int
    first_id: bytes
    message: str
    details: str


class Stretch(msgspec.Struct):
    """What a batch changes in one stream: encoded, immutable.

    rows, dropped: whole rows to write, and keys of rows to delete, by the name of their table.
    refusals_before: refusals of earlier minutes may go, and all but the newest REFUSALS_KEPT_MAX (0: not now).
    """

    before: Head
    after: Head
    events: list[EventRow]
    rows: dict[str, list[tuple[Any, ...]]]
    dropped: dict[str, list[tuple[Any, ...]]]
    refusals: list[Refusal]
    refusals_before: int = 0


class Sealed(msgspec.Struct):
    """One transaction: the stretches of all streams of the process.

    node: the process. sealed_ns: the host's time of this sealing, strictly growing. durable_before_ns: the host's time at
    which the batch before was durable, 0 for the first after a start (for traces).
    """

    node: str
    sealed_ns: int
    durable_before_ns: int
    stretches: list[Stretch]


class NotTaken(Exception):
    """A stream that is handed over is not taken by the other process, and will not be."""


class StoreError(Exception):
    """The store failed. kind: what the engine may do about it.

    transient: the same batch may be tried again. row: this batch can never be stored. lost: it is not known whether the
    batch was stored. unreadable: the stored data cannot be read. elsewhere: another process has claimed the stream. behind: the
    store has lost what was durable, and is another log since.
    """

    def __init__(
        self, kind: Literal["transient", "row", "lost", "unreadable", "elsewhere", "behind"], message: str
    ) -> None:
        super().__init__(message)
        self.kind = kind

    def __reduce__(self) -> Any:
        return StoreError, (self.kind, str(self))


Report = Callable[[Component, str, Level | None, str], None]
"""How a store says what is wrong with it: which component, what of it, how bad (None: it is well again), and why."""


def nobody_hears(component: Component, subject: str, level: Level | None, reason: str) -> None:
    """Where nobody is told."""


def claimed_elsewhere(stream: str) -> StoreError:
    """That another process has claimed a stream."""
    return StoreError("elsewhere", f"Another process has claimed {stream!r} meanwhile.")


def claimed(heads: Mapping[str, Head], stream: str) -> Head:
    """The head of a stream, of those that were claimed. Raises StoreError `elsewhere` if it was not."""
    if stream not in heads:
        raise claimed_elsewhere(stream)
    return heads[stream]


class Reading(Protocol):
    """What is read from a store: only what is durable. All methods raise StoreError."""

    async def heads(self, streams: Collection[str] | None = None) -> dict[str, Head]:
        """Heads, as they are: those that there are of some streams, or else all."""
        ...

    async def held_at_once(self, stream: str, row_types: Sequence[type[Row]], take: TakeRows) -> Head:
        """A stream's head, once `take` has had of each type the rows that belong in memory, as of that one position, whoever
        writes meanwhile. It has them in pieces, and others have their turns between. A stream without a head is at position 0."""
        ...

    async def held_rows(self, stream: str, row_type: type[Row]) -> Sequence[Any]:
        """The rows that belong in memory, in the order of their keys."""
        ...

    async def fetch(self, stream: str, needs: Sequence[Need]) -> list[list[Any]]:
        """The rows that a command needs and that are not in memory, a list for each need."""
        ...

    async def events(self, stream: str, after: int, limit: int) -> list[EventRow]:
        """Events after a position, in order."""
        ...

    async def commands(self, stream: str, limit: int) -> Sequence[tuple[bytes, bytes, int]]:
        """(command id, digest, seq) of the last `limit` events that commands from outside have made, in order."""
        ...

    async def made_commands(
        self, stream: str, before: int, limit: int, spans: int
    ) -> tuple[Sequence[tuple[bytes, bytes]], int]:
        """The ids of the last `limit` such events up to position `before`, and the position of the first of these. The ids: the
        first and the last of each about 65 s (that share their first 4 bytes) in which there are any, the latest first; the
        `spans` latest, the last of which reaches down to the very first."""
        ...


class Store(Reading, Protocol):
    """Where streams are kept.

    beside: whether it commits while the engine goes on (or holds the loop until it is done). log_id: which log this is; another
    one once an older copy was put back or a loss was accepted, so that no position of before means anything. (If it changes while
    the store serves, that is reported, after it has changed.)
    """

    beside: bool
    log_id: str

    def serve(self, vocabulary: "Vocabulary", report: Report) -> None:
        """From now on it keeps the rows of this vocabulary, and says there what is wrong with it."""
        ...

    async def commit(self, sealed: Sealed) -> frozenset[str]:
        """Make a batch durable, in one transaction. Returns the streams that were left out because another owns them."""
        ...

    async def claim(self, stream: str, seen: int | None = None) -> Head:
        """Become the owner of a stream: its head, with a new epoch. A stream without a head begins at position 0.

        seen: the epoch of the head that was seen (0: there was none), None to take it from whoever has it. Raises StoreError
        `elsewhere` if it has another epoch by now; then nothing is claimed. (What a claim from here has made of it whose answer
        was lost is no other epoch.)
        """
        ...

    async def claim_all(self, seen: Mapping[str, int | None]) -> dict[str, Head]:
        """The same of several streams at once, each as it was seen: the heads of those that were claimed. The others have another
        epoch by now. Raises StoreError if it is not known which were."""
        ...

    def together(self, heads: Mapping[str, Head]) -> Reading:
        """What reads several streams that were claimed, none of them large, for who begins one after the other: what is wanted of
        one may be read for all."""
        ...

    def hear_of(self, stream: str, seq: int, chain: bytes) -> None:
        """Whoever owns a stream has told of the event at a position, with its hash: it is durable, and may not be gone later."""
        ...

    def history(self) -> "History":
        """What looks back at this store. Whoever has it closes it, before the store."""
        ...

    async def close(self, node: str, sealed_ns: int, durable_before_ns: int) -> None:
        """Stop, keeping the time at which the last batch was durable."""
        ...


class Wanted(msgspec.Struct, frozen=True):
    """Which rows of history are wanted.

    fields: the values that fields must have. least, most: bounds of fields of numbers, themselves included.
    game: the values that fields of the row's game must have (a ticket's is that of its first leg).
    agents: only rows whose player stands at one of these nodes now; None for all.
    above, below: only rows whose number is between these. ascending: from the lowest number on; else from the highest.
    """

    fields: Mapping[str, str]
    least: Mapping[str, int] = {}
    most: Mapping[str, int] = {}
    game: Mapping[str, str] = {}
    agents: Collection[str] | None = None
    above: int = 0
    below: int = 2**62
    ascending: bool = False


class Found(msgspec.Struct):
    """Rows that were found, in the order that was wanted: their numbers, each with the values that were asked for beside it.

    goes_on: what is beyond that number was not looked at; 0: there is no more.
    """

    numbers: list[tuple[Any, ...]]
    goes_on: int


RefusalKey = tuple[int, str, str, str]
"""minute, actor, command, code: what one row of refusals is about, within a stream."""


class Snapshot(Protocol):
    """A stream's rows and its log as they were at one position. What there are several of is given newest first.

    All methods raise StoreError.
    """

    stream: str
    position: int

    def of_stream(self, stream: str) -> "Snapshot":
        """Another stream in the same state of the store; empty if it is kept elsewhere."""
        ...

    def row(self, row_type: type[R], *key: Any) -> R | None:
        """One row by its key."""
        ...

    def subtree(self, top: str) -> frozenset[str]:
        """A node and all below it."""
        ...

    def find(self, row_type: type[Row], wanted: Wanted, limit: int, *beside: str) -> Found:
        """The first rows that are wanted, at most `limit`. beside: fields of plain values, which are told with each.

        Each of `wanted.fields` is the one of which some rows are held in memory, or has an index, or is looked at row by row. A
        walk that has looked at many rows ends early and says where it goes on.
        """
        ...

    def rows(self, row_type: type[R], numbers: Iterable[int]) -> list[R]:
        """The rows that have these numbers, in this order."""
        ...

    def named(self, row_type: type[R], text: str, having: Mapping[str, Collection[str]]) -> Iterator[R | None]:
        """The rows whose names begin with a text, in their order; None for one that does not have one of these values in each of
        these fields. (So whoever takes them bounds how many are looked at.) Of rows that leave memory those that are in it."""
        ...

    def entries(self, before: int, limit: int) -> Iterator[tuple[int, bytes]]:
        """(position, envelope) of the log below a position, at most `limit`."""
        ...

    def made_by(self, command: bytes, limit: int) -> list[bytes]:
        """The envelopes of the events that a command has made in this stream, in order, at most `limit`."""
        ...

    def refusals(self, before: RefusalKey | None) -> Iterator[Refusal]:
        """What was refused, of the kinds and minutes below a key, or all."""
        ...

    def batch_of(self, node: str, decided_ns: int) -> tuple[int | None, int | None]:
        """Of what a process has decided at a time: (when its batch was sealed, when that was known to be durable), each None as
        long as it is not noted."""
        ...


class History(Protocol):
    """Looks back at a store, beside the engine, which it never holds up.

    at_once: how many can look at the same time; who comes beyond that waits.
    """

    at_once: int

    async def look(
        self, stream: str, read: Callable[Concatenate[Snapshot, P], V], *args: P.args, **kwargs: P.kwargs
    ) -> V:
        """What a function makes of a stream as it is now. The function may be called in another process: it is one of a
        module's, and what goes in and out can be pickled.

        Raises StoreError (`lost` if whoever looked has ended), and what the function raises.
        """
        ...

    def close(self) -> None:
        """Look no more. Who still waits gets a StoreError."""
        ...


class Clock(Protocol):
    """The time."""

    def now_ns(self) -> int:
        """The stream's time, UTC nanoseconds."""
        ...

    def host_ns(self) -> int:
        """The host's time, UTC nanoseconds, never going back: for measuring."""
        ...

    def seconds_until(self, at_ns: int) -> float:
        """How long, in real seconds, until the stream's time is `at_ns`."""
        ...


class Worker(Protocol):
    """Calls functions where they hold nobody up."""

    async def call(self, function: Callable[..., V], *args: object) -> V:
        """What a function of a module returns. Raises what it raises, and HelperEnded if the worker has died or hangs."""
        ...

    def close(self) -> None:
        """Call nothing any more."""
        ...


class Workers(Protocol):
    """How a worker is made. processes: calls at the same time. silent_s_max: how long a call may take before its process is taken
    for hung; without one it may take for ever."""

    def __call__(self, processes: int, *, silent_s_max: float | None = None) -> Worker:
        """A new worker."""
        ...


class Outside(msgspec.Struct, frozen=True):
    """What a process has from outside: the time, chance, and workers on other cores.

    Whoever waits does so on the loop, whose time passes as the clock's does: both may be made to pass at once.
    """

    clock: Clock
    entropy: Entropy
    workers: Workers
