"""Requests: how a command is named on the way: its path, and its id."""

import os
import time

from runline.engine.ids import uuid7


def path_of(command: str) -> str:
    """The path of a command: PlaceWager -> /v1/place-wager."""
    words = "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in command)
    return f"/v1/{words.lstrip('-')}"


def command_id(now_ns: int | None = None) -> str:
    """A new id for a command. now_ns: the server's time, in UTC nanoseconds; else it is that of this machine."""
    return uuid7(time.time_ns() if now_ns is None else now_ns, os.urandom)
