"""Web: what the raw ASGI doors share. Headers, bodies with bounds, answers."""

import asyncio
import logging
from ipaddress import ip_address, ip_network
from typing import Any

from runline.domain.messages import Rejected
from runline.gateway.answers import rejected_json, status_of
from runline.gateway.limits import BODY_WAIT_S_MAX

logger = logging.getLogger("runline.gateway")

COOKIE = "runline"
SECURE_COOKIE = "__Host-runline"
DEVICE_COOKIE = "runline-device"
SECURE_DEVICE_COOKIE = "__Host-runline-device"

JSON = b"application/json"

Headers = dict[bytes, bytes]
SAFE_METHODS = ("GET", "HEAD")


def headers_of(scope: Any) -> Headers:
    """The headers of a request by their lower-case names; of several the last."""
    return dict(scope["headers"])


def cookie_of(headers: Headers) -> str:
    """The token in the console's cookie, or ""."""
    return first_cookie(headers, COOKIE, SECURE_COOKIE)


def device_of(headers: Headers) -> str:
    """The token of the device in its cookie, or ""."""
    return first_cookie(headers, DEVICE_COOKIE, SECURE_DEVICE_COOKIE)


def first_cookie(headers: Headers, *names: str) -> str:
    """The first cookie of one of these names, or ""."""
    for part in headers.get(b"cookie", b"").split(b";"):
        name, _, value = part.strip().partition(b"=")
        if name.decode("latin-1") in names:
            return value.decode("latin-1")
    return ""


def client_address(scope: Any) -> str:
    """The network that a client is at: an IPv4 address, or the first 64 bits of an IPv6 one, which one client has whole."""
    host = (scope.get("client") or ("",))[0]
    try:
        address = ip_address(host)
    except ValueError:
        return str(host)
    if address.version == 6 and address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ip_network((address, 64), strict=False)) if address.version == 6 else str(address)


def token_of(headers: Headers, method: str) -> str:
    """The token of a request: a bearer's, or the console's cookie if the request comes from the console's own pages.

    Raises Rejected `cross_site`.
    """
    authorization = headers.get(b"authorization", b"")
    if authorization[:7].lower() == b"bearer ":
        return authorization[7:].strip().decode("latin-1")
    token = cookie_of(headers)
    if token and method not in SAFE_METHODS:
        # A browser says where a request comes from; a page of another site must not act by this cookie.
        site = headers.get(b"sec-fetch-site", b"same-origin")
        origin = headers.get(b"origin", b"")
        foreign = origin and origin.rpartition(b"//")[2] != headers.get(b"host", b"")
        if site not in (b"same-origin", b"none") or foreign:
            raise Rejected("cross_site", "This request comes from another site.")
    return token


def require_content(headers: Headers, *types: bytes) -> None:
    """Refuse a body of another content type. Raises Rejected `content_type`."""
    if headers.get(b"content-type", b"").split(b";")[0].strip().lower() not in types:
        names = ", ".join(one.decode() for one in types)
        raise Rejected("content_type", f"The content type must be {names}.")


async def body_of(receive: Any, headers: Headers, bytes_max: int) -> bytes:
    """The body of a request.

    Raises Rejected `too_large`, `body_timeout`; ConnectionError if the client has gone.
    """
    length = headers.get(b"content-length", b"")
    if length.isdigit() and int(length) > bytes_max:
        raise Rejected("too_large", "The request is too large.", most=bytes_max)
    # Most bodies come with their head: the timer is for those that do not.
    late = asyncio.current_task()
    assert late is not None
    timer = asyncio.get_running_loop().call_later(BODY_WAIT_S_MAX, late.cancel)
    try:
        message = present(await receive())
        body: bytes = message.get("body", b"")
        size = len(body)
        parts = [body]
        while message.get("more_body") and size <= bytes_max:
            message = present(await receive())
            parts.append(message.get("body", b""))
            size += len(parts[-1])
    except asyncio.CancelledError:
        if timer.when() > asyncio.get_running_loop().time():
            raise
        late.uncancel()
        raise Rejected("body_timeout", "The request's body did not arrive in time.") from None
    finally:
        timer.cancel()
    if size > bytes_max:
        raise Rejected("too_large", "The request is too large.", most=bytes_max)
    return body if len(parts) == 1 else b"".join(parts)


def present(message: Any) -> Any:
    """The message, unless the client has gone."""
    if message["type"] == "http.disconnect":
        raise ConnectionError
    return message


async def answer(send: Any, status: int, body: bytes, content_type: bytes = b"application/json") -> None:
    """Send a whole answer."""
    headers = [
        (b"content-type", content_type),
        (b"content-length", b"%d" % len(body)),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def refusal_headers(code: str) -> list[tuple[bytes, bytes]]:
    """What a refusal's head says of itself. After a body that was not read to its end the connection is closed."""
    headers = [(b"cache-control", b"no-store")]
    if code in ("too_large", "body_timeout"):
        headers.append((b"connection", b"close"))
    if code in ("busy", "unavailable"):
        headers.append((b"retry-after", b"1"))
    return headers


async def refuse(send: Any, rejected: Rejected) -> None:
    """Send a refusal."""
    body = rejected_json(rejected)
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        *refusal_headers(rejected.code),
    ]
    await send({"type": "http.response.start", "status": status_of(rejected.code), "headers": headers})
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
            await refuse(send, Rejected("internal_error", f"This cannot be answered: {type(error).__name__}."))

    return handle
