"""Audience: who may see what. The same rules for the live stream, for queries and for the log.

Rule: deny unless permitted. A user sees what their role's permissions show and what concerns their own subtree, as it is now;
that somebody has left it, too, and nothing after. A player sees what concerns their own account, and the board.
"""

from functools import cache
from typing import Protocol

import msgspec

from runline.domain.access import User
from runline.domain.messages import Event, Rejected
from runline.domain.nodes import ROOT
from runline.domain.permissions import Permission
from runline.domain.sessions import require_session
from runline.domain.state import State


class Audience(msgspec.Struct, frozen=True):
    """Everything that decides what is shown to somebody: equal audiences see the same.

    node: the top of their subtree. player: their account, or "". permissions: what their role holds.
    """

    node: str
    player: str
    permissions: frozenset[str]

    def may(self, permission: Permission) -> bool:
        """Whether the role holds a permission."""
        return permission in self.permissions


class Below(Protocol):
    """What is known of a book's tree."""

    def below(self, top: str, node: str) -> bool:
        """Whether a node is `top` or stands below it."""
        ...

    def node_of_player(self, player: str) -> str | None:
        """The agent of a player."""
        ...


class Places(Protocol):
    """What is known of where everybody stands, in memory (a state's access) or in a snapshot of what is stored."""

    @property
    def tree(self) -> Below:
        """What is below what."""
        ...

    def node_of_user(self, user: str) -> str | None:
        """Where a user stands."""
        ...


EVERYONE = "*"
"""In the place of a node: it concerns everyone who may see such things."""


@cache
def subject_field(kind: type[Event]) -> str:
    """The field of an event that says whom it concerns, or ""."""
    fields = kind.__struct_fields__
    for name in ("scope", "user", "player", "agent", "node"):
        if name in fields:
            return name
    return ""


def concerns(places: Places, event: Event) -> tuple[str, str]:
    """(the node whose subtree an event concerns, the player or "").

    The node is EVERYONE for lines, games and suspensions of them, and the root where nobody below is concerned.
    """
    field = subject_field(type(event))
    if not field:
        return (EVERYONE if type(event).shown_to is Permission.BOARD_VIEW else ROOT), ""
    value: str = getattr(event, field)
    if field == "scope":
        subject: str = event.subject  # type: ignore[attr-defined]
        if value == "player":
            return places.tree.node_of_player(subject) or ROOT, subject
        return (subject if value == "agent" else EVERYONE), ""
    if field == "user":
        return places.node_of_user(value) or ROOT, ""
    if field == "player":
        return places.tree.node_of_player(value) or ROOT, value
    return value, ""


def left(event: Event) -> str:
    """The node that whom an event concerns has left by it, "" if it moves nobody."""
    field = type(event).leaves
    return getattr(event, field) if field else ""


def sees(audience: Audience, places: Places, event: Event, about: tuple[str, str] | None = None) -> bool:
    """Whether an audience may see an event. about: what `concerns` says of it, if that is known."""
    shown_to = type(event).shown_to
    if audience.player:
        node, player = about or concerns(places, event)
        if node == EVERYONE:
            return audience.may(shown_to)
        return player == audience.player
    if not audience.may(shown_to):
        return False
    if audience.node == ROOT:
        return True
    node, _ = about or concerns(places, event)
    if node == EVERYONE or places.tree.below(audience.node, node):
        return True
    return left(event) != "" and places.tree.below(audience.node, left(event))


def audience_of(state: State, user: User) -> Audience:
    """The audience that a user belongs to."""
    return Audience(user.node, user.player, state.access.held_by(user))


def audience_at(state: State, user: User, node: str) -> Audience:
    """The audience of a user who looks at a node of their subtree only; "" for all of it.

    Raises Rejected `not_permitted`, `unknown_agent`.
    """
    audience = audience_of(state, user)
    if not node or node == user.node:
        return audience
    if user.player:
        raise Rejected("not_permitted", "That is outside your part of the tree.")
    state.tree.require_node(user, node)
    return msgspec.structs.replace(audience, node=node)


def reader_of(state: State, name: str, session: str, now_ns: int) -> User:
    """The user who asks in a session, if it holds and they may act.

    Raises Rejected `not_permitted`, `signed_out`.
    """
    user = state.access.users.get(name)
    if user is None or not user.active:
        raise Rejected("not_permitted", "This user may not act here.")
    require_session(state, session, user, now_ns)
    return user
