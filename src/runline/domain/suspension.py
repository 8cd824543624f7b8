"""Suspension: closing betting on demand, in layers.

Rule: a thing is open when no layer closes it. Each layer is a row of its own, so reopening a league never reopens a market that
was closed by itself. The layer of a feed's silence closes the lines that stood when it fell silent: a line that is newer than
the layer is open, market by market.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, Protocol, get_args

from runline.domain.access import User
from runline.domain.bounds import IDENTIFIER_LENGTH_MAX, SUSPENSIONS_MAX, SUSPENSIONS_PER_NODE_MAX
from runline.domain.identifiers import Reason, Remark
from runline.domain.messages import Command, Event, Rejected, decides, evolves, grounds
from runline.domain.nodes import ROOT
from runline.domain.ordered import Ordered
from runline.domain.permissions import Permission
from runline.domain.state import Part, Row, State

if TYPE_CHECKING:
    from runline.domain.context import Context

Scope = Literal[
    "all", "feed", "silence", "sport", "league", "fixture", "market", "selection", "kind", "agent", "player"
]
"""What a layer covers. The subject of `all` is "", of `selection` is MARKET/SIDE, of `kind` is a market's kind, of `feed` (every
line that it posts) and `silence` (those that it had posted by then; only time closes it) is the feed's user."""

SCOPES: tuple[Scope, ...] = get_args(Scope)

SOURCES = frozenset({"feed", "silence"})
"""Scopes whose subject is a user of the house: a player is not told whose lines they are."""

QUICK = "quick"
"""The reason of whoever closes something at once and says why later: the layer owes its reason until that is added."""

WIDE: frozenset[str] = frozenset({"all", "feed", "silence", "sport", "league", "kind", "agent"})
"""What is never refused for the number of layers: there are no more of them than there is to suspend, and each closes much."""

SUBJECTS: dict[str, Callable[[Any, Any, str], str]] = {
    "all": lambda fixture, market, side: "",
    "feed": lambda fixture, market, side: market.source,
    "silence": lambda fixture, market, side: market.source,
    "sport": lambda fixture, market, side: fixture.sport,
    "league": lambda fixture, market, side: fixture.league,
    "fixture": lambda fixture, market, side: fixture.name,
    "market": lambda fixture, market, side: market.name,
    "selection": lambda fixture, market, side: f"{market.name}/{side}",
    "kind": lambda fixture, market, side: market.kind,
}
"""The subject of each of the board's scopes, by fixture, market and side."""


class Suspension(Row, table="suspensions", key=2):
    """A layer that closes something, as long as it exists.

    node: where whoever closed it stands; nobody below may reopen it.
    layer_seq: the position at which it was closed: it names this very layer.
    took_over: whether somebody further down had closed it already.
    """

    scope: str
    subject: str
    reason: str
    since_ns: int
    node: str = ROOT
    layer_seq: int = 0
    took_over: bool = False
    changed_seq: int = 0

    @property
    def owes_reason(self) -> bool:
        """Whether it was closed at once, and nobody has said why."""
        return self.reason == QUICK


class Catalogued(Protocol):
    """What says which sports, leagues, games, markets, selections and kinds there are."""

    def knows_subject(self, scope: str, subject: str) -> bool:
        """Whether there is such a thing to suspend."""


