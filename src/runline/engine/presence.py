"""Presence: that sessions are in use is noted in their streams, now and then.

Rule: whatever a program sends keeps its session. At a screen only what is done there counts: commands, not what it is shown.
"""

from collections.abc import Callable

from runline.domain.messages import Command
from runline.domain.sessions import KeepSession, Session, used_ns
from runline.engine.limits import KEEP_PROGRAM_NS, KEEP_SCREEN_NS, NOTED_SESSIONS_MAX
from runline.engine.ports import Clock


class Presence:
    """Notes the use of sessions. send: (stream, command), as Runline itself."""

    def __init__(self, clock: Clock, send: Callable[[str, Command], None]) -> None:
        self.clock = clock
        self.send = send
        self.noted_ns: dict[str, int] = {}

    def used(self, stream: str, session: Session, *, acts: bool) -> None:
        """A session is in use. acts: by a command."""
        if session.kind != "screen":
            every_ns = KEEP_PROGRAM_NS
        elif acts:
            every_ns = KEEP_SCREEN_NS
        else:
            return
        now_ns = self.clock.now_ns()
        noted_ns = max(self.noted_ns.get(session.name, 0), used_ns(session))
        # A time that lies ahead was noted before the clock was put right.
        if abs(now_ns - noted_ns) >= min(every_ns, session.idle_ns // 4):
            if len(self.noted_ns) >= NOTED_SESSIONS_MAX:
                self.noted_ns.clear()
            self.noted_ns[session.name] = now_ns
            self.send(stream, KeepSession(session.name))
