"""Topics: what can be followed, live.

Two kinds: those in which every event counts (`wagers`, `log`, `notifications`) and those in which the newest value counts
(`lines`, `exposure`, `figures`, `health`). The rows of the latter are the very rows of the queries of the same name.
"""

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from runline.domain.access import RoleAssigned, RoleSet, UserRestored, UserRevoked
from runline.domain.book import Book
from runline.domain.hierarchy import AgentCreated, AgentMoved
from runline.domain.house import House
from runline.domain.lines import LineMoved
from runline.domain.messages import HOUSE, Event, Rejected
from runline.domain.permissions import Permission
from runline.domain.sessions import SignInFailed
from runline.domain.suspension import Reopened, Suspended
from runline.domain.wagers import WagerPlaced, WagerReversed, WagerSettled, WagerVoided
from runline.domain.watch import FeedReturned, FeedSilent, HealthDegraded, HealthRestored
from runline.engine.writer import Happened
from runline.gateway.answers import event_json
from runline.gateway.audience import Audience, sees
from runline.gateway.limits import IMAGE_EVENTS, IMAGE_PLAYERS_MAX
from runline.gateway.queries import (
    Asked,
    BoardAsked,
    agent_figures,
    board,
    exposure_of,
    player_figures,
)

EVERY_ROW = 10**9
"""The limit of an image: all rows (their number is bounded by the book's own bounds)."""

WAGER_EVENTS = (WagerPlaced, WagerVoided, WagerReversed, WagerSettled)

LARGE_WAGER_SHARE = 2
"""A wager is large from the book's largest stake divided by this."""

NOBODY: Any = None
"""In the place of a user, for queries that go by the audience alone."""

FAILURES_NOTED = 3
"""Failed sign-ins of one user within an hour from which on somebody is told."""

encode = msgspec.json.Encoder().encode


class Change(msgspec.Struct):
    """What one flush is about, the same for all audiences.

    state: the stream's, at the position that the frame ends at. house: the durable house view. happened: the events since
    the position that it begins at. house_happened: those of the house, for a book. whole: which of the newest-value topics
    must be sent whole to everyone. closed: agents and players around whom a layer has come or gone (scope, subject). nodes:
    those below which agents have come or gone. fixtures: games whose lines have moved. markets: those whose stands have moved.
    players, agents: whose figures have moved.
    """

    state: Any
    house: House
    happened: list[Happened]
    house_happened: list[Happened]
    now_ns: int
    whole: set[str]
    fixtures: set[str]
    markets: set[str]
    players: set[str]
    agents: set[str]
    closed: list[tuple[str, str]] = []
    nodes: list[str] = []


def change_of(
    state: Any, house: House, happened: list[Happened], house_happened: list[Happened], after: int, now_ns: int
) -> Change:
    """What has changed after a position."""
    change = Change(state, house, happened, house_happened, now_ns, set(), set(), set(), set(), set())
    for _, _, _, _, event in house_happened:
        note_line(change, event)
    for _, _, _, _, event in happened:
        note_line(change, event)
        player = getattr(event, "player", "")
        if player:
            change.players.add(player)
        if isinstance(event, AgentMoved):
            change.nodes += [event.before, event.after]
        elif isinstance(event, AgentCreated):
            change.nodes.append(event.parent)
        if isinstance(event, WagerPlaced):
            change.markets.add(event.market)
    if isinstance(state, Book):
        if after < state.derived_seq:
            change.whole |= {"figures", "exposure"}
        for market, seq in reversed(state.market_moved.items()):
            if seq <= after:
                break
            change.markets.add(market)
        for number in change.players:
            known = state.players.get(number)
            if known is not None:
                change.agents.update(state.chain(known.agent))
    return change


def note_line(change: Change, event: Event) -> None:
    """Note which games' lines an event moves."""
    if isinstance(event, Suspended | Reopened):
        if event.scope in ("agent", "player"):
            change.closed.append((event.scope, event.subject))
        else:
            change.whole.add("lines")
    elif isinstance(event, LineMoved):
        change.fixtures.add(event.market.split(":", 1)[0])
    elif type(event).shown_to is Permission.BOARD_VIEW:
        fixture = getattr(event, "fixture", "") or getattr(event, "market", "").split(":", 1)[0]
        if fixture:
            change.fixtures.add(fixture)


