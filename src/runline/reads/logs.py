"""Logs: pages of what was done (the log), of what was refused, and of the way that a command took."""

import msgspec

from runline.domain.audience import concerns, left
from runline.domain.messages import Event, event_body
from runline.domain.nodes import ROOT
from runline.domain.queries.bounds import PAGE_ROWS_MAX
from runline.domain.queries.declared import Page
from runline.domain.queries.history import OBJECTS, LogAsked, LogRow, RefusalRow, RefusalsAsked, TraceAsked, TraceRow
from runline.domain.times import time_of
from runline.engine.envelope import decode_envelope
from runline.engine.ids import id_bytes, id_text
from runline.engine.ports import RefusalKey
from runline.reads.limits import SCAN_EVENTS_MAX
from runline.reads.seen import SeenSnapshot, outside
from runline.reads.windows import span


def log_page(seen: SeenSnapshot, asked: LogAsked) -> Page:
    """Entries of the log that the asker may see, newest first."""
    if asked.player and not seen.audience.player and not seen.below("", seen.node_of_player(asked.player) or ROOT):
        raise outside()
    within = seen.subtree_of(asked.agent) if asked.agent else None
    named = Named(asked.object) if asked.object else None

    def time(number: int) -> int | None:
        found = next(iter(seen.snapshot.entries(number + 1, 1)), None)
        return decode_envelope(found[1]).at_ns if found is not None else None

    def is_wanted(event: Event) -> bool:
        node, player = concerns(seen, event)
        return asked.player in ("", player) and (within is None or node in within or left(event) in within)

    above, before = span(seen.snapshot.position, asked, time)
    items: list[LogRow] = []
    for looked, (seq, body) in enumerate(seen.snapshot.entries(before, SCAN_EVENTS_MAX), 1):
        if seq <= above:
            break
        before = seq
        if named is None or named.written in body:
            entry = decode_envelope(body)
            permission = seen.vocabulary.permission_used(entry.type, entry.actor)
            is_such = asked.type in ("", entry.type) and asked.permission in ("", permission)
            if is_such and asked.actor in ("", entry.actor):
                event = seen.event(entry)
                if event is not None and is_wanted(event) and (named is None or named.by(event)):
                    role = seen.role_of(entry.actor, seq)
                    if asked.role in ("", role):
                        shown = msgspec.Raw(event_body(event))
                        session = entry.session if seen.is_within(entry.actor) else ""
                        about = (entry.actor, role, permission, session, entry.command)
                        items.append(LogRow(entry.seq, entry.at_ns, *about, shown))
        if len(items) == asked.limit or looked == SCAN_EVENTS_MAX:
            return Page(items, str(before) if before > above + 1 else "")
    return Page(items)


class Named:
    """A thing that events name. written: how its id stands in an entry of the log."""

    __slots__ = ("fields", "kind", "name", "written")

    def __init__(self, text: str) -> None:
        self.kind, _, self.name = text.partition(":")
        self.fields = OBJECTS[self.kind]
        self.written = msgspec.json.encode(self.name)[1:-1]

    def by(self, event: Event) -> bool:
        """Whether an event names it: itself, what a suspension or a setting of it is about, or a market of its game."""
        fields, name = type(event).__struct_fields__, self.name
        if any(field in fields and str(getattr(event, field)) == name for field in self.fields):
            return True
        for scope in ("scope", "place"):
            if scope in fields and getattr(event, scope) == self.kind and event.subject == name:  # type: ignore[attr-defined]
                return True
        return self.kind == "fixture" and "market" in fields and event.market.startswith(f"{name}:")  # type: ignore[attr-defined]


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
        if one.last_ns < since_ns or (asked.until and one.first_ns >= until_ns) or not seen.is_within(actor):
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
