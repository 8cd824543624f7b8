"""Permissions: the single functions that operators think in. A role is a list of them.

Rule: a permission is of the house, of a book, or of both, as what needs it is; a role holds those of its stream only.
"""

from enum import StrEnum
from functools import cache
from typing import Literal, Self

StreamKind = Literal["house", "book"]
"""The two kinds of stream."""


class Permission(StrEnum):
    """What a user may do, within their own subtree of a book (or in the house). streams: in which kinds of stream; where none is
    named, in both."""

    _value_: str
    streams: tuple[StreamKind, ...]

    def __new__(cls, value: str, *streams: StreamKind) -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.streams = streams or ("house", "book")
        return member

    FIGURES_VIEW = "figures_view"
    TICKER_VIEW = "ticker_view", "book"
    BOARD_VIEW = "board_view"
    LOG_VIEW = "log_view"
    TRANSACTION_ENTER = "transaction_enter", "book"
    CREDIT_CHANGE = "credit_change", "book"
    LIMITS_CHANGE = "limits_change", "book"
    PLAYER_CREATE = "player_create", "book"
    AGENT_CREATE = "agent_create", "book"
    AGENT_MOVE = "agent_move", "book"
    WAGER_PLACE = "wager_place", "book"
    WAGER_VOID = "wager_void", "book"
    LINE_MOVE = "line_move", "book"
    SUSPEND = "suspend"
    ROLES_MANAGE = "roles_manage"
    SETTINGS_CHANGE = "settings_change"
    LINES_POST = "lines_post", "house"
    FIXTURES_MANAGE = "fixtures_manage", "house"
    RESULT_ENTER = "result_enter", "house"
    RESULT_CONFIRM = "result_confirm", "house"
    BOOK_OPEN = "book_open", "house"
    CLUSTER_VIEW = "cluster_view", "house"
    CLUSTER_CHANGE = "cluster_change", "house"


@cache
def permissions_of(kind: StreamKind) -> tuple[str, ...]:
    """All permissions of a kind of stream, in the order of the enumeration: the owner's role."""
    return tuple(permission.value for permission in Permission if kind in permission.streams)


VIEW_ONLY = (Permission.FIGURES_VIEW.value, Permission.TICKER_VIEW.value, Permission.BOARD_VIEW.value)
"""What a new sub-agent starts with."""

PLAYER_MAY = (Permission.BOARD_VIEW.value, Permission.WAGER_PLACE.value)
"""What a player may do, with their own account only."""

FEED_MAY = (
    Permission.LINES_POST.value,
    Permission.FIXTURES_MANAGE.value,
    Permission.RESULT_ENTER.value,
    Permission.RESULT_CONFIRM.value,
)
"""What a feed of lines and results may do in the house."""
