"""Queries: what can be asked for, and the rows that come back. (Written by `tools/client.py`.)"""

from runline.domain.grading import Score
from runline.domain.guard import GuardAsked, GuardRow
from runline.domain.held import HeldAsked, HeldRow
from runline.domain.ledger import Movement
from runline.domain.official import Window
from runline.domain.outcomes import Case
from runline.domain.prices import Prices
from runline.domain.queries.history import (
    LedgerAsked,
    LegRow,
    LogAsked,
    LogRow,
    RefusalRow,
    RefusalsAsked,
    TraceAsked,
    TraceRow,
    WagerRow,
    WagersAsked,
)
from runline.domain.queries.leagues import LateGameRow, LateGamesAsked, LeagueRuleRow, LeagueRulesAsked, WindowRow
from runline.domain.queries.moment import (
    BoardAsked,
    BookRow,
    BooksAsked,
    ExposureAsked,
    FiguresAsked,
    Me,
    MeAsked,
    PlayersAsked,
    ResultRow,
    ResultsAsked,
    RoleRow,
    RolesAsked,
    SessionRow,
    SessionsAsked,
    SuspensionRow,
    SuspensionsAsked,
    UserRow,
    UsersAsked,
)
from runline.domain.queries.process import ConditionRow, ConditionsAsked
from runline.domain.roles import PermissionRow, PermissionsAsked
from runline.domain.shown import AgentFigures, BoardDeparture, BoardFixture, BoardMarket, Exposure, PlayerFigures

__all__ = [
    "AgentFigures",
    "BoardAsked",
    "BoardDeparture",
    "BoardFixture",
    "BoardMarket",
    "BookRow",
    "BooksAsked",
    "Case",
    "ConditionRow",
    "ConditionsAsked",
    "Exposure",
    "ExposureAsked",
    "FiguresAsked",
    "GuardAsked",
    "GuardRow",
    "HeldAsked",
    "HeldRow",
    "LateGameRow",
    "LateGamesAsked",
    "LeagueRuleRow",
    "LeagueRulesAsked",
    "LedgerAsked",
    "LegRow",
    "LogAsked",
    "LogRow",
    "Me",
    "MeAsked",
    "Movement",
    "PermissionRow",
    "PermissionsAsked",
    "PlayerFigures",
    "PlayersAsked",
    "Prices",
    "RefusalRow",
    "RefusalsAsked",
    "ResultRow",
    "ResultsAsked",
    "RoleRow",
    "RolesAsked",
    "Score",
    "SessionRow",
    "SessionsAsked",
    "SuspensionRow",
    "SuspensionsAsked",
    "TraceAsked",
    "TraceRow",
    "UserRow",
    "UsersAsked",
    "WagerRow",
    "WagersAsked",
    "Window",
    "WindowRow",
]
