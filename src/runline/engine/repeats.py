"""Repeats: commands that were executed before get the answer of the first time, from the log.

Rule: one at a time is read in a stream, and whoever waits has turns. In a turn what lies together in the log is read together, so
that a thousand repeats of one command, or of a thousand that were sent together, cost a few readings.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable

from runline.domain.messages import Event
from runline.domain.vocabulary import Vocabulary
from runline.engine.envelope import decode_envelope
from runline.engine.limits import REPEATS_PER_USER_MAX, REPEATS_WAITING_MAX, REPEATS_WITHIN
from runline.engine.ports import Store
from runline.engine.requests import BUSY, UNAVAILABLE, Accepted, Outcome, Submission, refused

log = logging.getLogger("runline.engine")

Repeat = tuple[Submission, int, int]
"""a submission, the position of its command's first event, the number of its events"""


class Repeats:
    """What waits for its answer from the log. tell: gives an answer. failed: hears what went wrong with a reading."""

    def __init__(
        self,
        store: Store,
        vocabulary: Vocabulary,
        tell: Callable[[Submission, Outcome], None],
        failed: Callable[[Exception], None],
    ) -> None:
        self.store = store
        self.vocabulary = vocabulary
        self.tell = tell
        self.failed = failed
        self.waiting: dict[str, dict[str, deque[Repeat]]] = {}
        """By stream and user; the first user has the next turn."""
        self.counts: dict[str, int] = {}

    def put(self, stream: str, repeats: list[Repeat]) -> bool:
        """Let repeats wait for their answers; what is too much hears `busy`. Returns whether `answer` is to be started."""
        begins = stream not in self.waiting
        users = self.waiting.setdefault(stream, {})
        count = self.counts.get(stream, 0)
        for repeat in repeats:
            of_user = users.setdefault(repeat[0].request.actor, deque())
            if len(of_user) >= REPEATS_PER_USER_MAX or count >= REPEATS_WAITING_MAX:
                self.tell(repeat[0], refused(0, BUSY))
                continue
            of_user.append(repeat)
            count += 1
        self.counts[stream] = count
        return begins

    async def answer(self, stream: str) -> None:
        """Answer what waits in a stream, one user after the other, until nothing does."""
        users = self.waiting[stream]
        while users:
            actor = next(iter(users))
            of_user = users.pop(actor)
            together = take_together(of_user)
            if of_user:
                users[actor] = of_user
            self.counts[stream] -= len(together)
            await self.answer_together(stream, together)
            await asyncio.sleep(0)
        del self.waiting[stream], self.counts[stream]

    async def answer_together(self, stream: str, repeats: list[Repeat]) -> None:
        """Answer repeats that lie together in the log."""
        if not repeats:
            return
        start = repeats[0][1]
        end = max(first + count for _, first, count in repeats)
        found: dict[int, Outcome] = {}
        try:
            rows = await self.store.events(stream, start - 1, end - start)
            for _, first, count in repeats:
                if first not in found:
                    events: list[Event] = [
                        decode_envelope(row[4]).event(self.vocabulary)
                        for row in rows[first - start : first - start + count]
                    ]
                    found[first] = Accepted(first + count - 1, events, repeated=True)
        except Exception as error:
            log.warning("reading the answer to a repeated command failed: %s: %s", type(error).__name__, error)
            self.failed(error)
        unavailable = refused(0, UNAVAILABLE)
        for submission, first, _ in repeats:
            self.tell(submission, found.get(first, unavailable))


def take_together(waiting: deque[Repeat]) -> list[Repeat]:
    """Take the first repeat, and those behind it that lie close after it in the log."""
    together: list[Repeat] = []
    start = waiting[0][1] if waiting else 0
    while waiting and (not together or start <= waiting[0][1] <= start + REPEATS_WITHIN - waiting[0][2]):
        together.append(waiting.popleft())
    return together
