"""Stage: a house and a book without writer, store and loop. Commands are judged and events folded as the writer does it; only
that each command is a new one.

Every command is watched: deciding changes nothing, a refusal leaves no trace, what a preview would have announced is what
happens, the ledger sums to zero. What has happened is durable at once: rows go through their real encoding, and closed
tickets leave memory.

    book.given(agent("A1"), player("P1", under="A1", credit=50_000))
    book.when(AdjustCredit("P1", 90_000, "asked"), by="owner")
    book.happened(CreditAdjusted, after_minor=90_000)
"""

from collections.abc import Sequence
from heapq import heappop
from typing import Any

from tests.doubles.plain import VOCABULARY

from runline.domain.book import Book, StartBook
from runline.domain.context import Neighbours
from runline.domain.execution import Seen, fold, heed, judge, needs, time_of
from runline.domain.grading import Score
from runline.domain.house import FoundHouse, House, OpenBook
from runline.domain.jobs import DoSlice
from runline.domain.messages import ENGINE, Command, Event, Rejected, bare
from runline.domain.preview import moves
from runline.domain.results import ConfirmResult, EnterResult
from runline.domain.rows import row_encoder, rows_of
from runline.domain.state import ByKey, Row, State
from runline.domain.tickets import Ticket
from runline.domain.vocabulary import Vocabulary
from runline.engine.requests import Request
from runline.simulate.laws import figures, moved
from runline.zones import ZoneDatabase

ZONES = ZoneDatabase()

NOON_NS = 1_467_374_400 * 10**9
"""1 July 2016, 12:00 UTC: where every test begins."""

SECOND_NS = 10**9
HOUR_NS = 3_600 * SECOND_NS

Steps = Command | Sequence["Steps"]


