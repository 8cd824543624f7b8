"""Bounds of the engine: every queue has one here."""

from typing import Final

from runline.domain.invariants import check

LANE_DEPTH_MAX: Final = {"control": 4_096, "wagers": 2_048, "bulk": 65_536, "last": 512}
"""Requests waiting in a lane of one stream; beyond it the answer is `busy`. A bettor who hears `busy` now is served better than
one who hears of a changed line in a second. last: what its sender may not do, as far as is known before it is judged."""

ACTOR_WAITING_MAX: Final = {"control": 1_024, "wagers": 1_024, "bulk": 32_768, "last": 64}
"""Requests of one user waiting in a lane; beyond it this user hears `busy`, and there is room for the others."""

LANE_COUNTED_FROM = 1_024
"""Requests waiting in a lane without turns from which on it is counted whose they are, if no smaller number decides it: few
enough to be counted at once (0.2 ms), and so many that what goes straight through is not."""

CONTROL_KEPT = 2_048
"""Places in the control lane that only staff of the whole book (or of the house) may take: however much those below them send,
who stands above is heard."""

CONTROL_TURN = 8
"""Control commands of one user before the next one's turn. When everyone who waits has had a turn, wagers have theirs."""

CONTROL_TURN_NS = 500_000
"""How long such a turn takes at most, but for its last command: eight usual ones take a third of it. Whoever sends what takes
longer has fewer of them in a turn."""

LAST_TURN = 8
"""What is not permitted, of one stream, in a slice: enough that it is answered, too little to be felt."""

WAGERS_WAITING_MAX = 2_048
"""Wagers waiting in all streams together. Beyond it a stream that has its share of them waiting hears `busy`; others do not."""

REQUESTS_PER_SEND_MAX = 1_000
"""Requests in one call of the door."""

REQUEST_BYTES_MAX = 65_536
"""A request in JSON."""

CORRELATION_LENGTH_MAX = 128
"""Characters of what a sender relates a command to. It stands in each event that the command makes."""

SESSION_LENGTH_MAX = 64
"""Characters of a session's name."""

COMMAND_ID_LENGTH = 36
"""Characters of a command's id, a UUIDv7."""

POSITION_MAX = 2**62
"""The largest position that can be asked about."""

COMMAND_BYTES_MAX = 65_536
"""A command's content, encoded."""

EVENT_BYTES_MAX = 65_536
"""An event as it is logged. A command that would make a larger one is refused, `too_large`."""

COMMAND_LOG_BYTES_MAX = 2**20
"""What one command may add to the log. The largest is a slice of a settlement, with some tens of KB."""

SLICE_NS = 1_000_000
"""How long the writers decide before the loop goes on to other things."""

TURN_COMMANDS = 32
"""Wagers that one stream decides before the next one has its turn."""

BATCH_EVENTS_MAX = 2_048
"""Events in one transaction. While it commits, at most as many again are decided."""

BATCH_BYTES_MAX = 4 * 2**20
"""Bytes of events in one transaction: beyond it the batch is full, whatever the number of its events. (Full of wagers it has
about a megabyte.)"""

BULK_EVENTS_MAX = 512
"""Events in a batch beyond which bulk and jobs wait for the next one: a longer batch would make every wager wait for it."""

COMMIT_RETRY_S_MAX = 5.0
"""How long a batch is retried while the store fails in a way that may pass."""

COMMIT_RETRY_PAUSE_S = 0.05
"""The pause before a batch is tried again."""

RECOVER_PAUSE_S = 0.5
"""The pause before recovery is tried again."""

WINDOW_COMMANDS_MAX = 200_000
"""Commands of one stream whose ids are remembered."""

FORGOTTEN_COMMANDS_MAX = 200_000
"""Commands before the remembered ones whose ids a restart looks at: so many that an id of before them is of long ago."""

WINDOW_MS = 24 * 3_600_000
"""How old a command's id may be."""

AHEAD_MS_MAX = 10_000
"""How far a command's id may be ahead of the stream's time."""

EARLY_MS = 1_000
"""How far an id may be ahead and still be forgotten in the order of execution: the clocks of most senders are as near as that."""

SPAN_GAP_MS = 1_000
"""How far apart forgotten ids are made and still taken as of one span."""

SPANS_MAX = 64
"""Spans of forgotten ids that are kept apart; beyond it the two earliest become one."""

IDLE_NS_MAX = 31 * 24 * 3_600_000_000_000
"""How long after the last event a start may be for a wall clock to be believed that nothing keeps right: a database may lie idle
for weeks, but a clock that has lost its battery is years off."""

SUBSCRIPTION_EVENTS_MAX = 65_536
"""Events that a subscriber may be behind, in memory."""

SUBSCRIPTION_BYTES_MAX = 64 * 1024 * 1024
"""The text of the events that a subscriber may be behind."""

