"""Answers: what comes of a request: what was executed, a page, or why it was refused.

Rule: a refusal has a code, always; what cannot be read is refused with the code `unknown`.
"""

from collections.abc import Mapping
from typing import Any

import httpx
import msgspec


class RefusedError(Exception):
    """A request was refused. status: of HTTP; code: see docs/codes.md; details: the values that help. request_id: by which the
    server's own log names the request."""

    def __init__(
        self, status: int, code: str, message: str, details: Mapping[str, Any], position: int, request_id: str = ""
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.details = dict(details)
        self.position = position
        self.request_id = request_id


class UnreachableError(Exception):
    """Nobody answered within the time given. The command may have been executed: send it again with the same id."""


class Executed(msgspec.Struct):
    """An executed command. position: of the stream after it. events: what happened. moves: of a preview."""

    position: int
    events: list[dict[str, Any]] = []
    repeated: bool = False
    preview: bool = False
    moves: dict[str, dict[str, Any]] = {}


class Page(msgspec.Struct):
    """A page of a query's answer.

    next: pass it as `after` for the next page; "" after the last. Of history, a page before the last may be short.
    """

    position: int
    items: list[dict[str, Any]]
    next: str = ""
    house: int = 0


decode_answer = msgspec.json.Decoder(Executed).decode
decode_page = msgspec.json.Decoder(Page).decode


def refusal(response: httpx.Response) -> RefusedError:
    """The refusal that a response is."""
    request_id = response.headers.get("x-request-id", "")
    try:
        body = msgspec.json.decode(response.content)
        error = body["error"]
        return RefusedError(
            response.status_code,
            error["code"],
            error["message"],
            error.get("details", {}),
            body.get("position", 0),
            request_id,
        )
    except (msgspec.DecodeError, KeyError, TypeError):
        return RefusedError(response.status_code, "unknown", response.text[:200], {}, 0, request_id)


def line_outcome(line: bytes) -> Executed | RefusedError:
    """The outcome in a line of a bulk answer."""
    body = msgspec.json.decode(line)
    error = body.get("error")
    if error is None:
        return decode_answer(line)
    return RefusedError(
        0, error["code"], error["message"], error["details"], body["position"], body.get("request_id", "")
    )