class Stage:
    """One stream. `events` and `refusal` are what the last `when` has led to."""

    owner = "owner"

    def __init__(self, state: State) -> None:
        self.state = state
        self.tables: dict[type[Row], dict[Any, tuple[Any, ...]]] = {kind: {} for kind in state.held}
        self.rows: dict[tuple[type[Row], Any], Row] = {}
        """The row that was written last of each key, if it belongs in memory for ever."""
        self.rows_of = state
        self.log: list[tuple[int, int, str, Event]] = []
        self.events: list[Event] = []
        self.refusal: Rejected | None = None
        self.house_lag_ms = 0
        self.neighbours = Neighbours()

    # The three words of a test

    def given(self, *steps: Steps) -> None:
        """What has gone before: commands of the owner, all of which must be accepted."""
        for step in steps:
            if isinstance(step, Command):
                self.when(step)
                assert self.refusal is None, f"given {step}: {self.refusal.code}: {self.refusal}"
            else:
                self.given(*step)

    def when(self, command: Command, *, by: str = "", session: str = "", if_position: int | None = None) -> None:
        """Somebody (the owner, unless said otherwise) sends a command, in a session of theirs or in none."""
        self.events, self.refusal = [], None
        try:
            self.execute(command, by or self.owner, if_position, session)
        except Rejected as rejected:
            self.refusal = rejected

    def happened(self, kind: type[Event], /, **fields: Any) -> Any:
        """The event of this type that the last `when` has led to; it has these fields."""
        assert self.refusal is None, f"refused, {self.refusal.code}: {self.refusal}"
        for event in self.events:
            if type(event) is kind and all(getattr(event, name) == value for name, value in fields.items()):
                return event
        raise AssertionError(f"no {kind.__name__} with {fields} in {self.events}")

    def nothing_happened(self) -> None:
        """The last command was accepted and changed nothing."""
        assert self.refusal is None, f"refused, {self.refusal.code}: {self.refusal}"
        assert self.events == []

    def rejected(self, code: str, **details: Any) -> None:
        """The last command was refused with this code and these values."""
        assert self.refusal is not None, f"not refused: {self.events}"
        assert (self.refusal.code, self.refusal.details) == (code, {**self.refusal.details, **details})

    # What the engine does

    @property
    def at_ns(self) -> int:
        raise NotImplementedError

    @property
    def view(self) -> House | None:
        return None

    def execute(self, command: Command, actor: str, if_position: int | None = None, session: str = "") -> list[Event]:
        """Judge a command and apply its events. Raises Rejected."""
        state = self.state
        at_ns = self.at_ns if self.at_ns > state.at_ns else time_of(state.at_ns, self.at_ns)
        fetched = self.fetch(command)
        try:
            events = self.decide(command, actor, at_ns, fetched, if_position, session)
            if not events:
                heed(state, Request(state.stream, "", actor, command, session), at_ns, self.view, self.house_lag_ms)
        finally:
            self.decided_without_a_trace()
            if isinstance(state, Book):
                state.tickets.closed.extend(fetched)
        self.apply(events, actor, at_ns)
        self.events += events
        return events

    def decide(
        self,
        command: Command,
        actor: str,
        at_ns: int,
        fetched: tuple[int, ...] = (),
        if_position: int | None = None,
        session: str = "",
    ) -> list[Event]:
        """The events that a command makes. Raises Rejected."""
        state = self.state
        request = Request(state.stream, "", actor, command, session, if_position=if_position)
        judged = judge(
            state, request, at_ns, self.view, self.house_lag_ms, fetched, zones=ZONES, neighbours=self.neighbours
        )
        assert not isinstance(judged, Seen)
        for event in judged:
            used = state.vocabulary.permission_used(type(event).__name__, actor)
            assert used == (type(command).needs or ""), f"{event} is said to happen by {used!r}"
        if type(command) in state.vocabulary.grounds:
            assert state.vocabulary.grounds[type(command)](state, command) <= state.seq
        return judged

    def apply(self, events: Sequence[Event], actor: str, at_ns: int) -> None:
        state = self.state
        announced = moves(state, list(events)) if isinstance(state, Book) else None
        before = figures(state) if isinstance(state, Book) else None
        for event in events:
            fold(state, event, state.seq + 1, at_ns)
            self.log.append((state.seq, at_ns, actor, bare(event) if type(event).secret else event))
        self.store()
        if isinstance(state, Book):
            assert announced == moved(before, figures(state)), "a preview says what happens"
            assert state.ledger.sum_minor == 0
            state.tickets.evict(state.seq)

    # What the store does

    def store(self) -> None:
        """Write the changed rows."""
        state = self.state
        if self.rows_of is not state:
            self.rows_of, self.rows = state, {}
        for row in state.dropped.values():
            self.tables[type(row)].pop(row.key(), None)
            self.rows.pop((type(row), row.key()), None)
        for row in state.changed.values():
            if type(row).held_while is None:
                # Another one in its place would be stored beside it, if both changed in one batch.
                assert self.rows.setdefault((type(row), row.key()), row) is row, f"{row} is another row than before"
            self.tables.setdefault(type(row), {})[row.key()] = row_encoder(type(row))(state.stream, row)
        state.changed, state.dropped = {}, {}

    def stored(self, kind: type[Row]) -> list[Any]:
        """All rows of a kind, as they are stored, by key."""
        table = self.tables.get(kind, {})
        return rows_of(kind, [table[key][1:] for key in sorted(table)])

    def fetch(self, command: Command) -> tuple[int, ...]:
        """Take the rows that a command needs into memory; returns their keys."""
        keys: list[int] = []
        for need in needs(self.state, command):
            if isinstance(need, ByKey):
                rows = [row for row in self.stored(need.row) if row.key() == need.key]
            else:
                held, through = need.row.held_while, need.row.found_through
                assert held is not None
                named = [row.key() for row in self.stored(through)] if through is not None else []
                rows = [
                    row
                    for row in self.stored(need.row)
                    if (getattr(row, str(need.row.found_by)) == need.value or (need.value, row.key()) in named)
                    and row.key() > need.after
                    and getattr(row, held[0]) != held[1]
                ][: need.limit]
            for row in rows:
                self.state.held[type(row)].setdefault(row.key(), row)
                keys.append(row.key())
        return tuple(keys)

    def recovered(self) -> Any:
        """The state as a restart would rebuild it: from the stored rows alone."""
        state: Any = self.state.vocabulary.state_of(self.state.stream)
        state.seq, state.at_ns = self.state.seq, self.state.at_ns
        for kind in state.held:
            for row in self.stored(kind):
                if kind.held_while is None or getattr(row, kind.held_while[0]) == kind.held_while[1]:
                    state.hold(row)
        state.derive()
        return state

    def decided_without_a_trace(self) -> None:
        state = self.state
        assert not state.changed
        assert not state.dropped
        for kind, held in state.held.items():
            encode, table = row_encoder(kind), self.tables[kind]
            for key, row in held.items():
                assert encode(state.stream, row) == table[key], f"deciding has changed {row}"

    def fire_timers(self) -> None:
        """Execute what is due."""
        due = self.state.timers.due
        while due and due[0][0] <= self.at_ns:
            due_ns, kind, subject = heappop(due)
            timer = self.state.timers.by_subject.get((kind, subject))
            if timer is not None and timer.due_ns == due_ns:
                self.execute(self.state.vocabulary.timers[kind](subject), ENGINE)


