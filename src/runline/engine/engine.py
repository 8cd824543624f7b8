"""Engine: the loop that executes. Timers, then control, then wagers in turns, then bulk and jobs; then seal and commit.

Rule: no timer batches anything. Whatever was decided while the last batch became durable is the next batch.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from typing import Any, TypeVar

from runline.domain.book import Book, StartBook
from runline.domain.execution import follow
from runline.domain.house import BookOpened, House, StreamStartAsked
from runline.domain.messages import ENGINE, GATEWAY, HOUSE, TIMERS, WANTED, Command, Event, Rejected
from runline.domain.results import FixtureCancelled, ResultConfirmed, ScoreConfirmed
from runline.domain.settlement import SettleSlice, TakeResult
from runline.domain.state import Following
from runline.engine.commit import CommitFailed, commit
from runline.engine.conditions import Conditions, Level
from runline.engine.conditions import Part as Faulty
from runline.engine.envelope import decode_envelope
from runline.engine.ids import Entropy, uuid7
from runline.engine.lanes import PLACES, Place, is_permitted, lane_of, part_of
from runline.engine.limits import (
    ACTOR_WAITING_MAX,
    AT_LEAST_WAIT_S,
    BATCH_BYTES_MAX,
    BATCH_EVENTS_MAX,
    BULK_EVENTS_MAX,
    COMMAND_ID_LENGTH,
    CORRELATION_LENGTH_MAX,
    LANE_DEPTH_MAX,
    LAST_TURN,
    POSITION_MAX,
    READ_EVENTS,
    RECOVER_PAUSE_S,
    REFUSAL_WAIT_S_MAX,
    SESSION_LENGTH_MAX,
    SLICE_NS,
    TIMERS_PER_ROUND,
    TURN_COMMANDS,
    WAGERS_WAITING_MAX,
)
from runline.engine.ports import GENESIS, Clock, Head, Part, Sealed, Store, StoreError
from runline.engine.positions import Places
from runline.engine.probes import Probes
from runline.engine.recovery import recover_view, recover_writer
from runline.engine.repeats import Repeats
from runline.engine.requests import (
    BUSY,
    UNAVAILABLE,
    Accepted,
    Duty,
    Outcome,
    Previewed,
    Refused,
    Request,
    Sink,
    Ticket,
    refused,
)
from runline.engine.setbacks import RESULTS, Setbacks, job_duty, timer_duty
from runline.engine.subscription import Committed, Subscription
from runline.engine.window import Window
from runline.engine.writer import Filling, Writer

log = logging.getLogger("runline.engine")

V = TypeVar("V")

HOUSE_STOPPED_MS = 10**9


class Nobody(Sink):
    """The sink of what the engine itself sends."""

    def answer(self, index: int, outcome: Outcome) -> None:
        if isinstance(outcome, Refused):
            log.warning("an internal command was refused: %s", outcome.code)


NOBODY = Nobody()

Waiting = tuple[Writer, Part, Filling]


def require_texts(request: Request) -> None:
    """Refuse what is too long for the log, or cannot be written into it: half a character.

    Raises Rejected `command_id_invalid`, `too_long`, `malformed_command`.
    """
    if len(request.id) > COMMAND_ID_LENGTH:
        raise Rejected("command_id_invalid", "A command's id is a UUIDv7.")
    for name, text, most in (
        ("correlation", request.correlation, CORRELATION_LENGTH_MAX),
        ("session", request.session, SESSION_LENGTH_MAX),
    ):
        if len(text) > most:
            raise Rejected("too_long", f"{name} is too long.", field=name, most=most)
    if request.if_position is not None and not 0 <= request.if_position <= POSITION_MAX:
        raise Rejected("malformed_command", "if_position is no position.")
    try:
        (request.session + request.correlation).encode()
    except UnicodeEncodeError as error:
        raise Rejected("malformed_command", str(error)) from None


class Engine:
    """All streams of one process.

    store, clock, entropy: its ports. node: the process's name in the log.
    """

    def __init__(self, store: Store, clock: Clock, entropy: Entropy, node: str = "n1") -> None:
        self.store = store
        self.clock = clock
        self.node = node
        self.entropy = entropy
        self.probes = Probes()
        self.conditions = Conditions()
        store.reports_to(self.hear)
        self.writers: dict[str, Writer] = {}
        self.view = House()
        self.subscriptions: dict[str, list[Subscription]] = {}
        # Whose turn it is, for each lane: the first has the next turn, and goes to the end if it has more to do.
        self.turns: dict[Place, dict[Writer, None]] = {place: {} for place in PLACES}
        self.filling: dict[Writer, None] = {}
        self.filled = 0
        self.filled_bytes = 0
        # Answers that need not wait for a batch, until the turn is over; writers with refusals to be stored, and until when.
        self.told: list[tuple[Ticket, Outcome]] = []
        self.refusing: dict[Writer, int] = {}
        self.setbacks = Setbacks(self.conditions, self.try_again)
        self.places = Places()
        self.repeats = Repeats(store, self.tell, self.hear_damage)
        self.wagers_waiting = 0
        self.steps = 0
        self.timers: list[tuple[int, str]] = []
        self.next_due: dict[str, int] = {}
        self.committing: asyncio.Task[None] | None = None
        self.fetching: set[asyncio.Task[None]] = set()
        self.answering: set[asyncio.Task[None]] = set()
        self.starting: set[asyncio.Task[None]] = set()
        self.recovering = asyncio.Lock()
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
        self.setbacks.forget()
        await self.store.close(self.node, self.next_sealed_ns(), self.durable_ns)

    def hear(self, part: Faulty, subject: str, level: Level | None, reason: str) -> None:
        """The store says what is wrong with it, or that something is well again."""
        if level is None:
            self.conditions.clear(part, subject)
        else:
            self.conditions.note(part, subject, level, reason, self.clock.host_ns())

    def hear_damage(self, error: BaseException | None) -> None:
        """Something that was to be read is damaged: what needs it is refused, and somebody should look."""
        if isinstance(error, StoreError) and error.kind == "unreadable":
            self.hear("store", "pages", "degraded", str(error))

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
        for stream in self.writers:
            self.conditions.clear("stream", stream)
        self.conditions.clear("store", "memory")

    def clear(self) -> None:
        """Forget what was about to be done."""
        for turns in self.turns.values():
            turns.clear()
        self.begin_batch()
        self.refusing = {}
        self.setbacks.forget()
        self.house_behind_ns = 0

    def begin_batch(self) -> None:
        """There is room for the next batch."""
        self.filling, self.filled, self.filled_bytes = {}, 0, 0

    def is_full(self, events_max: int) -> bool:
        """Whether a batch takes no more."""
        return self.filled >= events_max or self.filled_bytes >= BATCH_BYTES_MAX

    @property
    def ready(self) -> bool:
        """Whether commands of every stream can be recorded now."""
        return self.available and not self.conditions.failing

    def resume(self, writer: Writer) -> None:
        """Go on with what a restart has interrupted: a book to start, results to take, jobs to finish."""
        book = writer.state
        if not isinstance(book, Book):
            return
        if not book.settings_rows:
            listing = self.view.books[book.stream]
            self.send(writer, StartBook(listing.owner, listing.changed_seq), RESULTS)
            taken = listing.changed_seq
        else:
            taken = book.house_seq
        results = [result for result in self.view.results.values() if result.confirmed_seq > taken]
        for result in sorted(results, key=lambda result: result.confirmed_seq):
            regrade = result.confirmations > 1
            fixture = self.view.fixtures[result.fixture]
            seq, score = result.confirmed_seq, result.confirmed
            taking = TakeResult(fixture.name, fixture.sport, fixture.league, seq, score, regrade)
            self.send(writer, taking, RESULTS)
        self.note_job(writer)

    # The door

    def submit(self, requests: Sequence[Request], sink: Sink) -> None:
        """Put requests into their streams' lanes; each outcome comes to the sink once it is durable.

        What cannot even wait is answered at once: `unavailable`, `unknown_book`, `wrong_stream`, `busy`.
        """
        queued_ns = self.clock.host_ns()
        # Nothing leaves a lane before this returns: whoever hears `busy` hears it for all that they sent of the same kind.
        late: dict[tuple[str, str, bool, type[Command]], list[int]] = {}
        for index, request in enumerate(requests):
            if late:
                found = late.get((request.stream, request.actor, request.bulk, type(request.command)))
                if found is not None:
                    found.append(index)
                    continue
            writer = self.writers.get(request.stream)
            try:
                self.require_possible(writer, request)
            except Rejected as rejected:
                self.probes.refuse(rejected.code)
                sink.answer(index, refused(writer.durable_seq if writer else 0, rejected))
                continue
            assert writer is not None
            place: Place = "last"
            if is_permitted(writer.state, request):
                place = "bulk" if request.bulk else request.command.lane
            part = part_of(writer.state, request.actor)
            if not self.has_room(writer, request.actor, part, place):
                late[request.stream, request.actor, request.bulk, type(request.command)] = [index]
                continue
            request.received_ns = request.received_ns or queued_ns
            writer.lanes.places[place].put(Ticket(request, sink, index, queued_ns, part))
            self.turns[place][writer] = None
            if place == "wagers":
                self.wagers_waiting += 1
        for indexes in late.values():
            self.probes.refuse("busy", len(indexes))
            busy_in = self.writers.get(requests[indexes[0]].stream)
            sink.answer_all(indexes, refused(busy_in.durable_seq if busy_in else 0, BUSY))
        self.wake.set()

    def has_room(self, writer: Writer, actor: str, part: str, place: Place) -> bool:
        """Whether one more may wait: the lane, what its sender and their part of the tree have of it, and of wagers what the
        stream has of all."""
        if place == "wagers":
            if self.wagers_waiting >= WAGERS_WAITING_MAX and self.has_its_share(writer):
                return False
            return writer.lanes.wagers.has_room(actor, part, LANE_DEPTH_MAX[place], ACTOR_WAITING_MAX[place])
        if place == "control" and actor == GATEWAY:
            # It sends for everybody; whom it sends for is bounded at the doors.
            return len(writer.lanes.control) < LANE_DEPTH_MAX[place]
        return writer.lanes.has_room(place, actor, part)

    def has_its_share(self, writer: Writer) -> bool:
        """Whether as many wagers wait in this stream as are its due of all that may wait."""
        return len(writer.lanes.wagers) * len(self.turns["wagers"]) >= WAGERS_WAITING_MAX

    def require_possible(self, writer: Writer | None, request: Request) -> None:
        """Refuse what no stream could judge.

        Raises Rejected `unavailable`, `unknown_book`, `not_permitted`, `wrong_stream`, and as `require_texts` does.
        """
        if not self.available or (writer is not None and writer.stopped):
            raise UNAVAILABLE
        if writer is None:
            raise Rejected("unknown_book", "There is no such book.")
        if request.actor == ENGINE:
            raise Rejected("not_permitted", "Only the engine itself may do this.")
        if ("house" if writer.house is None else "book") not in request.command.streams:
            raise Rejected("wrong_stream", "This command is not for this stream.")
        if (
            request.session
            or request.correlation
            or request.if_position is not None
            or len(request.id) > COMMAND_ID_LENGTH
        ):
            require_texts(request)

    def send(self, writer: Writer, command: Command, duty: Duty | None = None) -> None:
        """Put a command of the engine itself into a stream's lane; how many there can be is bounded elsewhere."""
        writer.lanes.places[command.lane].put(self.internal(writer, command, duty))
        self.turns[command.lane][writer] = None
        self.wake.set()

    def internal(self, writer: Writer, command: Command, duty: Duty | None = None) -> Ticket:
        now_ns = self.clock.host_ns()
        command_id = uuid7(self.clock.now_ns(), self.entropy)
        request = Request(writer.stream, command_id, ENGINE, command, received_ns=now_ns)
        return Ticket(request, NOBODY, 0, now_ns, duty=duty)

    async def query(
        self,
        stream: str,
        read: Callable[[Any], V],
        at_least: int = 0,
        wait_s: float = AT_LEAST_WAIT_S,
        asked_by: str = "",
    ) -> tuple[int, V]:
        """Read from a stream's state: (position, what `read` returns), once that position is durable.

        read: called at once with the state; must copy what it keeps and take well under a millisecond. asked_by: the user
        whose query this is.
        Raises Rejected `unknown_book`, `unavailable`, `position_unknown` (not reached in time), `busy` (too many wait).
        """
        writer = self.require(stream)
        if writer.state.seq < at_least:
            writer = await self.reached(stream, at_least, wait_s, asked_by)
        position = writer.state.seq
        value = read(writer.state)
        if position > writer.durable_seq and not await self.durable(writer):
            raise UNAVAILABLE
        return position, value

    async def reached(self, stream: str, position: int, wait_s: float, asked_by: str) -> Writer:
        """A stream's writer, once it has reached a position."""
        place = stream, part_of(self.require(stream).state, asked_by), asked_by
        self.places.take(*place)
        try:
            async with asyncio.timeout(wait_s):
                while (writer := self.require(stream)).state.seq < position:
                    found = writer.positions.enter(position)
                    try:
                        await found
                    finally:
                        writer.positions.leave(position, found)
                return writer
        except TimeoutError:
            durable_seq = self.require(stream).durable_seq
            raise Rejected("position_unknown", "That position is not reached.", position=durable_seq) from None
        finally:
            self.places.give_back(*place)

    def require(self, stream: str) -> Writer:
        writer = self.writers.get(stream)
        if not self.available and not self.stopping:
            raise UNAVAILABLE
        if writer is None:
            raise Rejected("unknown_book", "There is no such book.")
        if writer.stopped:
            raise UNAVAILABLE
        return writer

    def durable(self, writer: Writer) -> "asyncio.Future[bool]":
        """Whether everything that the writer has decided becomes durable (true) or is lost (false)."""
        released: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        if writer.stopped:
            released.set_result(False)
        elif writer.state.seq <= writer.durable_seq:
            released.set_result(True)
        else:
            writer.filling.released.append(released)
            self.filling[writer] = None
            self.wake.set()
        return released

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
                self.tell_all()
                if self.committing is not None:
                    await asyncio.wait([self.committing])
                await self.fall([])
                # A fault that comes back at once is not to take everything.
                await asyncio.sleep(RECOVER_PAUSE_S)
                continue
            self.tell_all()
            self.hand_over_refusals()
            if self.committing is None and self.filling:
                self.committing = asyncio.create_task(self.commit())
            if self.stopping and not (
                any(self.turns.values()) or self.filling or self.committing or self.fetching or self.refusing
            ):
                await self.settle_answers()
                return
            if executed:
                await asyncio.sleep(0)
            else:
                await self.rest()

    async def rest(self) -> None:
        """Wait for a request, a commit, the next timer, or until refusals are to be stored."""
        self.wake.clear()
        waits_s: list[float] = []
        if self.timers and self.available and not self.is_full(BATCH_EVENTS_MAX):
            waits_s.append(self.clock.seconds_until(self.timers[0][0]))
        if self.refusing and self.committing is None:
            waits_s.append((next(iter(self.refusing.values())) - self.clock.host_ns()) / 1e9)
        if not waits_s:
            await self.wake.wait()
            return
        try:
            async with asyncio.timeout(max(min(waits_s), 0.0)):
                await self.wake.wait()
        except TimeoutError:
            pass

    async def settle_answers(self) -> None:
        for tasks in (self.starting, self.answering):
            if tasks:
                await asyncio.wait(tasks)

    def slice(self) -> bool:
        """Decide for SLICE_NS and a little: control first, then wagers, then bulk and jobs, books in turns; last a little of what
        is not permitted.

        Each lane has one turn at least, however late it is: else what waits there might wait for ever. Returns whether
        anything was executed; if not, it is for a commit or a request to come.
        """
        steps = self.steps
        end_ns = self.clock.host_ns() + SLICE_NS
        served = self.take_turns("control", end_ns, BATCH_EVENTS_MAX)
        self.take_turns("wagers", end_ns, BATCH_EVENTS_MAX)
        if self.turns["bulk"]:
            self.take_turns("bulk", max(end_ns, self.clock.host_ns() + SLICE_NS // 2), BULK_EVENTS_MAX)
        if self.turns["last"]:
            self.take_turns("last", 0, BULK_EVENTS_MAX)
        self.turns["control"].update(served)
        return self.steps != steps

    def take_turns(self, lane: Place, end_ns: int, events_max: int) -> dict[Writer, None]:
        """Give one stream after the other its turn in a lane, until nothing waits, time is up or the batch is full.

        Returns the streams whose control has had a whole round, so that wagers have their turn now, and which has more.
        """
        turns = self.turns[lane]
        held: list[Writer] = []
        served: dict[Writer, None] = {}
        while turns and not self.is_full(events_max):
            writer = next(iter(turns))
            del turns[writer]
            if lane != "control" and writer in self.turns["control"]:
                held.append(writer)
                continue
            if self.turn(writer, lane, end_ns) and not writer.stopped:
                if lane == "control" and not writer.lanes.control.unserved:
                    served[writer] = None
                else:
                    turns[writer] = None
            if self.clock.host_ns() >= end_ns:
                break
        turns.update(dict.fromkeys(held))
        return served

    def turn(self, writer: Writer, lane: Place, end_ns: int) -> bool:
        """One stream's turn in a lane; returns whether it wants another."""
        waiting = writer.lanes.places[lane]
        if lane == "control":
            self.control_turn(writer, end_ns)
            self.note_job(writer)
            return bool(waiting)
        # All of a turn waited already when it began, so it is judged by the time of then.
        now_ns = self.clock.now_ns()
        for _ in range(min(LAST_TURN if lane == "last" else TURN_COMMANDS, len(waiting))):
            if writer.stopped or self.filled >= BATCH_EVENTS_MAX or self.filled_bytes >= BATCH_BYTES_MAX:
                break
            if lane == "wagers":
                self.wagers_waiting -= 1
            self.step(writer, waiting.take(), now_ns)
        if lane != "bulk":
            self.note_job(writer)
            return bool(waiting)
        job = self.next_job(writer)
        if job is not None:
            self.step(writer, self.internal(writer, SettleSlice(job), job_duty(job)))
        return bool(waiting) or self.has_job(writer)

    def control_turn(self, writer: Writer, end_ns: int) -> None:
        """One stream's turn in the control lane: until everyone has had theirs, as far as there is time."""
        control = writer.lanes.control
        control.begin_round()
        began_ns = self.clock.host_ns()
        for _ in range(min(TURN_COMMANDS, len(control))):
            if writer.stopped or self.is_full(BATCH_EVENTS_MAX):
                break
            ticket = control.take()
            self.step(writer, ticket)
            now_ns = self.clock.host_ns()
            control.took(now_ns - began_ns)
            began_ns = now_ns
            if not control.unserved or now_ns >= end_ns:
                break

    def note_job(self, writer: Writer) -> None:
        """Let a stream that has long work have its turn."""
        if self.has_job(writer):
            self.turns["bulk"][writer] = None

    def has_job(self, writer: Writer) -> bool:
        """Whether a stream has long work to go on with, and does not just fetch rows for it."""
        return bool(self.jobs_of(writer))

    def jobs_of(self, writer: Writer) -> list[int]:
        """The jobs of a stream that may go on now. Stopping does not wait for them; starting resumes them."""
        state = writer.state
        if self.stopping or writer.stopped or writer.fetching_job or not isinstance(state, Book) or not state.jobs:
            return []
        return [number for number in state.jobs if not self.setbacks.rests(writer, job_duty(number))]

    def next_job(self, writer: Writer) -> int | None:
        """The job whose turn it is."""
        jobs = self.jobs_of(writer)
        if not jobs:
            return None
        writer.job_turn += 1
        return jobs[writer.job_turn % len(jobs)]

    def step(self, writer: Writer, ticket: Ticket, now_ns: int = 0) -> None:
        """Execute one ticket, or fetch the rows that it needs first. now_ns: the time, if it is known already."""
        self.steps += 1
        if writer.stopped:
            self.tell(ticket, refused(writer.durable_seq, UNAVAILABLE))
            return
        duty = ticket.duty
        if duty is not None and self.setbacks.rests(writer, duty):
            # What is owed in order waits for what has failed; all of it is sent again then.
            return
        state = writer.state
        filling = writer.filling
        before, before_bytes = state.seq, filling.logged_bytes
        try:
            if type(ticket.request.command) in WANTED and self.lacks_rows(writer, ticket):
                writer.fetching_job = writer.fetching_job or isinstance(ticket.request.command, SettleSlice)
                self.spawn(self.fetching, self.fetch(writer, ticket))
                return
            lag_ms = self.house_lag_ms() if self.house_behind_ns else 0
            outcome = writer.execute(ticket, now_ns or self.clock.now_ns(), self.clock.host_ns(), lag_ms)
        except Exception as error:
            log.exception("stream %s stops", writer.stream)
            self.stop_stream(writer, f"{type(error).__name__}: {error}")
            self.tell(ticket, refused(writer.durable_seq, UNAVAILABLE))
            return
        events = state.seq - before
        if outcome is not None and state.seq == writer.durable_seq:
            # What the answer reveals is durable already.
            self.told.append((ticket, outcome))
        else:
            if outcome is not None:
                filling.waiting.append((ticket, outcome))
            self.filling[writer] = None
            self.filled += events or 1
            self.filled_bytes += filling.logged_bytes - before_bytes
        if duty is not None or type(outcome) is Refused:
            self.judged(writer, duty, outcome)
        if events:
            if writer.house is None and not self.house_behind_ns:
                self.house_behind_ns = filling.began_ns
            due = state.due
            if due and self.next_due.get(writer.stream) != due[0][0]:
                self.note_timer(writer)
            if self.setbacks.trying and writer in self.setbacks.trying:
                self.forgive(writer)

    def judged(self, writer: Writer, duty: Duty | None, outcome: Outcome | None) -> None:
        """What the engine owes is done or has failed; what was refused is to be stored."""
        if duty is not None:
            if isinstance(outcome, Refused):
                self.setbacks.failed(writer, duty, f"{outcome.code}: {outcome.message}", self.clock.host_ns())
            else:
                self.setbacks.done(writer, duty)
        if writer.refusals and writer not in self.refusing:
            self.refusing[writer] = self.clock.host_ns() + int(REFUSAL_WAIT_S_MAX * 1e9)

    def lacks_rows(self, writer: Writer, ticket: Ticket) -> bool:
        """Whether a command needs rows that are not in memory. For who may not send it none are fetched: it is refused."""
        request = ticket.request
        if request.actor != ENGINE and not is_permitted(writer.state, request):
            return False
        try:
            return bool(writer.needs(ticket))
        except Exception:
            # Without its rows it is refused when it is decided, by its own code or as a fault.
            return False

    def tell_all(self) -> None:
        """Answer what need not wait for a batch."""
        if self.told:
            told, self.told = self.told, []
            now_ns = self.clock.host_ns()
            for ticket, outcome in told:
                self.give(ticket, outcome, now_ns)

    def hand_over_refusals(self) -> None:
        """Let refusals that have waited long enough be stored, in a batch of their own if there is none."""
        if not self.refusing:
            return
        if self.stopping or next(iter(self.refusing.values())) <= self.clock.host_ns():
            for writer in self.refusing:
                if not writer.stopped:
                    writer.hand_over_refusals()
                    self.filling[writer] = None
            self.refusing = {}

    def try_again(self, writer: Writer, duty: Duty) -> None:
        """What has failed has rested: try it again, if it is owed still."""
        if writer.stopped or self.writers.get(writer.stream) is not writer:
            return
        what, subject, more = duty
        self.forgive(writer)
        if what == "timer":
            timer = writer.state.timers.get((str(subject), more))
            if timer is not None:
                heappush(writer.state.due, (timer.due_ns, timer.kind, timer.subject))
                self.note_timer(writer)
        elif what == "job":
            self.note_job(writer)
        else:
            # All of it is sent anew, in its order: what came meanwhile must not go before what has failed.
            writer.lanes.control.withdraw(ENGINE, RESULTS)
            self.resume(writer)
        self.wake.set()

    def forgive(self, writer: Writer) -> None:
        """What was to be tried again and is owed no more: a timer that was moved away, a job that another has superseded."""
        state = writer.state
        for duty in list(self.setbacks.trying.get(writer, ())):
            what, subject, more = duty
            timer = state.timers.get((str(subject), more))
            timer_is_due = what == "timer" and timer is not None and timer.due_ns <= self.clock.now_ns()
            job_goes_on = what == "job" and isinstance(state, Book) and subject in state.jobs
            if what != "results" and not timer_is_due and not job_goes_on:
                self.setbacks.done(writer, duty)

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
                if follows and state.seq > writer.durable_seq and not await self.durable(writer):
                    break
                evictions = writer.evictions
                fetched = await self.store.fetch(writer.stream, needs)
                if writer.evictions == evictions:
                    writer.take(ticket, fetched)
                    break
        except Exception as error:
            log.warning("fetching rows failed: %s: %s", type(error).__name__, error)
            self.hear_damage(error)
            ticket.fetched = None
            if ticket.duty is not None:
                reason = f"{type(error).__name__}: {error}"
                self.setbacks.failed(writer, ticket.duty, reason, self.clock.host_ns())
        finally:
            if isinstance(ticket.request.command, SettleSlice):
                writer.fetching_job = False
                self.note_job(writer)
        if writer.stopped or ticket.fetched is None:
            self.tell(ticket, refused(writer.durable_seq, UNAVAILABLE))
            return
        lane = lane_of(ticket.request)
        writer.lanes.places[lane].put_first(ticket)
        self.wagers_waiting += lane == "wagers"
        self.turns[lane][writer] = None

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
                    self.fire(writer, kind, subject)
            self.note_timer(writer)
            self.note_job(writer)

    def fire(self, writer: Writer, kind: str, subject: str) -> None:
        """Execute what a timer becomes."""
        duty = timer_duty(kind, subject)
        try:
            command = TIMERS[kind](subject)
        except Exception as error:
            log.exception("a timer of %s becomes no command", writer.stream)
            self.setbacks.failed(writer, duty, f"{type(error).__name__}: {error}", self.clock.host_ns())
            return
        self.step(writer, self.internal(writer, command, duty))

    def may_fire(self, fired: int) -> bool:
        return fired < TIMERS_PER_ROUND and not self.is_full(BATCH_EVENTS_MAX) and self.available

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
                waiting = self.seal()
                self.begin_batch()
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
                self.hear_damage(error.__cause__)
            else:
                log.exception("a fault while committing; memory is dropped and recovered")
            if attempt is not None and not attempt.done():
                await asyncio.wait([attempt])
            await self.fall([*durable, *waiting], f"memory was dropped: {error}")
        finally:
            self.committing = None
            self.wake.set()

    def seal(self) -> list[Waiting]:
        """Take what every stream has decided. A stream whose part cannot be encoded stops; the others go on."""
        waiting: list[Waiting] = []
        for writer in list(self.filling):
            try:
                waiting.append((writer, *writer.seal()))
            except Exception as error:
                log.exception("a part of %s cannot be sealed", writer.stream)
                self.stop_stream(writer, f"{type(error).__name__}: {error}")
            if not writer.refusals:
                self.refusing.pop(writer, None)
        return waiting

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
                happened = [
                    Committed(writer.stream, *entry, len(row[4]))
                    for entry, row in zip(filling.happened, filling.logged, strict=True)
                ]
                for subscription in list(listening):
                    subscription.publish(happened)

    def answer(self, writer: Writer, filling: Filling, now_ns: int) -> None:
        """Answer everyone who waited for a part."""
        for ticket, outcome in filling.waiting:
            self.give(ticket, outcome, now_ns)
        filling.waiting = []
        writer.release(filling, stored=True)
        if filling.repeats:
            self.probes.repeated += len(filling.repeats)
            if self.repeats.put(writer.stream, filling.repeats):
                self.spawn(self.answering, self.repeats.answer(writer.stream))
            filling.repeats = []

    def give(self, ticket: Ticket, outcome: Outcome, now_ns: int) -> None:
        """Give an answer, and count it."""
        if ticket.sink is not NOBODY:
            probes = self.probes
            probes.answer.add(now_ns - ticket.queued_ns)
            kind = type(outcome)
            if kind is Accepted:
                probes.accepted += 1
            elif kind is Previewed:
                probes.previewed += 1
            elif isinstance(outcome, Refused):
                probes.refuse(outcome.code)
        self.tell(ticket, outcome)

    def tell(self, ticket: Ticket, outcome: Outcome) -> None:
        """Answer one ticket. What goes wrong with whoever waits for it is no fault of the engine."""
        try:
            ticket.sink.answer(ticket.index, outcome)
        except Exception:
            log.exception("an answer could not be given")

    def follow(self, filling: Filling) -> None:
        """Apply durable events of the house to the view, and hand on what books take from it."""
        for seq, at_ns, _, _, event in filling.happened:
            self.take_in(seq, at_ns, event)
        house = self.writers[HOUSE]
        # A stopped house is behind for as long as it is stopped.
        self.house_behind_ns = house.undurable_since_ns() or int(bool(house.stopped))

    def take_in(self, seq: int, at_ns: int, event: Event) -> None:
        """Apply one event to the view, and hand it on."""
        follow(self.view, event, seq, at_ns)
        self.hand_on(seq, event)

    def hand_on(self, seq: int, event: Event) -> None:
        """Only results, cancellations and new books make events in books; and the house says which stream is to start again."""
        if isinstance(event, BookOpened):
            writer = Writer(Book(event.book), Head(event.book, 0, 0, GENESIS, 0), Window(), self.view, self.node)
            self.writers[event.book] = writer
            self.send(writer, StartBook(event.owner, seq), RESULTS)
        elif isinstance(event, ResultConfirmed | ScoreConfirmed | FixtureCancelled):
            score = None if isinstance(event, FixtureCancelled) else event.score
            fixture = self.view.fixtures[event.fixture]
            taken = TakeResult(fixture.name, fixture.sport, fixture.league, seq, score, event.regrade)
            for writer in self.writers.values():
                if writer.house is not None and not writer.stopped:
                    self.send(writer, taken, RESULTS)
        elif isinstance(event, StreamStartAsked):
            self.spawn(self.starting, self.start_stream(event.book))

    # Failure

    def stop_stream(self, writer: Writer, reason: str) -> None:
        """Stop one stream: nothing that is not durable of it is let out, and it answers `unavailable` from here on."""
        self.conditions.note("stream", writer.stream, "failing", reason, self.clock.host_ns())
        writer.stopped = reason
        self.setbacks.forget(writer)
        self.refusing.pop(writer, None)
        for turns in self.turns.values():
            turns.pop(writer, None)
        self.filling.pop(writer, None)
        if not self.filling:
            self.begin_batch()
        filling, writer.filling = writer.filling, Filling()
        self.lose(writer, filling)
        self.turn_out(writer)
        writer.positions.wake_all()
        if writer.house is None and not self.house_behind_ns:
            self.house_behind_ns = 1

    def start_stopped(self) -> None:
        """Start every stopped stream again."""
        for stream, writer in self.writers.items():
            if writer.stopped:
                self.spawn(self.starting, self.start_stream(stream))

    async def start_stream(self, stream: str) -> None:
        """Start a stopped stream again, as at every start: from what is stored. If it cannot be, it stays stopped and says why.

        Reading it holds the process up for as long as a start does.
        """
        stopped = self.writers.get(stream)
        if stopped is None or not stopped.stopped:
            return
        while stopped.sealed and self.committing is not None:
            # What was handed over before it stopped may still become durable.
            await asyncio.wait([self.committing])
        async with self.recovering:
            if self.writers.get(stream) is not stopped or not self.available:
                return
            try:
                now_ns = self.clock.now_ns()
                writer = await recover_writer(self.store, stream, stopped.house, self.node, now_ns)
                if stream == HOUSE:
                    await self.follow_log(writer.durable_seq)
            except Exception as error:
                reason = f"{type(error).__name__}: {error}"
                self.conditions.note("stream", stream, "failing", reason, self.clock.host_ns())
                return
            if self.writers.get(stream) is not stopped or not self.available:
                return
            self.writers[stream] = writer
            self.next_due.pop(stream, None)
            self.note_timer(writer)
            if stream == HOUSE:
                self.house_behind_ns = 0
            self.resume(writer)
            for subscription in self.subscriptions.get(stream, ()):
                subscription.catch_up(writer.durable_seq)
            self.conditions.clear("stream", stream)

    async def follow_log(self, position: int) -> None:
        """Bring the house view up to a position from the log: what became durable and was not followed as it did."""
        while self.view.seq < position:
            for row in await self.store.events(HOUSE, self.view.seq, READ_EVENTS):
                entry = decode_envelope(row[4])
                self.take_in(entry.seq, entry.at_ns, entry.event())

    def lose(self, writer: Writer, filling: Filling) -> None:
        """Tell everyone who waited for a part that it is not recorded."""
        writer.lost(filling)
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

    async def fall(self, waiting: list[Waiting], reason: str = "a fault in the loop") -> None:
        """Drop memory and recover, as often as it takes."""
        self.available = False
        self.conditions.note("store", "memory", "failing", reason, self.clock.host_ns())
        for writer, _, filling in waiting:
            self.lose(writer, filling)
        for writer in self.writers.values():
            self.lose(writer, writer.filling)
            writer.filling = Filling()
            writer.stopped = writer.stopped or "memory was dropped"
            self.turn_out(writer)
            writer.positions.wake_all()
        self.clear()
        while not self.stopping:
            try:
                async with self.recovering:
                    await self.recover()
                return
            except Exception as error:
                log.error("recovery failed, trying again: %s", error)
                self.hear("store", "memory", "failing", f"What is stored cannot be recovered, trying again: {error}")
                await asyncio.sleep(RECOVER_PAUSE_S)
