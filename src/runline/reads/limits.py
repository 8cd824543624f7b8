"""Bounds of looking back at what is stored."""

READS_WAITING_MAX = 256
"""Queries of history waiting for their turn to look back."""

READS_OF_ONE_MAX = 8
"""Of these, those of one user; about as many as a page of the console asks for."""

SCAN_EVENTS_MAX = 20_000
"""Events looked at for one page of the log, of which somebody below the root may see few."""

SORTED_ROWS_MAX = 10_000
"""Tickets that are sorted for one page by what is risked: some 20 ms of the reader process. (Placing would pay for an index.)"""

NUMBER_DIGITS_MAX = 20
"""Digits of a number in a page's `after`: more than any has."""