REFUSAL_KINDS_MAX = 1_000
"""Kinds of refusal (actor × command × code) of one stream that are kept apart in a minute; beyond it the actor is left out."""

REFUSAL_DETAILS_BYTES_MAX = 1_000
"""The values that are kept with the first refusal of a kind, in JSON; larger ones are left out."""

REFUSAL_WAIT_S_MAX = 1.0
"""How long refusals wait for a batch that is written anyhow, before they get one of their own: what a crash may take of them."""

REFUSAL_MINUTES_KEPT = 7 * 24 * 60
REFUSALS_KEPT_MAX = 5_000
"""How long a stream's refusals are kept, and how many kinds at most (the oldest minutes go first)."""

BATCHES_KEPT_MAX = 1_000_000
"""Batches whose times are kept, for traces: older commands are traced without them."""

DUTY_RETRY_S_MIN = 0.1
DUTY_RETRY_S_MAX = 60.0
"""How long what the engine owes and cannot do (a timer, a slice of a job, a result) rests before it is tried again: doubled each
time."""

DUTY_TRIES_MAX = 10
"""How often it is tried, which takes a minute; then it is set aside."""

READ_EVENTS = 250
"""Events read from the store at a time: some milliseconds."""

REPEATS_WAITING_MAX = 16_384
REPEATS_PER_USER_MAX = 1_024
"""Repeated commands of one stream, and of one user in it, that wait for their answers from the log; beyond it the answer is
`busy`."""

REPEATS_WITHIN = 128
"""Entries of the log that are read for repeats at a time: well under a millisecond."""

TIMERS_PER_ROUND = 64
"""Timers fired before the lanes have their turn again."""

AT_LEAST_WAIT_S = 5.0
"""How long a query waits for the position that it asks for."""

AWAITING_MAX = 4_096
"""Queries in all that wait for a position; beyond it the answer is `busy`. Of one stream as many as are free for all others."""

AWAITING_PER_USER_MAX = 64
"""Queries of one user that wait for a position."""

KEEP_PROGRAM_NS = 5 * 60 * 10**9
"""How often the use of a program's session is noted in its book."""

KEEP_SCREEN_NS = 60 * 10**9
"""How often it is noted that something was done at a screen: its idle time is right to this."""

NOTED_SESSIONS_MAX = 100_000
"""Sessions of which it is remembered when their use was noted; then all are forgotten, and noted once more."""

FOLLOW_PAUSE_S_MIN = 0.03
FOLLOW_PAUSE_S = 0.25
"""The pause before a stream is followed again, after its owner could not tell how it goes on, doubled each time; what is stored
is read then."""

PROOF_S = 0.25
"""How often the owner of a stream that is followed is asked how far it is."""

TOLD_S_MAX = 1.0
"""How long a follower waits to be told what its owner has said to be durable; then it reads that from the log."""

TAKEN_AT_ONCE = 2_000
"""Rows of a stream that is read that are taken at a time: a millisecond or two."""

LOAD_PAUSE_S = 5.0
"""The pause before a standby loads its stream anew, which takes the store and the loop as much as a start of that stream."""

TAKE_OVER_EVENTS_MAX = 65_536
"""Events that a standby may lack when it takes over; if it lacks more, the stream is read whole, which is quicker."""

HAND_OVER_S_MAX = 5.0
"""How long commands of a stream wait while it is handed over; then it goes on where it was. As many wait as at any time."""

check(COMMAND_BYTES_MAX <= EVENT_BYTES_MAX <= COMMAND_LOG_BYTES_MAX, "what a command says fits into its event")
check(COMMAND_LOG_BYTES_MAX <= BATCH_BYTES_MAX, "what a command logs fits into a batch")
check(LANE_DEPTH_MAX["control"] > CONTROL_KEPT, "those below the top have places too")
check(ACTOR_WAITING_MAX["control"] < CONTROL_KEPT, "no one user fills the places that are kept")
check(
    min(ACTOR_WAITING_MAX["control"], ACTOR_WAITING_MAX["wagers"]) >= REQUESTS_PER_SEND_MAX,
    "what one call holds may wait",
)
check(
    min(LANE_DEPTH_MAX["control"] - CONTROL_KEPT, LANE_DEPTH_MAX["wagers"]) >= 2 * REQUESTS_PER_SEND_MAX,
    "so it may in a branch of the tree",
)
check(all(ACTOR_WAITING_MAX[lane] < LANE_DEPTH_MAX[lane] for lane in LANE_DEPTH_MAX), "no one user fills a lane")
check(BULK_EVENTS_MAX < BATCH_EVENTS_MAX, "bulk leaves room in a batch")
check(REQUESTS_PER_SEND_MAX <= REPEATS_PER_USER_MAX < REPEATS_WAITING_MAX, "what one call holds may be repeated")
check(AWAITING_PER_USER_MAX < AWAITING_MAX, "no one user takes all places of waiting queries")
