"""Bounds of the cluster: how long a node may be silent, and how often streams move."""

RENEW_S = 0.5
"""How often a node renews its leases."""

LEASE_S = 2.0
"""How long whoever takes over must have seen a lease unchanged, by a clock of its own."""

HELD_S_MAX = 1.8
"""How long a node believes that it holds its lease, since before it has sent the renewal. Less than LEASE_S, so that two
machines whose seconds differ by a tenth are both right, and so that what was judged just before still leaves in time."""

SUSPECTED_S = 1.0
"""How long a lease may be unchanged before its holder is suspected: two renewals."""

LOOK_S = 0.1
"""How often it is looked while somebody is suspected."""

BLIND_S_MAX = 0.9
"""Between the answers to two looks at the leases; beyond it nothing is known of the time between, and all are seen as for the
first time. So a database that was away, and a process that stood still, take nobody's lease from them."""

RETURN_S_MAX = 3.0
"""How long after such a gap, beyond LEASE_S, whoever has a lease may take to renew it: after a failover all connect anew, some
of them later than others."""

SILENT_S_MAX = 1.5
"""How long the database may take to answer before the connection is given up: the next renewal comes over another one."""

AGAIN_S = 0.1
"""The pause before it is tried again."""

ANSWERS_S_MAX = 5.0
"""How long it may take to let a connection in, and over what is no renewal: an assignment, a look at all streams."""

LOCK_S_MAX = 1.0
"""How long a statement waits for another one that is about the same: for a renewal that waits for its standby, say. Then it has
not been done, and is tried again."""

ROUND_S = 1.0
"""How often the coordinator looks whether something is to be moved; at once when something has changed."""

NODES_MAX = 64
"""Nodes of a cluster: each looks at the leases of all."""

GONE_KEPT_MAX = 64
"""Nodes that have gone and are still known; the ones that went first are forgotten as another joins."""

NODE_NAME_CHARS_MAX = 64
ADDRESS_CHARS_MAX = 255
"""What a node may call itself, and where it is."""

NAMED_MAX = 5
"""Streams that the status names in a sentence; of more it says how many."""

TOGETHER_S = 0.05
"""For how long what is told of changes is gathered before it is looked at."""

HANDED_OVER_AT_ONCE_MAX = 8
"""Streams that are being handed over at a time: each is followed by its next owner meanwhile."""

MOVE_PAUSE_S = 10.0
"""The pause between two moves for the sake of balance: what the last one has changed is measured first."""

STREAM_RESTS_S = 120.0
"""How long a stream that was moved for the sake of balance stays where it is."""

GAP_PPM_MIN = 100_000
"""How much busier the busiest node must be than the idlest before streams move: a tenth of a core."""

GAP_SHARE_MIN = 0.2
"""And in relation to what the busiest has."""

LEFT_SHARE_MIN = 0.1
"""How much of that gap a stream that moves must leave: one that would only make the other node the busiest stays."""

MOVE_COST_PPM = 500
ROW_COST_PPM = 0.2
"""What a move costs, as if it were load for as long as the stream then rests, and for each row that is held in memory: the 2.4
s in which 100,000 of them are loaded are as a fiftieth of a core."""

STREAM_PPM = 1_000
"""What a stream weighs that does nothing: so that idle ones are spread as well."""

SMOOTHED_S = 15.0
"""Over how long measured loads are smoothed: a burst moves nothing."""

UNKNOWN_S = 0.5
"""How long a book of which nobody has heard may be a new one, before it is said that there is none."""

NAMES_ASKED_MAX = 1_024
"""Names that may be those of new books at a time; of others it is said at once that there is none."""

TENDED_AGAIN_S_MIN = 0.1
TENDED_AGAIN_S_MAX = 2.0
"""The pause before it is tried again to take a stream, or to hand it over: doubled each time."""

TAKEN_STREAMS_MAX = 32
TAKEN_ROWS_MAX = 4_000
"""Streams that are claimed and read together, and the rows in memory of all of them together; a larger one is read alone. What
comes for a stream that is taken waits for those that are taken with it."""

COPIED_ROWS_MIN = 20_000
"""Rows in memory from which on a stream has a copy at another node all the time, until it has half of them: reading so many takes
half a second."""

COPIED_ROWS_MAX = 2_000_000
COPIED_ROWS_SPARE = 10
"""Rows in memory of all copies at one node together, some 1.5 GB: beyond it the smallest go without. A copy is begun only where a
tenth of them stays free, so that none comes and goes as streams grow and shrink by a few rows."""

COPIED_LOOK_S = 5.0
"""How often a node looks of which streams it is to have a copy."""

COPIES_BEGUN_MAX = 2
"""Copies that it begins with then, the largest first: each is read over a connection of its own, and takes some of the loop."""

WARM_ROWS_MIN = 2_000
"""Rows in memory from which on the next owner of a stream must have a copy of it before it is handed over: fewer are read in some
hundredths of a second."""

WARM_S_MAX = 30.0
"""How long a stream waits, going on where it is, for its next owner to have that copy; then it goes without."""

WARM_LOOK_S = 0.1
"""How often it is asked whether it has."""

MEASURED_S = 1.0
"""How often a node says what it and its streams cost."""

DRAINED_S_MAX = 30.0
"""How long a node that is told to stop may take to hand over its streams; those that are left are released."""

DRAINED_LOOK_S = 0.5
"""How often it is looked meanwhile whether there still is a node that takes them."""

DONE_S_MAX = 60.0
"""How long whoever moves streams by hand waits for what comes of it."""

DONE_LOOK_S = 0.5
"""How often it is looked meanwhile, at least."""

LEAVES_S_MAX = 5.0
"""How long a node that stops waits for its lease to be given back; else that ends by itself."""

STREAMS_TOLD = 100
"""Streams of which a node is told at a time, before everything else has its turn."""

SEEN_S = 0.5
"""For how long what the registry has said of the cluster is shown to all who ask: as long as between two renewals."""

CONDITIONS_TOLD_MAX = 8
CONDITION_CHARS_MAX = 300
"""Of what is not well at a node it tells the others so many sentences, as long as this; of more it says how many."""

ANSWERED_S = 0.25
"""How long a gateway that has asked whether any node answers goes by what it has heard: whoever asks meanwhile costs no node
anything."""

STREAMS_REST = 4
"""How much longer a node waits than it has taken to look at whose all streams are, before it looks again."""
