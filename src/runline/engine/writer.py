"""Writer: the one place where a stream changes.

Rule: a command is judged and applied in one step, against the state as it is then. What was decided is unobservable until
its batch is durable: answers, refusals, queries and events wait in the stretch that is being filled.
"""

import asyncio
import logging
from collections import deque
from contextlib import suppress
from typing import Any

from runline.domain.book import Book
from runline.domain.context import NOBODY
from runline.domain.execution import Seen, fold, heed, judge, needs, time_of
from runline.domain.house import House
from runline.domain.invariants import BrokenInvariant
from runline.domain.level import Level
from runline.domain.messages import ENGINE, Event, Rejected, bare
from runline.domain.preview import moves_shown_to
from runline.domain.rows import Encode, key_of, row_encoder
from runline.domain.state import Need, Row, State
from runline.domain.zones import ZonesOfTheWorld
from runline.engine.envelope import content_digest, encode_envelope, link
from runline.engine.ids import id_bytes
from runline.engine.lanes import Lanes
from runline.engine.limits import COMMAND_LOG_BYTES_MAX, EVENT_BYTES_MAX
from runline.engine.ports import EventRow, Happened, Head, Refusal, Stretch, claimed_elsewhere
from runline.engine.positions import Positions
from runline.engine.refusals import Refusals
from runline.engine.requests import Accepted, Outcome, Previewed, Request, Submission, refused
from runline.engine.window import Window

log = logging.getLogger("runline.engine")


Logging = tuple[Event, Event, bytes]
"""An event that is about to be logged, the same without its secrets, and its bytes."""


class Filling:
    """What has been decided since the last sealing, and who waits for it to be durable.

    began_ns: the host's time when the first event was decided, 0 without one. logged_bytes: of the events.
    """

    def __init__(self) -> None:
        self.began_ns = 0
        self.logged: list[EventRow] = []
        self.logged_bytes = 0
        self.happened: list[Happened] = []
        self.refusals: list[Refusal] = []
        self.refusals_before = 0
        self.waiting: list[tuple[Submission, Outcome]] = []
        self.repeats: list[tuple[Submission, int, int]] = []
        self.released: list[asyncio.Future[bool]] = []

    def __bool__(self) -> bool:
        return bool(self.logged or self.refusals or self.waiting or self.repeats or self.released)


