"""Cluster: what the house's staff wants of the nodes that serve it: a stream at another node, a stream kept at one, a node
emptied.

Rule: it is wanted here, and done by the nodes. What is wanted stands until whoever owns the house has told it to all nodes, which
is an event as well. So nothing of it is lost with a node, and the log says who wanted it, and why.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

import msgspec

from runline.domain.bounds import WISHES_MAX
from runline.domain.house import BookListing
from runline.domain.identifiers import Reason
from runline.domain.messages import HOUSE, Command, Event, Rejected, decides, evolves, grounds
from runline.domain.permissions import Permission
from runline.domain.queries.declared import Asked, Query
from runline.domain.state import Part, Row, State

if TYPE_CHECKING:
    from runline.domain.context import Context
    from runline.domain.house import House

What = Literal["move", "pin", "drain", "fill"]
"""move: a stream goes to a node, once. pin: it goes there whenever that node is there; without a node it may be anywhere. drain:
a node gives away its streams, and takes none. fill: it takes some again."""


class Wish(Row, table="cluster_wishes"):
    """What is wanted, and not told to the nodes yet; the last of each subject.

    subject: `stream b1`, `node n1`. cluster_node: where a stream is wanted.
    """

    subject: str
    wanted: str
    cluster_node: str
    changed_seq: int = 0

    @property
    def name(self) -> str:
        """Of the stream, or the node."""
        return self.subject.partition(" ")[2]


class Wishes(Part, named="wishes", streams=("house",), keeps={Wish: "by_subject"}):
    """What the nodes are to be told."""

    __slots__ = ("by_subject",)

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self.by_subject: dict[str, Wish] = {}

    def want(self, subject: str, wanted: What, cluster_node: str) -> None:
        """It is wanted from now on; what was wanted of the same before is not."""
        wish = self.by_subject.get(subject)
        if wish is None:
            wish = self.by_subject[subject] = Wish(subject, wanted, cluster_node)
        wish.wanted, wish.cluster_node = wanted, cluster_node
        self.state.touch(wish)


def of_stream(stream: str) -> str:
    """The subject of what is wanted of a stream."""
    return f"stream {stream}"


def of_node(name: str) -> str:
    """The subject of what is wanted of a node."""
    return f"node {name}"


class MoveStream(Command, needs=Permission.CLUSTER_CHANGE, streams=("house",)):
    """Have a stream go to a node, once. Its owner hands it over: nobody who sends it something hears of that. It may go on from
    there where loads are shared out, and is pinned nowhere else any more.

    stream: a book, or `house`.
    """

    stream: str
    cluster_node: str
    reason: Reason


class StreamMoveAsked(Event):
    """A stream is to go to a node."""

    stream: str
    cluster_node: str
    reason: str


class PinStream(Command, needs=Permission.CLUSTER_CHANGE, streams=("house",)):
    """Keep a stream at a node: it goes there, and comes back there whenever that node has been away.

    stream: a book, or `house`. cluster_node: the node; without one the stream may be anywhere again.
    """

    stream: str
    reason: Reason
    cluster_node: str = ""


class StreamPinAsked(Event):
    """A stream is to be kept at a node, or (without one) anywhere.

    cluster_node: the node, empty for anywhere.
    """

    stream: str
    cluster_node: str
    reason: str


class DrainNode(Command, needs=Permission.CLUSTER_CHANGE, streams=("house",)):
    """Have a node give away all its streams and take none, as before it is stopped for long; or take some again.

    off: whether it takes streams again. (It also does when it is started anew.)
    """

    cluster_node: str
    reason: Reason
    off: bool = False


class NodeDrainAsked(Event):
    """A node is to give away its streams, or to take some again.

    off: whether it takes streams again.
    """

    cluster_node: str
    off: bool
    reason: str


class NoteToldNodes(Command, sender="gateway", streams=("house",)):
    """The nodes were told what is wanted (the node that owns the house sends it).

    asked_seq: the position at which it was asked for.
    """

    subject: str
    asked_seq: int


class NodesTold(Event):
    """The nodes were told what is wanted, and do it.

    subject: of what it is wanted: `stream b1`, `node n1`. asked_seq: the position at which it was asked for.
    """

    subject: str
    asked_seq: int


def require_cluster(context: "Context") -> None:
    """There are nodes of which something can be wanted. Raises Rejected `no_cluster`."""
    if context.neighbours.taking is None:
        raise no_cluster()


def no_cluster() -> Rejected:
    """The refusal of a process that shares its streams with no other."""
    return Rejected("no_cluster", "This is a server of one process: it has no nodes.")


def require_stream(house: "House", stream: str) -> None:
    """There is such a stream. Raises Rejected `unknown_book`."""
    if stream != HOUSE and stream not in house.books.by_name:
        raise Rejected("unknown_book", "There is no such book.", book=stream)


def require_taking(house: "House", context: "Context", name: str) -> None:
    """A node is there, and takes streams. Raises Rejected `unknown_node`, `node_drains`, `unavailable`."""
    if not takes(house, require_node(context, name), name):
        raise Rejected("node_drains", f"The node {name} drains, and takes nothing.", cluster_node=name)


def require_node(context: "Context", name: str) -> Mapping[str, bool]:
    """A node is there; returns all that are. Raises Rejected `unknown_node`, `unavailable`."""
    taking = context.neighbours.taking
    if not taking:
        raise Rejected("unavailable", "It is not known yet which nodes there are.")
    if name not in taking:
        raise Rejected("unknown_node", f"No node {name[:64]!r} is there.", cluster_node=name)
    return taking


def takes(house: "House", taking: Mapping[str, bool], name: str) -> bool:
    """Whether a node that is there takes streams, once it was told all that is wanted."""
    wish = house.part(Wishes).by_subject.get(of_node(name))
    return taking[name] if wish is None else wish.wanted == "fill"


def require_room(house: "House", subject: str) -> None:
    """The nodes can be told one thing more. Raises Rejected `too_many`."""
    wishes = house.part(Wishes).by_subject
    if subject not in wishes and len(wishes) >= WISHES_MAX:
        raise Rejected("too_many", "As much is wanted of the nodes as can be.", most=WISHES_MAX)


@decides(MoveStream)
def move_stream(house: "House", command: MoveStream, context: "Context") -> StreamMoveAsked:
    require_cluster(context)
    require_stream(house, command.stream)
    require_taking(house, context, command.cluster_node)
    require_room(house, of_stream(command.stream))
    return StreamMoveAsked(command.stream, command.cluster_node, command.reason)


@evolves(StreamMoveAsked)
def stream_move_asked(house: "House", event: StreamMoveAsked) -> None:
    house.part(Wishes).want(of_stream(event.stream), "move", event.cluster_node)


@decides(PinStream)
def pin_stream(house: "House", command: PinStream, context: "Context") -> StreamPinAsked:
    require_cluster(context)
    require_stream(house, command.stream)
    if command.cluster_node:
        require_taking(house, context, command.cluster_node)
    require_room(house, of_stream(command.stream))
    return StreamPinAsked(command.stream, command.cluster_node, command.reason)


@evolves(StreamPinAsked)
def stream_pin_asked(house: "House", event: StreamPinAsked) -> None:
    house.part(Wishes).want(of_stream(event.stream), "pin", event.cluster_node)


@decides(DrainNode)
def drain_node(house: "House", command: DrainNode, context: "Context") -> NodeDrainAsked:
    require_cluster(context)
    there = require_node(context, command.cluster_node)
    if not command.off and not any(takes(house, there, name) for name in there if name != command.cluster_node):
        raise Rejected("no_other_node", f"No other node takes the streams of {command.cluster_node}.")
    require_room(house, of_node(command.cluster_node))
    return NodeDrainAsked(command.cluster_node, command.off, command.reason)


@evolves(NodeDrainAsked)
def node_drain_asked(house: "House", event: NodeDrainAsked) -> None:
    house.part(Wishes).want(of_node(event.cluster_node), "fill" if event.off else "drain", "")


@decides(NoteToldNodes)
def note_told_nodes(house: "House", command: NoteToldNodes, context: "Context") -> NodesTold | tuple[()]:
    wish = house.part(Wishes).by_subject.get(command.subject)
    if wish is None or wish.changed_seq != command.asked_seq:
        return ()
    return NodesTold(command.subject, command.asked_seq)


@evolves(NodesTold)
def nodes_told(house: "House", event: NodesTold) -> None:
    house.drop(house.part(Wishes).by_subject.pop(event.subject))


@grounds(MoveStream)
@grounds(PinStream)
def wished_ground(house: "House", command: MoveStream | PinStream) -> int:
    """Whether there is such a book. (Where streams are, no log says.)"""
    return house.moved_seq(BookListing, command.stream)


@grounds(DrainNode)
def drained_ground(house: "House", command: DrainNode) -> int:
    """None: which nodes there are no log says."""
    return 0


class ClusterRow(msgspec.Struct):
    """A node.

    cluster_node: its name. state: `there`; `suspected` (its lease should have been renewed); `silent` (for so long that its
    streams go to others); `gone`. age_ms: since its lease was renewed. coordinates: whether it is the one that assigns streams.
    draining: whether it gives away its streams and takes none. address: where other nodes reach it. version: of Runline. cpu_ppm:
    what its process uses, in millionths of a core. streams: how many it has. conditions: what is not well there, in sentences.
    """

    cluster_node: str
    state: str
    age_ms: int
    coordinates: bool
    draining: bool
    address: str
    version: str
    cpu_ppm: int
    streams: int
    conditions: list[str]


class ClusterAsked(Asked[ClusterRow], frozen=True, kw_only=True):
    """Nothing else."""


class ClusterStreamRow(msgspec.Struct):
    """A stream, and whose it is.

    cluster_node: the node that owns it, empty while none does. taken: whether that has taken it. epoch: how often it was claimed.
    to: the node to which it is being handed over, or empty. pinned: the node at which it is kept, or empty. cpu_ppm: what it
    costs, in millionths of a core. rows: of it that are in memory.
    """

    stream: str
    cluster_node: str
    taken: bool
    epoch: int
    to: str
    pinned: str
    cpu_ppm: int
    rows: int


class ClusterStreamsAsked(Asked[ClusterStreamRow], frozen=True, kw_only=True):
    """cluster_node: only the streams of this node."""

    cluster_node: str = ""


DECLARED = (
    Query(
        "cluster",
        "The nodes: who is there, how long ago its lease was renewed, what it costs. Any node answers.",
        Permission.CLUSTER_VIEW,
        False,
        ("house",),
        ClusterAsked,
        ClusterRow,
        False,
        None,
        of_cluster=True,
    ),
    Query(
        "cluster_streams",
        "The streams: which node owns each, where it goes, where it is kept. Any node answers.",
        Permission.CLUSTER_VIEW,
        False,
        ("house",),
        ClusterStreamsAsked,
        ClusterStreamRow,
        False,
        None,
        of_cluster=True,
    ),
)
