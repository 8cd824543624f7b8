"""Losses: whether a database has all that it has had.

Rule: one that fails over to a standby which was behind, or is set back to an earlier time, goes on as if nothing had been. So
whoever lives compares each stream's head, and the event that was there, with the last that they know to have been durable. What
is not there any more, or is another, makes the log another one: once, in the database, for all. The epochs of all heads are
raised then, so that nobody goes on in it who has not heard of it.
"""

import secrets
import time
from collections.abc import Collection, Mapping
from typing import NamedTuple

from runline.engine.ports import GENESIS, Head
from runline.store.limits import LOST_NAMED_MAX, LOST_NUMBERS
from runline.store.statements import HEADS_AS_THEY_ARE

LAST_LOG = "SELECT log, found FROM openings ORDER BY number DESC LIMIT 1"

HEADS_AND_LOG = (
    f"{HEADS_AS_THEY_ARE.replace(' FROM', ', (SELECT log FROM openings ORDER BY number DESC LIMIT 1) FROM')}"
)
"""The heads, and which log they are of."""

HEADS_OF_AND_LOG = f"""
SELECT found.*, last.log FROM (SELECT log FROM openings ORDER BY number DESC LIMIT 1) AS last
LEFT JOIN ({HEADS_AS_THEY_ARE} WHERE stream = ANY(?::text[])) AS found ON TRUE
"""
"""Those of some streams, and which log that is; of none, that alone."""

OTHERS = """
SELECT known.stream FROM unnest($1::text[], $2::bigint[], $3::bytea[]) AS known (stream, seq, hash)
JOIN events ON events.stream = known.stream AND events.seq = known.seq WHERE events.hash <> known.hash
"""
"""The streams that have another event where these were."""

ANOTHER_LOG = f"""
WITH made AS (
    INSERT INTO openings (number, log, opened_ns, commits, hash, closed, found)
    SELECT last.number + {LOST_NUMBERS}, $2, $3, last.commits, last.hash, FALSE, $4
    FROM (SELECT * FROM openings ORDER BY number DESC LIMIT 1) AS last WHERE last.log = $1
    ON CONFLICT (number) DO NOTHING
    RETURNING setval('cluster_numbers', nextval('cluster_numbers') + {LOST_NUMBERS})
)
UPDATE heads SET epoch = epoch + {LOST_NUMBERS}, claimant = 0 WHERE EXISTS (SELECT FROM made)
"""
"""The log is another one, if it is still this one. Numbers that are lost, of openings, epochs and leases, are not given
again."""


class Known(NamedTuple):
    """Where a stream's log has ended, durably. epoch: at which it was claimed then, 0 if that is not known."""

    seq: int
    hash: bytes
    epoch: int


class Durable:
    """The last that is known to have been durable of each stream: what this process has committed, read, or was told."""

    def __init__(self) -> None:
        self.known: dict[str, Known] = {}

    def note(self, head: Head) -> None:
        """A head is durable."""
        before = self.known.get(head.stream)
        if before is None or (head.epoch, head.seq) >= (before.epoch, before.seq):
            self.known[head.stream] = Known(head.seq, head.hash, head.epoch)

    def hear_of(self, stream: str, seq: int, chain: bytes) -> None:
        """The owner of a stream has told of an event, which is durable."""
        before = self.known.get(stream)
        if before is None or seq > before.seq:
            self.known[stream] = Known(seq, chain, before.epoch if before is not None else 0)

    def so_far(self) -> "Durable":
        """What is known now, whatever comes: what is read from here on must have all of it, and may not have more."""
        found = Durable()
        found.known = dict(self.known)
        return found

    def gone(self, heads: Mapping[str, Head], streams: Collection[str] | None = None) -> list[str]:
        """The streams that do not have any more what they had, by their heads. streams: of which these are, or else of all."""
        looked = self.known if streams is None else [stream for stream in streams if stream in self.known]
        return [stream for stream in looked if is_behind(self.known[stream], heads.get(stream))]

    def listed(self) -> tuple[list[str], list[int], list[bytes]]:
        """By column: streams, positions, hashes."""
        known = self.known
        return list(known), [one.seq for one in known.values()], [one.hash for one in known.values()]

    def in_words(self, gone: Collection[str], heads: Mapping[str, Head]) -> str:
        """What a database has lost, in a sentence."""
        named = [self.one_in_words(stream, heads.get(stream)) for stream in sorted(gone)[:LOST_NAMED_MAX]]
        more = f"; and {len(gone) - LOST_NAMED_MAX} streams more" if len(gone) > LOST_NAMED_MAX else ""
        return (
            f"The database has lost what was durable: {'; '.join(named)}{more}. It is another log since: what is there goes on, "
            "and screens begin anew. Remedy: compare what people were told of what is gone; have a synchronous standby "
            '(replicas = "required").'
        )

    def one_in_words(self, stream: str, head: Head | None) -> str:
        seq, known = (head.seq if head is not None else 0), self.known[stream]
        if seq < known.seq:
            return f"{stream} ends at position {seq}, and had {known.seq}"
        if seq == known.seq and head is not None and head.hash == known.hash:
            return f"{stream} has lost who claimed it"
        return f"{stream} has another event at position {known.seq}"


def is_behind(known: Known, head: Head | None) -> bool:
    """Whether a head is behind what is known of it, or of another log."""
    seq, chain, epoch = (head.seq, head.hash, head.epoch) if head is not None else (0, GENESIS, 0)
    return seq < known.seq or epoch < known.epoch or (seq == known.seq and chain != known.hash)


def new_log() -> tuple[str, int]:
    """The id of another log, and when it begins."""
    return secrets.token_hex(8), time.time_ns()
