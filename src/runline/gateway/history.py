"""History: queries over the tables, answered by a process of its own from a read-only snapshot, never on the engine's loop.

Rule: the same authority as at the writer, as of the position of the snapshot.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import apsw
import msgspec

from runline.domain.access import NOTHING, ROOT
from runline.domain.ledger import LedgerEntry
from runline.domain.messages import Rejected
from runline.domain.permissions import Permission
from runline.domain.state import Row
from runline.domain.wagers import Wager
from runline.engine.envelope import decode_envelope
from runline.engine.ids import id_bytes, id_text
from runline.gateway.answers import Error, event_json
from runline.gateway.audience import Audience, sees
from runline.gateway.limits import PAGE_ROWS_MAX
from runline.gateway.pages import Asked, Page
from runline.gateway.queries import QUERIES, Query
from runline.gateway.ways import Condition, newest, ways_to
from runline.store.file import open_connection, store_error

SCAN_EVENTS_MAX = 20_000
"""Events looked at for one page of the log, of which somebody below the root may see few."""


class WagersAsked(Asked, frozen=True, kw_only=True):
    """status: open, settled or void. player, fixture: only theirs. Newest first.

    A page may be short, even empty, and have a `next`: the rows down to there were looked through, and it goes on.
    """

    status: Literal["", "open", "settled", "void"] = ""
    player: str = ""
    fixture: str = ""


class WagerRow(msgspec.Struct):
    """A ticket, in minor units."""

    number: int
    player: str
    agent: str
    fixture: str
    market: str
    side: str
    line_quarters: int | None
    price: str
    risk_minor: int
    win_minor: int
    writer: str
    channel: str
    placed_ns: int
    status: str
    result: str | None
    returned_minor: int | None
    closed_ns: int | None


class LedgerAsked(Asked, frozen=True, kw_only=True):
    """player: only theirs. Newest first. A page may be short and have a `next` all the same."""

    player: str = ""


class LedgerRow(msgspec.Struct):
    """A movement of money: `amount_minor` from `debit` to `credit`."""

    number: int
    at_ns: int
    kind: str
    debit: str
    credit: str
    amount_minor: int
    player: str
    wager: int
    balance_before_minor: int
    balance_after_minor: int
    description: str


class LogAsked(Asked, frozen=True, kw_only=True):
    """type: only events of that type. actor: only what they did. Newest first.

    A page may be short, even empty, and have a `next`.
    """

    type: str = ""
    actor: str = ""


class LogRow(msgspec.Struct):
    """An entry of the activity log."""

    seq: int
    at_ns: int
    actor: str
    session: str
    command: str
    event: msgspec.Raw


class TraceAsked(Asked, frozen=True, kw_only=True):
    """command: its id."""

    command: str = ""


class TraceRow(msgspec.Struct):
    """The way of a command, for each of its events: the host's times, UTC nanoseconds.

    sealed_ns: when its batch was handed over to the store. durable_ns: when that was known to be durable; None until the next
    batch has noted it.
    """

    seq: int
    type: str
    actor: str
    node: str
    received_ns: int
    queued_ns: int
    decided_ns: int
    sealed_ns: int | None
    durable_ns: int | None


class RefusalRow(msgspec.Struct):
    """Refusals of one kind (who, which command, which code) within a minute: how many, and the first of them.

    actor: "" for somebody whom the stream does not know, and for all once there are too many kinds. first_id: the first one's
    command id, "" without one. details: the values that help.
    """

    first_ns: int
    last_ns: int
    actor: str
    command: str
    code: str
    count: int
    first_id: str
    message: str
    details: msgspec.Raw


for name, about, needs, players, asked, row in (
    ("wagers", "Tickets of my subtree (or my own), newest first.", Permission.TICKER_VIEW, True, WagersAsked, WagerRow),
    ("ledger", "Movements of money of my subtree, newest first.", Permission.FIGURES_VIEW, True, LedgerAsked, LedgerRow),
    ("log", "The activity log: what concerns my subtree, newest first.", Permission.LOG_VIEW, False, LogAsked, LogRow),
    ("refusals", "What was refused to users of my subtree, newest first.", Permission.LOG_VIEW, False, Asked, RefusalRow),
    ("trace", "The way of one command, from the door to the disk.", Permission.LOG_VIEW, False, TraceAsked, TraceRow),
):  # fmt: skip
    streams: Any = ("house", "book") if name in ("log", "refusals", "trace") else ("book",)
    QUERIES[name] = Query(name, about, needs, players, streams, asked, row, True, None)


BATCHES_AFTER = (
    "SELECT sealed_ns, durable_before_ns FROM batches WHERE node = ? AND sealed_ns >= ? ORDER BY sealed_ns LIMIT 2"
)
"""The batch that an event is in, and the next one, which says since when the one before it is durable."""


STANDS_BELOW = (
    "WITH RECURSIVE above(stream, name) AS (SELECT ?, ? UNION SELECT agents.stream, agents.parent FROM above JOIN agents "
    "ON agents.stream = above.stream AND agents.name = above.name) SELECT count(*) FROM above WHERE name = ?"
)
"""Whether a node is another one or stands below it."""


class Snapshot:
    """A stream's tables at one position, and who asks of them."""

    def __init__(self, connection: apsw.Connection, stream: str, session: str, user: str, now_ns: int) -> None:
        self.connection = connection
        self.stream = stream
        self.position = self.one("SELECT seq FROM heads WHERE stream = ?", stream) or 0
        found: list[Any] = self.connection.execute(
            "SELECT users.node, users.player, users.active, roles.permissions, roles.node FROM users JOIN roles "
            "ON roles.stream = users.stream AND roles.name = users.role WHERE users.stream = ? AND users.name = ?",
            (stream, user),
        ).fetchall()
        holds = self.one(
            "SELECT count(*) FROM sessions WHERE stream = ? AND name = ? AND user = ? "
            "AND iif(kind = 'screen', ends_ns, min(idle_until_ns, ends_ns)) > ?",
            stream, session, user, now_ns,
        )  # fmt: skip
        if not found or not found[0][2]:
            raise Rejected("not_permitted", "This user may not act here.")
        if not holds:
            raise Rejected("signed_out", "This session has ended. Sign in again.")
        node, player, _, permissions, kept_at = found[0]
        counts = kept_at == ROOT or self.one(STANDS_BELOW, stream, node, kept_at)
        self.audience = Audience(node, player, frozenset(msgspec.json.decode(permissions)) if counts else NOTHING)
        self.within: frozenset[str] | None = None
        if node != ROOT:
            rows: list[Any] = self.connection.execute(
                "WITH RECURSIVE below(name) AS (SELECT ? UNION SELECT agents.name FROM below CROSS JOIN agents "
                "ON agents.parent = below.name WHERE agents.stream = ?) SELECT name FROM below",
                (node, stream),
            ).fetchall()
            self.within = frozenset(row[0] for row in rows)

    def one(self, sql: str, *values: Any) -> Any:
        return self.connection.execute(sql, values).get

    # What `sees` asks of a tree

    def below(self, top: str, node: str) -> bool:
        """Whether a node stands in the asker's subtree (which is the only one that is asked for)."""
        return self.within is None or node in self.within

    def node_of_player(self, player: str) -> str | None:
        """The agent of a player."""
        node: str | None = self.one("SELECT agent FROM players WHERE stream = ? AND number = ?", self.stream, player)
        return node

    def node_of_user(self, user: str) -> str | None:
        """Where a user stands."""
        node: str | None = self.one("SELECT node FROM users WHERE stream = ? AND name = ?", self.stream, user)
        return node

    def node_of_role(self, role: str) -> str | None:
        """Where a role is kept."""
        node: str | None = self.one("SELECT node FROM roles WHERE stream = ? AND name = ?", self.stream, role)
        return node


