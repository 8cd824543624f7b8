"""Topics: what can be followed, live.

Two kinds: those in which every event counts (`wagers`, `log`, `notifications`) and those in which the newest value counts
(`lines`, `exposure`, `figures`, `health`). The rows of the latter are the very rows of the queries of the same name: which they
are, and which events change them, is known in `live/` for each of these topics. `health` is about the process alone.
"""

from collections.abc import Mapping

import msgspec

from runline.domain.audience import Audience
from runline.domain.messages import Rejected, lacking
from runline.domain.permissions import Permission
from runline.domain.state import State


class Topic(msgspec.Struct, frozen=True):
    """A declared topic. needs: the permission. players: whether a player may follow what is their own. house: whether the
    house has it too. events: whether every event counts in it. timed: whether it is about the process, and sent each second."""

    name: str
    about: str
    needs: Permission
    players: bool
    house: bool
    events: bool
    timed: bool = False


DECLARED = (
    Topic("wagers", "Every ticket placed, voided, reversed, settled.", Permission.TICKER_VIEW, True, False, True),
    Topic(
        "lines",
        "Games with their lines as this stream offers them, by `fixture`.",
        Permission.BOARD_VIEW,
        True,
        True,
        False,
    ),
    Topic(
        "exposure",
        "Exposure by market of my subtree, by `market`. A market without open wagers has zeros.",
        Permission.FIGURES_VIEW,
        False,
        False,
        False,
    ),
    Topic(
        "figures",
        "Figures of the agents of my subtree, by `agent`, and of its players, by `player` (for a player: my own account).",
        Permission.FIGURES_VIEW,
        True,
        False,
        False,
    ),
    Topic("log", "The activity log: every event.", Permission.LOG_VIEW, False, True, True),
    Topic(
        "notifications",
        "What somebody should look at: large wagers, suspensions, role changes, failed sign-ins, silent feeds, slowness.",
        Permission.LOG_VIEW,
        False,
        True,
        True,
    ),
    Topic(
        "health",
        "How fast Runline is just now; sent each second.",
        Permission.FIGURES_VIEW,
        False,
        True,
        False,
        timed=True,
    ),
)


def require_topics(names: tuple[str, ...], state: State, audience: Audience) -> None:
    """Refuse topics that are not there or not for this audience. Raises Rejected `topic_invalid`, `not_permitted`."""
    topics = state.vocabulary.topics
    for name in names:
        topic = topics.get(name)
        if topic is None or not (topic.house or state.kind == "book"):
            raise Rejected("topic_invalid", f"There is no topic {name[:64]!r} here.", topics=list(topics))
        if not audience.may(topic.needs) and not (topic.players and audience.player):
            raise lacking(topic.needs)


def split_topics(text: str, topics: Mapping[str, Topic]) -> tuple[str, ...]:
    """The topics of a query string: each once, in the order of their declaration.

    Raises Rejected `topic_invalid`.
    """
    asked = set(text.split(","))
    unknown = asked - set(topics)
    if unknown or not asked:
        raise Rejected("topic_invalid", "There is no such topic.", topics=list(topics))
    return tuple(name for name in topics if name in asked)
