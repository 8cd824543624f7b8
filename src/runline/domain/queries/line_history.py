"""Line history: what has become of a market's line, in the house and in the book."""

import msgspec

from runline.domain.queries.declared import Asked


class LineRow(msgspec.Struct):
    """Something that has become of a market: its line as the house has posted it, or how the book departs from that.

    stream: `house`, or the book. seq: the position in that stream. actor: who did it, "" for who may not see the log (and is
    another), and of the house always. event: what happened: its `type`, and the fields of that type: of `LinePosted` the line and
    its prices, of `LineMoved` how the book departed before, and from then on. Of the house's events it does not say by whom and
    why (`reason`, `node`, `source` and `tripped` are empty), and a line that the house holds, or that is none, is a
    `LineWithdrawn`.
    """

    stream: str
    seq: int
    at_ns: int
    actor: str
    event: msgspec.Raw


class LineHistoryAsked(Asked[LineRow], frozen=True, kw_only=True):
    """What has become of a market, the last first.

    The logs of the house and of the book are looked through, 100,000 entries of each for a page: it may be short, even empty, and
    have a `next`.

    market: which.
    """

    market: str = ""
