"""Users: who acts in a stream, by which role, and how their authority is given, changed and taken.

Rule: whoever commands a user stands above them (see `access.py`).
"""

from typing import TYPE_CHECKING

from runline.domain.access import (
    OWNER,
    Role,
    User,
    grantable,
    reaches,
    require_above,
    require_revoker,
    require_room,
    taken_by,
    user_within,
)
from runline.domain.bounds import STAFF_MAX
from runline.domain.identifiers import Reason, same_again
from runline.domain.messages import Command, Event, Rejected, decides, evolves, grounds
from runline.domain.nodes import ROOT
from runline.domain.permissions import Permission
from runline.domain.state import Row, State

if TYPE_CHECKING:
    from runline.domain.context import Context


class RoleHeld(Row, table="roles_held", read_by=("user",)):
    """Which role somebody of the staff has from a position on. Written once, never changed, not kept in memory: by it the log
    tells who held which role at that moment.

    number: the position at which they got it.
    """

    number: int
    user: str
    role: str
    changed_seq: int = 0


class CreateUser(Command, needs=Permission.ROLES_MANAGE, streams=("house", "book")):
    """Let someone act at a node. House staff and owners of several books get their authority in a book by this. To create a user
    again as they stand changes nothing.

    user: their id, the same in every stream.
    node: the agent whose subtree they see.
    role: one of the roles kept at or above that node.
    """

    user: str
    node: str
    role: str


class UserCreated(Event):
    """Someone may act at a node."""

    user: str
    node: str
    role: str
    player: str


class AssignRole(Command, needs=Permission.ROLES_MANAGE, streams=("house", "book")):
    """Give a user another role."""

    user: str
    role: str
    reason: Reason


class RoleAssigned(Event, changes_sight=True, notice="role_change"):
    """A user has another role. node, role: where whoever took something by it stands, and by which role; "" if nothing was
    taken, or all was given back."""

    user: str
    before: str
    after: str
    node: str
    role: str
    reason: str


class RevokeUser(Command, needs=Permission.ROLES_MANAGE, streams=("house", "book")):
    """Take a user's authority away, at once and wholly.

    Revoking again who was revoked further down makes it this asker's revocation: those below cannot undo it any more.
    """

    user: str
    reason: Reason


class UserRevoked(Event, changes_sight=True, notice="role_change"):
    """A user may do nothing from here on. node, role: where whoever revoked them stands, and by which role."""

    user: str
    node: str
    role: str
    reason: str


class RestoreUser(Command, needs=Permission.ROLES_MANAGE, streams=("house", "book")):
    """Give a revoked user their role back: for those who stand where it was taken, or above."""

    user: str
    reason: Reason


class UserRestored(Event, changes_sight=True, notice="role_change"):
    """A revoked user has their role again."""

    user: str
    reason: str


def require_another_owner(state: State, user: User) -> None:
    """Refuse to take the authority of the last owner at the root: nobody could give it back."""
    if user.role != OWNER or user.node != ROOT or not user.active:
        return
    for name in state.access.holders[OWNER][ROOT]:
        other = state.access.users[name]
        if other.active and other is not user:
            return
    raise Rejected("last_owner", "The last owner cannot lose their authority.")


@decides(CreateUser)
def create_user(state: State, command: CreateUser, context: "Context") -> UserCreated | tuple[()]:
    known = state.access.users.get(command.user)
    if known is not None and not known.player and state.tree.below(context.user.node, known.node):
        return same_again(command, known.name, active=known.active, node=known.node, role=known.role)
    name = state.access.new_user_name(command.user, "user")
    state.tree.require_node(context.user, command.node)
    require_room(state, context.user, len(state.access.users) - state.tree.number_of_players, STAFF_MAX, "users")
    grantable(state, context.user, command.role, command.node)
    return UserCreated(name, command.node, command.role, "")


@evolves(UserCreated)
def user_created(state: State, event: UserCreated) -> None:
    state.access.add_user(User(event.user, event.node, event.role, event.player))
    state.write(RoleHeld(state.seq, event.user, event.role))


@decides(AssignRole)
def assign_role(state: State, command: AssignRole, context: "Context") -> RoleAssigned | tuple[()]:
    user = user_within(state, context.user, command.user)
    require_above(state, context.user, user)
    require_revoker(state, context.user, user)
    grantable(state, context.user, command.role, user.node)
    if user.role == command.role:
        return ()
    if user.player:
        raise Rejected("not_permitted", "A player's role cannot be changed.")
    require_another_owner(state, user)
    before, after = state.access.allowed[user.role], state.access.allowed[command.role]
    node, role = taken_by(state, context.user, user.lowered_node, user.lowered_role, before, after)
    return RoleAssigned(user.name, user.role, command.role, node, role, command.reason)


@evolves(RoleAssigned)
def role_assigned(state: State, event: RoleAssigned) -> None:
    user = state.touch(state.access.users[event.user])
    del state.access.holders[user.role][user.node][user.name]
    state.access.count_lowered(user, -1)
    user.role = event.after
    state.write(RoleHeld(state.seq, event.user, event.after))
    user.lowered_node, user.lowered_role = event.node, event.role
    state.access.note_holder(user)
    state.access.count_lowered(user, 1)


@decides(RevokeUser)
def revoke_user(state: State, command: RevokeUser, context: "Context") -> UserRevoked | tuple[()]:
    asker = context.user
    user = user_within(state, asker, command.user)
    require_above(state, asker, user)
    if not user.active and reaches(state, user.revoked_node, user.revoked_role, asker.node, asker.role):
        return ()
    require_another_owner(state, user)
    return UserRevoked(user.name, asker.node, asker.role, command.reason)


@evolves(UserRevoked)
def user_revoked(state: State, event: UserRevoked) -> None:
    user = state.touch(state.access.users[event.user])
    user.active = False
    user.revoked_node, user.revoked_role = event.node, event.role


@decides(RestoreUser)
def restore_user(state: State, command: RestoreUser, context: "Context") -> UserRestored | tuple[()]:
    user = user_within(state, context.user, command.user)
    require_above(state, context.user, user)
    if user.active:
        return ()
    require_revoker(state, context.user, user)
    return UserRestored(user.name, command.reason)


@evolves(UserRestored)
def user_restored(state: State, event: UserRestored) -> None:
    user = state.touch(state.access.users[event.user])
    user.active = True
    user.revoked_node = user.revoked_role = ""


@grounds(AssignRole)
@grounds(RevokeUser)
@grounds(RestoreUser)
def user_ground(state: State, command: AssignRole | RevokeUser | RestoreUser) -> int:
    """The user: their role, and whether they may act."""
    return state.moved_seq(User, command.user)


@grounds(CreateUser)
def new_user_ground(state: State, command: CreateUser) -> int:
    """Whether the id is taken, and the role."""
    return max(state.moved_seq(User, command.user), state.moved_seq(Role, command.role))
