"""Presence: that sessions are in use is noted in their streams, now and then.

Rule: whatever a program sends keeps its session. At a screen only what is done there counts: commands, not what it is shown.
"""

from collections.abc import Callable

from runline.domain.messages import Command
from runline.domain.sessions import KeepSession, Session, used_ns
from runline.engine.limits import KEEP_PROGRAM_NS, KEEP_SCREEN_NS, NOTED_SESSIONS_MAX
from runline.engine.ports import Clock

NOT_QUIET = (0, 0)


class Presence:
    """Notes the use of sessions. send: (stream, command), as Runline itself.

    quiet: from when until when nothing is to be noted of a session, for that was done lately. (It begins before: a time that lies
    ahead was noted before the clock was put right.)
    """

    def __init__(self, clock: Clock, send: Callable[[str, Command], None]) -> None:
        self.clock = clock
        self.send = send
        self.quiet: dict[str, tuple[int, int]] = {}

    def used(self, stream: str, session: Session, *, acts: bool) -> None:
        """A session is in use. acts: by a command."""
        name = session.name
        now_ns = self.clock.now_ns()
        after_ns, until_ns = self.quiet.get(name, NOT_QUIET)
        if after_ns < now_ns < until_ns:
            return
        if session.kind != "screen":
            every_ns = KEEP_PROGRAM_NS
        elif acts:
            every_ns = KEEP_SCREEN_NS
        else:
            return
        every_ns = min(every_ns, session.idle_ns // 4)
        noted_ns = used_ns(session)
        is_due = abs(now_ns - noted_ns) >= every_ns
        if is_due:
            noted_ns = now_ns
        if len(self.quiet) >= NOTED_SESSIONS_MAX:
            self.quiet.clear()
        self.quiet[name] = noted_ns - every_ns, noted_ns + every_ns
        if is_due:
            self.send(stream, KeepSession(name))
