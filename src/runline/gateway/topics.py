"""Topics: what can be followed, live.

Two kinds: those in which every event counts (`wagers`, `log`, `notifications`) and those in which the newest value counts
(`lines`, `exposure`, `figures`, `health`). The rows of the latter (`gateway/live_rows.py`) are the very rows of the queries of
the same name.

Rule: of an event it is found out once whom it concerns (`Fact`); a group of screens only looks at what concerns it.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from runline.domain.access import ROOT, RoleAssigned, RoleSet, UserRestored, UserRevoked
from runline.domain.audience import EVERYONE, Audience, concerns, sees
from runline.domain.book import Book
from runline.domain.hierarchy import AgentCreated, AgentMoved
from runline.domain.house import House
from runline.domain.lines import LineMoved
from runline.domain.messages import HOUSE, Event, Rejected, event_json
from runline.domain.permissions import Permission
from runline.domain.sessions import SignInFailed
from runline.domain.setbacks import WorkSetAside, WorkTakenUp
from runline.domain.suspension import Reopened, Suspended
from runline.domain.wagers import WagerPlaced, WagerReversed, WagerSettled, WagerVoided
from runline.domain.watch import FeedReturned, FeedSilent, HealthDegraded, HealthRestored
from runline.engine.writer import Happened

WAGER_EVENTS = (WagerPlaced, WagerVoided, WagerReversed, WagerSettled)

CLOSING_EVENTS = (WagerVoided, WagerReversed, WagerSettled)
"""Their market is not in them."""

LARGE_WAGER_SHARE = 2
"""A wager is large from the book's largest stake divided by this."""

FAILURES_NOTED = 3
"""Failed sign-ins of one user in a row from which on somebody is told."""

HOUSE_NOTICES = (FeedSilent, FeedReturned, HealthDegraded, HealthRestored, Suspended, Reopened)
"""Events of the house that books are told of."""

encode = msgspec.json.Encoder().encode


class Fact(msgspec.Struct):
    """An event, and whom and what it concerns, as the tree is now. The same for all audiences.

    house: whether it is the house's, told to a book. node: whose subtree it concerns, or EVERYONE; above: that node and all
    above it. player: the player whom it concerns, or "". account: the account that it moves, or ""; line: its agent and all
    above it, upwards. market: of the ticket that it is about; market_unknown: there is one, but it is not known any more.
    agents: those whose figures it changes at the nodes `around`. apart: nodes whose subtree is another one now. fixtures: the
    games whose lines it moves. closes: the agent or player whose whole board it closes or opens: (scope, subject). kind: of
    notification, or "". texts: how it is told, once it was.
    """

    happened: Happened
    house: bool
    node: str = ""
    above: tuple[str, ...] = ()
    player: str = ""
    account: str = ""
    line: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()
    around: tuple[str, ...] = ()
    apart: tuple[str, ...] = ()
    market: str = ""
    market_unknown: bool = False
    fixtures: dict[str, None] = {}
    closes: tuple[str, str] = ("", "")
    kind: str = ""
    texts: dict[str, bytes] = {}

    @property
    def event(self) -> Event:
        """The event."""
        return self.happened[4]


def fact_of(state: Any, house: House, happened: Happened) -> Fact:
    """What an event of a stream is about."""
    event = happened[4]
    node, player = concerns(state, event)
    fact = Fact(happened, False, node, player=player, kind=notification(state, event))
    if node != EVERYONE:
        fact.above = tuple(state.chain(node)) if state.known_node(node) else (ROOT,)
    moves_lines(fact, house)
    if not isinstance(state, Book):
        return fact
    known = state.players.get(getattr(event, "player", ""))
    if known is not None:
        fact.account = known.number
        fact.line = tuple(state.chain(known.agent))
    if isinstance(event, AgentCreated):
        fact.agents, fact.around = (event.agent,), tuple(state.chain(event.agent))
    elif isinstance(event, AgentMoved):
        before, after = state.chain(event.before), state.chain(event.after)
        fact.apart = tuple(name for name in (*before, *after) if (name in before) != (name in after))
        fact.agents = (event.agent, *fact.apart)
        fact.around = (event.agent, *(name for name in before if name in after))
    if isinstance(event, WagerPlaced):
        fact.market = event.market
    elif isinstance(event, CLOSING_EVENTS):
        fact.market = state.market_closed_at(happened[0])
        fact.market_unknown = not fact.market
    return fact


def house_fact_of(house: House, happened: Happened) -> Fact:
    """What an event of the house is about, for a book."""
    fact = Fact(happened, True, EVERYONE)
    if isinstance(happened[4], HOUSE_NOTICES):
        fact.kind = notification(house, happened[4])
    moves_lines(fact, house)
    return fact


def moves_lines(fact: Fact, house: House) -> None:
    """Note which games' lines an event moves. What closes or opens much concerns the games that are on the board."""
    event = fact.event
    if isinstance(event, Suspended | Reopened):
        if event.scope in ("agent", "player"):
            fact.closes = event.scope, event.subject
        else:
            fact.fixtures = dict.fromkeys(covered(house, event.scope, event.subject))
    elif isinstance(event, LineMoved):
        fact.fixtures = {event.market.partition(":")[0]: None}
    elif type(event).shown_to is Permission.BOARD_VIEW:
        fixture = getattr(event, "fixture", "") or getattr(event, "market", "").partition(":")[0]
        if fixture:
            fact.fixtures = {fixture: None}


