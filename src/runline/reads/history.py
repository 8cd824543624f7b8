"""History: pages of what is stored, made from a snapshot of it (`History` in `engine/ports.py`), never on the engine's loop.

Rule: the same authority as at the writer, as of the position of the snapshot.
"""

import copyreg
from collections.abc import Callable
from functools import cache
from importlib import import_module
from operator import attrgetter
from typing import Any

import msgspec
from msgspec.structs import astuple

from runline.domain.access import NOTHING, Role, User
from runline.domain.audience import Audience, sees
from runline.domain.catalog import Fixture
from runline.domain.hierarchy import Agent, Player
from runline.domain.ledger import LedgerEntry, Movement
from runline.domain.legs import Leg
from runline.domain.messages import HOUSE, Event, Rejected, event_json, kind_of
from runline.domain.nodes import ROOT
from runline.domain.queries.bounds import PAGE_ROWS_MAX
from runline.domain.queries.declared import Asked, Page, require
from runline.domain.queries.history import (
    LegRow,
    LogAsked,
    LogRow,
    RefusalRow,
    TraceAsked,
    TraceRow,
    WagerRow,
)
from runline.domain.results import FixtureCancelled
from runline.domain.sessions import Session, over_ns
from runline.domain.state import Row
from runline.domain.tickets import Ticket, WagerVoided
from runline.domain.vocabulary import Vocabulary
from runline.domain.words import in_words
from runline.engine.envelope import Logged, decode_envelope
from runline.engine.ids import id_bytes, id_text
from runline.engine.ports import RefusalKey, Snapshot
from runline.engine.requests import Refused, refused
from runline.reads.limits import SCAN_EVENTS_MAX


@cache
def vocabulary_of(*nouns: str) -> Vocabulary:
    """The vocabulary of these nouns."""
    return Vocabulary(*map(import_module, nouns))


def by_nouns(vocabulary: Vocabulary) -> tuple[Any, tuple[str, ...]]:
    """A vocabulary as it goes to the process in which history is read: by the names of its nouns."""
    return vocabulary_of, tuple(noun.__name__ for noun in vocabulary.nouns)


copyreg.pickle(Vocabulary, by_nouns)


class SeenSnapshot:
    """A snapshot as somebody may see it: who asks of it, and what their subtree is.

    vocabulary: what its log tells. session: who asks; actor: who asks without one, from inside Runline.

    Raises Rejected `not_permitted`, `signed_out`.
    """

    def __init__(self, snapshot: Snapshot, vocabulary: Vocabulary, session: str, actor: str, now_ns: int) -> None:
        self.snapshot = snapshot
        self.vocabulary = vocabulary
        self.house = snapshot.of_stream(HOUSE)
        self.nodes: dict[tuple[type[Row], str], str | None] = {}
        """Where those stand that were asked for."""
        if session:
            held = snapshot.row(Session, session)
            if held is None or over_ns(held) <= now_ns:
                raise Rejected("signed_out", "This session has ended. Sign in again.")
            actor = held.user
        one = snapshot.row(User, actor)
        role = snapshot.row(Role, one.role) if one is not None else None
        if one is None or role is None or not one.active:
            raise Rejected("not_permitted", "This user may not act here.")
        permissions = frozenset(role.permissions) if self.stands_below(role.node, one.node) else NOTHING
        self.audience = Audience(one.node, one.player, permissions)
        self.within = snapshot.subtree(one.node) if one.node != ROOT else None

    def stands_below(self, top: str, node: str) -> bool:
        """Whether a node is another one or stands below it."""
        if top == ROOT:
            return True
        while node not in (top, ROOT):
            agent = self.snapshot.row(Agent, node)
            node = agent.parent if agent is not None else ROOT
        return node == top

    # What `sees` asks of a tree

    @property
    def tree(self) -> "SeenSnapshot":
        """What is below what: it knows that itself."""
        return self

    def below(self, top: str, node: str) -> bool:
        """Whether a node stands in the asker's subtree (which is the only one that is asked for)."""
        return self.within is None or node in self.within

    def node_of_player(self, player: str) -> str | None:
        """The agent of a player."""
        return self.node_of(Player, "agent", player)

    def node_of_user(self, user: str) -> str | None:
        """Where a user stands."""
        return self.node_of(User, "node", user)

    def node_of_role(self, role: str) -> str | None:
        """Where a role is kept."""
        return self.node_of(Role, "node", role)

    def node_of(self, row_type: type[Row], field: str, name: str) -> str | None:
        known = row_type, name
        if known not in self.nodes:
            row = self.snapshot.row(row_type, name)
            self.nodes[known] = getattr(row, field) if row is not None else None
        return self.nodes[known]

    def event(self, entry: Logged) -> Event | None:
        """The event of an entry of the log, if the asker may see it."""
        event = entry.event(self.vocabulary)
        return event if sees(self.audience, self, event) else None