class Writer:
    """Decides and evolves one stream.

    house: the durable house view, for books. node: this process's name. level: by which it goes.
    """

    def __init__(
        self,
        state: State,
        head: Head,
        window: Window,
        house: House | None,
        node: str,
        zones: ZonesOfTheWorld,
        level: Level,
    ) -> None:
        self.stream = state.stream
        self.state = state
        self.head = head
        self.hash = head.hash
        self.durable_seq = head.seq
        self.window = window
        self.house = house
        self.node = node
        self.zones = zones
        self.level = level
        self.neighbours = NOBODY
        """Of its process, once the stream goes on there."""
        self.lanes = Lanes()
        self.refusals = Refusals()
        self.faults: dict[tuple[str, str], None] = {}
        self.positions = Positions()
        self.filling = Filling()
        self.sealed: deque[Filling] = deque()
        self.stopped = ""
        self.held = False
        """Whether nothing is executed just now, since the stream is handed over."""
        self.given = False
        """Whether another process was told to take the stream, and it is not known that it has not: who has it, its head says."""
        self.fetches: dict[asyncio.Task[None], None] = {}
        """What fetches rows for its commands."""
        self.busy_ns = 0
        """How long turns of this stream have taken."""
        self.evictions = 0
        self.fetching_job = False
        self.job_turn = 0

    def needs(self, submission: Submission) -> list[Need]:
        """The rows that a submission's command needs and that are not in memory."""
        fetched = submission.fetched
        if fetched is not None and (not fetched or self.has_wagers(fetched)):
            return []
        return needs(self.state, submission.request.command)

    def has_wagers(self, numbers: tuple[int, ...]) -> bool:
        """Whether fetched tickets are still in memory (they may have left it while their command waited)."""
        return isinstance(self.state, Book) and all(number in self.state.tickets.by_number for number in numbers)

    def take(self, submission: Submission, fetched: list[list[Row]]) -> None:
        """Take fetched rows into memory, unless they are there (memory is never older), until the submission is done.

        Raises StoreError `elsewhere` for a row of a later position: somebody else goes on with the stream. None is taken then.
        """
        state = self.state
        if any(row.changed_seq > state.seq for rows in fetched for row in rows):  # type: ignore[attr-defined]
            raise claimed_elsewhere(self.stream)
        for rows in fetched:
            for row in rows:
                held = state.held[type(row)]
                if row.key() not in held:
                    held[row.key()] = row
        submission.fetched = tuple(row.key() for rows in fetched for row in rows)

    def execute(self, submission: Submission, now_ns: int, decided_ns: int, house_lag_ms: int) -> Outcome | None:
        """Execute one command: judge it, apply its events, log them. Returns what came of it, which is to wait until the state's
        position is durable; None for a repeat, whose answer is in the log.

        Raises BrokenInvariant (or whatever else a broken handler raises while evolving): the stream must stop.
        """
        state = self.state
        request = submission.request
        at_ns = now_ns if now_ns >= state.at_ns else time_of(state.at_ns, now_ns)
        try:
            internal = request.actor == ENGINE
            command_id = id_bytes(request.id)
            digest = b"" if internal else content_digest(request.actor, request.command)
            window = None if internal else self.window
            fetched = submission.fetched or ()
            events = judge(
                state,
                request,
                at_ns,
                self.house,
                house_lag_ms,
                fetched,
                window,
                command_id,
                digest,
                self.zones,
                self.neighbours,
            )
            if type(events) is Seen:
                self.filling.repeats.append((submission, events.first, events.count))
                return None
            if self.level.behind:
                for message in (request.command, *events):
                    self.level.require(message)
            if request.preview:
                return Previewed(state.seq, events, moves_shown_to(request.actor, state, events))
            if not events:
                heed(state, request, at_ns, self.house, house_lag_ms)
                return Accepted(state.seq, events)
            # What cannot be logged is not applied: it is encoded before anything is changed.
            logged = self.encode(events, submission, request, digest, at_ns, decided_ns)
        except Rejected as rejected:
            return self.refuse(request, rejected, at_ns)
        except BrokenInvariant:
            raise
        except Exception as error:
            # Nothing has changed yet, so a fault of ours costs this one command and not the stream.
            found = (type(request.command).__name__, type(error).__name__)
            if found not in self.faults:
                # Whoever sends it again and again is not to fill the disk with it.
                self.faults[found] = None
                log.exception("%s cannot be decided in %s", found[0], self.stream)
            fault = f"This command cannot be decided: {type(error).__name__}."
            return self.refuse(request, Rejected("internal_error", fault), at_ns)
        finally:
            if submission.fetched and isinstance(state, Book):
                state.tickets.closed.extend(submission.fetched)
        if not self.filling.began_ns:
            self.filling.began_ns = decided_ns
        first = state.seq + 1
        self.apply(logged, request, command_id, digest, at_ns)
        if not internal:
            self.window.remember(command_id, digest, first, len(events), at_ns // 1_000_000)
        return Accepted(state.seq, events)

    def encode(
        self,
        events: list[Event],
        submission: Submission,
        request: Request,
        digest: bytes,
        at_ns: int,
        decided_ns: int,
    ) -> list[Logging]:
        """A command's events as they will be logged.

        Raises Rejected `too_large`, for one of them or for what they are together.
        """
        seq = self.state.seq
        logged: list[Logging] = []
        for event in events:
            seq += 1
            kind = type(event)
            told = bare(event) if kind.secret else event
            # An Envelope, written as the tuple that it is encoded as.
            body = encode_envelope(
                (
                    self.stream,
                    seq,
                    at_ns,
                    kind.__name__,
                    kind.version,
                    request.actor,
                    request.session,
                    self.node,
                    request.id,
                    request.correlation,
                    digest,
                    request.received_ns,
                    submission.queued_ns,
                    decided_ns,
                    told,
                )
            )
            if len(body) > EVENT_BYTES_MAX:
                raise Rejected("too_large", "What this would log is too large.", most=EVENT_BYTES_MAX)
            logged.append((event, told, body))
        if len(logged) > 1 and sum(len(body) for _, _, body in logged) > COMMAND_LOG_BYTES_MAX:
            raise Rejected("too_large", "What this would log is too large.", most=COMMAND_LOG_BYTES_MAX)
        return logged

    def apply(self, logged: list[Logging], request: Request, command_id: bytes, digest: bytes, at_ns: int) -> None:
        """Fold a command's events into the state, one after the other, and add them to the log's end."""
        state, filling, stream = self.state, self.filling, self.stream
        seq = state.seq
        for event, told, body in logged:
            seq += 1
            fold(state, event, seq, at_ns)
            self.hash = chain = link(self.hash, body)
            filling.logged_bytes += len(body)
            filling.logged.append((stream, seq, command_id, digest, body, chain))
            filling.happened.append((seq, at_ns, request.actor, request.id, told))

    def refuse(self, request: Request, rejected: Rejected, at_ns: int) -> Outcome:
        """A refusal, noted for the activity log."""
        if not request.preview:
            actor = request.actor if request.actor in self.state.access.users else ""
            self.refusals.note(request, actor, rejected, at_ns, self.state.seq)
        return refused(self.state.seq, rejected)

    def hand_over_refusals(self) -> None:
        """Let what was refused be stored with the stretch that is being filled."""
        if self.refusals:
            taken, before = self.refusals.take()
            self.filling.refusals += taken
            self.filling.refusals_before = self.filling.refusals_before or before

    def go_on_from(self, stopped: "Writer") -> None:
        """Take over, from the writer that has stopped, what it has refused and answered and not handed over."""
        stopped.refusals.lose_after(stopped.durable_seq)
        self.refusals = stopped.refusals

    def seal(self) -> tuple[Stretch, Filling]:
        """Take what was decided as an immutable stretch, and start to fill the next.

        Whatever it raises, everyone who waits still waits in the stretch that is being filled: the stream must stop.
        """
        state = self.state
        stream = self.stream
        encoded: dict[type[Row], tuple[Encode, list[tuple[Any, ...]]]] = {}
        for row in state.changed.values():
            kind = type(row)
            known = encoded.get(kind)
            if known is None:
                known = encoded[kind] = (row_encoder(kind), [])
            known[1].append(known[0](stream, row))
        rows = {kind.table: values for kind, (_, values) in encoded.items()}
        dropped: dict[str, list[tuple[Any, ...]]] = {}
        for row in state.dropped.values():
            dropped.setdefault(row.table, []).append(key_of(type(row))(stream, row))
        if self.filling.logged:
            self.hand_over_refusals()
        filling, self.filling = self.filling, Filling()
        self.sealed.append(filling)
        state.changed = {}
        state.dropped = {}
        before = self.head
        held = state.held_rows, state.held_sum
        self.head = Head(self.stream, before.epoch, state.seq, self.hash, state.at_ns, *held)
        stretch = Stretch(before, self.head, filling.logged, rows, dropped, filling.refusals, filling.refusals_before)
        return stretch, filling

    def lost(self, filling: Filling) -> None:
        """A sealed stretch was not stored."""
        with suppress(ValueError):
            self.sealed.remove(filling)

    def undurable_since_ns(self) -> int:
        """The host's time when the oldest change that is not durable yet was decided, 0 if there is none."""
        return next((filling.began_ns for filling in (*self.sealed, self.filling) if filling.began_ns), 0)

    def release(self, filling: Filling, *, stored: bool) -> None:
        """Let go on who waited for a stretch to be stored or lost."""
        for released in filling.released:
            if not released.done():
                released.set_result(stored)

    def undurable(self) -> list[Happened]:
        """The events that the state holds and that are not durable yet."""
        return [happened for filling in (*self.sealed, self.filling) for happened in filling.happened]

    def durable(self, seq: int) -> None:
        """The oldest sealed stretch is durable, up to a position: what is closed may leave memory."""
        self.sealed.popleft()
        self.durable_seq = seq
        self.positions.reached(seq)
        if isinstance(self.state, Book):
            self.evictions += self.state.tickets.evict(seq)
