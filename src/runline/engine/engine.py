"""Engine: the loop that executes. Timers, then control, then wagers in turns, then bulk and jobs; then seal and commit.

Rule: no timer batches anything. Whatever was decided while the last batch became durable is the next batch.
"""

import asyncio
import logging
import os
from collections import deque
from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from itertools import islice
from typing import Any, TypeVar

from runline.domain.book import Book, StartBook
from runline.domain.house import BookOpened, House
from runline.domain.messages import ENGINE, EVOLVERS, HOUSE, TIMERS, WANTED, Command, Event, Lane, Rejected
from runline.domain.results import FixtureCancelled, ResultConfirmed
from runline.domain.settlement import SettleSlice, TakeResult
from runline.domain.state import Following
from runline.engine.commit import CommitFailed, commit
from runline.engine.conditions import Conditions
from runline.engine.envelope import decode_envelope
from runline.engine.ids import Entropy, uuid7
from runline.engine.lanes import lane_of
from runline.engine.limits import (
    AT_LEAST_WAIT_S,
    BATCH_EVENTS_MAX,
    BULK_EVENTS_MAX,
    RECOVER_PAUSE_S,
    SLICE_NS,
    TIMERS_PER_ROUND,
    TURN_COMMANDS,
    WAGERS_WAITING_MAX,
)
from runline.engine.ports import GENESIS, Clock, Head, Part, Sealed, Store
from runline.engine.probes import Probes
from runline.engine.recovery import recover_view, recover_writer
from runline.engine.requests import Accepted, Outcome, Previewed, Refused, Request, Sink, Ticket, refused
from runline.engine.subscription import Committed, Subscription
from runline.engine.window import Window
from runline.engine.writer import Filling, Writer

log = logging.getLogger("runline.engine")

V = TypeVar("V")

UNAVAILABLE = Rejected("unavailable", "Nothing can be recorded now. Send the same command again.")
BUSY = Rejected("busy", "Too much is waiting. Try again in a moment.")
HOUSE_STOPPED_MS = 10**9


class Nobody(Sink):
    """The sink of what the engine itself sends."""

    def answer(self, index: int, outcome: Outcome) -> None:
        if isinstance(outcome, Refused):
            log.warning("an internal command was refused: %s", outcome.code)


NOBODY = Nobody()

Waiting = tuple[Writer, Part, Filling]


