"""Window: the commands whose ids are remembered, so that repeating one changes nothing.

Rule: an id within the window is judged by its content; an id that the window cannot know any more is stale. The id is part
of the event, so the window is rebuilt from the log's tail.
"""

from collections import deque
from collections.abc import Iterable

import msgspec

from runline.domain.messages import Rejected
from runline.engine.limits import AHEAD_MS_MAX, WINDOW_COMMANDS_MAX, WINDOW_MS

PARTS = 64
"""The commands are kept in so many dictionaries, by the last byte of their ids: one that holds them all would take 20 ms to
grow."""


class Seen(msgspec.Struct, frozen=True, gc=False):
    """What is known of a command: its content's digest, the position of its first event, the number of its events."""

    digest: bytes
    first: int
    count: int


def made_ms(command: bytes) -> int:
    """When an id was made: the first 48 bits of a UUIDv7."""
    return int.from_bytes(command[:6], "big")


class Window:
    """The last commands of one stream."""

    def __init__(self) -> None:
        self.parts: tuple[dict[bytes, Seen], ...] = tuple({} for _ in range(PARTS))
        self.order: deque[bytes] = deque()
        self.floor_ms = 0

    def load(self, commands: Iterable[tuple[bytes, bytes, int]], floor_ms: int = 0) -> None:
        """Rebuild from (command id, digest, seq) in log order: the events that commands from outside have made.

        floor_ms: up to when ids may be of commands before these, 0 if these are all that there ever were. Whatever was
        executed before is not known any more, so an id that may be as old is stale; and the first command, which may have
        begun before, is left out.
        """
        cut = b""
        self.floor_ms = floor_ms
        for command, digest, seq in commands:
            if floor_ms and not cut:
                cut = command
            if command == cut:
                continue
            part = self.parts[command[-1] % PARTS]
            known = part.get(command)
            if known is None:
                self.remember(command, digest, seq, 1)
            else:
                part[command] = Seen(digest, known.first, seq - known.first + 1)

    def remember(self, command: bytes, digest: bytes, first: int, count: int) -> None:
        """Remember an executed command; beyond the bound the oldest is forgotten, and what is as old becomes stale."""
        self.parts[command[-1] % PARTS][command] = Seen(digest, first, count)
        self.order.append(command)
        if len(self.order) > WINDOW_COMMANDS_MAX:
            oldest = self.order.popleft()
            del self.parts[oldest[-1] % PARTS][oldest]
            self.floor_ms = max(self.floor_ms, made_ms(oldest))

    def look(self, command: bytes, now_ns: int) -> Seen | None:
        """What is known of an id.

        Raises Rejected `stale_command` or `command_ahead`.
        """
        seen = self.parts[command[-1] % PARTS].get(command)
        if seen is not None:
            return seen
        at_ms = made_ms(command)
        now_ms = now_ns // 1_000_000
        if at_ms <= self.floor_ms or at_ms < now_ms - WINDOW_MS:
            raise Rejected("stale_command", "This command's id is too old to be told from a repeat.")
        if at_ms > now_ms + AHEAD_MS_MAX:
            raise Rejected("command_ahead", "This command's id is of a later time.", now_ms=now_ms)
        return None
