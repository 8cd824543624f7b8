"""Topics: what can be followed, live.

Two kinds: those in which every event counts (`wagers`, `log`, `notifications`) and those in which the newest value of rows counts
(`lines`, `exposure`, `figures`). A noun declares a topic of rows with its rows (`TopicRows`): how they are found and made, and by
`changes` what changes them. They are the very rows of the queries of the same name. `health` is about the process alone.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from runline.domain.audience import Audience
from runline.domain.messages import Event, Rejected, declares, lacking
from runline.domain.nodes import Nodes
from runline.domain.permissions import Permission, StreamKind
from runline.domain.state import State

if TYPE_CHECKING:
    from runline.domain.house import House

F = TypeVar("F", bound=Callable[..., Any])


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


Key = tuple[str, Any]
"""A row's key, "" for none (something was passed that has no row), and the place behind it, from where reading goes on."""


def alike(state: Any, audience: Audience) -> Hashable:
    """The flavour of rows that all who see them see alike."""
    return None


class TopicRows(msgspec.Struct, frozen=True):
    """The rows of a topic in which the newest value counts. A topic may have rows of several kinds, each under a name.

    name: by which `changes` calls them. keys: (state, house, audience, place) -> the rows of an image behind a place, in their
    order, None for the beginning: read some at a time, so that it must come by an index to where it goes on. row: (state, house,
    audience, key, now_ns) -> the row. shown: (state, house, audience, key) -> whether there is such a row for them. flavour:
    (state, audience) -> what a row depends on beside its key: it is made once for all of one flavour. under: where a frame has
    them. streams: which have them. by_house: whether events of the house change those of a book too.
    """

    name: str
    topic: str
    keys: Callable[[Any, "House", Audience, Any], Iterator[Key]]
    row: Callable[[Any, "House", Audience, str, int], Any]
    shown: Callable[[Any, "House", Audience, str], bool]
    flavour: Callable[[Any, Audience], Hashable] = alike
    under: str = "rows"
    streams: tuple[StreamKind, ...] = ("book",)
    by_house: bool = False


class Changed(msgspec.Struct, frozen=True, gc=False):
    """Rows that an event changes, for some audiences.

    keys: the rows; those that are not there for an audience are left out. whole: any row may be another one: all are read anew.
    walked: rows that are just being read from the beginning stand in another order now.
    For whom: everyone; the staff who look at one of these nodes; a player; whoever stands at a node or below it (`below`).
    """

    keys: tuple[str, ...] = ()
    whole: bool = False
    walked: bool = False
    everyone: bool = False
    nodes: tuple[str, ...] = ()
    player: str = ""
    below: str = ""

    def reaches(self, audience: Audience, tree: Nodes) -> bool:
        """Whether it is about what an audience sees."""
        if self.everyone:
            return True
        if audience.player:
            if audience.player == self.player:
                return True
        elif audience.node in self.nodes:
            return True
        return bool(self.below) and tree.below(self.below, audience.node)


Changes = Callable[[Any, "House", Any, int], Iterable[Changed]]
"""(state, house, event, its position) -> what it changes of some rows, with the state as it is after the event or later."""


def changes(rows: str, *events: type[Any]) -> Callable[[F], F]:
    """Declare what an event changes of some rows that are followed live: (state, house, event, its position) -> what it changes,
    with the state as it is then or later. It is asked of what is made from one of these classes; without any, of every event.
    Several nouns may say it of one event."""

    def note(function: F) -> F:
        for event in events or (Event,):
            declares("changes", (rows, event))(function)
        return function

    return note


DECLARED = (
    Topic(
        "wagers",
        "Every ticket placed, voided, reversed, settled, and in `ticket` what it says in words.",
        Permission.TICKER_VIEW,
        True,
        False,
        True,
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