def answer(
    snapshot: Snapshot, vocabulary: Vocabulary, name: str, session: str, actor: str, asked: Any, now_ns: int
) -> tuple[int, bytes] | Refused:
    """(position, the page as JSON) of a query of history, or why it may not be answered. Raises StoreError."""
    try:
        seen = SeenSnapshot(snapshot, vocabulary, session, actor, now_ns)
        require(vocabulary.queries[name], kind_of(snapshot.stream), seen.audience)
        return snapshot.position, msgspec.json.encode(PAGES[name](seen, asked))
    except Rejected as rejected:
        return refused(snapshot.position, rejected)


def standing(
    snapshot: Snapshot, vocabulary: Vocabulary, session: str, actor: str, now_ns: int
) -> tuple[int, Audience] | Refused:
    """(position, the audience) of who asks, as the tables say: also while their stream is stopped. Raises StoreError."""
    try:
        return snapshot.position, SeenSnapshot(snapshot, vocabulary, session, actor, now_ns).audience
    except Rejected as rejected:
        return refused(snapshot.position, rejected)


def before_of(seen: SeenSnapshot, asked: Asked) -> int:
    """The position below which a page begins; nothing is below one that there cannot be."""
    above = seen.snapshot.position + 1
    if not asked.after:
        return above
    return min(int(asked.after), above) if asked.after.isdecimal() else 0


def leg_row(game: Fixture | None, leg: Leg) -> LegRow:
    """A leg as its reader sees it."""
    ended = leg.ended
    result, counts_at, share = (ended.result, ended.price, ended.share) if ended else (None, None, None)
    return LegRow(*(*astuple(in_words(game, leg)), leg.status, result, counts_at, share))


def wager_rows(seen: SeenSnapshot) -> Callable[[Ticket], WagerRow]:
    """What makes a row of a ticket as its reader sees it; for one page, on which each game is looked up once."""
    games: dict[str, Fixture | None] = {}

    def game_of(fixture: str) -> Fixture | None:
        if fixture not in games:
            games[fixture] = seen.house.row(Fixture, fixture)
        return games[fixture]

    def row(ticket: Ticket) -> WagerRow:
        legs = [leg_row(game_of(leg.fixture), leg) for leg in ticket.legs]
        first = legs[0]
        return WagerRow(
            ticket.number,
            ticket.player,
            ticket.agent,
            ticket.kind,
            first.fixture,
            first.market,
            first.side,
            first.line_quarters,
            first.price,
            first.league,
            first.away,
            first.home,
            first.start_ns,
            first.rotation,
            first.period_name,
            first.market_name,
            "; ".join(leg.selection for leg in legs),
            legs,
            ticket.risk_minor,
            ticket.win_minor,
            ticket.writer,
            ticket.channel,
            ticket.placed_ns,
            ticket.status,
            ticket.result,
            ticket.returned_minor,
            ticket.closed_ns,
            void_reason(seen, ticket),
        )

    return row


def void_reason(seen: SeenSnapshot, ticket: Ticket) -> str:
    """Why a ticket is void; "" if it is not. Nothing follows on a void, so that its event is the last that changed the ticket."""
    if ticket.status == "void":
        event = event_at(seen.snapshot, seen.vocabulary, ticket.changed_seq)
        return event.reason if isinstance(event, WagerVoided) else ""
    if ticket.result != "void":
        return ""
    event = event_at(seen.house, seen.vocabulary, ticket.settlement)
    return (
        "the game was cancelled"
        if isinstance(event, FixtureCancelled)
        else "the game was called before it was official"
    )


def event_at(snapshot: Snapshot, vocabulary: Vocabulary, seq: int) -> Event | None:
    """The event at a position, if it is stored here."""
    for _, body in snapshot.entries(seq + 1, 1):
        entry = decode_envelope(body)
        return entry.event(vocabulary) if entry.seq == seq else None
    return None


