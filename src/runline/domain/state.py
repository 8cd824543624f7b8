"""State: one stream in memory. Its rows lie in parts, one for each noun, beside what each part derives from them.

A row type is declared once; the tables of the store are derived from it. `touch` marks what an event changed, and the
committer writes exactly that.
"""

from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar

import msgspec

from runline.domain.permissions import StreamKind

if TYPE_CHECKING:
    from runline.domain.access import Access
    from runline.domain.aside import Aside
    from runline.domain.jobs import Jobs
    from runline.domain.nodes import Nodes
    from runline.domain.passwords import Credentials
    from runline.domain.sessions import Sessions
    from runline.domain.suspension import Suspensions
    from runline.domain.timers import Timers
    from runline.domain.vocabulary import Vocabulary

NONE_PROVED: Mapping[str, str] = {}


class RowMeta(msgspec.StructMeta):
    """Takes a row's declaration.

    table: where it is stored. key: how many of its first fields are the key (after the stream's id).
    held_while: (field, value): only rows of that value are kept in memory. found_by: the field by which the others are
    looked up. found_through: another type of row, (what it is found by, the key of such a row), by which further ones are looked
    up. read_by: the fields by which history is read, each of which gets an index. proved_by: secret fields, which the
    log does not have, each with the field that has its SHA-256 by the log.
    """

    def __new__(
        mcls,
        name: str,
        bases: tuple[type, ...],
        namespace: dict[str, Any],
        *,
        table: str = "",
        key: int = 1,
        held_while: tuple[str, str] | None = None,
        found_by: str | None = None,
        found_through: type["Row"] | None = None,
        read_by: tuple[str, ...] = (),
        proved_by: Mapping[str, str] = NONE_PROVED,
        **config: Any,
    ) -> Any:
        cls: Any = super().__new__(mcls, name, bases, namespace, **config)
        cls.table = table
        cls.key_length = key
        cls.held_while = held_while
        cls.found_by = found_by
        cls.found_through = found_through
        cls.read_by = read_by
        cls.proved_by = proved_by
        return cls


class Row(msgspec.Struct, metaclass=RowMeta, gc=False):
    """A stored row. Every row ends with `changed_seq`: the position of the last event that changed it."""

    table: ClassVar[str]
    key_length: ClassVar[int]
    held_while: ClassVar[tuple[str, str] | None]
    found_by: ClassVar[str | None]
    found_through: ClassVar[type["Row"] | None]
    read_by: ClassVar[tuple[str, ...]]
    proved_by: ClassVar[Mapping[str, str]]

    def key(self) -> Any:
        """The row's key within its stream: a value, or a tuple of values."""
        fields = self.__struct_fields__[: self.key_length]
        if self.key_length == 1:
            return getattr(self, fields[0])
        return tuple(getattr(self, field) for field in fields)


R = TypeVar("R", bound=Row)


class ByKey(msgspec.Struct, frozen=True):
    """A need for one row that may not be in memory."""

    row: type[Row]
    key: Any


class Following(msgspec.Struct, frozen=True):
    """A need for the next rows out of memory: those whose `found_by` field has a value, or that rows of `found_through` name for
    it, after a key, in key order."""

    row: type[Row]
    value: str
    after: int
    limit: int


Need = ByKey | Following


V = TypeVar("V")

DERIVED_AT_ONCE = 500
"""Rows from which something is derived at a time, where others have their turns between: a few milliseconds."""


def by_pieces(rows: Iterable[V], most: int = DERIVED_AT_ONCE) -> Iterator[list[V]]:
    """Rows, so many at a time."""
    rows = iter(rows)
    while piece := list(islice(rows, most)):
        yield piece


def at_once(work: Iterable[None]) -> None:
    """Do all of what could be done by and by."""
    for _ in work:
        pass


PART_BITS = 13


class ByNumber(MutableMapping[int, V]):
    """What has a number, in parts of neighbours: one dictionary of half a million would stop everything for 20 to 60 ms each time
    that it grows."""

    __slots__ = ("parts",)

    def __init__(self) -> None:
        self.parts: dict[int, dict[int, V]] = {}

    def __getitem__(self, number: int) -> V:
        return self.parts[number >> PART_BITS][number]

    def put(self, number: int, value: V) -> None:
        """Enter a value. (The same as by `[]`, for less.)"""
        part = self.parts.get(number >> PART_BITS)
        if part is None:
            part = self.parts[number >> PART_BITS] = {}
        part[number] = value

    __setitem__ = put

    def found(self, number: int) -> V | None:
        """The value of a number, None if there is none. (The same as by `get`, for less.)"""
        part = self.parts.get(number >> PART_BITS)
        return part.get(number) if part is not None else None

    def __delitem__(self, number: int) -> None:
        part = self.parts[number >> PART_BITS]
        del part[number]
        if not part:
            del self.parts[number >> PART_BITS]

    def __contains__(self, number: object) -> bool:
        return isinstance(number, int) and number in self.parts.get(number >> PART_BITS, ())

    def __iter__(self) -> Iterator[int]:
        return chain.from_iterable(self.parts.values())

    def __len__(self) -> int:
        return sum(map(len, self.parts.values()))


GONE_MAX = 4_096
"""Deleted rows of a stream whose deletion is remembered, so that a command can tell whether what it is about has gone since."""

NO_ROWS: Mapping[type[Row], str] = {}


