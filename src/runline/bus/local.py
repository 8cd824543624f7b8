"""The local bus: an in-process call, in batches. The public door of one process."""

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec

from runline.domain.messages import COMMANDS, Rejected
from runline.engine.ids import uuid7
from runline.engine.limits import REQUEST_BYTES_MAX, REQUESTS_PER_SEND_MAX
from runline.engine.requests import Executor, Outcome, Refused, Request, Sink


class Gather(Sink):
    """Collects the outcomes of one call."""

    def __init__(self, size: int) -> None:
        self.outcomes: list[Outcome | None] = [None] * size
        self.left = size
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def answer(self, index: int, outcome: Outcome) -> None:
        self.outcomes[index] = outcome
        self.left -= 1
        if not self.left and not self.done.done():
            self.done.set_result(None)


class WireRequest(msgspec.Struct, forbid_unknown_fields=True):
    """A request in JSON: `type` names the command, `command` has its fields. See `Request` for the rest."""

    stream: str
    id: str
    actor: str
    type: str
    command: msgspec.Raw
    session: str = ""
    correlation: str = ""
    preview: bool = False
    if_position: int | None = None
    bulk: bool = False


decode_wire = msgspec.json.Decoder(WireRequest).decode
decoders: dict[str, Any] = {}


def decode_request(body: bytes) -> Request:
    """A request from JSON, wholly validated.

    Raises Rejected `malformed_command`, `unknown_command`, `too_large`.
    """
    if len(body) > REQUEST_BYTES_MAX:
        raise Rejected("too_large", "The request is too large.", most=REQUEST_BYTES_MAX)
    try:
        wire = decode_wire(body)
        kind = COMMANDS.get(wire.type)
        if kind is None or kind.needs is None or kind.secret:
            raise Rejected("unknown_command", f"There is no command {wire.type[:64]!r}.")
        decoder = decoders.get(wire.type)
        if decoder is None:
            decoder = decoders[wire.type] = msgspec.json.Decoder(kind)
        command = decoder.decode(wire.command)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Rejected("malformed_command", str(error) or type(error).__name__) from None
    return Request(
        wire.stream,
        wire.id,
        wire.actor,
        command,
        wire.session,
        wire.correlation,
        wire.preview,
        wire.if_position,
        wire.bulk,
    )


class LocalBus:
    """Sends requests to the engine of this process."""

    def __init__(self, engine: Executor) -> None:
        self.engine = engine

    def new_id(self) -> str:
        """A command id of now."""
        return uuid7(self.engine.clock.now_ns(), self.engine.entropy)

    async def send(self, requests: Sequence[Request]) -> list[Outcome]:
        """The outcomes of requests, in their order, each durable.

        Raises Rejected `too_many`.
        """
        if len(requests) > REQUESTS_PER_SEND_MAX:
            raise Rejected("too_many", "Too many requests in one call.", most=REQUESTS_PER_SEND_MAX)
        if not requests:
            return []
        gather = Gather(len(requests))
        self.engine.submit(requests, gather)
        await gather.done
        return gather.outcomes  # type: ignore[return-value]

    async def send_one(self, request: Request) -> Outcome:
        """The outcome of one request."""
        return (await self.send([request]))[0]

    async def send_json(self, bodies: Sequence[bytes]) -> list[Outcome]:
        """The outcomes of requests in JSON; what cannot be read is refused by itself.

        Raises Rejected `too_many`.
        """
        if len(bodies) > REQUESTS_PER_SEND_MAX:
            raise Rejected("too_many", "Too many requests in one call.", most=REQUESTS_PER_SEND_MAX)
        outcomes: list[Outcome | None] = [None] * len(bodies)
        requests: list[Request] = []
        places: list[int] = []
        for place, body in enumerate(bodies):
            try:
                requests.append(decode_request(body))
                places.append(place)
            except Rejected as rejected:
                outcomes[place] = Refused(0, rejected.code, rejected.message, rejected.details)
        for place, outcome in zip(places, await self.send(requests), strict=True):
            outcomes[place] = outcome
        return outcomes  # type: ignore[return-value]
