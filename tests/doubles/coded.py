"""Coded: requests and outcomes as bytes by themselves. (Over a link they are parts of what else is said.)"""

import msgspec

from runline.domain.messages import Rejected
from runline.domain.vocabulary import Vocabulary
from runline.engine.codec import (
    RequestFrame,
    decode_outcome_frame,
    encode,
    outcome_frame,
    outcome_told,
    request_frame,
    request_told,
)
from runline.engine.requests import Outcome, Request

decode_request_frame = msgspec.msgpack.Decoder(RequestFrame).decode


def encode_request(request: Request) -> bytes:
    """A request as bytes. Raises Rejected `malformed_command` for what no encoding can hold."""
    try:
        return encode(request_frame(request))
    except (ValueError, OverflowError) as error:
        raise Rejected("malformed_command", str(error)) from None


def decode_request(vocabulary: Vocabulary, body: bytes) -> Request:
    """A request, wholly validated. vocabulary: of whoever is to execute it.

    Raises Rejected `malformed_command`, `unknown_command`.
    """
    try:
        frame = decode_request_frame(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise Rejected("malformed_command", str(error) or type(error).__name__) from None
    return request_told(vocabulary, frame)


def encode_outcome(outcome: Outcome) -> bytes:
    """An outcome as bytes."""
    return encode(outcome_frame(outcome))


def decode_outcome(vocabulary: Vocabulary, body: bytes) -> Outcome:
    """The outcome that was told. Raises msgspec.DecodeError for what is none."""
    return outcome_told(vocabulary, decode_outcome_frame(body))