class Part:
    """What one noun keeps of a stream: its rows, and what it derives from them.

    A part's class declares its name in the state (`book.ledger`), the kinds of stream that have it, and which types of row it
    keeps in memory, each with the attribute (a dictionary by key) that keeps them. It is made with the state of which it is a
    part, and takes from there what is handed in to it: that which stands before it in the vocabulary.
    """

    __slots__ = ("state",)

    name: ClassVar[str] = ""
    streams: ClassVar[tuple[StreamKind, ...]] = ()
    keeps: ClassVar[Mapping[type[Row], str]] = NO_ROWS

    def __init_subclass__(
        cls,
        *,
        named: str = "",
        streams: tuple[StreamKind, ...] = ("book",),
        keeps: Mapping[type[Row], str] = NO_ROWS,
    ) -> None:
        cls.name, cls.streams, cls.keeps = named, streams, keeps

    def __init__(self, state: "State") -> None:
        self.state = state

    def derive(self) -> None:
        """Rebuild everything that is a function of the held rows. Called once, after recovery, in the order of the parts."""

    def deriving(self) -> Iterator[None]:
        """The same by and by: nobody looks at the part until it is done, and others may have their turns wherever it yields. (A
        part that can be large does it in pieces.)"""
        self.derive()
        return iter(())


P = TypeVar("P", bound=Part)


class State:
    """What the two kinds of stream have in common: a position, changed rows, and parts.

    The parts are those that the vocabulary declares for the kind of stream, in its order.
    """

    kind: ClassVar[StreamKind]
    tree: "Nodes"
    aside: "Aside"
    timers: "Timers"
    jobs: "Jobs"
    access: "Access"
    credentials: "Credentials"
    sessions: "Sessions"
    suspensions: "Suspensions"

    def __init__(self, stream: str, vocabulary: "Vocabulary") -> None:
        self.stream = stream
        self.vocabulary = vocabulary
        self.seq = 0
        self.at_ns = 0
        self.derived_seq = 0
        self.changed: dict[int, Row] = {}
        self.dropped: dict[int, Row] = {}
        self.gone: dict[tuple[type[Row], Any], int] = {}
        self.gone_before = 0
        """The positions at which rows were deleted, the latest at the end. What is not in it was deleted up to `gone_before`."""
        self.parts: dict[type[Part], Part] = {}
        self.held: dict[type[Row], MutableMapping[Any, Any]] = {}
        """The rows in memory, by type and key: those of all parts."""
        self.held_rows = self.held_sum = 0
        """How many stored rows belong in memory, and the sum of the positions at which they changed."""
        for kind in vocabulary.parts[self.kind]:
            part = self.parts[kind] = kind(self)
            setattr(self, kind.name, part)
            for row_type, attribute in kind.keeps.items():
                self.held[row_type] = getattr(part, attribute)

    def part(self, kind: type[P]) -> P:
        """The part of a noun, for whom the state's class does not name it."""
        return self.parts[kind]  # type: ignore[return-value]

    def touch(self, row: R) -> R:
        """Mark a row that is kept in memory as changed by the event that is being applied, and return it."""
        seq = self.seq
        before = row.changed_seq  # type: ignore[attr-defined]
        self.held_sum += seq - before
        if not before:
            self.held_rows += 1
        row.changed_seq = seq  # type: ignore[attr-defined]
        self.changed[id(row)] = row  # purity: identity only marks the row, nothing is ordered by it
        return row

    def write(self, row: Row) -> None:
        """Mark a new row as made by the event that is being applied, of a type that no part keeps in memory."""
        row.changed_seq = self.seq  # type: ignore[attr-defined]
        self.changed[id(row)] = row  # purity: as above

    def drop(self, row: Row) -> None:
        """Mark a row as deleted."""
        if type(row) in self.held:
            self.count(row, -1)
        self.changed.pop(id(row), None)  # purity: as above
        self.dropped[id(row)] = row  # purity: as above
        gone, which = self.gone, (type(row), row.key())
        gone.pop(which, None)
        gone[which] = self.seq
        if len(gone) > GONE_MAX:
            self.gone_before = gone.pop(next(iter(gone)))

    def count(self, row: Row, sign: Literal[1, -1]) -> None:
        """A stored row belongs in memory again (1; to be said before it is touched), or not any more (-1; afterwards)."""
        self.held_rows += sign
        self.held_sum += sign * row.changed_seq  # type: ignore[attr-defined]

    def moved_seq(self, kind: type[Row], key: Any) -> int:
        """The position at which a row last changed, or was deleted. What was deleted before a restart, or before many others, may
        have been deleted at the restart or with the last that is forgotten."""
        row = self.held[kind].get(key)
        if row is None:
            return self.gone.get((kind, key), self.gone_before)
        return row.changed_seq  # type: ignore[no-any-return]

    def hold(self, row: Row) -> None:
        """Take a stored row into memory (recovery and prefetch)."""
        self.held[type(row)][row.key()] = row

    def derive(self) -> None:
        """Rebuild everything that is a function of the held rows. Called once, after recovery."""
        at_once(self.deriving())

    def deriving(self) -> Iterator[None]:
        """The same by and by. See `Part.deriving`."""
        self.derived_seq = self.gone_before = self.seq
        self.gone = {}
        for part in self.parts.values():
            yield from part.deriving()
