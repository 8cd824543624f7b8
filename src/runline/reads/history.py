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

from runline.domain.audience import Audience, concerns
from runline.domain.hierarchy import Agent
from runline.domain.ledger import LedgerEntry, Movement
from runline.domain.messages import Rejected, event_body, kind_of
from runline.domain.nodes import ROOT
from runline.domain.queries.bounds import PAGE_ROWS_MAX
from runline.domain.queries.declared import Page, require
from runline.domain.queries.history import (
    LedgerAsked,
    LogAsked,
    LogRow,
    RefusalRow,
    RefusalsAsked,
    TraceAsked,
    TraceRow,
    WagersAsked,
)
from runline.domain.state import R, Row
from runline.domain.tickets import Ticket
from runline.domain.times import time_of, with_times
from runline.domain.vocabulary import Vocabulary
from runline.engine.envelope import decode_envelope
from runline.engine.ids import id_bytes, id_text
from runline.engine.ports import RefusalKey, Snapshot, Wanted
from runline.engine.requests import Refused, refused
from runline.reads.limits import SCAN_EVENTS_MAX, SORTED_ROWS_MAX
from runline.reads.seen import SeenSnapshot
from runline.reads.tickets import wager_rows
from runline.reads.windows import number_of, span


@cache
def vocabulary_of(*nouns: str) -> Vocabulary:
    """The vocabulary of these nouns."""
    return Vocabulary(*map(import_module, nouns))


def by_nouns(vocabulary: Vocabulary) -> tuple[Any, tuple[str, ...]]:
    """A vocabulary as it goes to the process in which history is read: by the names of its nouns."""
    return vocabulary_of, tuple(noun.__name__ for noun in vocabulary.nouns)


copyreg.pickle(Vocabulary, by_nouns)


def answer(
    snapshot: Snapshot, vocabulary: Vocabulary, name: str, session: str, actor: str, asked: Any, now_ns: int
) -> tuple[int, bytes] | Refused:
    """(position, the page as JSON) of a query of history, or why it may not be answered. Raises StoreError."""
    try:
        seen = SeenSnapshot(snapshot, vocabulary, session, actor, now_ns)
        require(vocabulary.queries[name], kind_of(snapshot.stream), seen.audience)
        return snapshot.position, with_times(msgspec.json.encode(PAGES[name](seen, asked)))
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


MOVEMENT_VALUES = attrgetter(*Movement.__struct_fields__)


def movement(entry: LedgerEntry) -> Movement:
    """A movement as its reader sees it."""
    return Movement(*MOVEMENT_VALUES(entry))


def outside() -> Rejected:
    """The refusal of who asks for more than their own."""
    return Rejected("not_permitted", "That is outside your part of the tree.")


def wanted_of(seen: SeenSnapshot, asked: WagersAsked | LedgerAsked, **fields: str) -> Wanted:
    """Rows of the asker's subtree or account with these values: each belongs to its player, wherever they stood then.

    Raises Rejected `not_permitted`, `unknown_agent`.
    """
    if seen.audience.player:
        if asked.player not in ("", seen.audience.player):
            raise outside()
        fields["player"] = seen.audience.player
    elif asked.player and not seen.below("", seen.node_of_player(asked.player) or ROOT):
        raise outside()
    agents = seen.within if not fields["player"] else None
    if asked.agent:
        if seen.audience.player or not seen.below("", asked.agent):
            raise outside()
        if seen.snapshot.row(Agent, asked.agent) is None:
            raise Rejected("unknown_agent", "There is no such agent.", agent=asked.agent)
        agents = seen.snapshot.subtree(asked.agent)
    wanted = {field: value for field, value in fields.items() if value}
    return Wanted(wanted, agents=agents, ascending=asked.order == "ascending")


def time_at(seen: SeenSnapshot, row_type: type[Row], field: str) -> Callable[[int], int | None]:
    """What says the time of the row that has the highest number up to one."""

    def time(number: int) -> int | None:
        found = seen.snapshot.find(row_type, Wanted({}, below=number + 1), 1, field).numbers
        return found[0][1] if found else None

    return time


def wagers_page(seen: SeenSnapshot, asked: WagersAsked) -> Page:
    """Tickets, in the order that is asked for."""
    fixture = asked.fixture or asked.market.partition(":")[0]
    wanted = wanted_of(
        seen,
        asked,
        player=asked.player,
        fixture=fixture,
        market=asked.market,
        side=asked.side,
        status=asked.status,
    )
    by_risk = asked.sort == "risk"
    time = time_at(seen, Ticket, "placed_ns")
    above, below = span(seen.snapshot.position, asked, time, ascending=wanted.ascending, paged=not by_risk)
    least = {"risk_minor": asked.least_minor} if asked.least_minor else {}
    most = {"risk_minor": asked.most_minor} if asked.most_minor else {}
    wanted = msgspec.structs.replace(wanted, least=least, most=most, above=above, below=below)
    if by_risk:
        return sorted_page(seen, wanted, asked)
    return rows_page(seen, Ticket, wanted, wager_rows(seen), asked.limit)


