"""Window: the commands whose ids are remembered, so that repeating one changes nothing.

Rule: an id within the window is judged by its content; an id that the window cannot know any more is stale: it is older than a
day, or was made at a time of which commands have been forgotten. No id of a later time ever makes those of the present stale.
The id is part of the event, so the window is rebuilt from the log's tail.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from heapq import heappop, heappush

from runline.domain.execution import Seen
from runline.domain.messages import Rejected
from runline.domain.state import at_once, by_pieces
from runline.engine.limits import AHEAD_MS_MAX, EARLY_MS, WINDOW_COMMANDS_MAX, WINDOW_MS
from runline.engine.spans import Spans

PARTS = 64
"""The commands are kept in so many dictionaries, by the last byte of their ids: one that holds them all would take 20 ms to
grow."""


def made_ms(command: bytes) -> int:
    """When an id was made: the first 48 bits of a UUIDv7."""
    return int.from_bytes(command[:6], "big")


def beginning(at_ms: int) -> bytes:
    """How the ids of a time begin."""
    return max(at_ms, 0).to_bytes(6, "big")


class Window:
    """The last commands of one stream."""

    def __init__(self) -> None:
        self.parts: tuple[dict[bytes, Seen], ...] = tuple({} for _ in range(PARTS))
        self.order: deque[bytes] = deque()
        """The first is forgotten first."""
        self.early: list[bytes] = []
        """A heap of the commands that were executed before the time of their ids. They come into the order when it has come, so
        that none is forgotten before its time. (What is further ahead a wrong clock has executed; it is forgotten in turn.)"""
        self.forgotten = Spans()
        self.now_ms = -1
        self.unknown_from = self.early_from = self.ahead_from = b""
        """The beginnings of ids at `now_ms`: of those that cannot have been forgotten, of those that are early, and of those that
        are ahead. (Ids are compared as they are: making a time of each would cost a wager 0.3 µs.)"""

    def load(self, commands: Iterable[tuple[bytes, bytes, int]], now_ms: int, forgotten: Spans | None = None) -> None:
        """Rebuild from (command id, digest, seq) in log order: the events that commands from outside have made. See `loading`."""
        at_once(self.loading(commands, now_ms, forgotten))

    def loading(
        self, commands: Iterable[tuple[bytes, bytes, int]], now_ms: int, forgotten: Spans | None = None
    ) -> Iterator[None]:
        """The same by and by: nobody looks at it until it is done, and others may have their turns wherever it yields.

        forgotten: the commands before these; None if these are all that there ever were. The first command, which may have
        begun before, is left out.
        """
        cut = b""
        if forgotten is not None:
            self.forgotten = forgotten
        self.move_to(now_ms)
        parts, order, early_from = self.parts, self.order, self.early_from
        for some in by_pieces(commands):
            for command, digest, seq in some:
                if forgotten is not None and not cut:
                    cut = command
                if command == cut:
                    continue
                part = parts[command[-1] % PARTS]
                known = part.get(command)
                if known is not None:
                    part[command] = Seen(digest, known.first, seq - known.first + 1)
                elif command < early_from and len(order) + len(self.early) < WINDOW_COMMANDS_MAX:
                    # So it is with nearly all of them, and a start waits for 200,000: what `remember` would do, for half of it.
                    part[command] = Seen(digest, seq, 1)
                    order.append(command)
                else:
                    self.remember(command, digest, seq, 1, now_ms)
            yield

    def move_to(self, now_ms: int) -> None:
        """It is another millisecond."""
        self.now_ms = now_ms
        self.unknown_from = beginning(max(now_ms - WINDOW_MS, self.forgotten.last + 1))
        self.early_from = beginning(now_ms + EARLY_MS)
        self.ahead_from = beginning(now_ms + AHEAD_MS_MAX + 1)

    def remember(self, command: bytes, digest: bytes, first: int, count: int, now_ms: int) -> None:
        """Remember an executed command; beyond the bound the oldest is forgotten, and what was made with it is stale."""
        self.parts[command[-1] % PARTS][command] = Seen(digest, first, count)
        order, early = self.order, self.early
        if now_ms != self.now_ms:
            self.move_to(now_ms)
        if command < self.early_from and not early:
            # So it is with nearly all of them.
            order.append(command)
        else:
            if self.early_from <= command < self.ahead_from:
                heappush(early, command)
            else:
                order.append(command)
            while early and made_ms(early[0]) <= now_ms:
                order.append(heappop(early))
        if len(order) + len(early) > WINDOW_COMMANDS_MAX:
            oldest = order.popleft() if order else heappop(early)
            del self.parts[oldest[-1] % PARTS][oldest]
            at_ms = made_ms(oldest)
            self.forgotten.add(at_ms, at_ms)
            if oldest >= self.unknown_from:
                self.unknown_from = beginning(self.forgotten.last + 1)

    def heard(self, command: bytes, digest: bytes, seq: int, now_ms: int) -> None:
        """An event that a command from outside has made elsewhere, in log order."""
        part = self.parts[command[-1] % PARTS]
        known = part.get(command)
        if known is None:
            self.remember(command, digest, seq, 1, now_ms)
        else:
            part[command] = Seen(digest, known.first, seq - known.first + 1)

    def look(self, command: bytes, now_ns: int) -> Seen | None:
        """What is known of an id.

        Raises Rejected `stale_command` or `command_ahead`.
        """
        seen = self.parts[command[-1] % PARTS].get(command)
        if seen is not None:
            return seen
        now_ms = now_ns // 1_000_000
        if now_ms != self.now_ms:
            self.move_to(now_ms)
        if self.unknown_from <= command < self.ahead_from:
            return None
        at_ms = made_ms(command)
        forgotten = self.forgotten
        if at_ms < now_ms - WINDOW_MS or (at_ms <= forgotten.last and at_ms in forgotten):
            raise Rejected("stale_command", "This command's id is too old to be told from a repeat.")
        if at_ms > now_ms + AHEAD_MS_MAX:
            raise Rejected("command_ahead", "This command's id is of a later time.", now_ms=now_ms)
        return None