class Suspensions(Part, named="suspensions", streams=("house", "book"), keeps={Suspension: "layers"}):
    """The layers of suspension that a stream keeps."""

    __slots__ = ("catalog", "layers", "order", "rooms", "subjects", "tree")

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self.tree = state.tree
        self.catalog: Catalogued | None = None
        """The stream's own, which it hands in; None where it has none, and the view of the house says what there is."""
        self.layers: dict[tuple[str, str], Suspension] = {}
        self.subjects: dict[str, set[str]] = {}
        """The subjects of all layers, by scope: every wager asks, so only the scopes that have layers are looked at."""
        self.order: Ordered[tuple[str, str]] = Ordered()
        """All layers, in the order in which they are shown."""
        self.rooms: dict[tuple[str, str], int] = {}
        """How many narrow layers there are in each room (see `room_of`)."""

    def derive(self) -> None:
        self.subjects = {}
        self.rooms = {}
        self.order = Ordered(self.layers)
        for layer in self.layers.values():
            self.cover(layer.scope, layer.subject)
            self.count(layer, 1)

    def count(self, layer: Suspension, sign: Literal[1, -1]) -> None:
        """Count (1) or stop counting (-1) a layer in its room."""
        if layer.scope in WIDE:
            return
        room = room_of(layer.scope, layer.node)
        self.rooms[room] = self.rooms.get(room, 0) + sign
        if not self.rooms[room]:
            del self.rooms[room]

    def cover(self, scope: str, subject: str) -> None:
        """Note that there is such a layer."""
        if scope not in self.subjects:
            self.subjects = {
                one: self.subjects.get(one, set()) for one in SCOPES if one == scope or one in self.subjects
            }
        self.subjects[scope].add(subject)

    def uncover(self, scope: str, subject: str) -> None:
        """Note that there is no such layer any more."""
        self.subjects[scope].discard(subject)
        if not self.subjects[scope]:
            del self.subjects[scope]

    def closed_by(self, scope: str, subject: str) -> bool:
        """Whether there is such a layer."""
        return subject in self.subjects.get(scope, ())

    def layer_over(self, fixture: Any, market: Any, side: str) -> tuple[str, str] | None:
        """The widest layer that closes a side of a market to everyone: its scope and subject."""
        for scope, subjects in self.subjects.items():
            subject_of = SUBJECTS.get(scope)
            if subject_of is not None and (subject := subject_of(fixture, market, side)) in subjects:
                if scope == "silence" and not self.is_stale(market):
                    continue
                return scope, subject
        return None

    def is_stale(self, market: Any) -> bool:
        """Whether a market's line is of before its feed fell silent: nobody knows whether it holds still."""
        layer = self.layers.get(("silence", market.source))
        return layer is not None and bool(market.changed_seq < layer.changed_seq)

    def layer_around(self, player: str, agent: str) -> tuple[str, str] | None:
        """The nearest layer that closes betting to a player or to an agent's part of the tree: its scope and subject."""
        if self.closed_by("player", player):
            return "player", player
        for node in self.tree.chain(agent) if "agent" in self.subjects else ():
            if self.closed_by("agent", node):
                return "agent", node
        return None


class Suspend(Command, needs=Permission.SUSPEND, streams=("house", "book"), urgent=True):
    """Close betting on a scope until it is reopened. The subject must exist: a slip of the pen would close nothing.

    Closing again what was closed further down makes it this user's layer: those below cannot reopen it any more.

    scope, subject: see `Scope`.
    reason: `quick` if there is no time to say why; then it is owed (see `AddReason`).
    """

    scope: Scope
    subject: str
    reason: Reason


class Suspended(Event, shown_to=Permission.BOARD_VIEW, notice="suspension", told_to_books=True):
    """A layer closes a scope. node: where whoever closed it stands."""

    scope: str
    subject: str
    node: str
    reason: str


class Reopen(Command, needs=Permission.SUSPEND, streams=("house", "book")):
    """Take away exactly the layer that `Suspend` with the same scope and subject has set, unless it was set from above.

    layer_seq: only the layer that was closed at that position (the one that `Suspend` was answered with), and only if nobody had
    closed it before: so a suspension is undone, and nothing else is. 0 for the layer that stands, whichever it is.
    """

    scope: Scope
    subject: str
    reason: Remark = ""
    layer_seq: int = 0


class Reopened(Event, shown_to=Permission.BOARD_VIEW, notice="suspension", told_to_books=True):
    """A layer is gone. Others may still close what it covered."""

    scope: str
    subject: str
    reason: str


class AddReason(Command, needs=Permission.SUSPEND, streams=("house", "book")):
    """Say why something was closed in a hurry (`Suspend` with the reason `quick`).

    scope, subject: of the layer. layer_seq: the position at which it was closed.
    """

    scope: Scope
    subject: str
    layer_seq: int
    reason: Reason


class ReasonAdded(Event, shown_to=Permission.BOARD_VIEW, notice="suspension"):
    """It is known why a layer closes what it closes. layer_seq: the position at which it was closed."""

    scope: str
    subject: str
    layer_seq: int
    reason: str


def room_of(scope: str, node: str) -> tuple[str, str]:
    """Where a layer takes room: in its scope if the staff of the whole stream has set it, else at its node."""
    return (scope, "") if node == ROOT else ("", node)


def require_subject(state: State, command: Suspend | Reopen | AddReason, user: User) -> None:
    if len(command.subject) > 4 * IDENTIFIER_LENGTH_MAX or not command.subject.isprintable():
        raise Rejected("identifier_invalid", "The subject is not an id.")
    if (command.scope == "all") != (command.subject == ""):
        raise Rejected("scope_invalid", "Every scope but `all` names a subject.")
    state.tree.require_scope(user, command.scope, command.subject)


