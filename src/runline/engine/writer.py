"""Writer: the one place where a stream changes.

Rule: a command is judged and applied in one step, against the state as it is then. What was decided is unobservable until
its batch is durable: answers, refusals, queries and events wait in the part that is being filled.
"""

import asyncio
from collections import deque
from typing import Any

import msgspec

from runline.domain.access import authorize
from runline.domain.book import Book
from runline.domain.context import Context
from runline.domain.house import House
from runline.domain.invariants import BrokenInvariant
from runline.domain.limits import STEP_NS_MAX
from runline.domain.messages import DECIDERS, ENGINE, EVOLVERS, GROUNDS, WANTED, Event, Rejected, bare
from runline.domain.preview import Moves, moves
from runline.domain.rows import Encode, key_of, row_encoder
from runline.domain.sessions import SessionState, require_presence, require_session
from runline.domain.state import Need, Row
from runline.engine.envelope import content_digest, encode_envelope, link
from runline.engine.ids import id_bytes
from runline.engine.lanes import Lanes
from runline.engine.limits import REFUSAL_ROWS_MAX
from runline.engine.ports import EventRow, Head, Part, Refusal
from runline.engine.requests import Accepted, Outcome, Previewed, Request, Ticket, refused
from runline.engine.window import Window

MINUTE_NS = 60_000_000_000
NO_ID = bytes(16)


Happened = tuple[int, int, str, str, Event]
"""position, time, actor, command id, event"""


class Filling:
    """What has been decided since the last sealing, and who waits for it to be durable."""

    def __init__(self) -> None:
        self.logged: list[EventRow] = []
        self.happened: list[Happened] = []
        self.refusals: dict[tuple[int, str, str, str], Refusal] = {}
        self.waiting: list[tuple[Ticket, Outcome]] = []
        self.repeats: list[tuple[Ticket, int, int]] = []
        self.released: list[asyncio.Future[bool]] = []

    def __bool__(self) -> bool:
        return bool(self.logged or self.refusals or self.waiting or self.repeats or self.released)


def time_of(last_ns: int, now_ns: int) -> int:
    """The time of a stream whose last event is not earlier than now: it stands still until the clock has caught up. An event that
    is further ahead than a clock is waited for was stamped by a wrong one, and nothing is judged by its time any more."""
    return last_ns if last_ns - now_ns <= STEP_NS_MAX else now_ns


