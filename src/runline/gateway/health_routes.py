"""The routes that say how a server is: to whoever watches over it, and needs not be signed in.

Rule: each is answered soon, whatever is not well. Which books there are is told to nobody who is not of them or of the house.
"""

import asyncio

import msgspec
from litestar import Response

from runline.domain.messages import HOUSE, Rejected
from runline.domain.times import with_times
from runline.gateway.bodies import Alive, Living, Now
from runline.gateway.gateway import Gateway
from runline.gateway.limits import READY_WAIT_S
from runline.gateway.operations import Asking, Operation, json_of, json_response
from runline.gateway.parameters import ReadyAsked, parameters
from runline.gateway.web import called_by

encode = msgspec.json.Encoder().encode

AWAY = Alive(False, ("owner",))
"""Whoever owns the streams does not answer."""


def health_operations(gateway: Gateway) -> list[Operation]:
    """Whether this process lives, whether commands can be recorded, and what time it is."""

    async def live(request: Asking) -> Response[bytes]:
        return json_response(encode(Living()))

    async def ready(request: Asking) -> Response[bytes]:
        stream = parameters(request.scope, ReadyAsked).stream
        caller = None
        if stream not in ("", HOUSE):
            caller = await called_by(request.scope)
            if caller.stream not in (HOUSE, stream):
                raise Rejected("not_permitted", "That is said to those of this book and of the house.")
        try:
            async with asyncio.timeout(READY_WAIT_S):
                if caller is not None:
                    await gateway.door.standing(caller)
                found = await gateway.door.readiness(stream)
        except TimeoutError:
            return json_response(encode(AWAY), 503)
        except Rejected as rejected:
            if rejected.code != "unavailable":
                raise
            return json_response(encode(AWAY), 503)
        return json_response(encode(Alive(found.ready, found.failing)), 200 if found.ready else 503)

    async def time(request: Asking) -> Response[bytes]:
        return json_response(with_times(encode(Now(gateway.clock.now_ns()))))

    return [
        Operation(
            "GET",
            "/v1/live",
            "live",
            "Health",
            "Say that this process answers; nobody else is asked.",
            json_of(Living),
            "Restart a process that does not answer here. One that only is not ready waits for something, and is left alone.",
            signed=False,
            handle=live,
        ),
        Operation(
            "GET",
            "/v1/ready",
            "ready",
            "Health",
            "Say whether commands of every stream, or of one, can be recorded now: 200, or 503.",
            json_of(Alive),
            "A gateway asks whoever owns the streams; if nobody answers within two seconds, it says that the part `owner` is not "
            "well. About a book only those of it and of the house may ask.",
            takes=ReadyAsked,
            codes=("not_signed_in", "signed_out", "not_permitted"),
            signed=False,
            handle=ready,
        ),
        Operation(
            "GET",
            "/v1/time",
            "time",
            "Health",
            "Say what time it is, by the server's clock.",
            json_of(Now),
            "By this clock the ids of commands are judged: whoever makes ids goes by it, however wrong their own clock is.",
            signed=False,
            handle=time,
        ),
    ]