def covered(house: House, scope: str, subject: str) -> Iterable[str]:
    """The games that a layer of suspension covers, of those on the board."""
    if scope == "fixture":
        return (subject,)
    if scope in ("market", "selection"):
        return (subject.partition(":")[0],)
    if scope == "league":
        return (name for _, name in house.board_of("scheduled", subject))
    scheduled = (name for _, name in house.board_of("scheduled"))
    if scope == "sport":
        return (name for name in scheduled if house.fixtures[name].sport == subject)
    if scope == "kind":
        return (
            name for name in scheduled if any(one.endswith(f":{subject}") for one in house.markets_of.get(name, ()))
        )
    return scheduled


def notification(state: Any, event: Event) -> str:
    """What kind of notification an event is, or ""."""
    if isinstance(event, WagerPlaced):
        large = event.risk_minor * LARGE_WAGER_SHARE >= state.settings.stake_max_minor
        return "large_wager" if large else ""
    if isinstance(event, Suspended | Reopened):
        return "suspension"
    if isinstance(event, RoleSet | RoleAssigned | UserRevoked | UserRestored):
        return "role_change"
    if isinstance(event, SignInFailed):
        return "failed_sign_ins" if event.failures >= FAILURES_NOTED else ""
    if isinstance(event, FeedSilent | FeedReturned):
        return "feed_silent"
    if isinstance(event, HealthDegraded | HealthRestored):
        return "degraded_health"
    if isinstance(event, WorkSetAside | WorkTakenUp):
        return "set_aside"
    return ""


def for_books(happened: Happened) -> Happened:
    """An event of the house as books are told of it: not by whom, nor why."""
    seq, at_ns, _, command, event = happened
    if isinstance(event, Suspended | Reopened):
        event = msgspec.structs.replace(event, reason="")
    return seq, at_ns, "", command, event


def entry_of(fact: Fact) -> bytes:
    """An event as the topics `wagers` and `log` have it; made once for all who see it."""
    text = fact.texts.get("entry")
    if text is None:
        seq, at_ns, actor, command, event = fact.happened
        text = b'{"seq":%d,"at_ns":%d,"actor":%b,"command":"%b","event":%b}' % (
            seq, at_ns, encode(actor), command.encode(), event_json(event),
        )  # fmt: skip
        fact.texts = {**fact.texts, "entry": text}
    return text


def notice_of(fact: Fact, stream: str) -> bytes:
    """An event as a notification; made once for all who see it."""
    text = fact.texts.get("notice")
    if text is None:
        seq, at_ns, actor, _, event = for_books(fact.happened) if fact.house else fact.happened
        text = b'{"stream":"%b","seq":%d,"at_ns":%d,"actor":%b,"kind":"%b","event":%b}' % (
            (HOUSE if fact.house else stream).encode(), seq, at_ns, encode(actor), fact.kind.encode(), event_json(event),
        )  # fmt: skip
        fact.texts = {**fact.texts, "notice": text}
    return text


def told(fact: Fact, topics: tuple[str, ...], audience: Audience, state: Any) -> list[tuple[str, bytes]]:
    """(topic, text) of an event for an audience, in the topics in which every event counts."""
    event = fact.event
    if fact.house:
        if not fact.kind or "notifications" not in topics or not audience.may(type(event).shown_to):
            return []
        return [("notifications", notice_of(fact, state.stream))]
    is_wager = isinstance(event, WAGER_EVENTS)
    wanted = [
        topic
        for topic in topics
        if topic == "log" or (topic == "wagers" and is_wager) or (topic == "notifications" and fact.kind)
    ]
    if not wanted or not sees(audience, state, event):
        return []
    return [(topic, notice_of(fact, state.stream) if topic == "notifications" else entry_of(fact)) for topic in wanted]


def standing(house: House, audience: Audience) -> bytes:
    """What an image of `notifications` also says: the feeds that are silent and what is slow, just now."""
    silent = [feed.name for feed in house.feeds.values() if feed.silent] if audience.may(Permission.BOARD_VIEW) else []
    slow = list(house.slownesses) if audience.may(Permission.FIGURES_VIEW) else []
    return encode({"feeds_silent": silent, "slow": slow})


class Topic(msgspec.Struct, frozen=True):
    """A declared topic. needs: the permission. players: whether a player may follow what is their own. house: whether the
    house has it too. events: whether every event counts in it."""

    name: str
    about: str
    needs: Permission
    players: bool
    house: bool
    events: bool


TOPICS: dict[str, Topic] = {
    topic.name: topic
    for topic in (
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
        Topic("health", "How fast Runline is just now; sent each second.", Permission.FIGURES_VIEW, False, True, False),
    )
}


def require_topics(names: tuple[str, ...], state: Any, audience: Audience) -> None:
    """Refuse topics that are not there or not for this audience. Raises Rejected `topic_invalid`, `not_permitted`."""
    for name in names:
        topic = TOPICS.get(name)
        if topic is None or not (topic.house or isinstance(state, Book)):
            raise Rejected("topic_invalid", f"There is no topic {name[:64]!r} here.", topics=list(TOPICS))
        if not audience.may(topic.needs) and not (topic.players and audience.player):
            raise Rejected(
                "not_permitted", f"This needs the permission {topic.needs.value}.", permission=topic.needs.value
            )


def split_topics(text: str) -> tuple[str, ...]:
    """The topics of a query string: each once, in the order of their declaration.

    Raises Rejected `topic_invalid`.
    """
    asked = set(text.split(","))
    unknown = asked - set(TOPICS)
    if unknown or not asked:
        raise Rejected("topic_invalid", "There is no such topic.", topics=list(TOPICS))
    return tuple(name for name in TOPICS if name in asked)


def loses_sight(event: Event) -> bool:
    """Whether an event may end a session or change what somebody sees."""
    return type(event).changes_sight