def entries(change: Change, audience: Audience, wanted: Callable[[Event], bool], image: bool) -> bytes | None:
    """The payload of a topic in which every event counts: the events of a change that an audience may see.

    An image has the last ones, and only those are encoded: it is made anew for each of those who join one after the other.
    """
    tree = change.state
    found: list[bytes] = []
    for seq, at_ns, actor, command, event in reversed(change.happened):
        if wanted(event) and sees(audience, tree, event):
            found.append(
                b'{"seq":%d,"at_ns":%d,"actor":%b,"command":"%b","event":%b}'
                % (seq, at_ns, encode(actor), command.encode(), event_json(event))
            )
            if image and len(found) == IMAGE_EVENTS:
                break
    found.reverse()
    return events_payload(found, image)


def events_payload(found: list[bytes], image: bool) -> bytes | None:
    """Events as a payload, None if there are none and this is no image."""
    return b'{"events":[%b]}' % b",".join(found) if found or image else None


def wagers(change: Change, audience: Audience, image: bool) -> bytes | None:
    """Every ticket placed, voided, reversed, settled."""
    return entries(change, audience, lambda event: isinstance(event, WAGER_EVENTS), image)


def log(change: Change, audience: Audience, image: bool) -> bytes | None:
    """The activity log: every event."""
    return entries(change, audience, lambda event: True, image)


HOUSE_NOTICES = (FeedSilent, FeedReturned, HealthDegraded, HealthRestored, Suspended, Reopened)
"""Events of the house that books are told of."""


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
    return ""


def notice(stream: str, happened: Happened, kind: str) -> bytes:
    """A notification."""
    seq, at_ns, actor, _, event = happened
    return b'{"stream":"%b","seq":%d,"at_ns":%d,"actor":%b,"kind":"%b","event":%b}' % (
        stream.encode(), seq, at_ns, encode(actor), kind.encode(), event_json(event),
    )  # fmt: skip


def for_books(happened: Happened) -> Happened:
    """An event of the house as books are told of it: not by whom, nor why."""
    seq, at_ns, _, command, event = happened
    if isinstance(event, Suspended | Reopened):
        event = msgspec.structs.replace(event, reason="")
    return seq, at_ns, "", command, event


def notifications(change: Change, audience: Audience, image: bool) -> bytes | None:
    """What somebody should look at: large wagers, suspensions, role changes, failed sign-ins, silent feeds, slowness.

    An image also says what stands: the feeds that are silent and what is slow, just now.
    """
    found = [
        notice(HOUSE, for_books(one), notification(change.house, one[4]))
        for one in change.house_happened
        if isinstance(one[4], HOUSE_NOTICES) and audience.may(type(one[4]).shown_to)
    ]
    for one in change.happened:
        kind = notification(change.state, one[4])
        if kind and sees(audience, change.state, one[4]):
            found.append(notice(change.state.stream, one, kind))
    if not image:
        return events_payload(found, False)
    house = change.house
    silent = [feed.name for feed in house.feeds.values() if feed.silent] if audience.may(Permission.BOARD_VIEW) else []
    slow = list(house.slownesses) if audience.may(Permission.FIGURES_VIEW) else []
    standing = encode({"feeds_silent": silent, "slow": slow})
    return b'{"events":[%b],"standing":%b}' % (b",".join(found[-IMAGE_EVENTS:]), standing)


def rows_payload(rows: Iterable[Any], whole: bool, **more: Any) -> bytes | None:
    """The payload of a topic in which the newest value counts. whole: the rows replace all that were sent before."""
    found = list(rows)
    if not found and not whole:
        return None
    return encode({"whole": whole, "rows": found, **more})


