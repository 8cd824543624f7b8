"""Astray: what was sent to where its stream is not, or not just now, and how much of it may wait.

Rule: as in a lane, a stream may have twice as much as it leaves free, and a sender of it as much as their stream may still have,
so that whoever has none finds room.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from runline.domain.messages import GATEWAY


def is_astray(code: str, details: Mapping[str, Any]) -> bool:
    """Whether a refusal says that something is to be sent again: the stream is not there, or not just now, or is not known there
    yet. (A command that names a book which there is not hears which.)"""
    return code in ("not_here", "unavailable") or (code == "unknown_book" and not details)


class Held(msgspec.Struct, gc=False):
    """What somebody has waiting."""

    number: int = 0
    size: int = 0


class Room:
    """What may wait, all streams together. number_max, size_max: how many, and how many bytes of them."""

    def __init__(self, number_max: int, size_max: int) -> None:
        self.number_max = number_max
        self.size_max = size_max
        self.all = Held()
        self.streams: dict[str, Held] = {}
        self.senders: dict[tuple[str, str], Held] = {}

    def take(self, stream: str, sender: str, size: int) -> bool:
        """Let one more of a sender's wait, if it may. Returns whether it may."""
        ofs_stream = self.streams.get(stream) or Held()
        left = 2 * (self.number_max - self.all.number) - ofs_stream.number
        left_bytes = 2 * (self.size_max - self.all.size) - ofs_stream.size
        if left <= 0 or left_bytes < size:
            return False
        ofs_sender = self.senders.get((stream, sender)) or Held()
        # A gateway sends for everybody; whom it sends for is bounded at the doors.
        if sender != GATEWAY and (ofs_sender.number >= left or ofs_sender.size + size > left_bytes):
            return False
        self.streams[stream], self.senders[stream, sender] = ofs_stream, ofs_sender
        for held in (self.all, ofs_stream, ofs_sender):
            held.number += 1
            held.size += size
        return True

    def give_back(self, stream: str, sender: str, size: int) -> None:
        """One does not wait any more."""
        ofs_stream, ofs_sender = self.streams[stream], self.senders[stream, sender]
        for held in (self.all, ofs_stream, ofs_sender):
            held.number -= 1
            held.size -= size
        if not ofs_sender.number:
            del self.senders[stream, sender]
        if not ofs_stream.number:
            del self.streams[stream]