@decides(Suspend)
def suspend(state: State, command: Suspend, context: "Context") -> Suspended | tuple[()]:
    require_subject(state, command, context.user)
    if command.scope == "silence":
        raise Rejected("scope_invalid", "Time closes what a silent feed has posted; to close a feed by hand is `feed`.")
    layer = state.suspensions.layers.get((command.scope, command.subject))
    if layer is not None and state.tree.below(layer.node, context.user.node):
        return ()
    catalog: Catalogued = state.suspensions.catalog or context.view().catalog
    if command.scope not in ("all", "agent", "player") and not catalog.knows_subject(command.scope, command.subject):
        raise Rejected("unknown_subject", f"There is no {command.scope} {command.subject!r}.", subject=command.subject)
    if layer is None and command.scope not in WIDE:
        most = SUSPENSIONS_MAX if context.user.node == ROOT else SUSPENSIONS_PER_NODE_MAX
        if state.suspensions.rooms.get(room_of(command.scope, context.user.node), 0) >= most:
            raise Rejected("too_many", "Too many layers of suspension.", most=most)
    return Suspended(command.scope, command.subject, context.user.node, command.reason)


@evolves(Suspended)
def suspended(state: State, event: Suspended) -> None:
    layer = state.suspensions.layers.get((event.scope, event.subject))
    if layer is None:
        layer = Suspension(event.scope, event.subject, event.reason, state.at_ns, event.node)
        state.suspensions.layers[event.scope, event.subject] = layer
        state.suspensions.order.add((event.scope, event.subject))
        state.suspensions.cover(event.scope, event.subject)
    else:
        state.suspensions.count(layer, -1)
        layer.took_over = True
        layer.reason, layer.since_ns, layer.node = event.reason, state.at_ns, event.node
    layer.layer_seq = state.seq
    state.suspensions.count(layer, 1)
    state.touch(layer)


@decides(Reopen)
def reopen(state: State, command: Reopen, context: "Context") -> Reopened | tuple[()]:
    require_subject(state, command, context.user)
    layer = state.suspensions.layers.get((command.scope, command.subject))
    if layer is None:
        return ()
    if layer.node != context.user.node and state.tree.below(layer.node, context.user.node):
        raise Rejected("not_permitted", "This was closed from above; only there it can be reopened.")
    if command.layer_seq:
        require_layer(layer, command.layer_seq)
        if layer.took_over:
            raise Rejected(
                "layer_changed",
                "Somebody had closed this before; to reopen it is more than to undo.",
                layer_seq=layer.layer_seq,
            )
    return Reopened(command.scope, command.subject, command.reason)


@evolves(Reopened)
def reopened(state: State, event: Reopened) -> None:
    layer = state.suspensions.layers.pop((event.scope, event.subject))
    state.suspensions.count(layer, -1)
    state.drop(layer)
    state.suspensions.uncover(event.scope, event.subject)
    state.suspensions.order.discard((event.scope, event.subject))


def require_layer(layer: Suspension, layer_seq: int) -> None:
    """Refuse another layer than the one that is meant."""
    if layer.layer_seq != layer_seq:
        raise Rejected("layer_changed", "Another layer closes this by now.", layer_seq=layer.layer_seq)


@decides(AddReason)
def add_reason(state: State, command: AddReason, context: "Context") -> ReasonAdded | tuple[()]:
    require_subject(state, command, context.user)
    layer = state.suspensions.layers.get((command.scope, command.subject))
    if layer is None:
        raise Rejected("layer_changed", "Nothing closes this any more.", layer_seq=0)
    if layer.node != context.user.node and state.tree.below(layer.node, context.user.node):
        raise Rejected("not_permitted", "This was closed from above; only there it is said why.")
    require_layer(layer, command.layer_seq)
    if layer.reason == command.reason:
        return ()
    if not layer.owes_reason:
        raise Rejected("reason_given", "It has been said why already.", reason=layer.reason)
    return ReasonAdded(command.scope, command.subject, command.layer_seq, command.reason)


@evolves(ReasonAdded)
def reason_added(state: State, event: ReasonAdded) -> None:
    state.touch(state.suspensions.layers[event.scope, event.subject]).reason = event.reason


@grounds(Suspend)
@grounds(Reopen)
@grounds(AddReason)
def suspension_ground(state: State, command: Suspend | Reopen | AddReason) -> int:
    """The layer itself: others may come and go."""
    return state.moved_seq(Suspension, (command.scope, command.subject))
