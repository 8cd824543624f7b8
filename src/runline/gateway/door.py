"""Door: the one way from outside to the engine. It says who asks; the writer says what they may."""

import asyncio
import re
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, TypeVar

import msgspec

from runline.bus.local import LocalBus
from runline.domain.access import User
from runline.domain.bounds import PIECE_MAX
from runline.domain.messages import COMMANDS, GATEWAY, HOUSE, Command, Rejected
from runline.domain.pieces import require_small_pieces
from runline.domain.sessions import KeepSession, Session, SessionState, require_session
from runline.engine.engine import Engine
from runline.engine.limits import AT_LEAST_WAIT_S, REQUEST_BYTES_MAX, REQUESTS_PER_SEND_MAX
from runline.engine.requests import Outcome, Refused, Request, Sink
from runline.gateway.audience import Audience, audience_of
from runline.gateway.limits import KEEP_PROGRAM_NS, KEEP_SCREEN_NS
from runline.gateway.tokens import session_name, stream_of

V = TypeVar("V")


class Asker(msgspec.Struct, frozen=True, gc=False):
    """Who asks: a session of a stream, and its user. screen: whether a person sits before it."""

    stream: str
    session: str
    user: str
    screen: bool = False


class Line(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A line of `POST /v1/commands`.

    type: the command's name, such as PlaceWager. command: its fields. id: a UUIDv7 of the sender's, so that the line can be
    sent again; preview: decide only; if_position: refuse if the ground has moved since; correlation: what it belongs to.
    """

    type: str
    command: msgspec.Raw
    id: str = ""
    preview: bool = False
    if_position: int | None = None
    correlation: str = ""


def public_commands() -> list[type[Command]]:
    """The commands that have a door, by name."""
    return [
        COMMANDS[name] for name in sorted(COMMANDS) if COMMANDS[name].needs is not None and not COMMANDS[name].secret
    ]


@cache
def path_name(name: str) -> str:
    """A command's or query's name in a path: PlaceWager -> place-wager."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()


@cache
def decoder_of(name: str) -> Any:
    """The decoder of a command's fields, or None."""
    kind = COMMANDS.get(name)
    if kind is None or kind.needs is None or kind.secret:
        return None
    return msgspec.json.Decoder(kind)


def decoded(decoder: Any, body: bytes | msgspec.Raw) -> Any:
    """What a body holds, or Rejected `malformed_command`, `too_long`, `too_many`."""
    try:
        found = decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise Rejected("malformed_command", str(error) or type(error).__name__) from None
    if len(body) > PIECE_MAX:
        # No shorter one can hold a larger piece.
        require_small_pieces(found)
    return found


decode_line = msgspec.json.Decoder(Line)


class Door:
    """Commands and queries of whoever is signed in."""

    def __init__(self, engine: Engine, bus: LocalBus) -> None:
        self.engine = engine
        self.bus = bus
        self.noted_ns: dict[str, int] = {}
        self.users: dict[str, str] = {}
        """The user of each session that was seen here."""
        self.loop = asyncio.get_running_loop()

    def asker(self, token: str) -> Asker:
        """Who asks, by their token.

        Raises Rejected `not_signed_in`, `unavailable`. (Whether the session still holds is for the writer to say.)
        """
        if not token:
            raise Rejected("not_signed_in", "Sign in first.")
        if not self.engine.available:
            raise Rejected("unavailable", "Nothing can be recorded now. Try again in a moment.")
        writer = self.engine.writers.get(stream_of(token))
        name = session_name(token)
        session = writer.state.sessions.get(name) if writer is not None else None
        if session is None and writer is not None and writer.state.seq > writer.durable_seq and name in self.users:
            # That it has ended may not be durable yet, and nobody is to hear it before it is: the stream says so when it is.
            return Asker(writer.stream, name, self.users[name])
        if writer is None or session is None:
            raise Rejected("not_signed_in", "This token is not of a session that goes on. Sign in again.")
        if name not in self.users:
            if len(self.users) > 100_000:
                self.users.clear()
            self.users[name] = session.user
        if session.kind == "screen":
            return Asker(writer.stream, name, session.user, True)
        self.note_use(writer.stream, session, KEEP_PROGRAM_NS)
        return Asker(writer.stream, name, session.user)

    def keep(self, stream: str, name: str) -> None:
        """Note that a session is in use: a program's. (A screen that only shows is not.)"""
        writer = self.engine.writers.get(stream)
        session = writer.state.sessions.get(name) if writer is not None else None
        if session is not None and session.kind != "screen":
            self.note_use(stream, session, KEEP_PROGRAM_NS)

    def keep_screen(self, asker: Asker) -> None:
        """Note that something was done at a screen."""
        writer = self.engine.writers.get(asker.stream)
        session = writer.state.sessions.get(asker.session) if writer is not None else None
        if session is not None:
            self.note_use(asker.stream, session, KEEP_SCREEN_NS)

    def note_use(self, stream: str, session: Session, every_ns: int) -> None:
        """Have it noted in the book, now and then, that a session was used."""
        now_ns = self.engine.clock.now_ns()
        noted_ns = self.noted_ns.get(session.name, 0)
        if noted_ns < session.idle_until_ns - session.idle_ns:
            noted_ns = session.idle_until_ns - session.idle_ns
        # A time that lies ahead was noted before the clock was put right.
        if abs(now_ns - noted_ns) >= min(every_ns, session.idle_ns // 4):
            if len(self.noted_ns) > 100_000:
                self.noted_ns.clear()
            self.noted_ns[session.name] = now_ns
            self.engine.submit([self.request(stream, GATEWAY, KeepSession(session.name))], Unheard())

    def report(self, command: Command, sink: Sink) -> None:
        """Send the house what the monitor has found."""
        self.engine.submit([self.request(HOUSE, GATEWAY, command)], sink)

    def request(self, stream: str, actor: str, command: Command) -> Request:
        """A request with an id of its own."""
        return Request(stream, self.bus.new_id(), actor, command)

    async def execute(self, request: Request) -> Outcome:
        """The outcome of one request, durable."""
        answer = self.loop.create_future()
        self.engine.submit((request,), Answer(answer))
        outcome: Outcome = await answer
        return outcome

    def asked(
        self,
        asker: Asker,
        command: Command,
        command_id: str = "",
        preview: bool = False,
        if_position: int | None = None,
        correlation: str = "",
    ) -> Request:
        """What somebody asks for. Without an id of theirs it gets one here, and cannot be sent again safely."""
        if asker.screen:
            self.keep_screen(asker)
        return Request(
            asker.stream,
            command_id or self.bus.new_id(),
            asker.user,
            command,
            asker.session,
            correlation,
            preview,
            if_position,
        )

    async def execute_lines(self, asker: Asker, lines: Sequence[bytes]) -> list[Outcome]:
        """The outcomes of lines, in their order; what cannot be read is refused by itself.

        Raises Rejected `too_many`.
        """
        if len(lines) > REQUESTS_PER_SEND_MAX:
            raise Rejected("too_many", "Too many commands in one call.", most=REQUESTS_PER_SEND_MAX)
        outcomes: list[Outcome | None] = [None] * len(lines)
        requests: list[Request] = []
        places: list[int] = []
        for place, body in enumerate(lines):
            try:
                if len(body) > REQUEST_BYTES_MAX:
                    raise Rejected("too_large", "The line is too large.", most=REQUEST_BYTES_MAX)
                line: Line = decoded(decode_line, body)
                decoder = decoder_of(line.type)
                if decoder is None:
                    raise Rejected("unknown_command", f"There is no command {line.type[:64]!r}.")
                command = decoded(decoder, line.command)
                requests.append(self.asked(asker, command, line.id, line.preview, line.if_position, line.correlation))
                places.append(place)
            except Rejected as rejected:
                outcomes[place] = Refused(0, rejected.code, rejected.message, rejected.details)
        for place, outcome in zip(places, await self.bus.send(requests), strict=True):
            outcomes[place] = outcome
        return outcomes  # type: ignore[return-value]

    async def read(self, asker: Asker, read: Callable[[Any, User, Audience], V], at_least: int = 0) -> tuple[int, V]:
        """Read from the asker's stream, if they may: (position, what `read` returns), durable.

        Raises Rejected `signed_out`, `not_permitted`, what `read` raises, and what Engine.query raises.
        """

        def checked(state: SessionState) -> V | Rejected:
            try:
                user = reader_of(state, asker, self.engine.clock.now_ns())
                return read(state, user, audience_of(state, user))
            except Rejected as rejected:
                return rejected

        position, found = await self.engine.query(asker.stream, checked, at_least, AT_LEAST_WAIT_S, asker.user)
        if isinstance(found, Rejected):
            raise found
        return position, found

    @property
    def house_position(self) -> int:
        """The position of the durable house view."""
        return self.engine.view.seq or self.engine.writers[HOUSE].durable_seq


def reader_of(state: SessionState, asker: Asker, now_ns: int) -> User:
    """The user who asks, if their session holds and they may act."""
    user = state.users.get(asker.user)
    if user is None or not user.active:
        raise Rejected("not_permitted", "This user may not act here.")
    require_session(state, asker.session, user, now_ns)
    return user


class Answer(Sink):
    """The sink of one request: a future, unless nobody waits for it any more."""

    __slots__ = ("future",)

    def __init__(self, future: "asyncio.Future[Outcome]") -> None:
        self.future = future

    def answer(self, index: int, outcome: Outcome) -> None:
        """Take the outcome."""
        if not self.future.done():
            self.future.set_result(outcome)


class Unheard(Sink):
    """The sink of what nobody waits for."""

    def answer(self, index: int, outcome: Outcome) -> None:
        """Nothing is done with it."""
