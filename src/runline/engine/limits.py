"""Bounds of the engine: every queue has one here."""

from typing import Final

LANE_DEPTH_MAX: Final = {"control": 4_096, "wagers": 2_048, "bulk": 65_536}
"""Requests waiting in a lane of one stream; beyond it the answer is `busy`. A bettor who hears `busy` now is served better than
one who hears of a changed line in a second."""

ACTOR_WAGERS_MAX = 1_024
"""Wagers of one user waiting in a stream; beyond it this user hears `busy`, and there is room for the others."""

WAGERS_WAITING_MAX = 2_048
"""Wagers waiting in all streams together. Beyond it a stream that has its share of them waiting hears `busy`; others do not."""

REQUESTS_PER_SEND_MAX = 1_000
"""Requests in one call of the door."""

REQUEST_BYTES_MAX = 65_536
"""A request in JSON."""

SLICE_NS = 1_000_000
"""How long the writers decide before the loop goes on to other things."""

TURN_COMMANDS = 32
"""Wagers that one stream decides before the next one has its turn."""

BATCH_EVENTS_MAX = 2_048
"""Events in one transaction. While it commits, at most as many again are decided."""

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

REFUSAL_ROWS_MAX = 10_000
"""Kinds of refusal (minute × actor × command × code) of one stream between two commits; beyond it the actor is left out."""

READ_EVENTS = 250
"""Events read from the store at a time: some milliseconds."""

TIMERS_PER_ROUND = 64
"""Timers fired before the lanes have their turn again."""

AT_LEAST_WAIT_S = 5.0
"""How long a query waits for the position that it asks for."""
