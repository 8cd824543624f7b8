"""Bounds of sharing: what queries and images may take of the loop of whoever owns the streams, how often passwords are tried."""

TURN_NS = 1_000_000
"""How long queries, images and frames are made in a row, all together, before everything else on the loop has its turn."""

TURNS_AT_ONCE = 8
"""Readers that are let in together after that."""

USER_SHARE = 0.1
"""The share of the loop's time that one user's queries and images may take; beyond it they wait."""

BRANCH_SHARE = 0.2
"""The same of one branch of the tree."""

BOOK_SHARE = 0.3
"""The share of the loop's time that the queries and images of one book may take; beyond it those wait who had some of it."""

SPENT_AHEAD_NS = 500_000_000
"""How far ahead of their share a user or book may be: at once a user may spend a tenth of this."""

QUERY_NS = 200_000
"""What any query costs beside its reading: the way through HTTP."""

QUERY_WAIT_S_MAX = 2.0
"""How long a query waits for its user's share; beyond it the answer is `busy`."""

QUERIES_PER_USER_MAX = 64
"""Queries of one user that are under way at once, those included that wait for a position."""

SPENDERS_MAX = 20_000
"""Users of whom it is known what they have spent; then those are forgotten who owe nothing."""

FREE_FAILURES = 3
"""Wrong passwords without a delay, from one address for one user."""

RETRY_DELAY_NS_MAX = 15 * 60 * 10**9
"""The longest delay between two tries."""

TRIES_NS = 3_600 * 10**9
"""How long wrong passwords are remembered."""

STRANGE_FAILURES_MAX = 100
"""Wrong passwords for one user within TRIES_NS, from all the devices together that the user has not signed in from before. Then
only known devices are let try: 100 guesses an hour find no password that was not already known."""

TRIES_REMEMBERED_MAX = 100_000
"""Addresses, devices and users of which wrong passwords are remembered, each; about 300 bytes. To have one forgotten takes as
many others, each of which costs 25 ms of hashing."""
