"""Bounds of the core: every depth, length and amount that outsiders can grow has one here."""

from runline.domain.invariants import check

AGENT_DEPTH_MAX = 16
"""Levels of agents below the book's root."""

IDENTIFIER_LENGTH_MAX = 64
"""Characters of an id that a client chooses (agent, player, role, user, fixture, league)."""

REASON_LENGTH_MAX = 500
"""Characters of a reason or description."""

PIECE_MAX = 512
"""Characters of any text and items of any list in a command, whatever they are of. (Nearly all have lower ones of their own.)"""

STAKE_MINOR_MAX = 10**12
"""The largest amount of one ticket or transaction, in minor units."""

CREDIT_MINOR_MAX = 10**13
"""The largest credit limit, in minor units."""

BALANCE_MINOR_MAX = 10**13
"""How far from zero transactions may take a player's balance, so that the sums of a whole book fit into 64 bits."""

ROLES_MAX = 1_000
"""Roles in one stream."""

SESSIONS_PER_USER_MAX = 32
"""Sessions of one user; one more ends the oldest."""

SESSIONS_MAX = 100_000
"""Sessions in one stream."""

PASSWORD_HASH_LENGTH_MAX = 256
"""Characters of an Argon2id digest in its text form."""

AGENTS_MAX = 20_000
"""Agents in one book."""

MARKETS_PER_POST_MAX = 64
"""Markets in one `PostLines`."""

SETTLE_SLICE_WAGERS = 64
"""Wagers that one slice of a settlement handles; about a millisecond of work, so that nothing else waits longer."""

PERIODS_MAX = 64
"""Periods in a result (a long baseball game has 26 innings)."""

SUSPENSIONS_MAX = 10_000
"""Layers of suspension in one stream."""

LINE_QUARTERS_MAX = 4 * 1000
"""The largest handicap or total, in quarter points."""

BOOKS_MAX = 10_000
"""Books in one house."""

HOUSE_LAG_MS_MAX = 2_000
"""How far a process's house view may be behind the house; beyond it no wagers are taken."""

FEEDS_MAX = 1_000
"""Feeds that are watched."""

FEED_SILENT_MS_MIN = 1_000
FEED_SILENT_MS_MAX = 3_600_000
"""How long a feed may say nothing, in milliseconds."""

check(
    max(IDENTIFIER_LENGTH_MAX, REASON_LENGTH_MAX, PASSWORD_HASH_LENGTH_MAX) <= PIECE_MAX,
    "every text fits into a command",
)
check(max(MARKETS_PER_POST_MAX, PERIODS_MAX) <= PIECE_MAX, "every list fits into a command")