class HouseStage(Stage):
    """The house, and the clock of all. vocabulary: what it and its books know."""

    state: House
    owner = "platform"

    def __init__(self, vocabulary: Vocabulary = VOCABULARY) -> None:
        super().__init__(House(vocabulary))
        self.clock_ns = NOON_NS
        self.books: list[BookStage] = []
        self.execute(FoundHouse(self.owner), ENGINE)

    @property
    def at_ns(self) -> int:
        return self.clock_ns

    def nodes_are(self, **taking: bool) -> None:
        """The nodes that share its streams, each with whether it takes some."""
        self.neighbours.taking = taking

    def time_is(self, at_ns: int) -> None:
        """It is later, and what is due happens, in the house and in its books."""
        self.clock_ns = at_ns
        self.events, self.refusal = [], None
        for stage in (self, *self.books):
            stage.fire_timers()

    def open_book(self, name: str) -> "BookStage":
        """A new book, started."""
        self.given(OpenBook(name, "owner"))
        book = BookStage(self, name)
        self.books.append(book)
        return book

    def apply(self, events: Sequence[Event], actor: str, at_ns: int) -> None:
        super().apply(events, actor, at_ns)
        for _, _, _, event in self.log[len(self.log) - len(events) :]:
            caused = self.state.vocabulary.caused.get(type(event))
            if caused is not None:
                command = caused(self.state, event)
                for book in self.books:
                    book.execute(command, ENGINE)

    def ends(self, fixture: str, away: int, home: int, **score: Any) -> None:
        """A game ends: the clock is past its start, its result is entered and confirmed."""
        self.clock_ns = max(self.clock_ns, self.state.catalog.fixtures[fixture].start_ns + 3 * HOUR_NS)
        self.fire_timers()
        self.given(EnterResult(fixture, Score(home, away, **score)))
        self.given(ConfirmResult(fixture, self.state.catalog.results[fixture].revision))


class BookStage(Stage):
    """A book, with its house."""

    state: Book

    def __init__(self, house: HouseStage, name: str) -> None:
        super().__init__(Book(name, house.state.vocabulary))
        self.house = house
        self.execute(StartBook(self.owner, house.state.seq), ENGINE)
        self.events = []

    @property
    def at_ns(self) -> int:
        return self.house.clock_ns

    @property
    def view(self) -> House:
        return self.house.state

    def given(self, *steps: Steps) -> None:
        """Commands that only the house knows go to the house."""
        for step in steps:
            if isinstance(step, Command) and "book" not in step.streams:
                self.house.given(step)
            else:
                super().given(step)

    def clock_reads(self, at_ns: int) -> None:
        """It is later, but no timer has fired yet."""
        self.house.clock_ns = at_ns

    def time_is(self, at_ns: int) -> None:
        """It is later, and what is due happens."""
        self.events, self.refusal = [], None
        self.house.time_is(at_ns)

    def settles_a_slice(self) -> None:
        """Each job of the book does its next slice."""
        self.events, self.refusal = [], None
        for number in list(self.state.jobs.by_number):
            self.execute(DoSlice(number), ENGINE)

    def settles(self) -> None:
        """All jobs run to their end."""
        events: list[Event] = []
        while self.state.jobs.by_number:
            self.settles_a_slice()
            events += self.events
        self.events = events

    def ticket(self, number: int) -> Any:
        """A ticket as it is stored."""
        return next(row for row in self.stored_wagers() if row.number == number)

    def stored_wagers(self) -> list[Any]:
        """All tickets, in the order of their numbers."""
        return self.stored(Ticket)

    def balance(self, player: str) -> int:
        return self.state.tree.players[player].balance_minor
