"""Suspension: betting is closed in layers; a thing is open when no layer closes it."""

from runline.simulate.oracle.answers import Event, Refused, refuse_unless
from runline.simulate.oracle.bounds import one_more
from runline.simulate.oracle.official import SPORTS
from runline.simulate.oracle.prices import SIDES
from runline.simulate.oracle.rules import BOTH, REASON, Asked, Moment, command, event, ground, happens
from runline.simulate.oracle.state import ROOT, Book, House, Layer, Market, Stream, User
from runline.simulate.oracle.tree import a_node, a_player, is_below, upwards

SUBJECT_LENGTH = 256
QUICK = "quick"
NARROW = ("fixture", "market", "selection", "player")


def is_stale(house: Stream, market: Market) -> bool:
    """Whether a market's line is of before its feed fell silent."""
    layer = house.layers.get(("silence", market.source))
    return layer is not None and market.seq < layer.seq


def closes(stream: Stream, house: House, market: Market, side: str) -> tuple[str, str] | None:
    """The widest layer of a stream that closes a side of a market to everyone."""
    game = house.games[market.game]
    subjects = {
        "all": "",
        "feed": market.source,
        "silence": market.source,
        "sport": game.sport,
        "league": game.league,
        "fixture": game.name,
        "market": market.name,
        "selection": f"{market.name}/{side}",
        "kind": market.kind,
    }
    for scope, subject in subjects.items():
        if (scope, subject) in stream.layers and (scope != "silence" or is_stale(stream, market)):
            return scope, subject
    return None


def closes_to(book: Book, player: str) -> tuple[str, str] | None:
    """The nearest layer that closes betting to a player: their own, or of an agent above."""
    around = [("player", player), *(("agent", node) for node in upwards(book, book.players[player].agent))]
    return next((place for place in around if place in book.layers), None)


def a_subject(stream: Stream, user: User, scope: str, subject: str) -> None:
    """A scope with its subject, of which the user may close something."""
    refuse_unless(len(subject) <= SUBJECT_LENGTH and subject.isprintable(), "identifier_invalid")
    refuse_unless((scope == "all") == (subject == ""), "scope_invalid")
    if isinstance(stream, Book) and scope == "agent":
        a_node(stream, user, subject)
    elif isinstance(stream, Book) and scope == "player":
        a_player(stream, user, subject)
    else:
        refuse_unless(scope not in ("agent", "player"), "scope_invalid")
        refuse_unless(user.node == ROOT, "not_permitted")


def is_there(house: House, scope: str, subject: str) -> bool:
    """Whether there is such a thing to suspend."""
    if scope in ("all", "agent", "player"):
        return True
    if scope == "selection":
        name, _, side = subject.rpartition("/")
        return name in house.markets and side in SIDES[house.markets[name].kind]
    known = {
        "feed": house.feeds,
        "sport": SPORTS,
        "league": house.leagues,
        "fixture": house.games,
        "market": house.markets,
        "kind": SIDES,
    }
    return subject in known[scope]


def room_for_layer(stream: Stream, user: User, scope: str) -> None:
    """The staff of the whole stream have room for so many layers of a scope, those of a node for so many of all narrow ones."""
    layers = [(one, layer.node) for (one, _), layer in stream.layers.items() if one in NARROW]
    if user.node == ROOT:
        one_more("SUSPENSIONS_MAX", layers.count((scope, ROOT)))
    else:
        one_more("SUSPENSIONS_PER_NODE_MAX", sum(1 for _, node in layers if node == user.node))


@command("Suspend", needs="suspend", streams=BOTH, urgent=True, reasons=REASON)
def suspend(stream: Stream, asked: Asked, moment: Moment) -> list[Event]:
    a_subject(stream, moment.user, asked.scope, asked.subject)
    refuse_unless(asked.scope != "silence", "scope_invalid")
    layer = stream.layers.get((asked.scope, asked.subject))
    if layer and is_below(stream, layer.node, moment.user.node):
        return []
    refuse_unless(is_there(moment.house, asked.scope, asked.subject), "unknown_subject", subject=asked.subject)
    if layer is None and asked.scope in NARROW:
        room_for_layer(stream, moment.user, asked.scope)
    fields = {"scope": asked.scope, "subject": asked.subject, "node": moment.user.node, "reason": asked.reason}
    return [happens("Suspended", **fields)]


@event("Suspended")
def suspended(stream: Stream, at: Asked) -> None:
    took_over = (at.scope, at.subject) in stream.layers
    stream.layers[at.scope, at.subject] = Layer(at.node, stream.seq, stream.at_ns, at.reason, took_over)
    stream.touch("layer", (at.scope, at.subject))


@command("Reopen", needs="suspend", streams=BOTH, remarks=REASON)
def reopen(stream: Stream, asked: Asked, moment: Moment) -> list[Event]:
    a_subject(stream, moment.user, asked.scope, asked.subject)
    layer = stream.layers.get((asked.scope, asked.subject))
    if layer is None:
        return []
    not_from_above(stream, layer, moment)
    if asked.layer_seq and (asked.layer_seq != layer.seq or layer.took_over):
        raise Refused("layer_changed", layer_seq=layer.seq)
    return [happens("Reopened", scope=asked.scope, subject=asked.subject, reason=asked.reason)]


def not_from_above(stream: Stream, layer: Layer, moment: Moment) -> None:
    """What was closed from above is left alone."""
    if layer.node != moment.user.node and is_below(stream, layer.node, moment.user.node):
        raise Refused("not_permitted")


@command("AddReason", needs="suspend", streams=BOTH, reasons=REASON)
def add_reason(stream: Stream, asked: Asked, moment: Moment) -> list[Event]:
    a_subject(stream, moment.user, asked.scope, asked.subject)
    layer = stream.layers.get((asked.scope, asked.subject))
    if layer is None:
        raise Refused("layer_changed", layer_seq=0)
    not_from_above(stream, layer, moment)
    refuse_unless(asked.layer_seq == layer.seq, "layer_changed", layer_seq=layer.seq)
    if asked.reason == layer.reason:
        return []
    refuse_unless(layer.reason == QUICK, "reason_given", reason=layer.reason)
    fields = {"scope": asked.scope, "subject": asked.subject, "layer_seq": layer.seq, "reason": asked.reason}
    return [happens("ReasonAdded", **fields)]


@event("ReasonAdded")
def reason_added(stream: Stream, at: Asked) -> None:
    stream.layers[at.scope, at.subject].reason = at.reason
    stream.touch("layer", (at.scope, at.subject))


@event("Reopened")
def reopened(stream: Stream, at: Asked) -> None:
    del stream.layers[at.scope, at.subject]
    stream.touch("layer", (at.scope, at.subject))


@ground("Suspend", "Reopen", "AddReason")
def layer_ground(stream: Stream, asked: Asked) -> int:
    return stream.when_moved("layer", (asked.scope, asked.subject))
