"""Bounds of looking back at what is stored."""

READS_WAITING_MAX = 256
"""Queries of history waiting for their turn to look back."""

READS_OF_ONE_MAX = 8
"""Of these, those of one user; about as many as a page of the console asks for."""

SCAN_EVENTS_MAX = 20_000
"""Events looked at for one page of the log, of which somebody below the root may see few."""

SORTED_ROWS_MAX = 10_000
"""Tickets that are sorted for one page by what is risked: some 20 ms of the reader process. (Placing would pay for an index.)"""

TOTAL_ROWS_MAX = 100_000
"""Tickets that are summed up for one answer: some 150 ms of the reader process, which another one does not wait for."""

NAMES_PASSED_MAX = 100_000
"""Names that are passed for what somebody has typed, of whose part of the tree few may be: some 40 ms of the reader process."""

ACCOUNTS_MAX = 100_000
"""Accounts of a book that are looked at for those that are sorted: some 0.3 s of the reader process."""

OPEN_TICKETS_MAX = 200_000
"""Open tickets that are summed up for one answer about accounts or markets: some 0.4 s of the reader process."""

WHOLE_TICKETS_MAX = 10_000
"""Of these, tickets that are read whole, one by one: some seconds of the reader process in PostgreSQL."""

LIFE_EVENTS_MAX = 100_000
"""Entries of the log that one page of a ticket's life looks at, most of which are not its: some 0.1 s of the reader process."""

LINE_EVENTS_MAX = 100_000
"""Entries of each log that one page of a market's history looks at, of which few are its: some 0.1 s of the reader process."""

ROLES_LOOKED_MAX = 1_000
"""The last roles of somebody of whom the log tells which they held: who has had more is shown without those before."""

FIND_GAMES_MAX = 20_000
"""Games in memory that are looked at for those that were typed: some 40 ms of the reader process."""

NUMBER_DIGITS_MAX = 20
"""Digits of a number in a page's `after`: more than any has."""
