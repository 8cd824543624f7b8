"""Bounds of what is made for those who watch, where a stream is owned."""

STEP_NS = 1_000_000
"""How long a flush makes frames in a row, before everything else that takes turns has its own."""

PIECE_ROWS = 4
"""Rows that are made between two looks at the time."""

PIECE_EVENTS = 16
"""Events that are looked at between two looks at the time."""

RETRY_S = 0.1
"""The pause before a ring begins anew, or a flush, after a fault: as often as that it may be in the log, and screens be reset."""

KEEP_S = 30.0
"""How often the sessions of those who watch are noted as used: they end after much longer."""

STREAMS_MAX = 10_000
"""Live streams of one process. Beyond it, and beyond the three bounds that follow, whoever has fewer than the one with the most
takes a place of theirs; the others hear `busy`."""

STREAMS_OF_PLAYERS_MAX = 9_000
"""Live streams of players in one process: the rest is kept for staff."""

STREAMS_PER_BOOK_MAX = 5_000
"""Live streams of one book."""

STREAMS_PER_BRANCH_MAX = 2_500
"""Live streams of one branch of a book's tree: an agent right below the root with everything below it."""

STREAMS_PER_USER_MAX = 2_000
"""Live streams of one of the staff (a screen wall of an operator is one user)."""

STREAMS_PER_PLAYER_MAX = 16
"""Live streams of one player."""

FLUSH_NS = 22_000_000
"""At most one write per connection in this time, on the whole; the first event goes at once."""

LATE_NS = 10_000_000
"""By how much less than FLUSH_NS two writes may be apart, of which the first was late."""

ARRIVALS_NS = 20_000_000
"""What a flush spends on screens that join, and on reading from the log what they have missed; then whoever is in already has
what has happened meanwhile."""

FRAMES_AT_ONCE = 8
"""First frames, of screens that do not begin alike, that are made together."""

FRAMES_OF_ONE = 2
"""Of these, those of one user."""

RING_EVENTS = 10_000
"""Events of each stream that a reconnecting screen can catch up with; beyond it it gets a new image."""

RINGS_BYTES_MAX = 128 * 1024 * 1024
"""The last events of all streams in memory; each stream that is followed has its share, within the two bounds that follow."""

RING_BYTES_MAX = 16 * 1024 * 1024
RING_BYTES_MIN = 128 * 1024
"""The last events of one stream in memory. What does not fit cannot be caught up with: a new image."""

EVENT_BYTES = 256
"""What an event in a ring takes in memory beside its text."""

RECALLED_BYTES = 1_024
"""What an event that is read for images takes at most, as a rule: so many of them are read as there is room for."""

RING_READ_EVENTS = 100
"""Events read from the log at a time for a screen that comes back: about a millisecond."""

IMAGE_EVENTS = 100
"""The last events in the image of a topic in which every event counts."""

IMAGE_SCAN_EVENTS = 1_000
"""Events looked at for the last ones in an image, newest first; fewer if there is no room for so many."""
