"""Line history: what has become of a market's line, found in the logs of the house and of the book."""

from collections.abc import Iterator
from heapq import merge

import msgspec

from runline.domain.messages import HOUSE, Event, event_body
from runline.domain.queries.declared import Page
from runline.domain.queries.line_history import LineHistoryAsked, LineRow
from runline.domain.told import UNTOLD, told_to_a_book
from runline.engine.envelope import Logged, decode_envelope
from runline.engine.ports import Snapshot
from runline.reads.limits import LINE_EVENTS_MAX
from runline.reads.logs import Named
from runline.reads.seen import SeenSnapshot
from runline.reads.windows import number_of

Found = tuple[int, int, int, Logged | None, Event | None]
"""(minus its time, which log, minus its position, the entry, its event), in the order in which they are shown; no entry where
looking ends early."""


def line_history_page(seen: SeenSnapshot, asked: LineHistoryAsked) -> Page:
    """What has become of a market, the last first."""
    logs = (seen.house, seen.snapshot)
    before = [log.position + 1 for log in logs]
    if asked.after:
        numbers = [number_of(text) for text in asked.after.split(":")]
        if len(numbers) != len(logs) or None in numbers:
            return Page([])
        before = [min(limit, number or 0) for limit, number in zip(before, numbers, strict=True)]
    if not asked.market:
        return Page([])
    named = Named(f"market:{asked.market}")
    walks = [walk(seen, log, place, before[place], named) for place, log in enumerate(logs)]
    items: list[LineRow] = []
    for _, place, minus_seq, entry, event in merge(*walks, key=lambda found: found[:3]):
        before[place] = -minus_seq
        if entry is not None and event is not None:
            actor = seen.actor(entry)
            if entry.stream == HOUSE:
                actor, event = "", told_to_a_book(event)
            shown = msgspec.Raw(event_body(event))
            items.append(LineRow(entry.stream, entry.seq, entry.at_ns, actor, shown))
        if entry is None or len(items) == asked.limit:
            return Page(items, ":".join(map(str, before)))
    return Page(items)


def walk(seen: SeenSnapshot, log: Snapshot, place: int, before: int, named: Named) -> Iterator[Found]:
    """What a log says of a market that the asker may see, the last first."""
    for looked, (seq, body) in enumerate(log.entries(before, LINE_EVENTS_MAX), 1):
        if named.written in body:
            entry = decode_envelope(body)
            event = seen.event(entry)
            meant = event is not None and named.by(event) and "wager" not in type(event).__struct_fields__
            if meant and not (entry.stream == HOUSE and isinstance(event, UNTOLD)):
                yield -entry.at_ns, place, -seq, entry, event
        if looked == LINE_EVENTS_MAX:
            yield -decode_envelope(body).at_ns, place, -seq, None, None
