"""Queues: how requests come into the lanes of their streams, and what waits there in all streams together.

Rule: what cannot even wait is answered at once. Nobody's share of what may wait takes another's.
"""

from collections.abc import Iterable, Sequence

from runline.domain.aside import Duty
from runline.domain.messages import ENGINE, GATEWAY, Command, Rejected
from runline.engine.answers import NOBODY, Answers
from runline.engine.batch import Batches
from runline.engine.bus import Bus
from runline.engine.ids import uuid7
from runline.engine.lanes import RANKS, Rank, lane_of, may_send
from runline.engine.limits import (
    ACTOR_WAITING_MAX,
    COMMAND_ID_LENGTH,
    CORRELATION_LENGTH_MAX,
    LANE_DEPTH_MAX,
    POSITION_MAX,
    SESSION_LENGTH_MAX,
    WAGERS_WAITING_MAX,
)
from runline.engine.owned import Owned
from runline.engine.presence import Presence
from runline.engine.process import Process
from runline.engine.requests import (
    BUSY,
    UNAVAILABLE,
    UNHEARD,
    Outcome,
    Request,
    Sink,
    Submission,
    not_signed_in,
    refused,
    unavailable,
)
from runline.engine.writer import Writer

WAGERS_DEPTH_MAX, ACTOR_WAGERS_MAX = LANE_DEPTH_MAX["wagers"], ACTOR_WAITING_MAX["wagers"]


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


class Onward(Sink):
    """Hears for those whose requests were sent on together. waiting: the sink of each, and its index there."""

    __slots__ = ("waiting",)

    def __init__(self, waiting: Sequence[tuple[Sink, int]]) -> None:
        self.waiting = waiting

    def answer(self, index: int, outcome: Outcome) -> None:
        sink, there = self.waiting[index]
        sink.answer(there, outcome)


