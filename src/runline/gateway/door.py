"""Door: from what clients say to requests and questions for whoever owns the stream.

Rule: a token is taken for what it says, a session of a stream, and nothing more. Who that is, whether it still holds and what
they may do is judged where the stream is; nothing of it is known here.
"""

import re
from collections.abc import Sequence
from functools import cache
from typing import Any, TypeVar

import msgspec

from runline.domain.bounds import PIECE_MAX
from runline.domain.messages import GATEWAY, Command, Rejected
from runline.domain.pieces import require_small_pieces
from runline.domain.queries.inside import (
    MEASURES,
    READY,
    TRIED,
    TRY,
    VITALS,
    Begun,
    Nothing,
    Readiness,
    Standing,
    Tried,
    Try,
    Vitals,
)
from runline.domain.vocabulary import Vocabulary
from runline.engine.bus import Answer, Bus, Question
from runline.engine.limits import REQUEST_BYTES_MAX, REQUESTS_PER_SEND_MAX
from runline.engine.ports import Clock
from runline.engine.probes import Measures
from runline.engine.requests import Outcome, Request, Sink, refused
from runline.gateway.tokens import session_name, stream_of

V = TypeVar("V")

encode = msgspec.json.Encoder().encode


class Caller(msgspec.Struct, frozen=True, gc=False):
    """Who calls, as their token says: a session of a stream."""

    stream: str
    session: str


class CommandLine(msgspec.Struct, forbid_unknown_fields=True, gc=False):
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


def caller_of(token: str) -> Caller:
    """Who calls with a token. Raises Rejected `not_signed_in`."""
    if not token:
        raise Rejected("not_signed_in", "Sign in first.")
    return Caller(stream_of(token), session_name(token))


def public_commands(vocabulary: Vocabulary) -> list[type[Command]]:
    """The commands that have a door, by name."""
    return [kind for _, kind in sorted(vocabulary.commands.items()) if kind.needs is not None and not kind.secret]


@cache
def path_name(name: str) -> str:
    """A command's or query's name in a path: PlaceWager -> place-wager."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()


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


decode_line = msgspec.json.Decoder(CommandLine)


class Door:
    """What a gateway sends and asks. decoders: of the fields of the commands that have a door, by name."""

    def __init__(self, bus: Bus, clock: Clock) -> None:
        self.bus = bus
        self.clock = clock
        self.vocabulary = bus.vocabulary
        self.decoders = {kind.__name__: msgspec.json.Decoder(kind) for kind in public_commands(bus.vocabulary)}

    def own(self, stream: str, command: Command) -> Request:
        """What the gateway itself sends."""
        return Request(stream, self.bus.new_id(), GATEWAY, command)

    def report(self, stream: str, command: Command, sink: Sink) -> None:
        """Send something of the gateway's own that nobody waits for."""
        self.bus.submit((self.own(stream, command),), sink)

    def request(
        self,
        caller: Caller,
        command: Command,
        command_id: str = "",
        preview: bool = False,
        if_position: int | None = None,
        correlation: str = "",
    ) -> Request:
        """What somebody sends. Without an id of theirs it gets one here, and cannot be sent again safely."""
        return Request(
            caller.stream,
            command_id or self.bus.new_id(),
            "",
            command,
            caller.session,
            correlation,
            preview,
            if_position,
        )

    async def execute_lines(self, caller: Caller, lines: Sequence[bytes]) -> list[Outcome]:
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
                line: CommandLine = decoded(decode_line, body)
                decoder = self.decoders.get(line.type)
                if decoder is None:
                    raise Rejected("unknown_command", f"There is no command {line.type[:64]!r}.")
                command = decoded(decoder, line.command)
                sent = self.request(caller, command, line.id, line.preview, line.if_position, line.correlation)
                requests.append(sent)
                places.append(place)
            except Rejected as rejected:
                outcomes[place] = refused(0, rejected)
        for place, outcome in zip(places, await self.bus.send(requests), strict=True):
            outcomes[place] = outcome
        return outcomes  # type: ignore[return-value]

    async def ask(self, caller: Caller, name: str, asked: Any, at_least: int = 0) -> Answer:
        """The answer to somebody's query. Raises Rejected as `Bus.ask` does."""
        return await self.bus.ask(Question(caller.stream, name, encode(asked), caller.session, at_least=at_least))

    async def standing(self, caller: Caller) -> Standing:
        """How somebody stands who is signed in.

        Raises Rejected `not_signed_in`, `signed_out`, `not_permitted`, `unavailable`.
        """
        answer = await self.ask(caller, "standing", Nothing())
        return msgspec.json.decode(answer.body, type=Standing)

    async def ask_inside(self, stream: str, name: str, asked: Any, answer: type[V], at_least: int = 0) -> V:
        """The answer to a question of the gateway's own. Raises Rejected as `Bus.ask` does."""
        assert self.vocabulary.inside[name].answer is answer
        found = await self.bus.ask(Question(stream, name, encode(asked), at_least=at_least))
        return msgspec.json.decode(found.body, type=answer)

    async def readiness(self, stream: str = "") -> Readiness:
        """Whether commands of a stream, or of every stream, can be recorded now. Raises Rejected `unavailable`."""
        return msgspec.json.decode((await self.bus.ask(Question(stream, READY))).body, type=Readiness)

    async def vitals(self, stream: str) -> Vitals:
        """How the process that owns a stream is. Raises Rejected `unavailable`."""
        return msgspec.json.decode((await self.bus.ask(Question(stream, VITALS))).body, type=Vitals)

    async def measures(self) -> Measures:
        """How long commands take. Raises Rejected `unavailable`."""
        return msgspec.json.decode((await self.bus.ask(Question("", MEASURES))).body, type=Measures)

    async def begin_try(self, stream: str, tried: Try) -> int:
        """Count a password that is being checked: how many wrong ones are counted by now, this one included.

        Raises Rejected `sign_in_delayed`, `unavailable`.
        """
        answer = await self.bus.ask(Question(stream, TRY, encode(tried)))
        return msgspec.json.decode(answer.body, type=Begun).failures

    async def end_try(self, stream: str, tried: Try, *, right: bool) -> None:
        """A try was right, or could not be checked. Raises Rejected `unavailable`."""
        await self.bus.ask(Question(stream, TRIED, encode(Tried(tried, right))))
