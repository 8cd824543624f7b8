"""Facts: what an event means to those who watch.

Rule: of an event it is found out once whom it concerns (`Fact`); a group of seats only looks at what concerns it.
"""

from collections.abc import Iterable

import msgspec

from runline.domain.audience import EVERYONE, Audience, concerns, sees
from runline.domain.book import Book
from runline.domain.hierarchy import AgentCreated, AgentMoved
from runline.domain.house import House
from runline.domain.legs import LegGraded, LegReversed, LegVoided
from runline.domain.lines import LineMoved
from runline.domain.messages import HOUSE, Event, event_json
from runline.domain.nodes import ROOT
from runline.domain.permissions import Permission
from runline.domain.placed import TicketPlaced
from runline.domain.state import State
from runline.domain.suspension import Reopened, Suspended
from runline.domain.tickets import WagerReversed, WagerSettled, WagerVoided
from runline.engine.ports import Happened

CLOSING_EVENTS = (WagerVoided, WagerReversed, WagerSettled, LegGraded, LegReversed, LegVoided)
"""Their market is not in them."""

encode = msgspec.json.Encoder().encode


class Fact(msgspec.Struct):
    """An event, and whom and what it concerns, as the tree is now. The same for all audiences.

    house: whether it is the house's, told to a book. node: whose subtree it concerns, or EVERYONE; above: that node and all
    above it. player: the player whom it concerns, or "". account: the account that it moves, or ""; line: its agent and all
    above it, upwards. markets: of the ticket that it is about; markets_unknown: they are not known any more.
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
    markets: tuple[str, ...] = ()
    markets_unknown: bool = False
    fixtures: dict[str, None] = {}
    closes: tuple[str, str] = ("", "")
    kind: str = ""
    texts: dict[str, bytes] = {}

    @property
    def event(self) -> Event:
        """The event."""
        return self.happened[4]


def fact_of(state: State, house: House, happened: Happened) -> Fact:
    """What an event of a stream is about."""
    event = happened[4]
    node, player = concerns(state.access, event)
    fact = Fact(happened, False, node, player=player, kind=notification(state, event))
    if node != EVERYONE:
        fact.above = tuple(state.tree.chain(node)) if state.tree.known(node) else (ROOT,)
    moves_lines(fact, house)
    if not isinstance(state, Book):
        return fact
    known = state.tree.players.get(getattr(event, "player", ""))
    if known is not None:
        fact.account = known.number
        fact.line = tuple(state.tree.chain(known.agent))
    if isinstance(event, AgentCreated):
        fact.agents, fact.around = (event.agent,), tuple(state.tree.chain(event.agent))
    elif isinstance(event, AgentMoved):
        before, after = state.tree.chain(event.before), state.tree.chain(event.after)
        fact.apart = tuple(name for name in (*before, *after) if (name in before) != (name in after))
        fact.agents = (event.agent, *fact.apart)
        fact.around = (event.agent, *(name for name in before if name in after))
    if isinstance(event, TicketPlaced):
        fact.markets = tuple(one.market for one in event.taken().selections)
    elif isinstance(event, CLOSING_EVENTS):
        fact.markets = state.risk.markets_closed_at(happened[0])
        fact.markets_unknown = not fact.markets
    return fact


def house_fact_of(house: House, happened: Happened) -> Fact:
    """What an event of the house is about, for a book."""
    fact = Fact(happened, True, EVERYONE)
    if happened[4].told_to_books:
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
        return (name for _, name in house.catalog.board_of("scheduled", subject))
    scheduled = (name for _, name in house.catalog.board_of("scheduled"))
    if scope == "sport":
        return (name for name in scheduled if house.catalog.fixtures[name].sport == subject)
    if scope == "kind":
        return (
            name
            for name in scheduled
            if any(one.endswith(f":{subject}") for one in house.catalog.markets_of.get(name, ()))
        )
    return scheduled


def notification(state: State, event: Event) -> str:
    """What kind of notification an event is, or ""."""
    return event.notice if event.notice and event.is_notable(state) else ""


def for_books(happened: Happened) -> Happened:
    """An event of the house as books are told of it: not by whom, nor why."""
    seq, at_ns, _, command, event = happened
    if "reason" in event.__struct_fields__:
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


def told(fact: Fact, topics: tuple[str, ...], audience: Audience, state: State) -> list[tuple[str, bytes]]:
    """(topic, text) of an event for an audience, in the topics in which every event counts."""
    event = fact.event
    if fact.house:
        if not fact.kind or "notifications" not in topics or not audience.may(type(event).shown_to):
            return []
        return [("notifications", notice_of(fact, state.stream))]
    wanted = [topic for topic in topics if topic in ("log", event.topic) or (topic == "notifications" and fact.kind)]
    if not wanted or not sees(audience, state.access, event):
        return []
    return [(topic, notice_of(fact, state.stream) if topic == "notifications" else entry_of(fact)) for topic in wanted]


def standing(house: House, audience: Audience) -> bytes:
    """What an image of `notifications` also says: the feeds that are silent and what is slow, just now."""
    silent = (
        [feed.name for feed in house.watch.feeds.values() if feed.silent] if audience.may(Permission.BOARD_VIEW) else []
    )
    slow = list(house.watch.slownesses) if audience.may(Permission.FIGURES_VIEW) else []
    return encode({"feeds_silent": silent, "slow": slow})
