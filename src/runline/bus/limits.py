"""Bounds of the links between processes: of what may wait on them, and of how long."""

HELLO_BYTES_MAX = 256
"""What is said before both ends know each other: nonces and digests have less than a hundred."""

HELLO_S_MAX = 15.0
"""How long two ends may take until they know each other."""

STRANGERS_MAX = 16
"""Connections of an owner's end whose other end is not known yet. All gateways that begin at once are fewer at a time."""

LINKS_MAX = 64
"""Links to one owner: more gateways than a machine has cores gain nothing."""

FRAME_BYTES = 256 * 1024
"""What goes into one frame before it is sent and another begins, so that whoever hears takes it in by pieces."""

ASKED_BYTES_MAX = 8 * 2**20
"""A frame to an owner. The largest request is far smaller than the rest of a frame."""

TOLD_BYTES_MAX = 256 * 2**20
"""A frame from an owner: an image of a book with a million players fits."""

UNSENT_BYTES_MAX = 64 * 2**20
"""What may wait for an end that does not read, beside one frame; beyond it the link is closed."""

REQUESTS_MAX = 2**17
REQUESTS_BYTES_MAX = 64 * 2**20
"""Requests under way on a link: more than the lanes of a stream hold, which say `busy` before. Beyond it `busy` is said here."""

QUESTIONS_MAX = 4_096
"""Questions under way on a link, as many as may wait for a position where they are answered; beyond it `busy`."""

FOLLOWINGS_MAX = 64
"""Streams that are followed over a link at once: programs do that, screens do not."""

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

SILENT_BEATS_MAX = 20
"""Beats of one's own without a word from the other end; then it is taken for gone. (Its own beats an end misses while it stands
still, so that nobody is judged by it.)"""

AGAIN_S_MAX = 5.0
"""How long requests wait for a link that is away. They are sent again with their ids; then they are answered `unavailable`."""

AGAIN_PAUSE_S = 0.05
"""The pause before an end tries again to connect."""