def require_text(text: str) -> None:
    """Refuse what cannot be written into the log: half a character.

    Raises Rejected `malformed_command`.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise Rejected("malformed_command", str(error)) from None


class Engine:
    """All streams of one process.

    store, clock, entropy: its ports. node: the process's name in the log.
    """

    def __init__(self, store: Store, clock: Clock, node: str = "n1", entropy: Entropy = os.urandom) -> None:
        self.store = store
        self.clock = clock
        self.node = node
        self.entropy = entropy
        self.probes = Probes()
        self.conditions = Conditions()
        self.writers: dict[str, Writer] = {}
        self.view = House()
        self.subscriptions: dict[str, list[Subscription]] = {}
        # Whose turn it is, for each lane: the first has the next turn, and goes to the end if it has more to do.
        self.turns: dict[Lane, dict[Writer, None]] = {"control": {}, "wagers": {}, "bulk": {}}
        self.filling: dict[Writer, None] = {}
        self.filled = 0
        self.wagers_waiting = 0
        self.steps = 0
        self.timers: list[tuple[int, str]] = []
        self.next_due: dict[str, int] = {}
        self.committing: asyncio.Task[None] | None = None
        self.fetching: set[asyncio.Task[None]] = set()
        self.answering: set[asyncio.Task[None]] = set()
        self.moved = asyncio.Event()
        self.wake = asyncio.Event()
        self.running: asyncio.Task[None] | None = None
        self.available = False
        self.stopping = False
        self.house_behind_ns = 0
        self.sealed_ns = 0
        self.durable_ns = 0

    # Life

    async def start(self) -> None:
        """Recover all streams and begin to execute.

        Raises StoreError if what is stored cannot be read.
        """
        await self.recover()
        self.running = asyncio.create_task(self.run())

    async def stop(self) -> None:
        """Execute and commit what was submitted, then stop. Requests from now on are `unavailable`."""
        self.stopping = True
        self.available = False
        self.wake.set()
        if self.running is not None:
            await self.running
        await self.store.close(self.node, self.next_sealed_ns(), self.durable_ns)

    async def recover(self) -> None:
        """Read everything from the store. There is no other way to start."""
        self.clear()
        self.timers, self.next_due = [], {}
        now_ns = self.clock.now_ns()
        self.writers = {HOUSE: await recover_writer(self.store, HOUSE, None, self.node, now_ns)}
        self.view = await recover_view(self.store)
        for book in self.view.books:
            self.writers[book] = await recover_writer(self.store, book, self.view, self.node, now_ns)
        for writer in self.writers.values():
            self.note_timer(writer)
        for writer in list(self.writers.values()):
            self.resume(writer)
        for stream, listening in self.subscriptions.items():
            for subscription in listening:
                subscription.catch_up(self.writers[stream].durable_seq)
        self.available = not self.stopping
        self.probes.recoveries += 1
        self.moved.set()

    def clear(self) -> None:
        """Forget what was about to be done."""
        for turns in self.turns.values():
            turns.clear()
        self.filling, self.filled = {}, 0
        self.house_behind_ns = 0

    def resume(self, writer: Writer) -> None:
        """Go on with what a restart has interrupted: a book to start, results to take, jobs to finish."""
        book = writer.state
        if not isinstance(book, Book):
            return
        if not book.settings_rows:
            listing = self.view.books[book.stream]
            self.send(writer, StartBook(listing.owner, listing.changed_seq))
            taken = listing.changed_seq
        else:
            taken = book.house_seq
        results = [result for result in self.view.results.values() if result.confirmed_seq > taken]
        for result in sorted(results, key=lambda result: result.confirmed_seq):
            regrade = result.confirmations > 1
            sport = self.view.fixtures[result.fixture].sport
            self.send(writer, TakeResult(result.fixture, sport, result.confirmed_seq, result.confirmed, regrade))
        self.note_job(writer)

    # The door

    def submit(self, requests: Sequence[Request], sink: Sink) -> None:
        """Put requests into their streams' lanes; each outcome comes to the sink once it is durable.

        What cannot even wait is answered at once: `unavailable`, `unknown_book`, `wrong_stream`, `busy`.
        """
        queued_ns = self.clock.host_ns()
        turned_away: set[int] = set()
        for index, request in enumerate(requests):
            if turned_away and index in turned_away:
                continue
            lane: Lane = "bulk" if request.bulk else request.command.lane
            writer = self.writers.get(request.stream)
            try:
                self.require_possible(writer, request)
            except Rejected as rejected:
                self.probes.refuse(rejected.code)
                sink.answer(index, refused(writer.durable_seq if writer else 0, rejected))
                continue
            assert writer is not None
            if writer.lanes.is_full(lane) or (lane == "wagers" and self.has_its_share(writer)):
                # Nothing leaves a lane before this returns: it is full for all that follow, however many those are.
                stream, bulk = request.stream, request.bulk
                late = [
                    at
                    for at, other in enumerate(islice(requests, index, None), index)
                    if other.stream == stream and (other.bulk or other.command.lane == lane) and other.bulk == bulk
                ]
                self.probes.refuse("busy", len(late))
                sink.answer_all(late, refused(writer.durable_seq, BUSY))
                if len(late) == len(requests) - index:
                    break
                turned_away.update(late)
                continue
            if lane == "wagers" and writer.lanes.has_enough_of(request.actor):
                self.probes.refuse("busy")
                sink.answer(index, refused(writer.durable_seq, BUSY))
                continue
            request.received_ns = request.received_ns or queued_ns
            writer.lanes.put(Ticket(request, sink, index, queued_ns), lane)
            self.turns[lane][writer] = None
            if lane == "wagers":
                self.wagers_waiting += 1
        self.wake.set()

    def has_its_share(self, writer: Writer) -> bool:
        """Whether too many wagers wait in all, and of these as many in this stream as are its due."""
        return (
            self.wagers_waiting >= WAGERS_WAITING_MAX
            and len(writer.lanes.wagers) * len(self.turns["wagers"]) >= WAGERS_WAITING_MAX
        )

    def require_possible(self, writer: Writer | None, request: Request) -> None:
        """Refuse what no stream could judge.

        Raises Rejected `unavailable`, `unknown_book`, `not_permitted`, `wrong_stream`, `malformed_command`.
        """
        if not self.available or (writer is not None and writer.stopped):
            raise UNAVAILABLE
        if writer is None:
            raise Rejected("unknown_book", "There is no such book.")
        if request.actor == ENGINE:
            raise Rejected("not_permitted", "Only the engine itself may do this.")
        if ("house" if writer.house is None else "book") not in request.command.streams:
            raise Rejected("wrong_stream", "This command is not for this stream.")
        if request.session or request.correlation:
            require_text(request.session + request.correlation)

    def send(self, writer: Writer, command: Command) -> None:
        """Put a command of the engine itself into a stream's lane."""
        writer.lanes.put_last(self.internal(writer, command))
        self.turns[command.lane][writer] = None
        self.wake.set()

    def internal(self, writer: Writer, command: Command) -> Ticket:
        now_ns = self.clock.host_ns()
        command_id = uuid7(self.clock.now_ns(), self.entropy)
        return Ticket(Request(writer.stream, command_id, ENGINE, command, received_ns=now_ns), NOBODY, 0, now_ns)

    async def query(
        self, stream: str, read: Callable[[Any], V], at_least: int = 0, wait_s: float = AT_LEAST_WAIT_S
    ) -> tuple[int, V]:
        """Read from a stream's state: (position, what `read` returns), once that position is durable.

        read: called at once with the state; must copy what it keeps and take well under a millisecond.
        Raises Rejected `unknown_book`, `unavailable`, `position_unknown` (not reached in time).
        """
        writer = self.require(stream)
        if writer.state.seq < at_least:
            try:
                async with asyncio.timeout(wait_s):
                    while (writer := self.require(stream)).state.seq < at_least:
                        self.moved.clear()
                        await self.moved.wait()
            except TimeoutError:
                raise Rejected(
                    "position_unknown", "That position is not reached.", position=writer.durable_seq
                ) from None
        position = writer.state.seq
        value = read(writer.state)
        if position > writer.durable_seq and not await self.everything_durable(writer):
            raise UNAVAILABLE
        return position, value

    def require(self, stream: str) -> Writer:
        writer = self.writers.get(stream)
        if not self.available and not self.stopping:
            raise UNAVAILABLE
        if writer is None:
            raise Rejected("unknown_book", "There is no such book.")
        if writer.stopped:
            raise UNAVAILABLE
        return writer

    async def everything_durable(self, writer: Writer) -> bool:
        """Wait until everything that the writer has decided is durable (true) or lost (false)."""
        if writer.stopped:
            return False
        released: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        writer.filling.released.append(released)
        self.filling[writer] = None
        self.wake.set()
        return await released

    def subscribe(self, stream: str, after: int) -> Subscription:
        """Every durable event of a stream after a position, without a gap.

        Raises Rejected `unknown_book`, or `position_unknown` for a position that is not yet durable.
        """
        writer = self.require(stream)
        if not 0 <= after <= writer.durable_seq:
            raise Rejected("position_unknown", "That position is not reached.", position=writer.durable_seq)
        listening = self.subscriptions.setdefault(stream, [])

        def leave() -> None:
            if subscription in listening:
                listening.remove(subscription)

        subscription = Subscription(self.store, stream, after, writer.durable_seq, leave)
        listening.append(subscription)
        return subscription

    # The loop

    async def run(self) -> None:
        """Execute until stopped."""
        while True:
            try:
                self.fire_timers(self.clock.now_ns())
                executed = self.slice()
            except Exception:
                log.exception("a fault in the loop; memory is dropped and recovered")
                if self.committing is not None:
                    await asyncio.wait([self.committing])
                await self.fall([])
                continue
            if self.committing is None and self.filling:
                self.committing = asyncio.create_task(self.commit())
            if self.stopping and not (any(self.turns.values()) or self.filling or self.committing or self.fetching):
                await self.settle_answers()
                return
            if executed:
                await asyncio.sleep(0)
            else:
                await self.rest()

    async def rest(self) -> None:
        """Wait for a request, a commit or the next timer."""
        self.wake.clear()
        if not self.timers or not self.available or self.filled >= BATCH_EVENTS_MAX:
            await self.wake.wait()
            return
        timeout = max(self.clock.seconds_until(self.timers[0][0]), 0.0)
        try:
            async with asyncio.timeout(timeout):
                await self.wake.wait()
        except TimeoutError:
            pass

    async def settle_answers(self) -> None:
        if self.answering:
            await asyncio.wait(self.answering)

    def slice(self) -> bool:
        """Decide for SLICE_NS and a little: control first, then wagers, then bulk and jobs, books in turns.

        Each lane has one turn at least, however late it is: else what waits there might wait for ever. Returns whether
        anything was executed; if not, it is for a commit or a request to come.
        """
        steps = self.steps
        end_ns = self.clock.host_ns() + SLICE_NS
        self.take_turns("control", end_ns, BATCH_EVENTS_MAX)
        self.take_turns("wagers", end_ns, BATCH_EVENTS_MAX)
        if self.turns["bulk"]:
            self.take_turns("bulk", max(end_ns, self.clock.host_ns() + SLICE_NS // 2), BULK_EVENTS_MAX)
        return self.steps != steps

    def take_turns(self, lane: Lane, end_ns: int, events_max: int) -> None:
        """Give one stream after the other its turn in a lane, until nothing waits, time is up or the batch is full."""
        turns = self.turns[lane]
        held: list[Writer] = []
        while turns and self.filled < events_max:
            writer = next(iter(turns))
            del turns[writer]
            if lane != "control" and writer.lanes.control:
                held.append(writer)
                continue
            if self.turn(writer, lane) and not writer.stopped:
                turns[writer] = None
            if self.clock.host_ns() >= end_ns:
                break
        turns.update(dict.fromkeys(held))

    def turn(self, writer: Writer, lane: Lane) -> bool:
        """One stream's turn in a lane; returns whether it wants another."""
        lanes = writer.lanes
        waiting: deque[Ticket] = getattr(lanes, lane)
        for _ in range(min(TURN_COMMANDS, len(waiting))):
            if writer.stopped or self.filled >= BATCH_EVENTS_MAX:
                break
            if lane == "wagers":
                self.wagers_waiting -= 1
                self.step(writer, lanes.take_wager())
            else:
                self.step(writer, waiting.popleft())
        if lane != "bulk":
            self.note_job(writer)
            return bool(waiting)
        job = self.next_job(writer)
        if job is not None:
            self.step(writer, self.internal(writer, SettleSlice(job)))
        return bool(waiting) or self.has_job(writer)

    def note_job(self, writer: Writer) -> None:
        """Let a stream that has long work have its turn."""
        if self.has_job(writer):
            self.turns["bulk"][writer] = None

    def has_job(self, writer: Writer) -> bool:
        """Whether a stream has long work to go on with, and does not just fetch rows for it.

        Stopping does not wait for it; starting resumes it.
        """
        if self.stopping or writer.stopped or writer.fetching_job:
            return False
        return isinstance(writer.state, Book) and bool(writer.state.jobs)

    def next_job(self, writer: Writer) -> int | None:
        """The job whose turn it is."""
        if not self.has_job(writer):
            return None
        jobs: list[int] = list(writer.state.jobs)  # type: ignore[attr-defined]
        writer.job_turn += 1
        return jobs[writer.job_turn % len(jobs)]

    def step(self, writer: Writer, ticket: Ticket) -> None:
        """Execute one ticket, or fetch the rows that it needs first."""
        self.steps += 1
        if writer.stopped:
            self.tell(ticket, refused(writer.durable_seq, UNAVAILABLE))
            return
        state = writer.state
        before = state.seq
        try:
            if type(ticket.request.command) in WANTED and writer.needs(ticket):
                writer.fetching_job = writer.fetching_job or isinstance(ticket.request.command, SettleSlice)
                self.spawn(self.fetching, self.fetch(writer, ticket))
                return
            lag_ms = self.house_lag_ms() if self.house_behind_ns else 0
            writer.execute(ticket, self.clock.now_ns(), self.clock.host_ns(), lag_ms)
        except Exception as error:
            log.exception("stream %s stops", writer.stream)
            self.stop_stream(writer, f"{type(error).__name__}: {error}")
            self.tell(ticket, refused(writer.durable_seq, UNAVAILABLE))
            return
        self.filling[writer] = None
        events = state.seq - before
        self.filled += events or 1
        if events:
            if writer.house is None and not self.house_behind_ns:
                self.house_behind_ns = self.clock.host_ns()
            if state.due:
                self.note_timer(writer)

    def spawn(self, tasks: "set[asyncio.Task[None]]", work: Any) -> None:
        task = asyncio.create_task(work)
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        task.add_done_callback(lambda _: self.wake.set())

    async def fetch(self, writer: Writer, ticket: Ticket) -> None:
        """Fetch what a command needs, then let it be next in its lane.

        What has left memory is durable; what follows a key is asked for only when everything decided is durable, so that
        memory and store together have it all.
        """
        state = writer.state
        try:
            while True:
                needs = writer.needs(ticket)
                follows = any(isinstance(need, Following) for need in needs)
                if follows and state.seq > writer.durable_seq and not await self.everything_durable(writer):
                    break
                evictions = writer.evictions
                fetched = await self.store.fetch(writer.stream, needs)
                if writer.evictions == evictions:
                    writer.take(ticket, fetched)
                    break
        except Exception as error:
            log.warning("fetching rows failed: %s: %s", type(error).__name__, error)
            ticket.fetched = None
        finally:
            if isinstance(ticket.request.command, SettleSlice):
                writer.fetching_job = False
                self.turns["bulk"][writer] = None
        if writer.stopped or ticket.fetched is None:
            self.tell(ticket, refused(writer.durable_seq, UNAVAILABLE))
            return
        writer.lanes.put_first(ticket)
        self.wagers_waiting += lane_of(ticket.request) == "wagers"
        self.turns[lane_of(ticket.request)][writer] = None

    def house_lag_ms(self) -> int:
        """How far the house view is behind the house, in milliseconds of the host's time."""
        if not self.house_behind_ns:
            return 0
        if self.writers[HOUSE].stopped:
            return HOUSE_STOPPED_MS
        return (self.clock.host_ns() - self.house_behind_ns) // 1_000_000

    # Time

    def note_timer(self, writer: Writer) -> None:
        due = writer.state.due
        if due and self.next_due.get(writer.stream) != due[0][0]:
            self.next_due[writer.stream] = due[0][0]
            heappush(self.timers, (due[0][0], writer.stream))

    def fire_timers(self, now_ns: int) -> None:
        """Execute what time has caused, before the lanes are drained."""
        fired = 0
        while self.timers and self.timers[0][0] <= now_ns and self.may_fire(fired):
            at_ns, stream = heappop(self.timers)
            writer = self.writers.get(stream)
            if writer is None or writer.stopped or self.next_due.get(stream) != at_ns:
                continue
            del self.next_due[stream]
            due = writer.state.due
            while due and due[0][0] <= now_ns and self.may_fire(fired) and not writer.stopped:
                due_ns, kind, subject = heappop(due)
                timer = writer.state.timers.get((kind, subject))
                if timer is not None and timer.due_ns == due_ns:
                    fired += 1
                    self.step(writer, self.internal(writer, TIMERS[kind](subject)))
            self.note_timer(writer)
            self.note_job(writer)

    def may_fire(self, fired: int) -> bool:
        return fired < TIMERS_PER_ROUND and self.filled < BATCH_EVENTS_MAX and self.available

    # Durable

    def next_sealed_ns(self) -> int:
        self.sealed_ns = max(self.clock.host_ns(), self.sealed_ns + 1)
        return self.sealed_ns

    async def commit(self) -> None:
        """Seal what was decided, make it durable, and let it out; again as long as there is something.

        A store that works beside the engine gets the next batch before the answers of the last one go out, so that it
        never waits for them.
        """
        durable: list[Waiting] = []
        waiting: list[Waiting] = []
        attempt: asyncio.Task[dict[str, str]] | None = None
        try:
            while self.filling or durable:
                waiting = [(writer, *writer.seal()) for writer in self.filling]
                self.filling, self.filled = {}, 0
                # There is room for the next batch, for which the loop may be waiting.
                self.wake.set()
                parts = [part for _, part, filling in waiting if filling.logged or filling.refusals]
                sealed = Sealed(self.node, self.next_sealed_ns(), self.durable_ns, parts)
                attempt = asyncio.create_task(commit(self.store, sealed, self.clock)) if parts else None
                if durable:
                    await asyncio.sleep(0)
                    self.let_out(durable)
                if attempt is not None:
                    waiting = self.stop_streams(waiting, await attempt)
                    self.durable_ns = self.clock.host_ns()
                    self.probes.commit.add(self.durable_ns - sealed.sealed_ns)
                    self.probes.batches += 1
                durable, waiting = waiting, []
                if not self.store.beside:
                    self.let_out(durable)
                    break
        except Exception as error:
            if isinstance(error, CommitFailed):
                log.error("the store fails, memory is dropped and recovered: %s", error)
            else:
                log.exception("a fault while committing; memory is dropped and recovered")
            if attempt is not None and not attempt.done():
                await asyncio.wait([attempt])
            await self.fall([*durable, *waiting])
        finally:
            self.committing = None
            self.wake.set()

    def stop_streams(self, waiting: list[Waiting], stopped: dict[str, str]) -> list[Waiting]:
        """Stop the streams whose parts could not be stored; returns the others."""
        for writer, _, filling in waiting:
            if writer.stream in stopped:
                self.stop_stream(writer, stopped[writer.stream])
                self.lose(writer, filling)
        return [entry for entry in waiting if entry[0].stream not in stopped]

    def let_out(self, waiting: list[Waiting]) -> None:
        """A batch is durable: apply the house's part to the view, answer, release, publish."""
        for writer, part, filling in waiting:
            writer.durable(part.after.seq)
            self.probes.events += len(filling.logged)
            self.probes.rows += len(filling.logged) + sum(map(len, part.rows.values()))
            if writer.house is None:
                self.follow(filling)
        now_ns = self.clock.host_ns()
        for writer, _, filling in waiting:
            self.answer(writer, filling, now_ns)
            listening = self.subscriptions.get(writer.stream)
            if listening and filling.happened:
                happened = [Committed(writer.stream, *entry) for entry in filling.happened]
                for subscription in list(listening):
                    subscription.publish(happened)
        self.moved.set()

    def answer(self, writer: Writer, filling: Filling, now_ns: int) -> None:
        """Answer everyone who waited for a part."""
        probes = self.probes
        measure = probes.answer.add
        for ticket, outcome in filling.waiting:
            sink = ticket.sink
            if sink is not NOBODY:
                measure(now_ns - ticket.queued_ns)
                kind = type(outcome)
                if kind is Accepted:
                    probes.accepted += 1
                elif kind is Previewed:
                    probes.previewed += 1
                elif isinstance(outcome, Refused):
                    probes.refuse(outcome.code)
            self.tell(ticket, outcome)
        filling.waiting = []
        writer.release(filling, stored=True)
        if filling.repeats:
            self.spawn(self.answering, self.answer_repeats(writer.stream, filling.repeats))
            filling.repeats = []

    def tell(self, ticket: Ticket, outcome: Outcome) -> None:
        """Answer one ticket. What goes wrong with whoever waits for it is no fault of the engine."""
        try:
            ticket.sink.answer(ticket.index, outcome)
        except Exception:
            log.exception("an answer could not be given")

    async def answer_repeats(self, stream: str, repeats: list[tuple[Ticket, int, int]]) -> None:
        """Give a repeated command the answer of the first time, from the log."""
        for ticket, first, count in repeats:
            try:
                rows = await self.store.events(stream, first - 1, count)
                events = [decode_envelope(row[4]).event() for row in rows]
                self.probes.repeated += 1
                outcome: Outcome = Accepted(first + count - 1, events, repeated=True)
            except Exception as error:
                log.warning("reading the answer to a repeated command failed: %s: %s", type(error).__name__, error)
                outcome = refused(0, UNAVAILABLE)
            self.tell(ticket, outcome)

    def follow(self, filling: Filling) -> None:
        """Apply durable events of the house to the view, and hand on what books take from it."""
        view = self.view
        for seq, at_ns, _, _, event in filling.happened:
            view.seq, view.at_ns = seq, at_ns
            EVOLVERS[type(event)](view, event)
            self.hand_on(seq, event)
        view.changed, view.dropped, view.due = {}, {}, []
        house = self.writers[HOUSE]
        current = house.durable_seq == house.state.seq and not house.stopped
        self.house_behind_ns = 0 if current else self.clock.host_ns()

    def hand_on(self, seq: int, event: Event) -> None:
        """Only results, cancellations and new books make events in books."""
        if isinstance(event, BookOpened):
            writer = Writer(Book(event.book), Head(event.book, 0, 0, GENESIS, 0), Window(), self.view, self.node)
            self.writers[event.book] = writer
            self.send(writer, StartBook(event.owner, seq))
        elif isinstance(event, ResultConfirmed | FixtureCancelled):
            score = event.score if isinstance(event, ResultConfirmed) else None
            taken = TakeResult(event.fixture, self.view.fixtures[event.fixture].sport, seq, score, event.regrade)
            for writer in self.writers.values():
                if writer.house is not None and not writer.stopped:
                    self.send(writer, taken)

    # Failure

    def stop_stream(self, writer: Writer, reason: str) -> None:
        """Stop one stream: nothing that is not durable of it is let out, and it answers `unavailable` from here on."""
        log.error("stream %s is stopped: %s", writer.stream, reason)
        writer.stopped = reason
        for turns in self.turns.values():
            turns.pop(writer, None)
        self.filling.pop(writer, None)
        if not self.filling:
            self.filled = 0
        filling, writer.filling = writer.filling, Filling()
        self.lose(writer, filling)
        self.turn_out(writer)
        if writer.house is None and not self.house_behind_ns:
            self.house_behind_ns = 1

    def lose(self, writer: Writer, filling: Filling) -> None:
        """Tell everyone who waited for a part that it is not recorded."""
        unavailable = refused(writer.durable_seq, UNAVAILABLE)
        for ticket, _ in filling.waiting:
            self.tell(ticket, unavailable)
        for ticket, _, _ in filling.repeats:
            self.tell(ticket, unavailable)
        filling.waiting, filling.repeats = [], []
        writer.release(filling, stored=False)

    def turn_out(self, writer: Writer) -> None:
        """Tell everyone who waits in a stream's lanes that it is not available."""
        self.wagers_waiting -= len(writer.lanes.wagers)
        for ticket in writer.lanes.empty():
            self.tell(ticket, refused(writer.durable_seq, UNAVAILABLE))

    async def fall(self, waiting: list[Waiting]) -> None:
        """Drop memory and recover, as often as it takes."""
        self.available = False
        for writer, _, filling in waiting:
            self.lose(writer, filling)
        for writer in self.writers.values():
            self.lose(writer, writer.filling)
            writer.filling = Filling()
            writer.stopped = writer.stopped or "memory was dropped"
            self.turn_out(writer)
        self.clear()
        self.moved.set()
        while not self.stopping:
            try:
                await self.recover()
                return
            except Exception as error:
                log.error("recovery failed, trying again: %s", error)
                await asyncio.sleep(RECOVER_PAUSE_S)