class Writer:
    """Decides and evolves one stream.

    house: the durable house view, for books. node: this process's name.
    """

    def __init__(self, state: SessionState, head: Head, window: Window, house: House | None, node: str) -> None:
        self.stream = state.stream
        self.state = state
        self.head = head
        self.hash = head.hash
        self.durable_seq = head.seq
        self.window = window
        self.house = house
        self.node = node
        self.lanes = Lanes()
        self.filling = Filling()
        self.sealed: deque[Filling] = deque()
        self.stopped = ""
        self.evictions = 0
        self.fetching_job = False
        self.job_turn = 0

    def needs(self, ticket: Ticket) -> list[Need]:
        """The rows that a ticket's command needs and that are not in memory."""
        fetched = ticket.fetched
        if fetched is not None and (not fetched or self.has_wagers(fetched)):
            return []
        wanted = WANTED.get(type(ticket.request.command))
        return wanted(self.state, ticket.request.command) if wanted else []

    def has_wagers(self, numbers: tuple[int, ...]) -> bool:
        """Whether fetched tickets are still in memory (they may have left it while their command waited)."""
        return isinstance(self.state, Book) and all(number in self.state.wagers for number in numbers)

    def take(self, ticket: Ticket, fetched: list[list[Row]]) -> None:
        """Take fetched rows into memory, unless they are there (memory is never older), until the ticket is done."""
        state = self.state
        for rows in fetched:
            for row in rows:
                held = getattr(state, type(state).held[type(row)])
                if row.key() not in held:
                    held[row.key()] = row
        ticket.fetched = tuple(row.key() for rows in fetched for row in rows)

    def execute(self, ticket: Ticket, now_ns: int, decided_ns: int, house_lag_ms: int) -> None:
        """Execute one command: judge it, apply its events, log them.

        Raises BrokenInvariant (or whatever else a broken handler raises while evolving): the stream must stop.
        """
        state = self.state
        request = ticket.request
        at_ns = now_ns if now_ns > state.at_ns else time_of(state.at_ns, now_ns)
        try:
            internal = request.actor == ENGINE
            command_id = id_bytes(request.id)
            digest = b""
            if not internal:
                digest = content_digest(request.actor, request.command)
                seen = self.window.look(command_id, at_ns)
                if seen is not None:
                    if seen.digest != digest:
                        raise Rejected("command_reused", "This id was used for another command.")
                    self.filling.repeats.append((ticket, seen.first, seen.count))
                    return
            events = self.decide(request, ticket, at_ns, house_lag_ms)
        except Rejected as rejected:
            self.refuse(ticket, rejected, at_ns)
            return
        finally:
            if ticket.fetched and isinstance(state, Book):
                state.closed.extend(ticket.fetched)
        if request.preview:
            moved = moves(state, events) if isinstance(state, Book) else Moves()
            self.filling.waiting.append((ticket, Previewed(state.seq, events, moved)))
            return
        if events:
            first = state.seq + 1
            self.apply(events, ticket, command_id, digest, at_ns, decided_ns)
            if not internal:
                self.window.remember(command_id, digest, first, len(events), at_ns // 1_000_000)
        self.filling.waiting.append((ticket, Accepted(state.seq, events)))

    def decide(self, request: Request, ticket: Ticket, at_ns: int, house_lag_ms: int) -> list[Event]:
        """The events that a command makes, or Rejected. Changes nothing."""
        command = request.command
        state = self.state
        user = authorize(state, command, request.actor)
        if request.session:
            session = require_session(state, request.session, user, at_ns)
            if at_ns >= session.idle_until_ns and not command.urgent:
                require_presence(session, at_ns)
        if request.if_position is not None:
            ground = GROUNDS.get(type(command))
            moved = ground(state, command) if ground else state.seq
            if moved > request.if_position:
                raise Rejected("position_moved", "This has changed since you looked.", position=moved)
        context = Context(at_ns, user, request.session, self.house, house_lag_ms, ticket.fetched or ())
        try:
            decided = DECIDERS[type(command)](state, command, context)
        except (Rejected, BrokenInvariant):
            raise
        except Exception as error:
            # Deciding changes nothing, so a fault of ours costs this one command and not the stream.
            raise Rejected("internal_error", f"This command cannot be decided: {type(error).__name__}.") from error
        return [decided] if isinstance(decided, Event) else list(decided)

    def apply(
        self, events: list[Event], ticket: Ticket, command_id: bytes, digest: bytes, at_ns: int, decided_ns: int
    ) -> None:
        """Evolve the state by events and add them to the log's end."""
        state = self.state
        request = ticket.request
        stream = self.stream
        filling = self.filling
        logged = filling.logged
        chain = self.hash
        state.at_ns = at_ns
        for event in events:
            state.seq = seq = state.seq + 1
            kind = type(event)
            EVOLVERS[kind](state, event)
            if kind.secret:
                event = bare(event)
            # An Envelope, written as the tuple that it is encoded as.
            body = encode_envelope(
                (
                    stream,
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
                    ticket.queued_ns,
                    decided_ns,
                    event,
                )
            )
            chain = link(chain, body)
            logged.append((stream, seq, command_id, digest, body, chain))
            filling.happened.append((seq, at_ns, request.actor, request.id, event))
        self.hash = chain

    def refuse(self, ticket: Ticket, rejected: Rejected, at_ns: int) -> None:
        """Answer a refusal once the state that it was judged by is durable, and record it for the activity log."""
        request = ticket.request
        self.filling.waiting.append((ticket, refused(self.state.seq, rejected)))
        if request.preview:
            return
        refusals = self.filling.refusals
        actor = request.actor if request.actor in self.state.users else ""
        if len(refusals) >= REFUSAL_ROWS_MAX:
            actor = ""
        key = (at_ns // MINUTE_NS, actor, type(request.command).__name__, rejected.code)
        known = refusals.get(key)
        if known is None:
            known = refusals[key] = Refusal(*key, 0, at_ns, at_ns, NO_ID, "")
        known.count += 1
        known.last_ns = at_ns
        known.message = rejected.message
        if rejected.code != "command_id_invalid":
            known.last_id = id_bytes(request.id)

    def seal(self) -> tuple[Part, Filling]:
        """Take what was decided as an immutable part, and start to fill the next."""
        state = self.state
        filling, self.filling = self.filling, Filling()
        self.sealed.append(filling)
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
        state.changed = {}
        state.dropped = {}
        before = self.head
        self.head = msgspec.structs.replace(before, seq=state.seq, hash=self.hash, at_ns=state.at_ns)
        return Part(before, self.head, filling.logged, rows, dropped, list(filling.refusals.values())), filling

    def release(self, filling: Filling, *, stored: bool) -> None:
        """Let go on who waited for a part to be stored or lost."""
        for released in filling.released:
            if not released.done():
                released.set_result(stored)

    def undurable(self) -> list[Happened]:
        """The events that the state holds and that are not durable yet."""
        return [happened for filling in (*self.sealed, self.filling) for happened in filling.happened]

    def durable(self, seq: int) -> None:
        """The oldest sealed part is durable, up to a position: what is closed may leave memory."""
        self.sealed.popleft()
        self.durable_seq = seq
        if isinstance(self.state, Book):
            self.evictions += self.state.evict(seq)
