"""Lives: what has happened to a ticket, found in the log, and explained."""

import msgspec

from runline.domain.messages import event_body
from runline.domain.nodes import ROOT
from runline.domain.queries.declared import Page
from runline.domain.queries.lives import LifeRow, WagerLifeAsked
from runline.domain.tickets import Ticket
from runline.engine.envelope import decode_envelope
from runline.reads.explaining import Explaining
from runline.reads.limits import LIFE_EVENTS_MAX
from runline.reads.seen import SeenSnapshot
from runline.reads.windows import number_of


def ticket_of(seen: SeenSnapshot, number: int) -> Ticket | None:
    """The ticket of a number, if there is one that the asker may see."""
    ticket = seen.snapshot.row(Ticket, number) if 0 < number <= seen.snapshot.position else None
    if ticket is None or (seen.audience.player and ticket.player != seen.audience.player):
        return None
    return ticket if seen.below("", seen.node_of_player(ticket.player) or ROOT) else None


def life_page(seen: SeenSnapshot, asked: WagerLifeAsked) -> Page:
    """What has happened to a ticket, the last first."""
    ticket = ticket_of(seen, asked.number)
    after = number_of(asked.after) if asked.after else ticket.changed_seq + 1 if ticket is not None else None
    if ticket is None or after is None:
        return Page([])
    explaining = Explaining(seen, ticket)
    before = min(after, ticket.changed_seq + 1)
    written = f'"wager":{ticket.number},'.encode()
    items: list[LifeRow] = []
    for looked, (seq, body) in enumerate(seen.snapshot.entries(before, LIFE_EVENTS_MAX), 1):
        if seq < ticket.number:
            break
        if written in body:
            entry = decode_envelope(body)
            event = seen.event(entry)
            if event is not None and getattr(event, "wager", 0) == ticket.number:
                shown = msgspec.Raw(event_body(event))
                items.append(LifeRow(seq, entry.at_ns, seen.actor(entry), shown, explaining.of(event)))
        if len(items) == asked.limit or looked == LIFE_EVENTS_MAX:
            return Page(items, str(seq) if seq > ticket.number else "")
    return Page(items)