class Reader:
    """The reader process's connection."""

    connection: apsw.Connection


def open_reader(path: str) -> None:
    """Prepare the reader process."""
    Reader.connection = open_connection(Path(path), writing=False)


def answer(name: str, stream: str, session: str, user: str, asked: Any, now_ns: int) -> tuple[int, bytes] | Error:
    """(position, the page as JSON) of a query of history, or why not; runs in the reader process."""
    connection = Reader.connection
    try:
        connection.execute("BEGIN")
        snapshot = Snapshot(connection, stream, session, user, now_ns)
        query = QUERIES[name]
        audience = snapshot.audience
        if query.needs and not audience.may(query.needs) and not (query.players and audience.player):
            raise Rejected(
                "not_permitted", f"This needs the permission {query.needs.value}.", permission=query.needs.value
            )
        return snapshot.position, msgspec.json.encode(PAGES[name](snapshot, asked))
    except Rejected as rejected:
        return Error(rejected.code, rejected.message, rejected.details)
    except apsw.Error as error:
        why = store_error(error)
        if why.kind == "unreadable":
            return Error("unreadable", f"What is asked for cannot be read: {why}")
        return Error("unavailable", f"What is asked for cannot be read now: {why}")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def standing(stream: str, session: str, user: str, now_ns: int) -> tuple[int, Audience] | Error:
    """(position, the audience) of who asks, as the tables say: also while their stream is stopped; runs in the reader process."""
    connection = Reader.connection
    connection.execute("BEGIN")
    try:
        snapshot = Snapshot(connection, stream, session, user, now_ns)
        return snapshot.position, snapshot.audience
    except Rejected as rejected:
        return Error(rejected.code, rejected.message, rejected.details)
    finally:
        connection.execute("ROLLBACK")


