"""Asking: who may ask what, what they may see, and how rows become a page.

Rule: whoever asks is shown their own part of the tree and nothing else; what they may not ask is refused before anything is read.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from runline.simulate.oracle.answers import Refusal, Refused, refuse_unless
from runline.simulate.oracle.people import may
from runline.simulate.oracle.rules import Asked
from runline.simulate.oracle.sessions import a_session, over_ns
from runline.simulate.oracle.state import ROOT, Book, House, Session, Stream, User
from runline.simulate.oracle.tree import is_below

if TYPE_CHECKING:
    from runline.simulate.oracle.model import Model

ROWS_MOST = 1_000


class Page(NamedTuple):
    """Rows, and where the next page begins; "" after the last row."""

    items: list[Any]
    next: str = ""


@dataclass
class Reader:
    """Who asks, at which node they look, and what they may."""

    user: User
    node: str
    may: tuple[str, ...]

    @property
    def player(self) -> str:
        """Their account, "" for staff."""
        return self.user.player


Show = Callable[[Any, House, Reader, Asked, int], Page]
"""(stream, house, reader, what is asked for, the time) -> the page."""

S = TypeVar("S", bound=Show)


@dataclass
class Query:
    """Who may ask a query. players: they may, about their own account, without the permission. show: None where rows are not the
    model's. most: rows of the largest page."""

    needs: str
    streams: tuple[str, ...]
    players: bool = False
    most: int = ROWS_MOST
    show: Show | None = None


@dataclass
class Question:
    """A question, and as of when it was read.

    session: who asks. fields: all that is asked for, with their defaults. seq: the position of its stream; house_seq: that of the
    house as it was seen there. at_ns: the time by which the session was judged; now_ns: that by which rows are shown.
    """

    stream: str
    name: str
    session: str
    fields: dict[str, Any] = field(default_factory=dict)
    seq: int = 0
    house_seq: int = 0
    at_ns: int = 0
    now_ns: int = 0


QUERIES: dict[str, Query] = {
    "wagers": Query("ticker_view", ("book",), players=True),
    "wager_totals": Query("ticker_view", ("book",), players=True),
    "ledger": Query("figures_view", ("book",), players=True),
    "wager_life": Query("ticker_view", ("book",), players=True),
    "what_if": Query("figures_view", ("book",)),
    "result_money": Query("figures_view", ("house",), most=20),
    "line_history": Query("line_move", ("book",)),
    "accounts": Query("figures_view", ("book",)),
    "risk": Query("figures_view", ("book",)),
    "find": Query("", ("house", "book"), most=20),
    "log": Query("log_view", ("house", "book")),
    "refusals": Query("log_view", ("house", "book")),
    "trace": Query("log_view", ("house", "book")),
    "conditions": Query("figures_view", ("house", "book")),
    "cluster": Query("cluster_view", ("house",)),
    "cluster_streams": Query("cluster_view", ("house",)),
}
"""All queries. Of these here the rows are those of the log and the disk, of the process, or of the registry."""


def page(
    name: str, needs: str, streams: tuple[str, ...] = ("book",), *, players: bool = False, most: int = ROWS_MOST
) -> Callable[[S], S]:
    """Say what a query shows."""

    def enter(show: S) -> S:
        assert name not in QUERIES
        QUERIES[name] = Query(needs, streams, players, most, show)
        return show

    return enter


def reader_now(stream: Stream, session: str, at_ns: int) -> Reader:
    """Who asks in a session that goes on. Raises Refused."""
    held = stream.sessions.get(session)
    if held is None:
        raise Refused("not_signed_in")
    user = stream.users.get(held.user)
    if user is None or not user.active:
        raise Refused("not_permitted")
    a_session(stream, session, user, at_ns)
    return Reader(user, user.node, may(stream, user))


def reader_later(stream: Stream, session: str, now_ns: int) -> Reader:
    """The same, once the disk is looked at. Raises Refused."""
    held: Session | None = stream.sessions.get(session)
    if held is None or over_ns(held) <= now_ns:
        raise Refused("signed_out")
    user = stream.users.get(held.user)
    if user is None or not user.active:
        raise Refused("not_permitted")
    return Reader(user, user.node, may(stream, user))


def may_ask(stream: Stream, reader: Reader, name: str) -> None:
    """Refuse who may not ask. Raises Refused."""
    query = QUERIES[name]
    refuse_unless(stream.kind in query.streams, "wrong_stream")
    if query.needs and query.needs not in reader.may and not (query.players and reader.player):
        raise Refused("not_permitted", permission=query.needs)


def shown(model: "Model", asked: Question, *, whole: bool = True) -> Page | Refusal:
    """What a question is answered with, in the state as it is. whole: else only whether it may be asked."""
    stream = model.stream(asked.stream)
    try:
        reader = reader_now(stream, asked.session, asked.at_ns)
        may_ask(stream, reader, asked.name)
        query = QUERIES[asked.name]
        if query.show is None or not whole:
            return Page([])
        house = stream if isinstance(stream, House) else model.view(asked.house_seq)
        fields = {**asked.fields, "limit": min(asked.fields["limit"], query.most)}
        return query.show(stream, house, reader, Asked(fields), asked.now_ns)
    except Refused as refused:
        return refused.refusal


# How rows become a page


def cut(rows: Sequence[tuple[Any, Any]], limit: int, text: Callable[[Any], str] = str) -> Page:
    """The first of some rows, each with its key. text: how `next` names a key."""
    last = text(rows[limit - 1][0]) if len(rows) > limit else ""
    return Page([row for _, row in rows[:limit]], last)


def nodes_in_order(stream: Stream, top: str) -> list[str]:
    """The nodes of a subtree, each before those below it, by name where they are beside each other."""
    if not isinstance(stream, Book):
        return [ROOT]
    below = sorted(name for name, parent in stream.parents.items() if parent == top)
    return [top, *(node for child in below for node in nodes_in_order(stream, child))]


def by_node(
    stream: Stream,
    top: str,
    asked: Asked,
    keys: Iterable[tuple[str, Any]],
    row: Callable[[Any], Any],
    key: Callable[[str], Any] = str,
    text: Callable[[Any], str] = str,
) -> Page:
    """A page of what stands at the nodes of a subtree, in the order of the tree. keys: (node, key) of all that there is."""
    start, _, after = asked.after.partition("/")
    nodes = nodes_in_order(stream, top)
    if start and start not in nodes:
        return Page([])
    first = nodes.index(start) if start else 0
    rows = [
        ((nodes.index(node), one), row(one))
        for node, one in keys
        if is_below(stream, top, node)
        and nodes.index(node) >= first
        and not (after and nodes.index(node) == first and one <= key(after))
    ]
    return cut(sorted(rows, key=lambda one: one[0]), asked.limit, lambda one: f"{nodes[one[0]]}/{text(one[1])}")
