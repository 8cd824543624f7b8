"""Refusals: what the activity log keeps of what was refused in one stream.

Rule: of each kind within a minute the first is kept as it was, the others are counted. No answer waits for this to be stored: it
goes with the next batch, or within REFUSAL_WAIT_S_MAX with one of its own, and a crash may take what was not stored yet. A
stream that stops by a fault goes on with what it had noted and was answered; what was in a batch that failed is lost with it.
"""

from typing import Any

import msgspec

from runline.domain.messages import Rejected
from runline.engine.ids import id_bytes
from runline.engine.limits import REFUSAL_DETAILS_BYTES_MAX, REFUSAL_KINDS_MAX, REFUSAL_MINUTES_KEPT
from runline.engine.ports import Refusal
from runline.engine.requests import Request

MINUTE_NS = 60_000_000_000
NO_ID = bytes(16)

RefusalKind = tuple[str, str, str]
"""actor, command, code"""


class Refusals:
    """What was refused in one stream and is not yet handed over to be stored."""

    def __init__(self) -> None:
        self.minute = 0
        self.kinds: dict[RefusalKind, None] = {}
        self.noted: dict[tuple[int, str, str, str], tuple[int, Refusal]] = {}
        """Each with the position of the state by which the first of it was judged."""
        self.pruned_minute = 0

    def __len__(self) -> int:
        return len(self.noted)

    def note(self, request: Request, actor: str, rejected: Rejected, at_ns: int, position: int) -> None:
        """Note that a request was refused. actor: who sent it, "" if the stream does not know them. position: of the state."""
        minute = at_ns // MINUTE_NS
        if minute != self.minute:
            self.minute, self.kinds = minute, {}
        kind = (actor, type(request.command).__name__, rejected.code)
        if kind not in self.kinds:
            if len(self.kinds) >= REFUSAL_KINDS_MAX:
                kind = ("", *kind[1:])
            self.kinds[kind] = None
        found = self.noted.get((minute, *kind))
        if found is None:
            first = Refusal(minute, *kind, 0, at_ns, at_ns, id_of(request), rejected.message, text_of(rejected.details))
            found = self.noted[minute, *kind] = position, first
        known = found[1]
        known.count += 1
        known.last_ns = at_ns

    def take(self) -> tuple[list[Refusal], int]:
        """(what is to be stored, the minute before which what is stored may go: 0 if it was said in this minute)."""
        taken, self.noted = [refusal for _, refusal in self.noted.values()], {}
        if not taken or self.pruned_minute == self.minute:
            return taken, 0
        self.pruned_minute = self.minute
        return taken, max(self.minute - REFUSAL_MINUTES_KEPT, 1)

    def lose_after(self, position: int) -> None:
        """The state after a position is lost: what was judged by it was answered otherwise, and would tell of it."""
        self.noted = {key: found for key, found in self.noted.items() if found[0] <= position}


def id_of(request: Request) -> bytes:
    """A request's id, if it has one."""
    try:
        return id_bytes(request.id)
    except Rejected:
        return NO_ID


def text_of(details: dict[str, Any]) -> str:
    """The values that help to understand a refusal, in JSON."""
    try:
        text = msgspec.json.encode(details)
    except (OverflowError, TypeError, ValueError):
        return "{}"
    return text.decode() if len(text) <= REFUSAL_DETAILS_BYTES_MAX else "{}"
