"""History: queries over the tables, answered by a process of its own from a read-only snapshot, never on the engine's loop.

Rule: the same authority as at the writer, as of the position of the snapshot.
"""

from typing import Any

import apsw
import msgspec

from runline.domain.access import ROOT
from runline.domain.messages import Rejected
from runline.domain.permissions import Permission
from runline.domain.state import ROWS
from runline.engine.envelope import decode_envelope
from runline.engine.ids import id_bytes
from runline.gateway.answers import Error, event_json
from runline.gateway.audience import Audience, sees
from runline.gateway.limits import PAGE_ROWS_MAX
from runline.gateway.passwords import ignore_interrupts
from runline.gateway.queries import QUERIES, Asked, Page, Query

SCAN_EVENTS_MAX = 20_000
"""Events looked at for one page of the log, of which somebody below the root may see few."""


class WagersAsked(Asked, frozen=True, kw_only=True):
    """status: open, settled or void. player, fixture: only theirs. Newest first."""

    status: str = ""
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
    """player: only theirs. Newest first."""

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
    """type: only events of that type. actor: only what they did. Newest first."""

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


for name, about, needs, players, asked, row in (
    ("wagers", "Tickets of my subtree (or my own), newest first.", Permission.TICKER_VIEW, True, WagersAsked, WagerRow),
    ("ledger", "Movements of money of my subtree, newest first.", Permission.FIGURES_VIEW, True, LedgerAsked, LedgerRow),
    ("log", "The activity log: what concerns my subtree, newest first.", Permission.LOG_VIEW, False, LogAsked, LogRow),
    ("trace", "The way of one command, from the door to the disk.", Permission.LOG_VIEW, False, TraceAsked, TraceRow),
):  # fmt: skip
    streams: Any = ("house", "book") if name in ("log", "trace") else ("book",)
    QUERIES[name] = Query(name, about, needs, players, streams, asked, row, True, None)


BATCHES_AFTER = (
    "SELECT sealed_ns, durable_before_ns FROM batches WHERE node = ? AND sealed_ns >= ? ORDER BY sealed_ns LIMIT 2"
)
"""The batch that an event is in, and the next one, which says since when the one before it is durable."""


class Snapshot:
    """A stream's tables at one position, and who asks of them."""

    def __init__(self, connection: apsw.Connection, stream: str, session: str, user: str, now_ns: int) -> None:
        self.connection = connection
        self.stream = stream
        self.position = self.one("SELECT seq FROM heads WHERE stream = ?", stream) or 0
        found: list[Any] = self.connection.execute(
            "SELECT users.node, users.player, users.active, roles.permissions FROM users JOIN roles "
            "ON roles.stream = users.stream AND roles.name = users.role WHERE users.stream = ? AND users.name = ?",
            (stream, user),
        ).fetchall()
        holds = self.one(
            "SELECT count(*) FROM sessions WHERE stream = ? AND name = ? AND user = ? AND min(idle_until_ns, ends_ns) > ?",
            stream, session, user, now_ns,
        )  # fmt: skip
        if not found or not found[0][2]:
            raise Rejected("not_permitted", "This user may not act here.")
        if not holds:
            raise Rejected("signed_out", "This session has ended. Sign in again.")
        node, player, _, permissions = found[0]
        self.audience = Audience(node, player, frozenset(msgspec.json.decode(permissions)))
        self.within: frozenset[str] | None = None
        if node != ROOT:
            rows: list[Any] = self.connection.execute(
                "WITH RECURSIVE below(name) AS (SELECT ? UNION SELECT agents.name FROM agents JOIN below "
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
    ignore_interrupts()
    Reader.connection = apsw.Connection(path, flags=apsw.SQLITE_OPEN_READONLY)
    Reader.connection.set_busy_timeout(2_000)


def answer(name: str, stream: str, session: str, user: str, asked: Any, now_ns: int) -> tuple[int, bytes] | Error:
    """(position, the page as JSON) of a query of history, or why not; runs in the reader process."""
    connection = Reader.connection
    connection.execute("BEGIN")
    try:
        snapshot = Snapshot(connection, stream, session, user, now_ns)
        query = QUERIES[name]
        audience = snapshot.audience
        if query.needs and not audience.may(query.needs) and not (query.players and audience.player):
            raise Rejected(
                "not_permitted", f"This needs the permission {query.needs.value}.", permission=query.needs.value
            )
        if name == "trace":
            page = trace_page(snapshot, asked)
        else:
            page = log_page(snapshot, asked) if name == "log" else rows_page(snapshot, name, query.row, asked)
        return snapshot.position, msgspec.json.encode(page)
    except Rejected as rejected:
        return Error(rejected.code, rejected.message, rejected.details)
    finally:
        connection.execute("ROLLBACK")


def rows_page(snapshot: Snapshot, name: str, row_type: Any, asked: Any) -> Page:
    """Tickets or movements, newest first, of the asker's subtree or account."""
    table = {"wagers": "wagers", "ledger": "ledger_entries"}[name]
    where = ["stream = ?"]
    values: list[Any] = [snapshot.stream]
    if asked.after:
        where.append("number < ?")
        values.append(int(asked.after) if asked.after.isdecimal() else 0)
    player = snapshot.audience.player or asked.player
    if player:
        if not snapshot.audience.player and not snapshot.below("", snapshot.node_of_player(player) or ROOT):
            raise Rejected("not_permitted", "That is outside your part of the tree.")
        where.append("player = ?")
        values.append(player)
    elif snapshot.within is not None:
        # A ticket belongs to its player, wherever they stand now.
        where.append(
            "player IN (SELECT number FROM players WHERE stream = ? AND agent IN (SELECT value FROM json_each(?)))"
        )
        values += [snapshot.stream, msgspec.json.encode(sorted(snapshot.within)).decode()]
    for field in ("status", "fixture"):
        if getattr(asked, field, ""):
            where.append(f"{field} = ?")
            values.append(getattr(asked, field))
    limit = min(max(asked.limit, 1), PAGE_ROWS_MAX)
    fields = row_type.__struct_fields__
    assert table in ROWS
    sql = f"SELECT {', '.join(fields)} FROM {table} WHERE {' AND '.join(where)} ORDER BY number DESC LIMIT ?"
    rows = snapshot.connection.execute(sql, (*values, limit + 1)).fetchall()
    found = [row_type(*row) for row in rows]
    return Page(found[:limit], str(found[limit - 1].number) if len(found) > limit else "")


def log_page(snapshot: Snapshot, asked: LogAsked) -> Page:
    """Entries of the log that the asker may see, newest first."""
    before = int(asked.after) if asked.after.isdecimal() else snapshot.position + 1
    limit = min(max(asked.limit, 1), PAGE_ROWS_MAX)
    items: list[LogRow] = []
    sql = "SELECT seq, body FROM events WHERE stream = ? AND seq < ? ORDER BY seq DESC"
    rows: Any = snapshot.connection.execute(sql, (snapshot.stream, before))
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
