"""Answers: outcomes and refusals as HTTP statuses and JSON."""

from typing import Any

import msgspec

from runline.domain.messages import Rejected, event_json
from runline.domain.times import with_times
from runline.engine.codec import ToldEvents
from runline.engine.requests import Accepted, Outcome, Previewed, Refused

STATUS: dict[str, int] = {
    "malformed_command": 400,
    "malformed_request": 400,
    "command_id_invalid": 400,
    "resume_invalid": 400,
    "topic_invalid": 400,
    "wrong_stream": 400,
    "not_signed_in": 401,
    "signed_out": 401,
    "sign_in_failed": 401,
    "password_needed": 403,
    "revoked": 403,
    "not_permitted": 403,
    "cross_site": 403,
    "not_found": 404,
    "unknown_command": 404,
    "method_not_allowed": 405,
    "body_timeout": 408,
    "head_timeout": 408,
    "too_large": 413,
    "too_long": 422,
    "uri_too_long": 414,
    "content_type": 415,
    "busy": 429,
    "head_too_large": 431,
    "sign_in_delayed": 429,
    "internal_error": 500,
    "unavailable": 503,
    "unreadable": 503,
}
"""code -> status. Codes that begin with `unknown_` are 404, those that end with `_invalid` 422, all others 409."""


def status_of(code: str) -> int:
    """The HTTP status of a refusal's code."""
    status = STATUS.get(code)
    if status is not None:
        return status
    if code.startswith("unknown_"):
        return 404
    return 422 if code.endswith("_invalid") else 409


class Error(msgspec.Struct):
    """Why a request is refused: a stable code, a sentence for people, and the values that help."""

    code: str
    message: str
    details: dict[str, Any] = {}


class RefusalBody(msgspec.Struct):
    """The answer to a refused request.

    position: where it was judged, 0 before that.
    request_id: of the request; it also stands in the answer's head, and in Runline's own log where a fault is noted.
    """

    error: Error
    position: int = 0
    request_id: str = ""


encode = msgspec.json.Encoder().encode


def refusal_json(code: str, message: str, details: dict[str, Any], position: int, request_id: bytes) -> bytes:
    """The body of a refusal. Values that JSON cannot hold are written as text."""
    try:
        body = encode(RefusalBody(Error(code, message, details), position, request_id.decode()))
    except (OverflowError, ValueError, TypeError):
        told = {key: repr(value)[:100] for key, value in details.items()}
        body = encode(RefusalBody(Error(code, message, told), position, request_id.decode()))
    return with_times(body)


def rejected_json(rejected: Rejected, request_id: bytes) -> bytes:
    """The body of what is refused before any stream has seen it."""
    return refusal_json(rejected.code, rejected.message, rejected.details, 0, request_id)


def internal_error(fault: Exception) -> Rejected:
    """The refusal of what a fault of ours has ended: the client learns its name only."""
    return Rejected("internal_error", f"This cannot be answered: {type(fault).__name__}.")


def outcome_json(outcome: Outcome, request_id: bytes = b"") -> tuple[int, bytes]:
    """(HTTP status, body) of an outcome. request_id: of the request that it answers, for a refusal says it."""
    if type(outcome) is Accepted:
        told = outcome.events
        events = told.json() if type(told) is ToldEvents else b",".join(map(event_json, told))
        repeated = b"true" if outcome.repeated else b"false"
        return 200, b'{"position":%d,"repeated":%b,"events":[%b]}' % (outcome.position, repeated, events)
    if isinstance(outcome, Refused):
        body = refusal_json(outcome.code, outcome.message, outcome.details, outcome.position, request_id)
        return status_of(outcome.code), body
    assert isinstance(outcome, Previewed)
    events = b",".join(map(event_json, outcome.events))
    moves = encode(outcome.moves)
    return 200, b'{"position":%d,"preview":true,"events":[%b],"moves":%b}' % (outcome.position, events, moves)
