"""Bounds of looking back at what is stored."""

READS_WAITING_MAX = 256
"""Queries of history waiting for their turn to look back."""

READS_OF_ONE_MAX = 8
"""Of these, those of one user; about as many as a page of the console asks for."""

SCAN_EVENTS_MAX = 20_000
"""Events looked at for one page of the log, of which somebody below the root may see few."""
