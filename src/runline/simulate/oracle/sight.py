"""Sight: whom an event concerns, and who may see it. Deny unless permitted: staff see what their permissions show of their own
part of the tree, and who has left it, players what concerns their own account, and the board."""

from typing import Any

from runline.simulate.oracle.asking import Reader
from runline.simulate.oracle.state import ROOT, Book, Stream
from runline.simulate.oracle.tree import is_below

OWN = {"reason": "", "node": "", "source": "", "tripped": []}
"""The fields of the house's events that are its own matter, and what a book sees in their place."""

EVERYONE = "*"
"""In the place of a node."""

ABOUT = ("scope", "user", "player", "agent", "node", "role")
"""The fields that say whom an event concerns; the first that it has counts."""


NAMES: dict[str, tuple[str, ...]] = {
    "player": ("player", "user"),
    "user": ("user", "player", "owner", "writer"),
    "agent": ("agent", "parent", "node", "before", "after"),
    "role": ("role", "before", "after"),
    "feed": ("feed", "source"),
    **{kind: (kind,) for kind in ("wager", "fixture", "market", "league", "session", "book")},
}
"""The fields of events that name things of each kind."""


def agent_of(stream: Stream, player: str) -> str:
    """Where a player stands; at the root if there is none of that number."""
    known = stream.players.get(player) if isinstance(stream, Book) else None
    return known.agent if known else ROOT


def concerns(stream: Stream, shown_to: str, fields: dict[str, Any]) -> tuple[str, str]:
    """(the node whose part of the tree an event concerns, the player or "")."""
    about = next((name for name in ABOUT if name in fields), "")
    if not about:
        return (EVERYONE if shown_to == "board_view" else ROOT), ""
    value = fields[about]
    if about == "scope":
        subject = fields["subject"]
        if value == "player":
            return agent_of(stream, subject), subject
        return (subject if value == "agent" else EVERYONE), ""
    if about == "player":
        return agent_of(stream, value), value
    if about in ("user", "role"):
        known = (stream.users if about == "user" else stream.roles).get(value)
        return (known.node if known else ROOT), ""
    return value, ""


def parted_from(kind: str, fields: dict[str, Any]) -> tuple[str, ...]:
    """Where somebody stood until an event, if it moves them."""
    return (fields["before"],) if kind in ("PlayerMoved", "AgentMoved") else ()


def sees(stream: Stream, reader: Reader, shown_to: str, kind: str, fields: dict[str, Any]) -> bool:
    """Whether somebody may see an event."""
    node, player = concerns(stream, shown_to, fields)
    if reader.player:
        return shown_to in reader.may if node == EVERYONE else player == reader.player
    nodes = (node, *parted_from(kind, fields))
    return shown_to in reader.may and (node == EVERYONE or any(is_below(stream, reader.node, one) for one in nodes))


def is_named(thing: str, fields: dict[str, Any]) -> bool:
    """Whether an event names something, which is given by its kind and its id."""
    kind, _, name = thing.partition(":")
    if any(str(fields[field]) == name for field in NAMES[kind] if field in fields):
        return True
    about = fields.get("scope", fields.get("place"))
    if about == kind and fields.get("subject") == name:
        return True
    return kind == "fixture" and str(fields.get("market", "")).startswith(f"{name}:")


def as_a_book_sees(kind: str, fields: dict[str, Any]) -> dict[str, Any] | None:
    """An event of the house, as a book sees it; None for one that it does not see."""
    if kind in ("LineDropped", "ReasonAdded"):
        return None
    if kind in ("LineHeld", "LineRefused"):
        return {"type": "LineWithdrawn", "market": fields["market"], "entered_ns": fields["entered_ns"]}
    return {"type": kind} | {name: OWN.get(name, value) for name, value in fields.items()}