def before_of(snapshot: Snapshot, asked: Asked) -> int:
    """The position below which a page begins; nothing is below one that there cannot be."""
    if not asked.after:
        return snapshot.position + 1
    return min(int(asked.after), snapshot.position + 1) if asked.after.isdecimal() else 0


def rows_page(snapshot: Snapshot, row_type: type[Row], shown: type[Any], asked: Asked) -> Page:
    """Tickets or movements, newest first, of the asker's subtree or account."""
    names = (field for field in asked.__struct_fields__ if field not in Asked.__struct_fields__)
    fields = {field: getattr(asked, field) for field in names if getattr(asked, field)}
    within: tuple[Condition, ...] = ()
    if snapshot.audience.player:
        fields["player"] = snapshot.audience.player
    elif "player" in fields:
        if not snapshot.below("", snapshot.node_of_player(fields["player"]) or ROOT):
            raise Rejected("not_permitted", "That is outside your part of the tree.")
    elif snapshot.within is not None:
        within = (within_subtree(snapshot, row_type.table),)
    limit = min(max(asked.limit, 1), PAGE_ROWS_MAX)
    ways = ways_to(row_type, fields, within)
    numbers, down_to = newest(snapshot.connection, ways, snapshot.stream, before_of(snapshot, asked), limit + 1)
    sql = f"SELECT {', '.join(shown.__struct_fields__)} FROM {row_type.table} WHERE stream = ? AND number = ?"
    rows: Any = snapshot.connection.executemany(sql, [(snapshot.stream, number) for number in numbers[:limit]])
    items = [shown(*row) for row in rows]
    if len(numbers) > limit:
        return Page(items, str(numbers[limit - 1]))
    return Page(items, str(down_to or ""))


def within_subtree(snapshot: Snapshot, table: str) -> Condition:
    """That a row's player stands in the asker's subtree. A ticket belongs to its player, wherever they stand now."""
    agent = f"SELECT agent FROM players WHERE players.stream = ? AND players.number = {table}.player"
    agents = msgspec.json.encode(sorted(snapshot.within or ())).decode()
    return f"({agent}) IN (SELECT value FROM json_each(?))", (snapshot.stream, agents)


