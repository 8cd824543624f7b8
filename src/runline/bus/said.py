"""Said: what the two ends of a link say to each other. A frame is a list of these.

Rule: all of it is plain values. Numbers are given by the end of the gateway, and used once on a link.
"""

from collections.abc import Callable

import msgspec

from runline.engine.bus import Answer, Question, Who
from runline.engine.codec import OutcomeFrame, RequestFrame
from runline.engine.watching import News, Seating


class Send(msgspec.Struct, array_like=True, tag=0, gc=False):
    """A request. It is answered by `Came`."""

    number: int
    request: RequestFrame


class Ask(msgspec.Struct, array_like=True, tag=1, gc=False):
    """A question. It is answered by `Answered` or `Turned`."""

    number: int
    question: Question


class AskWho(msgspec.Struct, array_like=True, tag=2, gc=False):
    """Whose is a session? It is answered by `Known` or `Turned`."""

    number: int
    stream: str
    session: str


class Follow(msgspec.Struct, array_like=True, tag=3, gc=False):
    """Tell every event after a position, by `Happened`, until `Ended`."""

    number: int
    stream: str
    after: int


class Took(msgspec.Struct, array_like=True, tag=4, gc=False):
    """A piece of a followed stream was taken."""

    number: int


class Unfollow(msgspec.Struct, array_like=True, tag=5, gc=False):
    """A stream is followed no more."""

    number: int


class Watch(msgspec.Struct, array_like=True, tag=6, gc=False):
    """A stream is watched: who sits there follows by `Seated`. It is told by `Told`."""

    number: int
    stream: str


class Seated(msgspec.Struct, array_like=True, tag=7, gc=False):
    """Who comes and goes."""

    number: int
    seating: Seating


class Heard(msgspec.Struct, array_like=True, tag=8, gc=False):
    """A `Told` was heard by the screens."""

    number: int


class Unwatch(msgspec.Struct, array_like=True, tag=9, gc=False):
    """A stream is watched no more."""

    number: int


class Here(msgspec.Struct, array_like=True, tag=10, gc=False):
    """The gateway is there."""


Asked = Send | Ask | AskWho | Follow | Took | Unfollow | Watch | Seated | Heard | Unwatch | Here


class Came(msgspec.Struct, array_like=True, tag=0, gc=False):
    """What came of a request."""

    number: int
    outcome: OutcomeFrame


class Answered(msgspec.Struct, array_like=True, tag=1, gc=False):
    """The answer to a question."""

    number: int
    answer: Answer


class Known(msgspec.Struct, array_like=True, tag=2, gc=False):
    """Whose a session is."""

    number: int
    who: Who


class Turned(msgspec.Struct, array_like=True, tag=3, gc=False):
    """Why a question is not answered (`encode_rejected`)."""

    number: int
    body: bytes


class Happened(msgspec.Struct, array_like=True, tag=4, gc=False):
    """The events of a followed stream after one position up to another (`encode_committed`)."""

    number: int
    after: int
    to: int
    body: bytes


class Ended(msgspec.Struct, array_like=True, tag=5, gc=False):
    """A stream cannot be followed any further: why (`encode_rejected`), or None for a follower that is too slow."""

    number: int
    body: bytes | None


class Told(msgspec.Struct, array_like=True, tag=6, gc=False):
    """News of a watched stream."""

    number: int
    news: list[News]


class Time(msgspec.Struct, array_like=True, tag=7, gc=False):
    """The owner is there, and has this time."""

    now_ns: int


class Part(msgspec.Struct, array_like=True, tag=8, gc=False):
    """A part of one of these that is long; with the last one it is whole. Others may come between, but for parts of another."""

    last: bool
    body: bytes


Answers = Came | Answered | Known | Turned | Happened | Ended | Told | Time | Part

encode: Callable[[msgspec.Struct], bytes] = msgspec.msgpack.Encoder().encode
decode_asked: Callable[[bytes], list[Asked]] = msgspec.msgpack.Decoder(list[Asked]).decode
decode_answer: Callable[[bytes], Answers] = msgspec.msgpack.Decoder(Answers).decode
decode_answers: Callable[[bytes], list[Answers]] = msgspec.msgpack.Decoder(list[Answers]).decode