MOVEMENT_VALUES = attrgetter(*Movement.__struct_fields__)


def movement(entry: LedgerEntry) -> Movement:
    """A movement as its reader sees it."""
    return Movement(*MOVEMENT_VALUES(entry))


def rows_page(seen: SeenSnapshot, row_type: type[Row], shown: Callable[[Any], Any], asked: Asked) -> Page:
    """Tickets or movements, newest first, of the asker's subtree or account: each belongs to its player, wherever they stand."""
    names = (field for field in asked.__struct_fields__ if field not in Asked.__struct_fields__)
    fields = {field: getattr(asked, field) for field in names if getattr(asked, field)}
    agents = None
    if seen.audience.player:
        fields["player"] = seen.audience.player
    elif "player" in fields:
        if not seen.below("", seen.node_of_player(fields["player"]) or ROOT):
            raise Rejected("not_permitted", "That is outside your part of the tree.")
    else:
        agents = seen.within
    walked = seen.snapshot.newest(row_type, fields, agents, before_of(seen, asked), asked.limit)
    items = [shown(row) for row in walked.rows]
    return Page(items, str(walked.more_below or ""))


def log_page(seen: SeenSnapshot, asked: LogAsked) -> Page:
    """Entries of the log that the asker may see, newest first."""
    before = before_of(seen, asked)
    items: list[LogRow] = []
    for looked, (seq, body) in enumerate(seen.snapshot.entries(before, SCAN_EVENTS_MAX), 1):
        before = seq
        entry = decode_envelope(body)
        asked_for = asked.type in ("", entry.type) and asked.actor in ("", entry.actor)
        event = seen.event(entry) if asked_for else None
        if event is not None:
            shown = msgspec.Raw(event_json(event))
            items.append(LogRow(entry.seq, entry.at_ns, entry.actor, entry.session, entry.command, shown))
        if len(items) == asked.limit or looked == SCAN_EVENTS_MAX:
            return Page(items, str(before) if before > 1 else "")
    return Page(items)


def refusals_page(seen: SeenSnapshot, asked: Asked) -> Page:
    """Refusals to users of the asker's subtree, newest first: of all that are kept of a stream, which are few thousands. Whom the
    stream does not know only the top sees."""
    before: RefusalKey | None = None
    if asked.after:
        minute, *kind = asked.after.split(":")
        if not minute.isdecimal() or len(minute) > 18 or len(kind) != 3:
            return Page([])
        before = (int(minute), kind[0], kind[1], kind[2])
    items: list[RefusalRow] = []
    last = ""
    for one in seen.snapshot.refusals(before):
        actor = one.actor
        if not seen.below("", seen.node_of_user(actor) or ROOT):
            continue
        if len(items) == asked.limit:
            return Page(items, last)
        last = f"{one.minute}:{actor}:{one.command}:{one.code}"
        known = id_text(one.first_id) if any(one.first_id) else ""
        details = msgspec.Raw(one.details.encode())
        items.append(
            RefusalRow(one.first_ns, one.last_ns, actor, one.command, one.code, one.count, known, one.message, details)
        )
    return Page(items)


def trace_page(seen: SeenSnapshot, asked: TraceAsked) -> Page:
    """The way of a command of this stream, as far as the asker may see its events."""
    if not asked.command:
        return Page([])
    items: list[TraceRow] = []
    for body in seen.snapshot.made_by(id_bytes(asked.command), PAGE_ROWS_MAX):
        entry = decode_envelope(body)
        if seen.event(entry) is None:
            continue
        sealed_ns, durable_ns = seen.snapshot.batch_of(entry.node, entry.decided_ns)
        items.append(
            TraceRow(
                entry.seq, entry.type, entry.actor, entry.node, entry.received_ns, entry.queued_ns, entry.decided_ns,
                sealed_ns, durable_ns,
            )
        )  # fmt: skip
    return Page(items)


PAGES: dict[str, Callable[[SeenSnapshot, Any], Page]] = {
    "wagers": lambda seen, asked: rows_page(seen, Ticket, wager_rows(seen), asked),
    "ledger": lambda seen, asked: rows_page(seen, LedgerEntry, movement, asked),
    "log": log_page,
    "refusals": refusals_page,
    "trace": trace_page,
}
"""What answers each query."""
