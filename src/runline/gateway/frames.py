"""Frames: the shapes of what the live stream sends, for the document. They are written where streams are owned (`live/`)."""

from typing import Any

import msgspec

from runline.domain.queries.process import ConditionRow
from runline.domain.shown import AgentFigures, BoardFixture, Exposure, PlayerFigures


class EntryFact(msgspec.Struct):
    """An event, as the topics `wagers` and `log` have it."""

    seq: int
    at_ns: int
    actor: str
    command: str
    event: msgspec.Raw


class NoticeFact(msgspec.Struct):
    """An event that somebody should look at.

    kind: which kind of notification it is.
    """

    stream: str
    seq: int
    at_ns: int
    actor: str
    kind: str
    event: msgspec.Raw


class Standing(msgspec.Struct):
    """What is so just now.

    feeds_silent: the feeds that are silent. slow: what is slower than it should be.
    """

    feeds_silent: list[str]
    slow: list[str]


class Entries(msgspec.Struct):
    """Events, the oldest first.

    events: of an image the last ones, of a delta those since.
    """

    events: list[EntryFact]


class Notices(msgspec.Struct, omit_defaults=True):
    """Notifications, the oldest first.

    events: the notifications. standing: in an image, what is so just now.
    """

    events: list[NoticeFact]
    standing: Standing | None = None


class Lines(msgspec.Struct):
    """Games with their lines.

    whole: whether these are all; else those that have changed. rows: games.
    """

    whole: bool
    rows: list[BoardFixture]


class Exposures(msgspec.Struct):
    """Exposure by market.

    whole: whether these are all; else those that have changed. rows: markets.
    """

    whole: bool
    rows: list[Exposure]


class Figures(msgspec.Struct):
    """Figures of agents and of their players.

    whole: whether these are all; else those that have changed. rows: agents. players: players.
    """

    whole: bool
    rows: list[AgentFigures]
    players: list[PlayerFigures]


class HealthNow(msgspec.Struct):
    """How Runline is just now; volumes are told to the house only.

    recoveries: streams that were read again since the start. commit_ms_p50, commit_ms_p99: how long a transaction takes.
    answer_ms_p99: from received to answered. delivery_ms_p99: from durable to written to the last screen. loop_ms_p99: how late
    the loop is. slow: what is slower than it should be. conditions: what is not well. server_ns: the host's time.
    accepted, refused, logged: commands and events since the start. screens: how many follow a stream.
    """

    recoveries: int
    commit_ms_p50: float
    commit_ms_p99: float
    answer_ms_p99: float
    delivery_ms_p99: float
    loop_ms_p99: float
    slow: list[str]
    conditions: list[ConditionRow]
    server_ns: int
    accepted: int = 0
    refused: int = 0
    logged: int = 0
    screens: int = 0


class Topics(msgspec.Struct, omit_defaults=True):
    """What each topic that is followed has to say; those that have nothing to say are left out.

    wagers: tickets placed, voided, reversed, settled. lines: games as this stream offers them. exposure: by market. figures: of
    agents and players. log: every event. notifications: what somebody should look at. health: how fast Runline is.
    """

    wagers: Entries | None = None
    lines: Lines | None = None
    exposure: Exposures | None = None
    figures: Figures | None = None
    log: Entries | None = None
    notifications: Notices | None = None
    health: HealthNow | None = None


class Image(msgspec.Struct):
    """Everything that is followed, as it is at a position.

    topics: all that there is.
    """

    position: int
    house: int
    at_ns: int
    topics: Topics


class Delta(msgspec.Struct, omit_defaults=True):
    """What has changed from one position to another; of `health` alone without any position.

    from_: the position after which it begins. to: the position at which it ends. house_from: the house's position after which
    it begins. topics: what has changed.
    """

    topics: Topics
    from_: int = msgspec.field(name="from", default=0)
    to: int = 0
    house_from: int = 0
    house: int = 0
    at_ns: int = 0


class Heartbeat(msgspec.Struct, omit_defaults=True):
    """That the stream is alive; with positions, that nothing else was to be told up to there.

    server_ns: the host's time. from_: the position after which nothing was to be told. house_from: the same of the house.
    """

    server_ns: int
    from_: int = msgspec.field(name="from", default=0)
    position: int = 0
    house_from: int = 0
    house: int = 0


class Reset(msgspec.Struct):
    """That the stream ends, and why.

    reason: `revoked`, `signed_out`, `lagged`, …: after the first two whoever asks may see other things, or nothing.
    """

    reason: str


class ImageFrame(msgspec.Struct):
    """The first frame, and whenever something may be missing.

    event: which kind of frame it is. id: what a stream is resumed with, as `Last-Event-ID`. data: as JSON, in one line.
    """

    event: str
    id: str
    data: Image


class DeltaFrame(msgspec.Struct, omit_defaults=True):
    """What has changed.

    event: which kind of frame it is. id: what a stream is resumed with; without one it moves no position. data: as JSON, in one
    line.
    """

    event: str
    data: Delta
    id: str = ""


class HeartbeatFrame(msgspec.Struct, omit_defaults=True):
    """Nothing has changed.

    event: which kind of frame it is. id: what a stream is resumed with; without one it moves no position. data: as JSON, in one
    line.
    """

    event: str
    data: Heartbeat
    id: str = ""


class ResetFrame(msgspec.Struct):
    """The stream ends.

    event: which kind of frame it is. data: as JSON, in one line.
    """

    event: str
    data: Reset


FRAMES: dict[str, Any] = {
    "image": ImageFrame,
    "delta": DeltaFrame,
    "heartbeat": HeartbeatFrame,
    "reset": ResetFrame,
}
"""The frames by what they are called on the wire."""
