"""Told: what books are told of what happens in the house.

Rule: a book is told what has become of its board; by whom in the house, and why, is the house's own matter.
"""

import msgspec

from runline.domain.held import LineDropped, LineHeld
from runline.domain.messages import Event
from runline.domain.posted import LineRefused, LineWithdrawn
from runline.domain.suspension import ReasonAdded

UNTOLD = (LineDropped, ReasonAdded)
"""Events of the house of which books are told nothing: they change no board, they only say why one is as it is."""

TAKEN_AWAY = {"reason": "", "node": "", "source": "", "tripped": ()}
"""What an event says of by whom and why, and what stands there instead: the event keeps its shape."""


def told_to_a_book(event: Event) -> Event:
    """An event of the house as books are told of it. A line that waits for a person, or is none, is to them a market that is off
    the board."""
    if isinstance(event, LineHeld | LineRefused):
        return LineWithdrawn(event.market, event.entered_ns)
    taken = {name: value for name, value in TAKEN_AWAY.items() if name in event.__struct_fields__}
    return msgspec.structs.replace(event, **taken) if taken else event
