"""Roles: what their holders may do, and how that changes.

Rule: nobody gives or takes by a role what they do not hold, nor changes a role that an equal has.
"""

from typing import TYPE_CHECKING

import msgspec

from runline.domain.access import OWNER, PLAYER_ROLE, Role, User, require_above, require_lowerer, require_room, taken_by
from runline.domain.audience import Audience
from runline.domain.bounds import ROLES_MAX, ROLES_PER_NODE_MAX
from runline.domain.identifiers import Reason, identifier
from runline.domain.messages import Command, Event, Rejected, decides, evolves, grounds
from runline.domain.nodes import ROOT
from runline.domain.permissions import PLAYER_MAY, Permission, StreamKind, permissions_of
from runline.domain.queries.declared import Asked, Page, query
from runline.domain.queries.pages import page_of
from runline.domain.state import State

if TYPE_CHECKING:
    from runline.domain.context import Context
    from runline.domain.house import House


ROLES_OF: dict[StreamKind, str] = {"house": "A role of the house", "book": "A role of a book"}


class SetRole(Command, needs=Permission.ROLES_MANAGE, streams=("house", "book")):
    """Create a role or change its permissions. It bites at its event for everyone who has the role; nobody changes one that an
    equal has, nor widens one that was narrowed, or that somebody has who was lowered, from above.

    role: the role's name.
    node: the node that keeps it (existing roles stay where they are).
    permissions: the whole list, of those that are of this kind of stream (the query `permissions` has them).
    """

    role: str
    node: str
    permissions: tuple[Permission, ...]
    reason: Reason


class RoleSet(Event, changes_sight=True, notice="role_change"):
    """A role has exactly these permissions now. narrowed_node, narrowed_role: where whoever took something out of it stands, and
    by which role; "" if nothing was taken, or all was given back."""

    role: str
    node: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    narrowed_node: str
    narrowed_role: str
    reason: str


@decides(SetRole)
def set_role(state: State, command: SetRole, context: "Context") -> RoleSet | tuple[()]:
    role = state.access.roles.get(identifier(command.role, "role"))
    node = role.node if role else command.node
    state.tree.require_node(context.user, node)
    if command.role == OWNER:
        raise Rejected("not_permitted", "The owner's role cannot be changed.")
    if role and command.node != role.node:
        raise Rejected("role_elsewhere", "This role is kept at another node.", node=role.node)
    if role is None:
        require_room(state, context.user, len(state.access.roles), ROLES_MAX, "roles")
        if node != ROOT and len(state.access.kept.get(node, ())) >= ROLES_PER_NODE_MAX:
            raise Rejected("too_many", "There are as many roles here as there may be.", most=ROLES_PER_NODE_MAX)
    for permission in command.permissions:
        if state.kind not in permission.streams:
            where = ROLES_OF[state.kind]
            details = {"permission": permission.value}
            raise Rejected("permission_invalid", f"{where} cannot hold {permission.value}.", **details)
    if len(command.permissions) > len(Permission):
        raise Rejected("too_many", "A permission stands in the list twice.", most=len(Permission))
    after = tuple(permission.value for permission in Permission if permission in command.permissions)
    before = role.permissions if role else ()
    if role and role.node == context.user.node:
        # Whoever stands further down stands below. Who has the role beside the asker is the same in rank as any other who has.
        beside = state.access.holders.get(role.name, {}).get(role.node, ())
        peer = next((name for name in beside if name != context.user.name), None)
        if peer is not None:
            require_above(state, context.user, state.access.users[peer])
    held = state.access.held_by(context.user)
    for one in (*before, *after):
        if one not in held:
            raise Rejected("not_permitted", f"You do not hold {one} yourself.", permission=one)
        if command.role == PLAYER_ROLE and one not in PLAYER_MAY:
            raise Rejected("not_permitted", f"No player may hold {one}.", permission=one)
    narrowed = ("", "")
    if role:
        if before == after:
            return ()
        if not set(after) <= set(before):
            require_lowerer(state, context.user, role)
        narrowed = taken_by(state, context.user, role.narrowed_node, role.narrowed_role, before, after)
    return RoleSet(command.role, node, before, after, *narrowed, command.reason)


@evolves(RoleSet)
def role_set(state: State, event: RoleSet) -> None:
    role = state.access.roles.get(event.role)
    if role is None:
        state.access.add_role(Role(event.role, event.node, event.after))
        return
    role.permissions = event.after
    role.narrowed_node, role.narrowed_role = event.narrowed_node, event.narrowed_role
    state.access.allowed[event.role] = frozenset(event.after)
    state.touch(role)


@grounds(SetRole)
def set_role_ground(state: State, command: SetRole) -> int:
    """The role itself."""
    return state.moved_seq(Role, command.role)


class PermissionRow(msgspec.Struct):
    """A permission. permission: its name. held: whether I hold it, so that I may give it. commands: those that need it here."""

    permission: str
    held: bool
    commands: list[str]


class PermissionsAsked(Asked[PermissionRow], frozen=True, kw_only=True):
    """Nothing else."""


@query(
    "permissions", needs=Permission.ROLES_MANAGE, asked=PermissionsAsked, row=PermissionRow, streams=("house", "book")
)
def permissions(
    state: State, house: "House", user: User, audience: Audience, asked: PermissionsAsked, now_ns: int
) -> Page:
    """What a role may hold here: the permissions of this kind of stream."""
    needing: dict[str, list[str]] = {}
    for name, command in sorted(state.vocabulary.commands.items()):
        if command.needs is not None and state.kind in command.streams:
            needing.setdefault(command.needs.value, []).append(name)
    known = permissions_of(state.kind)
    behind = known[known.index(asked.after) + 1 :] if asked.after in known else () if asked.after else known
    rows = (PermissionRow(one, one in audience.permissions, needing.get(one, [])) for one in behind)
    return page_of(rows, asked, lambda row: row.permission)