class Queues:
    """What waits in all streams.

    turns: whose turn it is, for each lane: the first has the next turn, and goes to the end if it has more to do. moved: how
    streams are reached that were handed over.
    """

    def __init__(self, process: Process, owned: Owned, answers: Answers, batches: Batches) -> None:
        self.process = process
        self.owned = owned
        self.writers = owned.writers
        self.answers = answers
        self.batches = batches
        self.presence = Presence(process.clock, self.note)
        self.turns: dict[Rank, dict[Writer, None]] = {rank: {} for rank in RANKS}
        self.moved: dict[str, Bus] = {}
        self.wagers_waiting = 0

    def submit(self, requests: Sequence[Request], sink: Sink) -> None:
        """Put requests into their streams' lanes; each outcome comes to the sink once it is durable.

        What cannot even wait is answered at once: `unavailable`, `unknown_book`, `not_here`, `wrong_stream`,
        `busy`.
        """
        queued_ns = self.process.clock.host_ns()
        writers, turns = self.writers, self.turns
        # Nothing leaves a lane before this returns: whoever hears `busy` hears it for all that they sent of the same kind.
        late: dict[tuple[str, str, bool, type[Command]], list[int]] = {}
        elsewhere: dict[str, list[int]] = {}
        # Nearly all that one call sends is of one session.
        session, actor, where = "", "", None
        for index, request in enumerate(requests):
            if late:
                sender = request.session or request.actor
                found = late.get((request.stream, sender, request.bulk, type(request.command)))
                if found is not None:
                    found.append(index)
                    continue
            writer = writers.get(request.stream)
            try:
                self.require_possible(writer, request)
            except Rejected as rejected:
                if request.stream in self.moved and rejected.code in ("not_here", "unknown_book"):
                    elsewhere.setdefault(request.stream, []).append(index)
                    continue
                self.process.probes.refuse(rejected.code)
                sink.answer(index, refused(writer.durable_seq if writer else 0, rejected))
                continue
            assert writer is not None
            state = writer.state
            if request.session:
                if request.session != session or writer is not where:
                    session, where = request.session, writer
                    held = state.sessions.by_name.get(session)
                    actor = held.user if held is not None else ""
                    if held is not None:
                        self.presence.used(writer.stream, held, acts=True)
                if not actor:
                    # (Whether it still holds is judged as what is sent in it is executed.)
                    outcome = refused(state.seq, not_signed_in())
                    self.batches.tell_durably(writer, Submission(request, sink, index, queued_ns), outcome)
                    continue
                request.actor = actor
            user = state.access.users.get(request.actor)
            rank: Rank = "last"
            if may_send(state, request, user):
                rank = "bulk" if request.bulk else request.command.lane
            branch = state.tree.branch_of(user.node) if user is not None else ""
            if not request.received_ns:
                request.received_ns = queued_ns
            if not self.admit(writer, rank, Submission(request, sink, index, queued_ns, branch)):
                sender = request.session or request.actor
                late[request.stream, sender, request.bulk, type(request.command)] = [index]
                continue
            turns[rank][writer] = None
        if late:
            self.turn_away(requests, late.values(), sink)
        if elsewhere:
            self.send_on(requests, elsewhere, sink)
        self.process.wake.set()

    def turn_away(self, requests: Sequence[Request], late: Iterable[list[int]], sink: Sink) -> None:
        """Answer what comes too late for the places that there are. late: the indexes of the requests of a kind."""
        for indexes in late:
            self.process.probes.refuse("busy", len(indexes))
            writer = self.writers.get(requests[indexes[0]].stream)
            sink.answer_all(indexes, refused(writer.durable_seq if writer else 0, BUSY))

    def send_on(self, requests: Sequence[Request], elsewhere: dict[str, list[int]], sink: Sink) -> None:
        """Send on what is of streams that were handed over. elsewhere: the indexes of the requests, by stream."""
        for stream, indexes in elsewhere.items():
            onward = Onward([(sink, index) for index in indexes])
            self.moved[stream].submit([requests[index] for index in indexes], onward)

    def require_possible(self, writer: Writer | None, request: Request) -> None:
        """Refuse what no stream could judge.

        Raises Rejected `unavailable`, `unknown_book`, `not_here`, `not_permitted`, `wrong_stream`, and as `require_texts` does.
        """
        if writer is None or writer.stopped or not self.process.available:
            if writer is None and self.process.available:
                raise self.owned.lack(request.stream)
            raise unavailable()
        if request.actor == ENGINE:
            raise Rejected("not_permitted", "Only the engine itself may do this.")
        if writer.state.kind not in request.command.streams:
            raise Rejected("wrong_stream", "This command is not for this stream.")
        session = request.session
        if (
            (session and session not in writer.state.sessions.by_name)
            or request.correlation
            or request.if_position is not None
            or len(request.id) > COMMAND_ID_LENGTH
        ):
            require_texts(request)

    def note(self, stream: str, command: Command) -> None:
        """Send a command as the gateway does, for nobody who waits for it."""
        command_id = uuid7(self.process.clock.now_ns(), self.process.entropy)
        self.submit((Request(stream, command_id, GATEWAY, command),), UNHEARD)

    def admit(self, writer: Writer, rank: Rank, submission: Submission) -> bool:
        """Let a submission wait, if one more may: the lane, what its sender and their branch of the tree have of it, and of
        wagers what the stream has of all. Returns whether it may."""
        if rank == "wagers":
            if self.wagers_waiting >= WAGERS_WAITING_MAX and self.has_its_share(writer):
                return False
            if not writer.lanes.wagers.admit(submission, WAGERS_DEPTH_MAX, ACTOR_WAGERS_MAX):
                return False
            self.wagers_waiting += 1
            return True
        if rank == "control" and submission.request.actor == GATEWAY:
            # It sends for everybody; whom it sends for is bounded at the doors.
            control, depth = writer.lanes.control, LANE_DEPTH_MAX["control"]
            return control.admit(submission, depth, depth)
        return writer.lanes.admit(rank, submission)

    def has_its_share(self, writer: Writer) -> bool:
        """Whether as many wagers wait in this stream as are its due of all that may wait."""
        return len(writer.lanes.wagers) * len(self.turns["wagers"]) >= WAGERS_WAITING_MAX

    def cause(self, writer: Writer, command: Command, duty: Duty | None = None) -> None:
        """Put a command of the engine itself into a stream's lane; how many there can be is bounded elsewhere."""
        writer.lanes.ranks[command.lane].put(self.own(writer, command, duty))
        self.turns[command.lane][writer] = None
        self.process.wake.set()

    def own(self, writer: Writer, command: Command, duty: Duty | None = None) -> Submission:
        """A command of the engine itself."""
        clock = self.process.clock
        now_ns = clock.host_ns()
        command_id = uuid7(clock.now_ns(), self.process.entropy)
        request = Request(writer.stream, command_id, ENGINE, command, received_ns=now_ns)
        return Submission(request, NOBODY, 0, now_ns, duty=duty)

    def put_back(self, writer: Writer, submission: Submission) -> None:
        """Let what has waited for its rows be next of its sender's."""
        lane = lane_of(submission.request)
        writer.lanes.ranks[lane].put_first(submission)
        self.wagers_waiting += lane == "wagers"
        self.turns[lane][writer] = None

    def go_on(self, writer: Writer) -> None:
        """What waits in a stream that was held has its turn."""
        for rank in RANKS:
            if writer.lanes.ranks[rank]:
                self.turns[rank][writer] = None
        self.process.wake.set()

    def enter(self, writer: Writer) -> None:
        """Nothing waits in a stream that begins."""
        self.moved.pop(writer.stream, None)

    def leave(self, writer: Writer) -> None:
        """Tell everyone who waits in a stream's lanes that it is not available."""
        unavailable = refused(writer.durable_seq, UNAVAILABLE)
        for submission in self.empty(writer):
            self.answers.tell(submission, unavailable)

    def empty(self, writer: Writer) -> list[Submission]:
        """Take everything out of a stream's lanes."""
        for turns in self.turns.values():
            turns.pop(writer, None)
        self.wagers_waiting -= len(writer.lanes.wagers)
        return writer.lanes.empty()