def ledger_page(seen: SeenSnapshot, asked: LedgerAsked) -> Page:
    """Movements, in the order that is asked for."""
    wanted = wanted_of(seen, asked, player=asked.player)
    above, below = span(seen.snapshot.position, asked, time_at(seen, LedgerEntry, "at_ns"), ascending=wanted.ascending)
    wanted = msgspec.structs.replace(wanted, above=above, below=below)
    return rows_page(seen, LedgerEntry, wanted, movement, asked.limit)


def rows_page(seen: SeenSnapshot, row_type: type[R], wanted: Wanted, shown: Callable[[R], Any], limit: int) -> Page:
    """Rows in the order of their numbers."""
    found = seen.snapshot.find(row_type, wanted, limit)
    rows = seen.snapshot.rows(row_type, [number for number, _ in found.numbers])
    return Page([shown(row) for row in rows], str(found.goes_on or ""))


def sorted_page(seen: SeenSnapshot, wanted: Wanted, asked: WagersAsked) -> Page:
    """Tickets by what is risked, and by number where that is the same: all that are wanted are sorted for each page.

    Raises Rejected `too_many`.
    """
    found = seen.snapshot.find(Ticket, wanted, SORTED_ROWS_MAX, "risk_minor")
    if found.goes_on:
        sentence = "These are too many to be sorted. Narrow them: by time, a player, a game."
        raise Rejected("too_many", sentence, most=SORTED_ROWS_MAX)
    keys = sorted(((risk, number) for number, risk in found.numbers), reverse=not wanted.ascending)
    if asked.after:
        risk, number = map(number_of, asked.after.partition(":")[::2])
        if risk is None or number is None:
            return Page([])
        last = risk, number
        keys = [key for key in keys if (key > last if wanted.ascending else key < last)]
    chosen = keys[: asked.limit]
    rows = seen.snapshot.rows(Ticket, [number for _, number in chosen])
    more = f"{chosen[-1][0]}:{chosen[-1][1]}" if len(keys) > asked.limit else ""
    return Page(list(map(wager_rows(seen), rows)), more)


def log_page(seen: SeenSnapshot, asked: LogAsked) -> Page:
    """Entries of the log that the asker may see, newest first."""
    if asked.player and not seen.audience.player and not seen.below("", seen.node_of_player(asked.player) or ROOT):
        raise outside()

    def time(number: int) -> int | None:
        found = next(iter(seen.snapshot.entries(number + 1, 1)), None)
        return decode_envelope(found[1]).at_ns if found is not None else None

    above, before = span(seen.snapshot.position, asked, time)
    items: list[LogRow] = []
    for looked, (seq, body) in enumerate(seen.snapshot.entries(before, SCAN_EVENTS_MAX), 1):
        if seq <= above:
            break
        before = seq
        entry = decode_envelope(body)
        if asked.type in ("", entry.type) and asked.actor in ("", entry.actor):
            event = seen.event(entry)
            if event is not None and (not asked.player or concerns(seen, event)[1] == asked.player):
                shown = msgspec.Raw(event_body(event))
                items.append(LogRow(entry.seq, entry.at_ns, entry.actor, entry.session, entry.command, shown))
        if len(items) == asked.limit or looked == SCAN_EVENTS_MAX:
            return Page(items, str(before) if before > above + 1 else "")
    return Page(items)


def refusals_page(seen: SeenSnapshot, asked: RefusalsAsked) -> Page:
    """Refusals to users of the asker's subtree, newest first: of all that are kept of a stream, which are few thousands. Whom the
    stream does not know only the top sees."""
    before: RefusalKey | None = None
    if asked.after:
        minute, *kind = asked.after.split(":")
        if not minute.isdecimal() or len(minute) > 18 or len(kind) != 3:
            return Page([])
        before = (int(minute), kind[0], kind[1], kind[2])
    since_ns = time_of(asked.since) if asked.since else 0
    until_ns = time_of(asked.until) if asked.until else 0
    items: list[RefusalRow] = []
    last = ""
    for one in seen.snapshot.refusals(before):
        actor = one.actor
        if asked.actor not in ("", actor) or asked.command not in ("", one.command) or asked.code not in ("", one.code):
            continue
        if (
            one.last_ns < since_ns
            or (asked.until and one.first_ns >= until_ns)
            or not seen.below("", seen.node_of_user(actor) or ROOT)
        ):
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
    "wagers": wagers_page,
    "ledger": ledger_page,
    "log": log_page,
    "refusals": refusals_page,
    "trace": trace_page,
}
"""What answers each query."""
