"""Bounds of the queries: what a page costs whoever owns the stream."""

PAGE_ROWS = 100
"""Rows of a page, unless more are asked for."""

PAGE_ROWS_MAX = 1_000
"""Rows of the largest page. A query whose rows cost more has fewer; then `next` says where the next page begins."""

BOARD_MARKETS_MAX = 400
"""Markets on a page of `board`, each game counted as one too: about 4 µs each, and nothing may hold the loop for over 2 ms."""

PLAYER_ROWS_MAX = 500
"""Accounts on the largest page of `players`: about 1 µs each, and as much for each node that is passed."""

EXPOSURE_ROWS_MAX = 100
"""Markets on the largest page of `exposure`: about 10 µs each."""

EXPOSURE_PLACES_MAX = 1_000
"""Sides at different lines that a page of `exposure` works through before it is full: about 1 µs each."""

SESSION_ROWS_MAX = 250
"""Sessions on the largest page of `sessions`: about 5 µs each, for each has three times to be told as text."""

SUSPENSION_ROWS_MAX = 500
"""Layers on the largest page of `suspensions`: about 2 µs each, as much for each that is passed."""

FIND_ROWS_MAX = 20
"""Rows of each kind that are found of what somebody has typed: who sees more types more."""

RESULT_BOOKS_MAX = 20
"""Books on a page of what a result would make of them: of each all tickets on the game are graded."""

PAGE_NODES_MAX = 1_000
"""Nodes of the tree that a page passes, those included that have nothing to show; it is short then and goes on with `next`."""

PAGE_PASSED_MAX = 1_000
"""Rows (roles, layers of suspension) that a page passes, those included that do not concern its reader: up to 1.5 µs each, in a
tree of many levels."""

IMAGE_PLAYERS_MAX = 2_000
"""Players in the image of the topic `figures`; a larger subtree gets its agents only, and pages of players by the query."""