def log_page(snapshot: Snapshot, asked: LogAsked) -> Page:
    """Entries of the log that the asker may see, newest first."""
    before = before_of(snapshot, asked)
    limit = min(max(asked.limit, 1), PAGE_ROWS_MAX)
    items: list[LogRow] = []
    sql = "SELECT seq, body FROM events WHERE stream = ? AND seq < ? ORDER BY seq DESC LIMIT ?"
    rows: Any = snapshot.connection.execute(sql, (snapshot.stream, before, SCAN_EVENTS_MAX))
    for looked, (seq, body) in enumerate(rows, 1):
        before = seq
        entry = decode_envelope(body)
        if asked.type in ("", entry.type) and asked.actor in ("", entry.actor):
            event = entry.event()
            if sees(snapshot.audience, snapshot, event):
                shown = msgspec.Raw(event_json(event))
                items.append(LogRow(entry.seq, entry.at_ns, entry.actor, entry.session, entry.command, shown))
        if len(items) == limit or looked == SCAN_EVENTS_MAX:
            return Page(items, str(before) if before > 1 else "")
    return Page(items)


REFUSALS = (
    "SELECT minute, actor, command, code, count, first_ns, last_ns, first_id, message, details FROM refusals "
    "WHERE stream = ? AND (minute, actor, command, code) < (?, ?, ?, ?) "
    "ORDER BY minute DESC, actor DESC, command DESC, code DESC"
)
"""All that are kept of a stream, of which there are few thousands."""

NEWEST = (2**62, "", "", "")


def refusals_page(snapshot: Snapshot, asked: Asked) -> Page:
    """Refusals to users of the asker's subtree, newest first. Whom the stream does not know only the top sees."""
    after: Any = NEWEST
    if asked.after:
        minute, *kind = asked.after.split(":")
        if not minute.isdecimal() or len(minute) > 18 or len(kind) != 3:
            return Page([])
        after = (int(minute), *kind)
    limit = min(max(asked.limit, 1), PAGE_ROWS_MAX)
    items: list[RefusalRow] = []
    nodes: dict[str, str] = {}
    last = ""
    rows: Any = snapshot.connection.execute(REFUSALS, (snapshot.stream, *after))
    for minute, actor, command, code, count, first_ns, last_ns, first_id, message, details in rows:
        if actor not in nodes:
            nodes[actor] = snapshot.node_of_user(actor) or ROOT
        if not snapshot.below("", nodes[actor]):
            continue
        if len(items) == limit:
            return Page(items, last)
        last = f"{minute}:{actor}:{command}:{code}"
        known = id_text(first_id) if any(first_id) else ""
        items.append(
            RefusalRow(first_ns, last_ns, actor, command, code, count, known, message, msgspec.Raw(details.encode()))
        )
    return Page(items)


def trace_page(snapshot: Snapshot, asked: TraceAsked) -> Page:
    """The way of a command of this stream, as far as the asker may see its events."""
    if not asked.command:
        return Page([])
    connection = snapshot.connection
    rows: list[Any] = connection.execute(
        "SELECT body FROM events WHERE command = ? AND stream = ? ORDER BY seq LIMIT ?",
        (id_bytes(asked.command), snapshot.stream, PAGE_ROWS_MAX),
    ).fetchall()
    items: list[TraceRow] = []
    for (body,) in rows:
        entry = decode_envelope(body)
        if not sees(snapshot.audience, snapshot, entry.event()):
            continue
        batches: list[Any] = connection.execute(BATCHES_AFTER, (entry.node, entry.decided_ns)).fetchall()
        items.append(
            TraceRow(
                entry.seq, entry.type, entry.actor, entry.node, entry.received_ns, entry.queued_ns, entry.decided_ns,
                batches[0][0] if batches else None, (batches[1][1] or None) if len(batches) > 1 else None,
            )
        )  # fmt: skip
    return Page(items)


PAGES: dict[str, Callable[[Snapshot, Any], Page]] = {
    "wagers": lambda snapshot, asked: rows_page(snapshot, Wager, WagerRow, asked),
    "ledger": lambda snapshot, asked: rows_page(snapshot, LedgerEntry, LedgerRow, asked),
    "log": log_page,
    "refusals": refusals_page,
    "trace": trace_page,
}
"""What answers each query."""
