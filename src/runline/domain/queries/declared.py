"""Declared: what a query is, what is asked for with every one, and what every one is answered with."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import msgspec

from runline.domain.access import User
from runline.domain.audience import Audience
from runline.domain.house import House
from runline.domain.messages import Rejected, declares, lacking
from runline.domain.permissions import Permission, StreamKind
from runline.domain.queries.bounds import PAGE_ROWS, PAGE_ROWS_MAX

R = TypeVar("R")


class Asked(msgspec.Struct, Generic[R], frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What every query takes. Each query has a type of its own, `Asked[its row]`: so whoever asks knows what comes back.

    after: where the page before has ended (its `next`). limit: rows of a page, at least one.
    """

    after: str = ""
    limit: int = PAGE_ROWS

    def __post_init__(self) -> None:
        if self.limit < 1:
            raise ValueError("a page has at least one row")


class Page(msgspec.Struct):
    """Rows, and where the next page begins; "" after the last row."""

    items: list[Any]
    next: str = ""


Shown = Callable[[Any, House, User, Audience, Any, int], Page]


class Query(msgspec.Struct, frozen=True):
    """A declared query.

    needs: the permission, None for everyone who is signed in. players: whether a player may ask it about their own account
    without that permission. history: read from a snapshot of what is stored; `show` is then None. of_process: about the process
    that owns the stream; who may ask is looked up in what is stored, so that it is answered while the stream is stopped.
    of_cluster: about all processes that share the streams, answered by any of them, whoever owns the stream; who may ask is
    looked up likewise. rows_max: rows of its largest page.
    """

    name: str
    about: str
    needs: Permission | None
    players: bool
    streams: tuple[StreamKind, ...]
    asked: type[Asked[Any]]
    row: type
    history: bool
    show: Shown | None
    of_process: bool = False
    rows_max: int = PAGE_ROWS_MAX
    of_cluster: bool = False


def query(
    name: str,
    *,
    needs: Permission | None,
    asked: type[Asked[R]],
    row: type[R],
    players: bool = False,
    streams: tuple[StreamKind, ...] = ("book",),
    rows_max: int = PAGE_ROWS_MAX,
) -> Callable[[Shown], Shown]:
    """Declare a query of the moment: (state, house view, user, audience, asked, now_ns) -> Page."""

    def declare(show: Shown) -> Shown:
        about = (show.__doc__ or "").strip()
        asks = Query(name, about, needs, players, streams, asked, row, False, show, rows_max=rows_max)
        return declares("shows", asks)(show)

    return declare


def require(query: Query, kind: StreamKind, audience: Audience) -> None:
    """Refuse who may not ask. Raises Rejected `wrong_stream`, `not_permitted`."""
    if kind not in query.streams:
        raise Rejected("wrong_stream", "This can be asked elsewhere only.")
    if query.needs is None or audience.may(query.needs) or (query.players and audience.player):
        return
    raise lacking(query.needs)
