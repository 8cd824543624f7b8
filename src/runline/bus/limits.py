"""Bounds of the links between processes: of what may wait on them, and of how long."""

HELLO_BYTES_MAX = 256
"""What is said before both ends know each other: nonces and digests have less than a hundred."""

HELLO_S_MAX = 15.0
"""How long two ends may take until they know each other."""

STRANGERS_MAX = 16
"""Connections of an owner's end whose other end is not known yet. All gateways that begin at once are fewer at a time."""

LINKS_MAX = 128
"""Links to one owner: of all nodes that there may be, and of as many gateways."""

FRAME_BYTES = 64 * 1024
"""What goes into one frame before it is sent and another begins, so that whoever hears takes it in by pieces: some hundred
commands. As much may wait in front of the system's own buffer before the end is full."""

ON_ITS_WAY_BYTES = 128 * 1024
"""The system's buffer of each end of a connection: what is said waits for some hundred commands there, and at 1 ms from end to
end 100 MB/s go through."""

INTAKE_NS = 2_000_000
"""What is taken in for of all links together before everything else on the owner's loop has its turn, and the next link."""

ASKED_BYTES_MAX = 8 * 2**20
"""A frame to an owner. The largest request is far smaller than the rest of a frame."""

PART_BYTES = 32 * 1024
"""What an owner says that is longer than a frame is said in parts of this size, between which whatever is urgent goes."""

TOLD_FRAME_BYTES_MAX = 4 * FRAME_BYTES
"""A frame from an owner: what was less than a frame, and what was said then."""

TOLD_BYTES_MAX = 256 * 2**20
"""What an owner says in parts: an image of a book with a million players fits."""

UNSENT_BYTES_MAX = 64 * 2**20
"""What may wait for an end that does not read, beside one frame; beyond it the link is closed."""

REQUESTS_BYTES_MAX = 64 * 2**20
"""Requests under way on a link: more than the lanes of a stream hold, which say `busy` before. Beyond their share of it somebody
hears `busy` here: of one user of a branch, alone, a quarter."""

REQUEST_BYTES_MIN = 512
"""What a request counts for at least: a usual wager."""

REQUESTS_MAX = REQUESTS_BYTES_MAX // REQUEST_BYTES_MIN
"""How many that are at most."""

REQUESTS_COUNTED_BYTES = 2**20
"""Requests under way from which on it is counted whose they are: so little that nobody can have more than their share before, and
that it is counted at once in some milliseconds."""

QUESTIONS_BYTES_MAX = 4 * 2**20
"""Questions under way on a link; beyond their share of it somebody hears `busy`."""

QUESTION_BYTES_MIN = 1_024
"""What a question counts for at least."""

QUESTIONS_MAX = QUESTIONS_BYTES_MAX // QUESTION_BYTES_MIN
"""How many that are at most: as many as may wait for a position where they are answered."""

SHARERS_MAX = 65_536
"""Sessions of which a link knows whose they are, more than a gateway has connections; then those are forgotten that it heard of
first. All of a stream that it does not know are together a branch of it."""

FOLLOWINGS_MAX = 1_024
"""Streams that are followed over a link at once: programs do that, screens do not. A process follows the house, and each large
book that it stands by: so many of them, with 100,000 players each, are more than the memory of a machine holds."""

UNTAKEN_MAX = 8
"""Pieces of a followed stream that are told before the first of them is taken: what else happens waits at the owner."""

WATCHINGS_MAX = 16_384
"""Streams that are watched over a link at once: more than there may be live streams in an engine."""

NEWS_BYTES_MAX = 16 * 2**20
"""What is told of a watched stream and not heard, before the owner waits in any case (a single piece may be larger)."""

TOLD_AHEAD_MAX = 4
"""Pieces of news of a watched stream that are told before the first of them is heard, about two flushes of it: where screens are
written to more slowly than frames could be made, fewer are made, and each has more in it."""

AHEAD_S_MAX = 0.25
"""How long a stream waits for a gateway that has not heard them; then it waits no more until all was heard."""

HEARD_S_MAX = 5.0
"""How long it waits where what was not heard is too much; then the link is closed."""

BEAT_S = 0.25
"""How often each end says that it is there."""

QUIET_BEATS = 2
"""Beats without a word from a gateway after which no stream waits for it: others look at the same streams."""

SILENT_BEATS_MAX = 16
"""Beats of one's own without a word from the other end; then it is taken for gone: so much before AGAIN_S_MAX that another
connection can be made. (Its own beats an end misses while it stands still, so that nobody is judged by it.)"""

AGAIN_S_MAX = 5.0
"""How long requests wait for somebody of whom nothing is heard, from the last word on. They are sent again with their ids; then
they are answered `unavailable`."""

AGAIN_PAUSE_S = 0.05
"""The pause before an end tries again to connect."""

AGAIN_PAUSE_S_MAX = 0.5
"""The longest pause after which something is sent again to where a stream should be, and was not. It doubles up to there."""

ASTRAY_BYTES_MAX = 64 * 2**20
"""Requests that wait because nobody has their streams just now, all streams together; beyond their share of it somebody hears
`busy`. Each counts for its command and for REQUEST_BYTES_MIN beside it, a question for QUESTION_BYTES_MIN of as much as may be
under way on a link."""

SHAKE_S_MAX = 5.0
CONNECT_S_MAX = 8.0
"""How long two ends may take until what they say is encrypted, and connecting to somebody in all."""

ARRIVALS_MAX = 64
ARRIVALS_OF_ONE_MAX = 16
"""Connections that come in over the network and are not encrypted yet, and those of one address: the next ones are closed."""

REACH_PAUSE_S_MAX = 1.0
"""The longest pause before somebody is connected to again who lets nobody in. It doubles up to there."""

COMPLAINTS_S = 30.0
COMPLAINTS_MAX = 64
"""How long the same is not said again in the log that keeps a link from coming to stand, and how much of it is remembered."""

SOCKET_PATH_BYTES_MAX = 107
"""The path of a socket in the file system: the system takes no longer one."""