def lines(change: Change, audience: Audience, image: bool) -> bytes | None:
    """Games with their lines as this stream offers them, by `fixture`."""
    state, house, now_ns = change.state, change.house, change.now_ns
    whole = image or "lines" in change.whole or any(is_around(state, audience, *layer) for layer in change.closed)
    if whole:
        asked = BoardAsked(limit=EVERY_ROW, status="")
        rows = rows_of(board, change, audience, asked)
        current = [row for row in rows if row.status == "scheduled" or row.fixture in change.fixtures]
        return rows_payload(current, True)
    found: list[Any] = []
    for fixture in sorted(change.fixtures):
        if fixture in house.fixtures:
            found += board(state, house, NOBODY, audience, BoardAsked(fixture=fixture, status=""), now_ns).items
    return rows_payload(found, False)


def is_around(state: Any, audience: Audience, scope: str, subject: str) -> bool:
    """Whether a layer over an agent or a player closes betting to an audience."""
    return audience.player == subject if scope == "player" else bool(state.below(subject, audience.node))


def tree_has_changed(change: Change, audience: Audience) -> bool:
    """Whether agents have come or gone in an audience's subtree."""
    return any(change.state.below(audience.node, node) for node in change.nodes)


def rows_of(show: Any, change: Change, audience: Audience, asked: Asked) -> list[Any]:
    """All rows of a query."""
    rows: list[Any] = []
    after = asked.after
    while True:
        page = show(
            change.state, change.house, None, audience, msgspec.structs.replace(asked, after=after), change.now_ns
        )
        rows += page.items
        after = page.next
        if not after:
            return rows


def exposure(change: Change, audience: Audience, image: bool) -> bytes | None:
    """Exposure by market of my subtree, by `market`. A market without open wagers has zeros."""
    book: Book = change.state
    whole = image or "exposure" in change.whole or tree_has_changed(change, audience)
    if not whole and audience.node not in change.agents:
        return None  # What has moved is others': not even where they wager is to be seen.
    names = sorted(book.stands(audience.node)) if whole else sorted(change.markets)
    return rows_payload((exposure_of(book, name, audience.node) for name in names), whole)


def figures(change: Change, audience: Audience, image: bool) -> bytes | None:
    """Figures of the agents of my subtree, by `agent`, and of its players, by `player` (for a player: my own account)."""
    book: Book = change.state
    now_ns = change.now_ns
    if audience.player:
        if not image and audience.player not in change.players:
            return None
        return rows_payload([], image, players=[player_figures(book, book.players[audience.player], now_ns)])
    whole = image or "figures" in change.whole or tree_has_changed(change, audience)
    if whole:
        agents = sorted(name for name in book.agents if book.below(audience.node, name))
        within = set(agents)
        numbers = sorted(player.number for player in book.players.values() if player.agent in within)
        if len(numbers) > IMAGE_PLAYERS_MAX:
            numbers = []
    else:
        agents = sorted(name for name in change.agents if book.below(audience.node, name))
        numbers = sorted(
            number
            for number in change.players
            if number in book.players and book.below(audience.node, book.players[number].agent)
        )
    if not whole and not agents and not numbers:
        return None
    players = [player_figures(book, book.players[number], now_ns) for number in numbers]
    return encode({"whole": whole, "rows": [agent_figures(book, name) for name in agents], "players": players})


Payload = Callable[[Change, Audience, bool], bytes | None]


class Topic(msgspec.Struct, frozen=True):
    """A declared topic. needs: the permission. players: whether a player may follow what is their own."""

    name: str
    about: str
    needs: Permission
    players: bool
    house: bool
    payload: Payload


def health(change: Change, audience: Audience, image: bool) -> bytes | None:
    """How fast Runline is just now; sent each second."""
    return None


TOPICS: dict[str, Topic] = {
    payload.__name__: Topic(payload.__name__, (payload.__doc__ or "").strip(), needs, players, house, payload)
    for payload, needs, players, house in (
        (wagers, Permission.TICKER_VIEW, True, False),
        (lines, Permission.BOARD_VIEW, True, True),
        (exposure, Permission.FIGURES_VIEW, False, False),
        (figures, Permission.FIGURES_VIEW, True, False),
        (log, Permission.LOG_VIEW, False, True),
        (notifications, Permission.LOG_VIEW, False, True),
        (health, Permission.FIGURES_VIEW, False, True),
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


def loses_sight(event: Event) -> bool:
    """Whether an event may end a session or change what somebody sees."""
    return type(event).changes_sight
