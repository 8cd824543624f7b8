"""Bounds of the file: its write-ahead log, who looks at it for long, and the process that writes it."""

BUSY_MS = 2_000
"""How long a statement waits for another connection's lock."""

LOCK_WAIT_S = 2.0
"""How long a start waits for a process that is just ending."""

CHECKPOINT_PAGES = 4_096
"""Pages in the WAL from which on it is copied into the database: 16 MiB."""

REST_PAGES = 256
"""Pages that the writer copies itself: a millisecond or two."""

ROUNDS_MAX = 8
"""How often the thread copies what has come meanwhile, before the writer copies the rest however much it is."""

WAL_PAGES_MAX = 65_536
"""Pages in the WAL (256 MiB) beyond which the writer waits for the copying, and says that something is wrong."""

WAL_KEPT_BYTES = 64 * 2**20
"""What is left of the WAL's file when it begins anew: it was longer only while somebody looked at an old state."""

SNAPSHOT_WAL_BYTES_MAX = 192 * 2**20
"""The WAL's length at which Runline's own readers let go of what they look at: less than WAL_PAGES_MAX, so that no reader of
ours makes the writer wait."""

MARK_S = 0.1
"""How far the mark beside the database may be behind it: what was cut off within this time may go unnoticed."""

MARK_SYNC_S = 10.0
"""How often the mark is synced: each sync of it makes those of the commits wait, so that ten a second would be felt by one
wager in a hundred. A power cut takes what was written since, the end of a process does not."""

READERS = 2
"""Processes that look back at the file: one slow look does not hold up the next."""

READER_SILENT_S_MAX = 15.0
"""How long such a process may take over one look before it is taken for hung: it is ended and replaced. (A page of history takes
milliseconds, on a slow disk a second.)"""

WALK_ROWS_MAX = 100_000
"""Rows looked at on one way for a page of history, of which few may be wanted: some 40 ms of the reader process."""

OPENINGS_KEPT_MAX = 1_000
"""Openings of the file that are written down in it: only the last one is needed, those before say when a loss was accepted."""

CHECK_EVERY_S = 24 * 3_600.0
"""How often a server checks its whole file; the first time right after its start."""

FAULTS_MAX = 20
"""Faults of pages, tables and indexes that `verify` names."""

LOOK_EVERY_S = 1.0
"""How often a server looks whether its file and the write-ahead log are still where they were."""

COMMITTER_READY_S = 30.0
"""How long the committer process may take to open the file."""

COMMITTER_SLOW_S = 2.0
"""How long the committer process may take over a batch before it is said to be slow."""

COMMITTER_SILENT_S_MAX = 5.0
"""How long it may take before it is taken for hung, ended and replaced."""

# PostgreSQL

CONNECT_TRY_S_MAX = 3.0
"""How long PostgreSQL may take to let a connection in."""

SILENT_S_MAX = 3
"""How long the machine of PostgreSQL may say nothing at all, before its connections are taken for gone: seconds, some of the
system's own."""

CONNECT_S_MAX = 5.0
"""How long it is tried again, of a server that is starting or cannot be reached."""

CONNECT_PAUSE_S = 0.05
"""The pause before it is tried again."""

CLAIM_LOCK_MS = 100
"""How long a claim waits for whoever holds the stream's head, before it ends them and tries again."""

CLAIM_S_MAX = 3.0
"""How long that is tried. With what the last try takes it is less than COMMITTER_SILENT_S_MAX, at which the claimer itself is
taken for hung."""

BACKEND_ENDS_MS = 1_500
"""How long a backend that is ended may take to be gone, before it is looked at again."""

SETTLE_S_MAX = 10.0
"""How long it may take to find out what became of a commit whose answer was lost: that the old backends are gone, and that a
write of one's own is durable wherever it must be."""

LOST_NUMBERS = 1_000_000
"""How many numbers of openings, epochs and leases are left out once a database has lost something: more than it can have lost."""

LOST_NAMED_MAX = 5
"""Streams that are named of what was lost."""

LOOK_AGAIN_S = 0.2
"""The pause before a database that has gone is looked for again."""

SMALL_ROWS_MAX = 64
"""Rows in a batch up to which it goes over as one statement, in one round trip: some 32 wagers. Beyond it COPY is faster."""

CLOCK_OFF_MS_MAX = 250
"""How far the database's clock may be from this machine's."""

DEMANDS_EVERY_S = 10.0
"""How often a server looks whether its database is still what it must be."""

COMMANDS_TOGETHER_MAX = 500
"""The last commands of each stream that are read where several streams are read together; of one that has more they are read for
itself."""

ROWS_AT_ONCE = 2_000
"""Rows of a stream that are read from PostgreSQL at a time as it starts, or is stood by: a few milliseconds. Then everything else
has its turn."""

READ_AT_ONCE = 200
READ_AT_ONCE_MAX = 5_000
"""Rows of a page of history that are read from PostgreSQL at a time, at first and at most: each time it is twice as many."""
