"""Web: what the raw ASGI doors share. Headers, bodies with bounds, answers."""

import logging
from typing import Any

from runline.domain.messages import Rejected
from runline.gateway.answers import internal_error, rejected_json, status_of
from runline.gateway.door import Caller
from runline.gateway.site import Headers

logger = logging.getLogger("runline.gateway")

JSON = b"application/json"

POLICY_HEADER = b"content-security-policy"
"""A page has its own; whatever has none gets the one of what is no page."""

NO_POLICY = b"%b: default-src 'none'; frame-ancestors 'none'\r\n" % POLICY_HEADER
"""The policy of an answer that is no page: it may load nothing and be framed nowhere."""

CONNECTION = "runline.connection"
"""Under this name a scope's extensions have the connection of the request."""


def headers_of(scope: Any) -> Headers:
    """The headers of a request by their lower-case names; of several the last."""
    return dict(scope["headers"])


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


def refusal_of(rejected: Rejected) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """A refusal as (status, headers, body)."""
    body = rejected_json(rejected)
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        *refusal_headers(rejected.code),
    ]
    return status_of(rejected.code), headers, body


async def refuse(send: Any, rejected: Rejected) -> None:
    """Send a refusal."""
    status, headers, body = refusal_of(rejected)
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def guarded(door: Any) -> Any:
    """An ASGI door with our refusals."""

    async def handle(scope: Any, receive: Any, send: Any) -> None:
        try:
            await door(scope, receive, send)
        except Rejected as rejected:
            await refuse(send, rejected)
        except ConnectionError:
            pass
        except Exception as error:
            logger.exception("a fault while answering")
            await refuse(send, internal_error(error))

    return handle
