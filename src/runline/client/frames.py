"""Frames: the live stream, from lines to frames that join.

Rule: a frame is handed on only if nothing is missing between it and the one before. Else there is a gap, and the stream begins
anew, with an image.
"""

from typing import Any

import msgspec

ENDS = frozenset(("revoked", "signed_out"))
"""Reasons of a reset after which coming back needs another look: who asks may see other things now, or nothing."""


class Frame(msgspec.Struct):
    """A frame of the live stream.

    kind: image (everything at `position`), delta (what changed after `after` up to `position`), heartbeat. A heartbeat with an id
    says that nothing else was to be told up to `position`.
    id: what a stream is resumed with; "" if the frame moves no position. topics: by name.
    """

    kind: str
    id: str
    after: int
    position: int
    house: int
    topics: dict[str, Any]


class Wire(msgspec.Struct):
    """What a frame's JSON may hold."""

    from_: int = msgspec.field(name="from", default=0)
    to: int = 0
    house_from: int = 0
    position: int = 0
    house: int = 0
    topics: dict[str, Any] = {}
    reason: str = ""


decode_wire = msgspec.json.Decoder(Wire).decode


class Parser:
    """Server-sent events from the lines of a response."""

    def __init__(self) -> None:
        self.kind, self.id, self.data = "", "", ""

    def take(self, line: str) -> tuple[str, str, str] | None:
        """(kind, id, data) once an event is whole."""
        if line:
            field, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if field == "event":
                self.kind = value
            elif field == "id":
                self.id = value
            elif field == "data":
                self.data += value
            return None
        if not self.data:
            return None
        found = (self.kind, self.id, self.data)
        self.kind, self.id, self.data = "", "", ""
        return found


class Reset(Exception):
    """The server has ended the stream, with a reason."""


class Gap(Exception):
    """A frame begins behind where the last one has ended: something was lost on the way."""


class Follower:
    """Where a stream is: what it resumes with. last_id: of the last frame of an earlier stream, "" for an image."""

    def __init__(self, last_id: str = "") -> None:
        self.last_id = last_id
        self.house, self.position = place_of(last_id)

    def frame(self, event: tuple[str, str, str]) -> Frame:
        """The frame of a server-sent event, if it joins the one before.

        A frame may begin before the last one has ended: nothing was to be told between. Raises Reset; Gap, after which the stream
        must begin anew.
        """
        kind, event_id, data = event
        wire = decode_wire(data)
        if kind == "reset":
            raise Reset(wire.reason)
        position = wire.to or wire.position
        if event_id:
            if kind != "image" and (wire.from_ > self.position or wire.house_from > self.house):
                last_id = self.last_id
                self.begin_anew()
                raise Gap(f"A {kind} begins at {wire.house_from}:{wire.from_}, behind {last_id or 'nothing'}.")
            self.last_id = event_id
            self.house, self.position = wire.house, position
        return Frame(kind, event_id, wire.from_, position, wire.house, wire.topics)

    def begin_anew(self) -> None:
        """Forget what was seen: an image is next."""
        self.last_id, self.house, self.position = "", 0, 0


def place_of(event_id: str) -> tuple[int, int]:
    """(house position, position) of a frame's id."""
    parts = event_id.split(":")
    return (int(parts[1]), int(parts[2])) if len(parts) == 3 and all(map(str.isdecimal, parts[1:])) else (0, 0)
