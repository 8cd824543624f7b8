"""Cluster: what the house's staff wants of the nodes, until the nodes were told.

Which nodes are there no log says: whoever judges says what was known of them, or that it may have been anything.
"""

from runline.simulate.oracle.answers import Event, Refused, refuse_unless
from runline.simulate.oracle.bounds import one_more
from runline.simulate.oracle.rules import IN_HOUSE, REASON, Asked, Moment, command, event, ground, happens
from runline.simulate.oracle.state import HOUSE, House


class Anybody(dict[str, bool]):
    """Nodes of which it is not known which there are: any may be."""

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: str) -> bool:
        return True


def a_cluster(moment: Moment) -> dict[str, bool]:
    """There are nodes."""
    if moment.nodes is None:
        raise Refused("no_cluster")
    return moment.nodes


def a_stream(house: House, name: str) -> None:
    refuse_unless(name == HOUSE or name in house.opened, "unknown_book", book=name)


def takes(house: House, nodes: dict[str, bool], name: str) -> bool:
    """Whether a node that is there takes streams, once it was told all that is wanted."""
    wished = house.wishes.get(f"node {name}")
    return nodes[name] if wished is None else wished[0] == "fill"


def a_node(moment: Moment, name: str) -> dict[str, bool]:
    """A node is there; returns all that are."""
    nodes = a_cluster(moment)
    refuse_unless(bool(nodes) or isinstance(nodes, Anybody), "unavailable")
    refuse_unless(name in nodes, "unknown_node", cluster_node=name)
    return nodes


def a_taker(house: House, moment: Moment, name: str) -> None:
    nodes = a_node(moment, name)
    refuse_unless(takes(house, nodes, name), "node_drains", cluster_node=name)


def room_for(house: House, subject: str) -> None:
    if subject not in house.wishes:
        one_more("WISHES_MAX", len(house.wishes))


@command("MoveStream", needs="cluster_change", streams=IN_HOUSE, reasons=REASON)
def move_stream(house: House, asked: Asked, moment: Moment) -> list[Event]:
    a_cluster(moment)
    a_stream(house, asked.stream)
    a_taker(house, moment, asked.cluster_node)
    room_for(house, f"stream {asked.stream}")
    return [happens("StreamMoveAsked", stream=asked.stream, cluster_node=asked.cluster_node, reason=asked.reason)]


@command("PinStream", needs="cluster_change", streams=IN_HOUSE, reasons=REASON)
def pin_stream(house: House, asked: Asked, moment: Moment) -> list[Event]:
    a_cluster(moment)
    a_stream(house, asked.stream)
    if asked.cluster_node:
        a_taker(house, moment, asked.cluster_node)
    room_for(house, f"stream {asked.stream}")
    return [happens("StreamPinAsked", stream=asked.stream, cluster_node=asked.cluster_node, reason=asked.reason)]


@command("DrainNode", needs="cluster_change", streams=IN_HOUSE, reasons=REASON)
def drain_node(house: House, asked: Asked, moment: Moment) -> list[Event]:
    name = asked.cluster_node
    nodes = a_node(moment, name)
    others = [one for one in nodes if one != name and takes(house, nodes, one)]
    refuse_unless(bool(asked.off or others or isinstance(nodes, Anybody)), "no_other_node")
    room_for(house, f"node {name}")
    return [happens("NodeDrainAsked", cluster_node=name, off=asked.off, reason=asked.reason)]


def wish(house: House, subject: str, wanted: str, node: str) -> None:
    house.wishes[subject] = (wanted, node, house.seq)


@event("StreamMoveAsked")
def stream_move_asked(house: House, at: Asked) -> None:
    wish(house, f"stream {at.stream}", "move", at.cluster_node)


@event("StreamPinAsked")
def stream_pin_asked(house: House, at: Asked) -> None:
    wish(house, f"stream {at.stream}", "pin", at.cluster_node)


@event("NodeDrainAsked")
def node_drain_asked(house: House, at: Asked) -> None:
    wish(house, f"node {at.cluster_node}", "fill" if at.off else "drain", "")


@command("NoteToldNodes", sender="gateway", streams=IN_HOUSE)
def note_told_nodes(house: House, asked: Asked, moment: Moment) -> list[Event]:
    wished = house.wishes.get(asked.subject)
    if wished is None or wished[2] != asked.asked_seq:
        return []
    return [happens("NodesTold", subject=asked.subject, asked_seq=asked.asked_seq)]


@event("NodesTold")
def nodes_told(house: House, at: Asked) -> None:
    del house.wishes[at.subject]


@ground("MoveStream", "PinStream")
def of_a_book(house: House, asked: Asked) -> int:
    return house.when_moved("book", asked.stream)


@ground("DrainNode")
def of_nothing(house: House, asked: Asked) -> int:
    return 0
