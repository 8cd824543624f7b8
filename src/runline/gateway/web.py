"""Web: what the raw ASGI doors share. Headers, bodies with bounds, answers."""

import logging
import re
from typing import Any

from runline.domain.messages import Rejected
from runline.gateway.answers import internal_error, rejected_json, status_of
from runline.gateway.door import Caller
from runline.gateway.limits import REQUEST_ID_LENGTH_MAX
from runline.gateway.site import Headers

logger = logging.getLogger("runline.gateway")

JSON = b"application/json"

POLICY_HEADER = b"content-security-policy"
"""A page has its own; whatever has none gets the one of what is no page."""

NO_POLICY = b"%b: default-src 'none'; frame-ancestors 'none'\r\n" % POLICY_HEADER
"""The policy of an answer that is no page: it may load nothing and be framed nowhere."""

CONNECTION = "runline.connection"
"""Under this name a scope's extensions have the connection of the request."""

REQUEST_ID = "runline.request_id"
"""Under this name they have its id."""

SENT_ID = re.compile(rb"[A-Za-z0-9._:/+=@-]{1,%d}" % REQUEST_ID_LENGTH_MAX)
"""An id that a client may give its request; one with anything else in it is not taken, and the request gets one of ours."""


def request_id(headers: Headers, own: bytes) -> bytes:
    """The id of a request: the client's, else our own."""
    sent = headers.get(b"x-request-id")
    return own if sent is None or SENT_ID.fullmatch(sent) is None else sent


def headers_of(scope: Any) -> Headers:
    """The headers of a request by their lower-case names; of several the last."""
    return dict(scope["headers"])


def request_id_of(scope: Any) -> bytes:
    """The id of a request. Every answer's head has it."""
    found: bytes = scope["extensions"][REQUEST_ID]
    return found


def log_fault(request_id: bytes, error: BaseException) -> None:
    """Note a fault of ours, with the request in which it came to light."""
    logger.error("a fault while answering the request %s", request_id.decode(), exc_info=error)


def connection_of(scope: Any) -> Any:
    """The connection of a request."""
    return scope["extensions"][CONNECTION]


async def called_by(scope: Any) -> Caller:
    """Who sends a request. From now on its connection counts as theirs.

    Raises Rejected `not_signed_in`, `cross_site`, `busy`; ConnectionError if the client has gone.
    """
    caller: Caller = await connection_of(scope).called_by(headers_of(scope), scope["method"])
    return caller


def require_content(headers: Headers, *types: bytes) -> None:
    """Refuse a body of another content type. Raises Rejected `content_type`."""
    if headers.get(b"content-type", b"").split(b";")[0].strip().lower() not in types:
        names = ", ".join(one.decode() for one in types)
        raise Rejected("content_type", f"The content type must be {names}.")


async def body_of(receive: Any, headers: Headers, bytes_max: int) -> bytes:
    """The body of a request. (How long it may take is for its connection to say.)

    Raises Rejected `too_large`, `body_timeout`, `busy`; ConnectionError if the client has gone.
    """
    length = headers.get(b"content-length", b"")
    if length.isdigit() and int(length) > bytes_max:
        raise too_large(bytes_max)
    parts: list[bytes] = []
    size, more = 0, True
    while more:
        message = present(await receive())
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > bytes_max:
            raise too_large(bytes_max)
        more = message.get("more_body", False)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def too_large(bytes_max: int) -> Rejected:
    """The refusal of a body."""
    return Rejected("too_large", "The request is too large.", most=bytes_max)


def present(message: Any) -> Any:
    """The message, unless the client has gone."""
    if message["type"] == "http.disconnect":
        raise ConnectionError
    return message


async def answer(send: Any, status: int, body: bytes, content_type: bytes = JSON, policy: bytes = b"") -> None:
    """Send a whole answer. policy: of a page."""
    headers = [(b"content-type", content_type), (b"content-length", b"%d" % len(body))]
    if policy:
        headers.append((POLICY_HEADER, policy))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


CLOSING = ("too_large", "body_timeout")
"""Refusals of a body that was not read to its end: the connection is closed."""


def refusal_headers(code: str) -> list[tuple[bytes, bytes]]:
    """What a refusal's head says of itself."""
    headers = [(b"cache-control", b"no-store")]
    if code in CLOSING:
        headers.append((b"connection", b"close"))
    if code in ("busy", "unavailable"):
        headers.append((b"retry-after", b"1"))
    return headers


def refusal_of(rejected: Rejected, request_id: bytes) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """A refusal as (status, headers, body)."""
    body = rejected_json(rejected, request_id)
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        *refusal_headers(rejected.code),
    ]
    return status_of(rejected.code), headers, body


async def refuse(scope: Any, send: Any, rejected: Rejected) -> None:
    """Send a refusal of a request."""
    status, headers, body = refusal_of(rejected, request_id_of(scope))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def guarded(door: Any) -> Any:
    """An ASGI door with our refusals."""

    async def handle(scope: Any, receive: Any, send: Any) -> None:
        try:
            await door(scope, receive, send)
        except Rejected as rejected:
            await refuse(scope, send, rejected)
        except ConnectionError:
            pass
        except Exception as error:
            log_fault(request_id_of(scope), error)
            await refuse(scope, send, internal_error(error))

    return handle
