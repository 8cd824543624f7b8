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

ROLES_MAX = 5_000
"""Roles in one stream."""

ROLES_ENDED_MAX = 1_000
"""Users named in a preview whose roles a move would end."""

ROLES_ENDED_LOOKED_MAX = 2_000
"""Pairs of a role and a node that such a preview looks at for users, about a millisecond: what comes after is not named."""

ROLES_PER_NODE_MAX = 100
"""Roles that are kept at one agent."""

LOWERED_LOOKED_MAX = 1_000
"""Nodes from which holders of a role were lowered that widening it looks at, about a millisecond; where there are more, only the
root's staff widen it."""

KEPT_FOR_THE_WHOLE = 8
"""Of roles, users, agents, players and sessions, one part of so many is kept for the staff of the whole book: whoever works for
an agent cannot fill the book. Nor can they fill what is left: the whole subtree right below the root in which they work may
hold no more than it leaves free."""

STAFF_MAX = 100_000
"""Users of one stream who are not players."""

PLAYERS_MAX = 1_000_000
"""Players in one book: they stay in memory, some 700 bytes each."""

SESSIONS_PER_USER_MAX = 32
"""Sessions of one user; one more ends the oldest."""

SESSIONS_MAX = 100_000
"""Sessions in one stream."""

SESSION_NS_MIN = 10**9
SESSION_NS_MAX = 400 * 24 * 3_600 * 10**9
"""The times that a session may be given, idle and at all; longer than browsers keep a cookie makes no sense."""

DEVICES_PER_USER_MAX = 16
"""Devices of one user that are told from strange ones; one more, and the one used longest ago is forgotten."""

PASSWORD_HASH_LENGTH_MAX = 256
"""Characters of an Argon2id digest in its text form."""

AGENTS_MAX = 20_000
"""Agents in one book."""

MARKETS_PER_POST_MAX = 64
"""Markets in one `PostLines`."""

HELD_LINES_MAX = 10_000
"""Lines that wait for a person. One more is refused, and its market goes off the board."""

GUARD_RULES_MAX = 1_000
"""Rules of what looks like a mistake that are set: all of them are looked at for a page."""

GUARD_LIMIT_MAX = 10_000
"""The largest limit of such a rule: all that prices imply (in hundredths of a percent), and more than a line can move."""

TEAM_LENGTH_MAX = 100
"""Characters of a team's name."""

ROTATION_MAX = 2**31 - 2
"""The largest rotation number of a visitor; the home side has the next."""

SETTLE_SLICE_WAGERS = 64
"""Wagers that one slice of a settlement handles; about a millisecond of work, so that nothing else waits longer."""

PERIODS_MAX = 64
"""Periods in a result (a long baseball game has 26 innings)."""

RULINGS_PER_LEAGUE_MAX = 500
"""Changes of one league's rules. All of them are kept, and looked at where its games are settled."""

WINDOW_HOURS_MAX = 31 * 24
"""The longest that wagers wait for a postponed game: a month."""

EARLIER_STARTS_MAX = 50
"""How often a game may be moved: each start that tickets were placed at is kept."""

WINDOW_NOTICE_NS = 3_600 * 10**9
"""How long before the window of a postponed game ends everybody is told so."""

WINDOW_NOTICE_NS_MIN = 1_800 * 10**9
"""The least between that and the end, also where it is said late that a game is postponed."""

SOURCE_CLOCKS_MAX = 200_000
"""Games and sources whose repeated posts are remembered, some 200 bytes each; beyond them the one is forgotten that was repeated
longest ago."""

LINE_AHEAD_NS_MAX = 10_000_000_000
"""How far the source's time of a line may be ahead of the stream's: a line of a later time would keep every true one out."""

SUSPENSIONS_MAX = 10_000
"""Layers that the staff of the whole stream may set of one narrow scope (game, market, side, player). What is wider (all, a
sport, a league, a kind of market, an agent) has no bound but what there is to suspend, so that it is never refused."""

SUSPENSIONS_PER_NODE_MAX = 1_000
"""Layers that the staff of one agent may set. They take no room from others."""

CLOSED_REMEMBERED = 20_000
"""Tickets that closed last of which a book knows the market, for screens that come back; twice as many at most."""

LINE_QUARTERS_MAX = 4 * 1000
"""The largest handicap or total, in quarter points."""

LEAGUES_MAX = 10_000
"""Leagues in the house."""

FIXTURES_MAX = 500_000
"""Games in the house that are not archived. They are in memory, twice, with their results: some 1.5 KB each; a hundred thousand
a year are many."""

ARCHIVE_AFTER_NS = 30 * 24 * 3_600 * 10**9
"""How long a game is over when it leaves memory, with its markets and its result. Until then its result may be corrected."""

ARCHIVED_MAX = 5_000_000
"""Games that have left memory: their ids and results stay in it, twice, some 600 bytes each."""

MARKETS_MAX = 2_000_000
"""Markets of these games. They stay in memory, twice: some 1 KB each."""

BOOK_LINES_MAX = 100_000
"""Markets in which a book departs from the house."""

OPEN_WAGERS_MAX = 5_000_000
"""Open wagers in one book: they stay in memory, some 800 bytes each."""

MOVED_WAGERS_MAX = 1_000
"""Open wagers of a player who is moved to another agent: what stands for both is counted anew at once, about 2 µs each."""

SET_ASIDE_MAX = 10_000
"""Timers, jobs and results of one stream that are set aside: what goes beyond it is tried for ever."""

BOOKS_MAX = 10_000
"""Books in one house."""

STEP_NS_MAX = 2_000_000_000
"""The largest step of the host's clock that is followed. A stream's time stands still for as much; what is further back than this
was the time of a wrong clock, and the stream's time is right again from the next event on."""

WISHES_MAX = 1_000
"""Streams and nodes of which the house's staff wants something that the nodes were not told yet."""

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
