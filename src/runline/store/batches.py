"""Batches: when each was sealed and durable, for traces. The newest BATCHES_KEPT_MAX of a process are kept, and a few more."""

from collections.abc import Sequence

import apsw

from runline.engine.limits import BATCHES_KEPT_MAX
from runline.store.statements import BATCHES_OF, OLDEST_BATCHES_GO
from runline.store.tables import BATCHES, insert

DROPPED_AT_ONCE = 1_000
"""The oldest go so many at a time: a millisecond, now and then."""


def times_of(batch: Sequence[tuple[int, int]]) -> tuple[int | None, int | None]:
    """(when a batch was sealed, when it was known to be durable), of its row and the next one's; None where it is not noted."""
    return (batch[0][0] if batch else None), ((batch[1][1] or None) if len(batch) > 1 else None)


class BatchTimes:
    """Writes the times of batches. counts: how many are kept, by process."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}

    def note(self, connection: apsw.Connection, node: str, sealed_ns: int, durable_before_ns: int) -> None:
        """Write a batch's times, within its transaction."""
        count = self.counts.get(node)
        if count is None:
            count = connection.execute(BATCHES_OF, (node,)).get
        while count >= BATCHES_KEPT_MAX + DROPPED_AT_ONCE:
            connection.execute(OLDEST_BATCHES_GO, (node, node, DROPPED_AT_ONCE - 1))
            count -= connection.changes()
        connection.execute(insert(BATCHES), (node, sealed_ns, durable_before_ns))
        self.counts[node] = count + 1
