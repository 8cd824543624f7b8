"""Operations: what each route is, for the framework that leads to it and for the document that describes it."""

from collections.abc import Awaitable, Callable
from typing import Any, Literal

import msgspec
from litestar import MediaType, Request, Response, route
from litestar.handlers import HTTPRouteHandler

from runline.gateway.parameters import NoParameters

Asking = Request[Any, Any, Any]
Handle = Callable[[Asking], Awaitable[Response[Any]]]

HANDLES = "runline.handles"
"""Under this name a scope's extensions have what answers each operation, by its name."""


class Header(msgspec.Struct, frozen=True):
    """A header that a request may have."""

    name: str
    about: str
    example: str
    longest: int


class Operation(msgspec.Struct, frozen=True):
    """A route.

    name: of the operation. summary: a sentence in words. about: whatever else there is to say. takes: its parameters. body: what
    it is sent. answers: what it answers, by content type. codes: with which codes it may refuse. signed: whether somebody has to
    be signed in. handle: what answers; None for a door that the framework does not know.
    """

    method: Literal["GET", "POST"]
    path: str
    name: str
    tag: str
    summary: str
    answers: dict[str, Any]
    about: str = ""
    takes: type[msgspec.Struct] = NoParameters
    headers: tuple[Header, ...] = ()
    body: type[msgspec.Struct] | None = None
    body_content: str = "application/json"
    codes: tuple[str, ...] = ()
    signed: bool = True
    empty: str = ""
    """What it means that the answer is empty (204), "" if it never is."""
    handle: Handle | None = None


def json_of(kind: Any) -> dict[str, Any]:
    """An answer of this shape."""
    return {"application/json": kind}


def json_response(body: bytes, status: int = 200, **more: Any) -> Response[bytes]:
    """A response of JSON that is encoded already."""
    return Response(body, status_code=status, media_type=MediaType.JSON, **more)


def framework_route(operation: Operation) -> HTTPRouteHandler:
    """An operation as the framework has it: a framework may lead to several servers, each of which says what answers there."""
    name = operation.name

    async def answer(request: Asking) -> Response[Any]:
        extensions: Any = request.scope["extensions"]
        return await extensions[HANDLES][name](request)  # type: ignore[no-any-return]

    return route(operation.path, http_method=operation.method, name=name, status_code=200)(answer)
