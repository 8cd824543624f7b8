"""Permissions: the single functions that operators think in. A role is a list of them."""

from enum import StrEnum


class Permission(StrEnum):
    """What a user may do, within their own subtree of a book (or in the house)."""

    FIGURES_VIEW = "figures_view"
    TICKER_VIEW = "ticker_view"
    BOARD_VIEW = "board_view"
    LOG_VIEW = "log_view"
    TRANSACTION_ENTER = "transaction_enter"
    CREDIT_CHANGE = "credit_change"
    LIMITS_CHANGE = "limits_change"
    PLAYER_CREATE = "player_create"
    AGENT_CREATE = "agent_create"
    AGENT_MOVE = "agent_move"
    WAGER_PLACE = "wager_place"
    WAGER_VOID = "wager_void"
    LINE_MOVE = "line_move"
    SUSPEND = "suspend"
    ROLES_MANAGE = "roles_manage"
    SETTINGS_CHANGE = "settings_change"
    LINES_POST = "lines_post"
    FIXTURES_MANAGE = "fixtures_manage"
    RESULT_ENTER = "result_enter"
    RESULT_CONFIRM = "result_confirm"
    BOOK_OPEN = "book_open"


EVERYTHING = tuple(permission.value for permission in Permission)
"""All permissions, in the order of the enumeration: the owner's role."""

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
