"""Queries: what can be asked for, and the rows that come back. (Written by `tools/client.py`.)"""

from runline.domain.cluster import ClusterAsked, ClusterRow, ClusterStreamRow, ClusterStreamsAsked
from runline.domain.grading import Score
from runline.domain.guard import GuardAsked, GuardRow
from runline.domain.held import HeldAsked, HeldRow
from runline.domain.large_wagers import LargeWagerRow, LargeWagersAsked
from runline.domain.ledger import Movement
from runline.domain.official import Window
from runline.domain.outcomes import Case
from runline.domain.prices import Prices
from runline.domain.queries.finding import FindAsked, Hit
from runline.domain.queries.history import LogAsked, LogRow, RefusalRow, RefusalsAsked, TraceAsked, TraceRow
from runline.domain.queries.leagues import (
    AwaitingAsked,
    AwaitingRow,
    LateGameRow,
    LateGamesAsked,
    LayoutRow,
    LayoutsAsked,
    LeagueRuleRow,
    LeagueRulesAsked,
    WindowRow,
)
from runline.domain.queries.line_history import LineHistoryAsked, LineRow
from runline.domain.queries.lives import LifeRow, WagerLifeAsked
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
from runline.domain.queries.standings import Account, AccountsAsked, MarketRisk, RiskAsked
from runline.domain.queries.wagers import LedgerAsked, LegRow, WagerRow, WagersAsked, WagerTotal, WagerTotalsAsked
from runline.domain.queries.what_if import BookMoney, MarketMoney, ResultMoneyAsked, WhatIfAsked
from runline.domain.roles import PermissionRow, PermissionsAsked
from runline.domain.shown import AgentFigures, BoardDeparture, BoardFixture, BoardMarket, Exposure, PlayerFigures

__all__ = [
    "Account",
    "AccountsAsked",
    "AgentFigures",
    "AwaitingAsked",
    "AwaitingRow",
    "BoardAsked",
    "BoardDeparture",
    "BoardFixture",
    "BoardMarket",
    "BookMoney",
    "BookRow",
    "BooksAsked",
    "Case",
    "ClusterAsked",
    "ClusterRow",
    "ClusterStreamRow",
    "ClusterStreamsAsked",
    "ConditionRow",
    "ConditionsAsked",
    "Exposure",
    "ExposureAsked",
    "FiguresAsked",
    "FindAsked",
    "GuardAsked",
    "GuardRow",
    "HeldAsked",
    "HeldRow",
    "Hit",
    "LargeWagerRow",
    "LargeWagersAsked",
    "LateGameRow",
    "LateGamesAsked",
    "LayoutRow",
    "LayoutsAsked",
    "LeagueRuleRow",
    "LeagueRulesAsked",
    "LedgerAsked",
    "LegRow",
    "LifeRow",
    "LineHistoryAsked",
    "LineRow",
    "LogAsked",
    "LogRow",
    "MarketMoney",
    "MarketRisk",
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
    "ResultMoneyAsked",
    "ResultRow",
    "ResultsAsked",
    "RiskAsked",
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
    "WagerLifeAsked",
    "WagerRow",
    "WagerTotal",
    "WagerTotalsAsked",
    "WagersAsked",
    "WhatIfAsked",
    "Window",
    "WindowRow",
]
